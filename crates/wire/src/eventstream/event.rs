//! Events to and from messages, by the union that lists them. In an event's structure a member at
//! [`Location::Header`] is a header of the message, and a payload member is its whole payload.

use bytes::Bytes;
use jiff::Timestamp;

use super::{EventError, EventHeader, Message};
use crate::error::ServiceError;
use crate::protocol::Protocol;
use crate::scalar::TimestampStyle;
use crate::shape::{Kind, Location, Member, Shape};
use crate::tree::{CborWriter, Format, JsonWriter, decode, encode_members, parse_cbor, parse_json};
use crate::value::Value;
use crate::xml::{self, XmlWriter};

/// The message of `event`, a value of the union `events` with one member set.
///
/// # Errors
/// [`EventError::Schema`] if it is none, [`EventError::Length`] if it is too large.
pub fn encode_event(protocol: Protocol, events: &Shape, event: &Value) -> Result<Bytes, EventError> {
    let Value::Structure(fields) = event else { return Err(EventError::Schema) };
    let [(index, value)] = fields.as_slice() else { return Err(EventError::Schema) };
    let member = events.members().get(usize::from(*index)).ok_or(EventError::Schema)?;
    let mut message = Message::default();
    header(&mut message, ":message-type", "event");
    header(&mut message, ":event-type", member.wire_name);
    write_members(&mut message, protocol, member.wire_name, &member.shape, value);
    message.encode()
}

/// The message with the members of an output beside its event stream, which comes first in the protocols that have no
/// HTTP bindings.
///
/// # Errors
/// As [`encode_event`].
pub fn encode_initial_response(protocol: Protocol, shape: &Shape, output: &Value) -> Result<Bytes, EventError> {
    let mut message = Message::default();
    header(&mut message, ":message-type", "event");
    header(&mut message, ":event-type", "initial-response");
    write_members(&mut message, protocol, shape.name, shape, output);
    message.encode()
}

/// The message that ends a stream with `error`: an exception if `events` lists it, else an error without a schema.
///
/// # Errors
/// As [`encode_event`].
pub fn encode_exception(protocol: Protocol, events: &Shape, error: &ServiceError) -> Result<Bytes, EventError> {
    let mut message = Message::default();
    let listed = |member: &&Member| member.shape.name == error.code || member.wire_name == error.code;
    match events.members().iter().find(listed) {
        Some(member) => {
            header(&mut message, ":message-type", "exception");
            header(&mut message, ":exception-type", member.wire_name);
            let text =
                (0_u16..).zip(member.shape.members()).find(|(_, member)| member.name.eq_ignore_ascii_case("message"));
            let value = Value::Structure(
                text.map(|(index, _)| (index, Value::String(error.message.clone()))).into_iter().collect(),
            );
            write_members(&mut message, protocol, member.wire_name, &member.shape, &value);
        }
        None => {
            header(&mut message, ":message-type", "error");
            header(&mut message, ":error-code", &error.code);
            header(&mut message, ":error-message", &error.message);
        }
    }
    message.encode()
}

/// The event in `message`, as a value of the union `events`.
///
/// # Errors
/// [`EventError::Schema`] if it is none of them or does not fit.
pub fn decode_event(protocol: Protocol, events: &Shape, message: &Message) -> Result<Value, EventError> {
    let name = message.text(":event-type").ok_or(EventError::Schema)?;
    let found = (0_u16..).zip(events.members()).find(|(_, member)| member.wire_name == name);
    let (index, member) = found.ok_or(EventError::Schema)?;
    Ok(Value::Structure(vec![(index, read_members(message, protocol, &member.shape)?)]))
}

fn header(message: &mut Message, name: &str, text: &str) {
    message.headers.push((name.to_owned(), EventHeader::String(text.to_owned())));
}

fn write_members(message: &mut Message, protocol: Protocol, root: &str, shape: &Shape, value: &Value) {
    let fields = match value {
        Value::Structure(fields) => fields.as_slice(),
        _ => &[],
    };
    let mut payload = None;
    for (index, field) in fields {
        match shape.members().get(usize::from(*index)) {
            Some(member) if member.is_payload => payload = Some((member, field)),
            Some(member) if member.location == Location::Header => {
                if let Some(written) = written_header(&member.shape, field) {
                    message.headers.push((member.wire_name.to_owned(), written));
                }
            }
            _ => {}
        }
    }
    let (content_type, bytes) = match payload {
        Some((_, Value::Blob(bytes))) => ("application/octet-stream", bytes.clone()),
        Some((_, Value::String(text))) => ("text/plain", text.clone().into()),
        Some((member, field)) => document(protocol, member.wire_name, &member.shape, field),
        None if shape.members().iter().any(|member| member.location == Location::Body && !member.is_payload) => {
            document(protocol, root, shape, value)
        }
        None => return,
    };
    header(message, ":content-type", content_type);
    message.payload = bytes;
}

