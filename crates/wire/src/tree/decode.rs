//! A document to values, guided by their shape. Unknown members are passed over, as AWS does; null is "not given".

use jiff::Timestamp;

use crate::document::Document;
use crate::error::{DecodeError, DecodeReason};
use crate::scalar;
use crate::shape::{Kind, Location, Member, Shape};
use crate::value::Value;

/// How the two formats differ in what a scalar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Bytes are base64; times are numbers or text.
    Json,
    /// Bytes are bytes; times are tagged.
    Cbor,
}

/// Reads `document` as `shape`.
///
/// # Errors
/// If it does not fit; the error's path starts below the document.
pub(crate) fn decode(shape: &Shape, document: Document, format: Format) -> Result<Value, DecodeError> {
    let unconvertible = |document: &Document, expected| {
        Err(DecodeError::new("", DecodeReason::Unconvertible { found: document.token(), expected }).in_body())
    };
    match (&shape.kind, document) {
        (Kind::Structure { .. }, document) => decode_members(shape, document, format),
        (Kind::List { member, .. }, Document::List(items)) => {
            let items = (1..)
                .zip(items)
                .map(|(index, item)| decode(member, item, format).map_err(|error| error.within(&index.to_string())));
            items.collect::<Result<_, _>>().map(Value::List)
        }
        (Kind::List { .. }, other) => unconvertible(&other, "a list"),
        (Kind::Map { value, .. }, Document::Map(pairs)) => {
            let pairs = pairs.into_iter().map(|(key, item)| match decode(value, item, format) {
                Ok(item) => Ok((key, item)),
                Err(error) => Err(error.within(&key)),
            });
            pairs.collect::<Result<_, _>>().map(Value::Map)
        }
        (Kind::Map { .. }, other) => unconvertible(&other, "a map"),
        (Kind::Document, document) => Ok(Value::Document(document)),
        (Kind::Boolean, Document::Bool(inner)) => Ok(Value::Bool(inner)),
        (Kind::Boolean, other) => unconvertible(&other, "Boolean"),
        (Kind::Integer, document) => match whole(&document).and_then(|number| i32::try_from(number).ok()) {
            Some(number) => Ok(Value::Integer(number.into())),
            None => unconvertible(&document, "Integer"),
        },
        (Kind::Long, document) => match whole(&document) {
            Some(number) => Ok(Value::Integer(number)),
            None => unconvertible(&document, "Long"),
        },
        (Kind::Float | Kind::Double, Document::Integer(number)) => Ok(Value::Float(number as f64)),
        (Kind::Float | Kind::Double, Document::Float(number)) => Ok(Value::Float(number)),
        // JSON has no other way to say these three.
        (Kind::Float | Kind::Double, Document::String(text))
            if format == Format::Json && matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") =>
        {
            scalar::parse(shape, &text).map_err(DecodeError::in_body)
        }
        (Kind::Float | Kind::Double, other) => unconvertible(&other, "Double"),
        (Kind::String, Document::String(text)) => Ok(Value::String(text)),
        (Kind::String, other) => unconvertible(&other, "String"),
        (Kind::Blob, Document::Blob(bytes)) => Ok(Value::Blob(bytes)),
        (Kind::Blob, Document::String(text)) if format == Format::Json => {
            scalar::parse(shape, &text).map_err(DecodeError::in_body)
        }
        (Kind::Blob, other) => unconvertible(&other, "Blob"),
        (Kind::Timestamp(_), document) => decode_time(shape, &document, format),
    }
}

/// A whole number, also where a client writes it as `5.0`.
fn whole(document: &Document) -> Option<i64> {
    // 2^53: below it every whole number is a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match document {
        Document::Integer(number) => Some(*number),
        Document::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT => Some(*number as i64),
        _ => None,
    }
}

fn decode_time(shape: &Shape, document: &Document, format: Format) -> Result<Value, DecodeError> {
    let time = match (document, format) {
        (Document::Integer(seconds), _) => Timestamp::from_second(*seconds).ok(),
        (Document::Float(seconds) | Document::Time(seconds), _) => from_seconds(*seconds),
        (Document::String(text), Format::Json) => return scalar::parse(shape, text).map_err(DecodeError::in_body),
        _ => None,
    };
    let found = document.token();
    let refuse = || DecodeError::new("", DecodeReason::Unconvertible { found, expected: "Date" }).in_body();
    time.map(Value::Timestamp).ok_or_else(refuse)
}

/// To the microsecond: a double holds today's seconds no finer.
fn from_seconds(seconds: f64) -> Option<Timestamp> {
    let micros = (seconds * 1e6).round();
    // Past this no i64 holds it, and no timestamp either.
    (micros.abs() < 9e18).then(|| Timestamp::from_microsecond(micros as i64).ok()).flatten()
}

/// Reads the body members of `shape` from a map. Members that travel elsewhere are left out.
///
/// # Errors
/// As [`decode`]; a required member that is not there.
pub(crate) fn decode_members(shape: &Shape, document: Document, format: Format) -> Result<Value, DecodeError> {
    let Document::Map(mut pairs) = document else {
        let reason = DecodeReason::Unconvertible { found: document.token(), expected: "a structure" };
        return Err(DecodeError::new("", reason).in_body());
    };
    let is_union = matches!(shape.kind, Kind::Structure { is_union: true, .. });
    let mut fields = Vec::new();
    for (index, member) in (0_u16..).zip(shape.members()) {
        if member.location != Location::Body || member.is_payload || member.is_streaming {
            continue;
        }
        let found = pairs.iter().position(|(name, _)| name == name_of(member)).map(|at| pairs.swap_remove(at).1);
        match found.filter(|found| *found != Document::Null) {
            Some(found) => {
                let value = decode(&member.shape, found, format).map_err(|error| error.within(name_of(member)))?;
                fields.push((index, value));
            }
            None if member.must_be_decoded() => {
                return Err(DecodeError::new(name_of(member), DecodeReason::Missing).in_body());
            }
            None => {}
        }
    }
    if is_union && fields.len() != 1 {
        return Err(DecodeError::malformed("", "exactly one member of a union", "").in_body());
    }
    Ok(Value::Structure(fields))
}

/// What JSON and CBOR call a member.
fn name_of(member: &Member) -> &'static str {
    member.json_name
}
