//! XML elements to values, guided by their shape. Unknown elements are passed over, as AWS does, but where a shape is
//! closed.

use crate::error::{DecodeError, DecodeReason};
use crate::scalar;
use crate::shape::{Kind, Location, Member, Shape};
use crate::value::Value;
use crate::xml::tree::Element;

/// Reads `element` as `shape`.
///
/// # Errors
/// If it does not fit; the error's path starts below the element.
pub(crate) fn decode_element(shape: &Shape, element: &Element) -> Result<Value, DecodeError> {
    match &shape.kind {
        Kind::Structure { members, is_union } => {
            if shape.is_closed {
                check_known(members, element)?;
            }
            let value = decode_structure(members, element)?;
            match &value {
                Value::Structure(fields) if *is_union && fields.len() != 1 => {
                    Err(DecodeError::malformed("", "exactly one member of a union", "").in_body())
                }
                _ => Ok(value),
            }
        }
        Kind::List { member, member_name } => {
            let name = member_name.unwrap_or("member");
            let items = element.children.iter().filter(|child| child.name == name);
            decode_items(member, items).map(Value::List)
        }
        Kind::Map { .. } => {
            let entries = element.children.iter().filter(|child| child.name == "entry");
            decode_pairs(shape, entries)
        }
        _ if !element.children.is_empty() => Err(DecodeError::malformed("", "text", &element.name).in_body()),
        _ => decode_scalar(shape, &element.text),
    }
}

fn decode_scalar(shape: &Shape, text: &str) -> Result<Value, DecodeError> {
    // White space is data in a string and decoration anywhere else.
    let text = if matches!(shape.kind, Kind::String) { text } else { text.trim() };
    scalar::parse(shape, text).map_err(DecodeError::in_body)
}

fn decode_items<'a>(shape: &Shape, items: impl Iterator<Item = &'a Element>) -> Result<Vec<Value>, DecodeError> {
    items
        .enumerate()
        .map(|(index, item)| {
            decode_element(shape, item).map_err(|error| error.within(&format!("{}.{}", item.name, index + 1)))
        })
        .collect()
}

fn decode_pairs<'a>(map: &Shape, entries: impl Iterator<Item = &'a Element>) -> Result<Value, DecodeError> {
    let Kind::Map { value: shape, key_name, value_name } = &map.kind else { return Ok(Value::Map(Vec::new())) };
    let (key_name, value_name) = (key_name.unwrap_or("key"), value_name.unwrap_or("value"));
    let mut pairs = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for entry in entries {
        let part = |name| {
            let found = entry.children.iter().find(|child| child.name == name);
            found.ok_or_else(|| DecodeError::new(name, DecodeReason::Missing).in_body())
        };
        let key = part(key_name)?.text.clone();
        if !seen.insert(key.clone()) {
            return Err(DecodeError::new(key, DecodeReason::Duplicate).in_body());
        }
        let value = decode_element(shape, part(value_name)?).map_err(|error| error.within(&key))?;
        pairs.push((key, value));
    }
    Ok(Value::Map(pairs))
}

fn decode_structure(members: &[Member], element: &Element) -> Result<Value, DecodeError> {
    let mut fields = Vec::new();
    for (index, member) in (0_u16..).zip(members) {
        if member.location != Location::Body || member.is_streaming {
            continue;
        }
        match decode_member(member, element).map_err(|error| error.within(member.wire_name))? {
            Some(value) => fields.push((index, value)),
            None if member.is_required => {
                return Err(DecodeError::new(member.wire_name, DecodeReason::Missing).in_body());
            }
            None => {}
        }
    }
    Ok(Value::Structure(fields))
}

/// Refuses elements that no member has the name of.
fn check_known(members: &[Member], element: &Element) -> Result<(), DecodeError> {
    let is_known = |child: &Element| members.iter().any(|member| member.wire_name == child.name);
    match element.children.iter().find(|child| !is_known(child)) {
        Some(unknown) => Err(DecodeError::new(&unknown.name, DecodeReason::Unknown).in_body()),
        None => Ok(()),
    }
}

fn decode_member(member: &Member, element: &Element) -> Result<Option<Value>, DecodeError> {
    if member.is_attribute {
        let attribute = element.attributes.iter().find(|(name, _)| name == member.wire_name);
        return attribute.map(|(_, text)| decode_scalar(&member.shape, text)).transpose();
    }
    let mut found = element.children.iter().filter(|child| child.name == member.wire_name).peekable();
    if found.peek().is_none() {
        return Ok(None);
    }
    match &member.shape.kind {
        Kind::List { member: item, .. } if member.is_flattened => {
            let items = found.enumerate().map(|(index, child)| {
                decode_element(item, child).map_err(|error| error.within(&(index + 1).to_string()))
            });
            items.collect::<Result<_, _>>().map(|items| Some(Value::List(items)))
        }
        Kind::Map { .. } if member.is_flattened => decode_pairs(&member.shape, found).map(Some),
        _ => {
            let value = found.next().map(|child| decode_element(&member.shape, child)).transpose()?;
            match found.next() {
                Some(_) => Err(DecodeError::new("", DecodeReason::Duplicate).in_body()),
                None => Ok(value),
            }
        }
    }
}
