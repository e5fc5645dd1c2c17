//! Form bodies such as `Filter.1.Value.2=x`, first to a tree of names, then by schema to values.
//!
//! A list is as long as it has elements: its indexes must be 1, 2, 3 and so on, so that no index makes us allocate.

use std::collections::BTreeMap;

use crate::MAX_DEPTH;
use crate::error::{DecodeError, DecodeReason};
use crate::scalar;
use crate::shape::{Kind, Member, Shape, ShapeRef};
use crate::value::Value;

/// The parameters below one name.
#[derive(Debug, Default)]
pub(super) struct Node {
    value: Option<String>,
    children: BTreeMap<String, Node>,
}

/// How the two form protocols differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Every list is flat, and unknown parameters are refused.
    Ec2,
    /// Lists have a `member` level unless flattened, and unknown parameters are passed over.
    Query,
}

impl Node {
    /// The tree of `parameters`, without those that belong to the protocol or the signature.
    ///
    /// # Errors
    /// [`DecodeReason::Duplicate`] or [`DecodeReason::TooDeep`].
    pub(super) fn build(parameters: Vec<(String, Option<String>)>) -> Result<Self, DecodeError> {
        let mut root = Self::default();
        for (name, value) in parameters {
            if is_protocols_own(&name) {
                continue;
            }
            if name.split('.').count() > MAX_DEPTH {
                let beginning: String = name.chars().take(64).collect();
                return Err(DecodeError::new(beginning, DecodeReason::TooDeep));
            }
            let mut node = &mut root;
            for segment in name.split('.') {
                node = node.children.entry(segment.to_owned()).or_default();
            }
            if node.value.replace(value.unwrap_or_default()).is_some() {
                return Err(DecodeError::new(name, DecodeReason::Duplicate));
            }
        }
        Ok(root)
    }

    /// Below a list's or map's name: the elements in order.
    fn elements(&self) -> Result<Vec<(usize, &Node)>, DecodeError> {
        let mut elements = Vec::with_capacity(self.children.len());
        for (segment, node) in &self.children {
            let is_canonical = segment.bytes().all(|byte| byte.is_ascii_digit()) && !segment.starts_with('0');
            let index = segment.parse().ok().filter(|_| is_canonical);
            elements.push((index.ok_or_else(|| DecodeError::new("", DecodeReason::BadIndex))?, node));
        }
        elements.sort_unstable_by_key(|(index, _)| *index);
        if (1..).zip(&elements).any(|(expected, (index, _))| expected != *index) {
            return Err(DecodeError::new("", DecodeReason::BadIndex));
        }
        Ok(elements)
    }
}

/// Parameters that name the call or prove who makes it, in the body or (for a GET) in the query string.
fn is_protocols_own(name: &str) -> bool {
    const OWN: [&str; 9] = [
        "Action",
        "Version",
        "AWSAccessKeyId",
        "SecurityToken",
        "Signature",
        "SignatureMethod",
        "SignatureVersion",
        "Timestamp",
        "Expires",
    ];
    OWN.contains(&name) || name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("X-Amz-"))
}

/// Reads the structure `shape` from `node`.
///
/// # Errors
/// If a parameter does not fit.
pub(super) fn decode_structure(shape: &Shape, node: &Node, dialect: Dialect) -> Result<Value, DecodeError> {
    let (members, is_union) = match shape.kind {
        Kind::Structure { members, is_union } => (members, is_union),
        _ => (&[][..], false),
    };
    if let Some(text) = &node.value
        && !text.is_empty()
    {
        return Err(DecodeError::malformed("", "a structure", text));
    }
    if dialect == Dialect::Ec2
        && let Some(unknown) = node.children.keys().find(|name| members.iter().all(|member| member.query_name != *name))
    {
        return Err(DecodeError::new(unknown.as_str(), DecodeReason::Unknown));
    }
    let mut fields = Vec::new();
    for (index, member) in (0_u16..).zip(members) {
        match node.children.get(member.query_name) {
            Some(child) => {
                let value = decode_member(member, child, dialect).map_err(|error| error.within(member.query_name))?;
                fields.push((index, value));
            }
            None if member.is_required => return Err(DecodeError::new(member.query_name, DecodeReason::Missing)),
            None => {}
        }
    }
    if is_union && fields.len() != 1 {
        return Err(DecodeError::malformed("", "exactly one member of a union", ""));
    }
    Ok(Value::Structure(fields))
}

fn decode_member(member: &Member, node: &Node, dialect: Dialect) -> Result<Value, DecodeError> {
    decode_value(&member.shape, member.is_flattened || dialect == Dialect::Ec2, node, dialect)
}

fn decode_value(shape: &Shape, is_flattened: bool, node: &Node, dialect: Dialect) -> Result<Value, DecodeError> {
    match &shape.kind {
        Kind::Structure { .. } => decode_structure(shape, node, dialect),
        Kind::List { member, member_name } => {
            let level = if is_flattened { Some(node) } else { wrapper(node, member_name.unwrap_or("member"))? };
            level.map_or(Ok(Value::List(Vec::new())), |level| decode_list(member, level, dialect))
        }
        Kind::Map { value, key_name, value_name } => {
            let level = if is_flattened { Some(node) } else { wrapper(node, "entry")? };
            let names = (key_name.unwrap_or("key"), value_name.unwrap_or("value"));
            level.map_or(Ok(Value::Map(Vec::new())), |level| decode_map(value, names, level, dialect))
        }
        _ => match &node.value {
            Some(text) if node.children.is_empty() => scalar::parse(shape, text),
            _ => Err(DecodeError::malformed("", "a single value", "")),
        },
    }
}

/// The level between a list's name and its indexes. An empty list is sent as the bare name with an empty value.
fn wrapper<'a>(node: &'a Node, name: &str) -> Result<Option<&'a Node>, DecodeError> {
    match (&node.value, node.children.get(name)) {
        (Some(text), _) if !text.is_empty() => Err(DecodeError::malformed("", "a list", text)),
        (_, Some(level)) if node.children.len() == 1 => Ok(Some(level)),
        (Some(_), None) if node.children.is_empty() => Ok(None),
        _ => Err(DecodeError::new("", DecodeReason::BadIndex)),
    }
}

fn decode_list(member: &ShapeRef, node: &Node, dialect: Dialect) -> Result<Value, DecodeError> {
    if let Some(text) = &node.value
        && !text.is_empty()
    {
        return Err(DecodeError::malformed("", "a list", text));
    }
    let mut items = Vec::new();
    for (index, element) in node.elements()? {
        let value = decode_value(member, dialect == Dialect::Ec2, element, dialect)
            .map_err(|error| error.within(&index.to_string()))?;
        items.push(value);
    }
    Ok(Value::List(items))
}

fn decode_map(
    shape: &ShapeRef,
    (key_name, value_name): (&str, &str),
    node: &Node,
    dialect: Dialect,
) -> Result<Value, DecodeError> {
    let mut pairs = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (index, element) in node.elements()? {
        let part = |name: &str| {
            let found = element.children.get(name);
            found.ok_or_else(|| DecodeError::new(name, DecodeReason::Missing).within(&index.to_string()))
        };
        let key = part(key_name)?.value.clone().unwrap_or_default();
        if !seen.insert(key.clone()) {
            return Err(DecodeError::new(index.to_string(), DecodeReason::Duplicate));
        }
        let value = decode_value(shape, false, part(value_name)?, dialect)
            .map_err(|error| error.within(value_name).within(&index.to_string()))?;
        pairs.push((key, value));
    }
    Ok(Value::Map(pairs))
}