fn document(protocol: Protocol, root: &str, shape: &Shape, value: &Value) -> (&'static str, Bytes) {
    match protocol {
        Protocol::RestXml | Protocol::Query | Protocol::Ec2 => {
            let mut out = XmlWriter::new();
            out.open(root);
            xml::encode_members(&mut out, shape, value, TimestampStyle::Milliseconds);
            out.close(root);
            ("text/xml", out.finish().into())
        }
        Protocol::Cbor => {
            let mut out = CborWriter::default();
            encode_members(&mut out, shape, value);
            ("application/cbor", out.finish().into())
        }
        Protocol::Json { .. } | Protocol::RestJson => {
            let mut out = JsonWriter::default();
            encode_members(&mut out, shape, value);
            ("application/json", out.finish().into())
        }
    }
}

fn written_header(shape: &Shape, value: &Value) -> Option<EventHeader> {
    Some(match (&shape.kind, value) {
        (_, Value::Bool(inner)) => EventHeader::Bool(*inner),
        (Kind::Integer, Value::Integer(inner)) => EventHeader::Integer(i32::try_from(*inner).ok()?),
        (_, Value::Integer(inner)) => EventHeader::Long(*inner),
        (_, Value::String(inner)) => EventHeader::String(inner.clone()),
        (_, Value::Blob(inner)) => EventHeader::Bytes(inner.clone()),
        (_, Value::Timestamp(inner)) => EventHeader::Timestamp(inner.as_millisecond()),
        _ => return None,
    })
}

fn read_header(header: &EventHeader) -> Option<Value> {
    Some(match header {
        EventHeader::Bool(inner) => Value::Bool(*inner),
        EventHeader::Byte(inner) => Value::Integer((*inner).into()),
        EventHeader::Short(inner) => Value::Integer((*inner).into()),
        EventHeader::Integer(inner) => Value::Integer((*inner).into()),
        EventHeader::Long(inner) => Value::Integer(*inner),
        EventHeader::Bytes(inner) => Value::Blob(inner.clone()),
        EventHeader::String(inner) => Value::String(inner.clone()),
        EventHeader::Timestamp(inner) => Value::Timestamp(Timestamp::from_millisecond(*inner).ok()?),
        EventHeader::Uuid(_) => return None,
    })
}

fn read_members(message: &Message, protocol: Protocol, shape: &Shape) -> Result<Value, EventError> {
    let members = shape.members();
    let has_payload = members.iter().any(|member| member.is_payload);
    let mut fields = match (0_u16..).zip(members).find(|(_, member)| member.is_payload) {
        Some((index, member)) => vec![(index, read_payload(message, protocol, member)?)],
        None => Vec::new(),
    };
    if !has_payload
        && members.iter().any(|member| member.location == Location::Body)
        && let Value::Structure(found) = read_document(&message.payload, protocol, shape)?
    {
        fields = found;
    }
    for (index, member) in (0_u16..).zip(members).filter(|(_, member)| member.location == Location::Header) {
        if let Some((_, header)) = message.headers.iter().find(|(name, _)| name == member.wire_name) {
            fields.push((index, read_header(header).ok_or(EventError::Schema)?));
        }
    }
    fields.sort_unstable_by_key(|(index, _)| *index);
    Ok(Value::Structure(fields))
}

fn read_payload(message: &Message, protocol: Protocol, member: &Member) -> Result<Value, EventError> {
    match member.shape.kind {
        Kind::Blob => Ok(Value::Blob(message.payload.clone())),
        Kind::String => {
            let text = String::from_utf8(message.payload.to_vec());
            text.map(Value::String).map_err(|_| EventError::Schema)
        }
        _ => read_document(&message.payload, protocol, &member.shape),
    }
}

fn read_document(payload: &Bytes, protocol: Protocol, shape: &Shape) -> Result<Value, EventError> {
    let read = match protocol {
        Protocol::RestXml | Protocol::Query | Protocol::Ec2 => {
            xml::parse(payload).and_then(|root| xml::decode_element(shape, &root))
        }
        Protocol::Cbor => parse_cbor(payload).and_then(|document| decode(shape, document, Format::Cbor)),
        Protocol::Json { .. } | Protocol::RestJson => {
            parse_json(payload).and_then(|document| decode(shape, document, Format::Json))
        }
    };
    read.map_err(|_| EventError::Schema)
}
