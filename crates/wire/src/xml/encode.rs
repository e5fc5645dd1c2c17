//! Values to XML elements, guided by their shape.

use std::borrow::Cow;

use crate::scalar::{self, TimestampStyle};
use crate::shape::{Kind, Location, Member, Shape};
use crate::value::Value;
use crate::xml::write::XmlWriter;

/// Writes the body members of `value`, a structure of `shape`, into the open element.
pub(crate) fn encode_members(out: &mut XmlWriter, shape: &Shape, value: &Value, style: TimestampStyle) {
    let Value::Structure(fields) = value else { return };
    for (index, field) in fields {
        if let Some(member) = shape.members().get(usize::from(*index))
            && member.location == Location::Body
            && !member.is_attribute
            && !member.is_streaming
        {
            encode_member(out, member, field, style);
        }
    }
}

fn encode_member(out: &mut XmlWriter, member: &Member, value: &Value, style: TimestampStyle) {
    let name = member.wire_name;
    match (&member.shape.kind, value) {
        (Kind::List { member: item, .. }, Value::List(items)) if member.is_flattened => {
            for element in items {
                match item.kind {
                    // Elements of several kinds in one sequence: each has the name of what it is.
                    Kind::Structure { is_union: true, .. } => encode_members(out, item, element, style),
                    _ => encode_value(out, name, item, None, element, style),
                }
            }
        }
        (Kind::Map { .. }, Value::Map(pairs)) if member.is_flattened => {
            for pair in pairs {
                encode_pair(out, name, &member.shape, pair, style);
            }
        }
        _ => encode_value(out, name, &member.shape, Some(member), value, style),
    }
}

fn encode_pair(out: &mut XmlWriter, name: &str, map: &Shape, (key, value): &(String, Value), style: TimestampStyle) {
    let Kind::Map { value: shape, key_name, value_name } = &map.kind else { return };
    out.open(name);
    out.leaf(key_name.unwrap_or("key"), key);
    encode_value(out, value_name.unwrap_or("value"), shape, None, value, style);
    out.close(name);
}

/// Writes `value` as the element `name`; `member` is where it stands, if it stands in a structure.
fn encode_value(
    out: &mut XmlWriter,
    name: &str,
    shape: &Shape,
    member: Option<&Member>,
    value: &Value,
    style: TimestampStyle,
) {
    match (&shape.kind, value) {
        (Kind::Structure { members, .. }, Value::Structure(fields)) => {
            let namespace = member.and_then(|member| member.namespace).map(|namespace| {
                (namespace.prefix.map_or("xmlns".to_owned(), |prefix| format!("xmlns:{prefix}")), namespace.uri)
            });
            let attributes: Vec<_> = fields
                .iter()
                .filter_map(|(index, field)| {
                    let member = members.get(usize::from(*index)).filter(|member| member.is_attribute)?;
                    Some((member.wire_name, encode_text(&member.shape, Some(member), field, style)))
                })
                .collect();
            let declared = namespace.iter().map(|(name, uri)| (name.as_str(), *uri));
            out.open_with(name, declared.chain(attributes.iter().map(|(name, text)| (*name, text.as_ref()))));
            encode_members(out, shape, value, style);
            out.close(name);
        }
        (Kind::List { .. }, Value::List(items)) if items.is_empty() => out.empty(name),
        (Kind::List { member: item, member_name }, Value::List(items)) => {
            out.open(name);
            for element in items {
                encode_value(out, member_name.unwrap_or("member"), item, None, element, style);
            }
            out.close(name);
        }
        (Kind::Map { .. }, Value::Map(pairs)) => {
            out.open(name);
            for pair in pairs {
                encode_pair(out, "entry", shape, pair, style);
            }
            out.close(name);
        }
        _ => out.leaf(name, &encode_text(shape, member, value, style)),
    }
}

/// A scalar as text; empty for a value that is none.
pub(crate) fn encode_text<'a>(
    shape: &Shape,
    member: Option<&Member>,
    value: &'a Value,
    style: TimestampStyle,
) -> Cow<'a, str> {
    // Most scalars are text already, and an answer has thousands of them.
    if let Value::String(text) = value {
        return Cow::Borrowed(text);
    }
    let format = scalar::timestamp_format(shape, member.and_then(|member| member.timestamp_format));
    Cow::Owned(scalar::format(value, format, style).unwrap_or_default())
}
