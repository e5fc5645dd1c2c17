//! Between [`Value`] trees and the generated structs. The generated code is small because the work is here.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

pub use futures_util::future::BoxFuture;

use crate::document::Document;
use crate::error::{DecodeError, DecodeReason, ServiceError};
use crate::rules::Refusal;
use crate::service::OperationShape;
use crate::shape::Shape;
use crate::stream::ByteStream;
use crate::value::Value;

/// A Rust type that a [`Value`] can be turned into and made of.
pub trait Typed: Sized {
    /// Takes what `value` holds.
    ///
    /// # Errors
    /// If `value` is of another kind or lacks a required member.
    fn from_value(value: Value) -> Result<Self, DecodeError>;

    /// Gives the tree.
    fn into_value(self) -> Value;

    /// Puts a request's body stream where it belongs; a type without a streaming member drops it.
    fn set_stream(&mut self, _stream: ByteStream) {}

    /// Takes the answer's body stream out; none if the type has no streaming member.
    fn take_stream(&mut self) -> Option<ByteStream> {
        None
    }
}

/// A generated struct, which knows its schema.
pub trait Shaped: Typed {
    /// The schema.
    const SHAPE: &'static Shape;
}

/// A generated operation: a type that ties name, input and output together.
pub trait OperationType: Send + Sync + 'static {
    /// What it takes; `()` if nothing.
    type Input: Typed + Send + 'static;
    /// What it gives; `()` if nothing.
    type Output: Typed + Send + 'static;
    /// The schema.
    const SHAPE: &'static OperationShape;

    /// Whether the caller only asks if the call would be permitted (EC2's `DryRun`).
    fn is_dry_run(_input: &Self::Input) -> bool {
        false
    }
}

/// A request, decoded but not typed.
#[derive(Debug)]
pub struct Decoded {
    /// The input.
    pub value: Value,
    /// The body, if the operation takes a stream.
    pub body: Option<ByteStream>,
}

/// An answer, not yet encoded.
#[derive(Debug)]
pub struct Encoded {
    /// The output.
    pub value: Value,
    /// The body, if the operation gives a stream.
    pub body: Option<ByteStream>,
}

/// Types `request`, has `handle` answer it, and gives the answer as a tree. The heart of every generated dispatch.
pub fn call<'a, O: OperationType>(
    request: Decoded,
    handle: impl FnOnce(O::Input) -> BoxFuture<'a, Result<O::Output, ServiceError>> + Send + 'a,
) -> BoxFuture<'a, Result<Encoded, ServiceError>> {
    let mut input = match O::Input::from_value(request.value) {
        Ok(input) => input,
        // decode_request() has checked the tree against the same schema, so this can only be a fault of ours.
        Err(error) => return Box::pin(std::future::ready(Err(ServiceError::internal(error)))),
    };
    if let Some(body) = request.body {
        input.set_stream(body);
    }
    let answered = handle(input);
    Box::pin(async move {
        let mut output = answered.await?;
        let body = output.take_stream();
        Ok(Encoded { value: output.into_value(), body })
    })
}

/// As [`call`], once the request keeps the rules of its schema; else AWS's list of what is wrong comes back, as the service words it.
pub fn call_checked<'a, O: OperationType>(
    refusal: Refusal,
    request: Decoded,
    handle: impl FnOnce(O::Input) -> BoxFuture<'a, Result<O::Output, ServiceError>> + Send + 'a,
) -> BoxFuture<'a, Result<Encoded, ServiceError>> {
    let checked = O::SHAPE.input.map_or(Ok(()), |shape| crate::rules::check(refusal, shape, &request.value));
    match checked {
        Ok(()) => call::<O>(request, handle),
        Err(error) => Box::pin(std::future::ready(Err(error))),
    }
}

/// What a generated struct shows in place of a member that AWS's model marks as sensitive.
pub struct Redacted;

impl std::fmt::Debug for Redacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Takes a structure apart, member by member in ascending order.
pub struct FieldReader {
    members: std::iter::Peekable<std::vec::IntoIter<(u16, Value)>>,
    shape: &'static Shape,
}

impl FieldReader {
    /// The members of `value`, which must be a structure of `shape`.
    ///
    /// # Errors
    /// If it is no structure.
    pub fn new(value: Value, shape: &'static Shape) -> Result<Self, DecodeError> {
        match value {
            Value::Structure(members) => Ok(Self { members: members.into_iter().peekable(), shape }),
            _ => Err(DecodeError::new(
                shape.name,
                DecodeReason::Malformed { expected: "a structure", text: String::new() },
            )),
        }
    }

    fn take(&mut self, position: u16) -> Option<Value> {
        while let Some((index, value)) = self.members.next_if(|(index, _)| *index <= position) {
            if index == position {
                return Some(value);
            }
        }
        None
    }

