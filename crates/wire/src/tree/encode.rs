//! Values to JSON or CBOR, guided by their shape.

use jiff::Timestamp;

use crate::document::Document;
use crate::scalar;
use crate::shape::{Kind, Location, Member, Shape, TimestampFormat};
use crate::value::Value;

/// Takes a document piece by piece. A list or map is opened with the number of its elements, which follow.
pub(crate) trait Sink {
    /// Nothing.
    fn null(&mut self);
    /// A boolean.
    fn boolean(&mut self, value: bool);
    /// A whole number.
    fn integer(&mut self, value: i64);
    /// Another number, of single precision or double.
    fn float(&mut self, value: f64, is_single: bool);
    /// Text.
    fn text(&mut self, value: &str);
    /// Bytes.
    fn blob(&mut self, value: &[u8]);
    /// A time, in `format` if the model names one.
    fn timestamp(&mut self, value: Timestamp, format: Option<TimestampFormat>);
    /// The beginning of a list.
    fn open_list(&mut self, count: usize);
    /// Its end.
    fn close_list(&mut self);
    /// The beginning of a map.
    fn open_map(&mut self, count: usize);
    /// A key, which its value follows.
    fn key(&mut self, key: &str);
    /// The end of a map.
    fn close_map(&mut self);
}

/// The members of `value`, a structure of `shape`, that travel in the body.
fn body_members<'a>(shape: &'a Shape, value: &'a Value) -> Vec<(&'static Member, &'a Value)> {
    let Value::Structure(fields) = value else { return Vec::new() };
    let members = fields.iter().filter_map(|(index, field)| Some((shape.members().get(usize::from(*index))?, field)));
    let in_body = |member: &Member| member.location == Location::Body && !member.is_payload && !member.is_streaming;
    members.filter(|(member, _)| in_body(member)).collect()
}

/// Writes the body members of `value` as a map.
pub(crate) fn encode_members(out: &mut impl Sink, shape: &Shape, value: &Value) {
    let members = body_members(shape, value);
    out.open_map(members.len());
    for (member, field) in members {
        encode_member(out, member, field);
    }
    out.close_map();
}

/// Writes one member with its key.
pub(crate) fn encode_member(out: &mut impl Sink, member: &Member, value: &Value) {
    out.key(member.json_name);
    encode_value(out, &member.shape, member.timestamp_format, value);
}

/// Writes `value` of `shape`; a member may overrule the format of a timestamp.
pub(crate) fn encode_value(out: &mut impl Sink, shape: &Shape, format: Option<TimestampFormat>, value: &Value) {
    match (&shape.kind, value) {
        (Kind::Structure { .. }, Value::Structure(_)) => encode_members(out, shape, value),
        (Kind::List { member, .. }, Value::List(items)) => {
            out.open_list(items.len());
            for item in items {
                encode_value(out, member, None, item);
            }
            out.close_list();
        }
        (Kind::Map { value: shape, .. }, Value::Map(pairs)) => {
            out.open_map(pairs.len());
            for (key, item) in pairs {
                out.key(key);
                encode_value(out, shape, None, item);
            }
            out.close_map();
        }
        (_, Value::Bool(inner)) => out.boolean(*inner),
        (_, Value::Integer(inner)) => out.integer(*inner),
        (kind, Value::Float(inner)) => out.float(*inner, matches!(kind, Kind::Float)),
        (_, Value::String(inner)) => out.text(inner),
        (_, Value::Blob(inner)) => out.blob(inner),
        (_, Value::Timestamp(inner)) => out.timestamp(*inner, scalar::timestamp_format(shape, format)),
        (_, Value::Document(inner)) => encode_document(out, inner),
        // A tree that contradicts its schema is a fault of ours, and null says the least.
        (_, Value::List(_) | Value::Map(_) | Value::Structure(_)) => out.null(),
    }
}

fn encode_document(out: &mut impl Sink, document: &Document) {
    match document {
        Document::Null => out.null(),
        Document::Bool(inner) => out.boolean(*inner),
        Document::Integer(inner) => out.integer(*inner),
        Document::Float(inner) | Document::Time(inner) => out.float(*inner, false),
        Document::String(inner) => out.text(inner),
        Document::Blob(inner) => out.blob(inner),
        Document::List(items) => {
            out.open_list(items.len());
            for item in items {
                encode_document(out, item);
            }
            out.close_list();
        }
        Document::Map(pairs) => {
            out.open_map(pairs.len());
            for (key, item) in pairs {
                out.key(key);
                encode_document(out, item);
            }
            out.close_map();
        }
    }
}