    fn name(&self, position: u16) -> &'static str {
        self.shape.members().get(usize::from(position)).map_or(self.shape.name, |member| member.name)
    }

    /// The member at `position`, or none.
    ///
    /// # Errors
    /// If it is of another kind.
    pub fn optional<T: Typed>(&mut self, position: u16) -> Result<Option<T>, DecodeError> {
        match self.take(position) {
            Some(value) => T::from_value(value).map(Some).map_err(|error| error.within(self.name(position))),
            None => Ok(None),
        }
    }

    /// The member at `position`.
    ///
    /// # Errors
    /// If it is missing or of another kind.
    pub fn required<T: Typed>(&mut self, position: u16) -> Result<T, DecodeError> {
        self.optional(position)?.ok_or_else(|| DecodeError::new(self.name(position), DecodeReason::Missing))
    }
}

/// Puts a structure together, member by member in ascending order.
pub struct FieldWriter {
    members: Vec<(u16, Value)>,
}

impl Default for FieldWriter {
    fn default() -> Self {
        // Room for what most structures have set, so that it does not grow three times on the way.
        Self { members: Vec::with_capacity(16) }
    }
}

impl FieldWriter {
    /// Adds the member at `position` if it is set.
    pub fn optional<T: Typed>(&mut self, position: u16, field: Option<T>) {
        if let Some(field) = field {
            self.members.push((position, field.into_value()));
        }
    }

    /// Adds the member at `position`.
    pub fn required<T: Typed>(&mut self, position: u16, field: T) {
        self.members.push((position, field.into_value()));
    }

    /// The structure.
    pub fn finish(self) -> Value {
        Value::Structure(self.members)
    }
}

fn mismatch(expected: &'static str) -> DecodeError {
    DecodeError::new("", DecodeReason::Malformed { expected, text: String::new() })
}

impl Typed for () {
    fn from_value(_value: Value) -> Result<Self, DecodeError> {
        Ok(())
    }

    fn into_value(self) -> Value {
        Value::EMPTY
    }
}

impl Typed for bool {
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::Bool(inner) => Ok(inner),
            _ => Err(mismatch("a boolean")),
        }
    }

    fn into_value(self) -> Value {
        Value::Bool(self)
    }
}

impl Typed for Document {
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::Document(inner) => Ok(inner),
            _ => Err(mismatch("a document")),
        }
    }

    fn into_value(self) -> Value {
        Value::Document(self)
    }
}

impl Typed for i32 {
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::Integer(inner) => inner.try_into().map_err(|_| mismatch("a 32-bit integer")),
            _ => Err(mismatch("an integer")),
        }
    }

    fn into_value(self) -> Value {
        Value::Integer(self.into())
    }
}

impl Typed for i64 {
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::Integer(inner) => Ok(inner),
            _ => Err(mismatch("an integer")),
        }
    }

    fn into_value(self) -> Value {
        Value::Integer(self)
    }
}

impl Typed for f64 {
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::Float(inner) => Ok(inner),
            _ => Err(mismatch("a number")),
        }
    }

    fn into_value(self) -> Value {
        Value::Float(self)
    }
}

impl Typed for String {
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::String(inner) => Ok(inner),
            _ => Err(mismatch("a string")),
        }
    }

    fn into_value(self) -> Value {
        Value::String(self)
    }
}

impl Typed for Bytes {
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::Blob(inner) => Ok(inner),
            _ => Err(mismatch("bytes")),
        }
    }

    fn into_value(self) -> Value {
        Value::Blob(self)
    }
}

impl Typed for Timestamp {
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::Timestamp(inner) => Ok(inner),
            _ => Err(mismatch("a timestamp")),
        }
    }

    fn into_value(self) -> Value {
        Value::Timestamp(self)
    }
}

impl<T: Typed> Typed for Box<T> {
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        T::from_value(value).map(Box::new)
    }

    fn into_value(self) -> Value {
        (*self).into_value()
    }
}

impl<T: Typed> Typed for Vec<T> {
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::List(values) => {
                // Compiled for each type of member: a loop is a fifth of what `collect` is.
                let mut items = Self::with_capacity(values.len());
                for value in values {
                    items.push(T::from_value(value)?);
                }
                Ok(items)
            }
            _ => Err(mismatch("a list")),
        }
    }

    fn into_value(self) -> Value {
        let mut values = Vec::with_capacity(self.len());
        for item in self {
            values.push(item.into_value());
        }
        Value::List(values)
    }
}

impl<T: Typed> Typed for BTreeMap<String, T> {
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::Map(pairs) => pairs.into_iter().map(|(key, value)| Ok((key, T::from_value(value)?))).collect(),
            _ => Err(mismatch("a map")),
        }
    }

    fn into_value(self) -> Value {
        Value::Map(self.into_iter().map(|(key, value)| (key, value.into_value())).collect())
    }
}
