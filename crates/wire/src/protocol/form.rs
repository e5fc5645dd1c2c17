//! Form bodies such as `Filter.1.Value.2=x`, sorted by name and then read by schema.
//!
//! A list is as long as it has elements: its indexes must be 1, 2, 3 and so on, so that no index makes us allocate.

use crate::MAX_DEPTH;
use crate::error::{DecodeError, DecodeReason};
use crate::scalar;
use crate::shape::{Kind, Member, Shape, ShapeRef};
use crate::value::Value;

/// How the two form protocols differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Every list is flat, and unknown parameters are refused.
    Ec2,
    /// Lists have a `member` level unless flattened, and unknown parameters are passed over.
    Query,
}

/// The parameters of a form, sorted by the segments of their names.
#[derive(Debug)]
pub(super) struct Form(Vec<(String, String)>);

/// The parameters that share the beginning of their names: a slice of the sorted form, so a view costs nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    parameters: &'a [(String, String)],
    /// How many bytes of each name are the shared beginning, its final dot included.
    depth: usize,
}

impl Form {
    /// Sorts `parameters`, without those that belong to the protocol or the signature.
    ///
    /// # Errors
    /// [`DecodeReason::Duplicate`] or [`DecodeReason::TooDeep`].
    pub(super) fn new(parameters: Vec<(String, Option<String>)>) -> Result<Self, DecodeError> {
        let mut sorted = Vec::with_capacity(parameters.len());
        for (name, value) in parameters {
            if name.bytes().filter(|byte| *byte == b'.').count() >= MAX_DEPTH {
                let beginning: String = name.chars().take(64).collect();
                return Err(DecodeError::new(beginning, DecodeReason::TooDeep));
            }
            if !is_protocols_own(&name) {
                sorted.push((name, value.unwrap_or_default()));
            }
        }
        sorted.sort_by(|(left, _), (right, _)| left.split('.').cmp(right.split('.')));
        match sorted.array_windows().find(|[(left, _), (right, _)]| left == right) {
            Some([(name, _), _]) => Err(DecodeError::new(name.as_str(), DecodeReason::Duplicate)),
            None => Ok(Self(sorted)),
        }
    }

    /// The view of all parameters.
    pub(super) fn root(&self) -> Node<'_> {
        Node { parameters: &self.0, depth: 0 }
    }
}

impl<'a> Node<'a> {
    /// The value of the shared beginning itself.
    fn value(&self) -> Option<&'a str> {
        // The shortest name sorts first.
        self.parameters.first().filter(|(name, _)| name.len() < self.depth).map(|(_, value)| value.as_str())
    }

    fn segment(&self, name: &'a str) -> &'a str {
        name.get(self.depth..).and_then(|rest| rest.split('.').next()).unwrap_or("")
    }

    /// The parameters below this view, without its own value.
    fn below(self) -> &'a [(String, String)] {
        self.parameters.get(usize::from(self.value().is_some())..).unwrap_or(&[])
    }

    /// The views below this one, by their next segment, sorted.
    fn children(self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        let mut rest = self.below();
        std::iter::from_fn(move || {
            let segment = self.segment(&rest.first()?.0);
            let end = rest.partition_point(|(name, _)| self.segment(name) == segment);
            let (parameters, others) = rest.split_at(end);
            rest = others;
            Some((segment, Node { parameters, depth: self.depth + segment.len() + 1 }))
        })
    }

    fn child(self, wanted: &str) -> Option<Node<'a>> {
        let below = self.below();
        let start = below.partition_point(|(name, _)| self.segment(name) < wanted);
        let end = below.partition_point(|(name, _)| self.segment(name) <= wanted);
        let parameters = below.get(start..end).filter(|found| !found.is_empty())?;
        Some(Node { parameters, depth: self.depth + wanted.len() + 1 })
    }

    fn is_leaf(&self) -> bool {
        self.parameters.len() == 1 && self.value().is_some()
    }

    /// Below a list's or map's name: the elements in order.
    fn elements(self) -> Result<Vec<(usize, Node<'a>)>, DecodeError> {
        let mut elements = Vec::new();
        for (segment, node) in self.children() {
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
pub(super) fn decode_structure(shape: &Shape, node: Node<'_>, dialect: Dialect) -> Result<Value, DecodeError> {
    let (members, is_union) = match shape.kind {
        Kind::Structure { members, is_union } => (members, is_union),
        _ => (&[][..], false),
    };
    if let Some(text) = node.value()
        && !text.is_empty()
    {
        return Err(DecodeError::malformed("", "a structure", text));
    }
    if dialect == Dialect::Ec2
        && let Some((unknown, _)) =
            node.children().find(|(name, _)| members.iter().all(|member| member.query_name != *name))
    {
        return Err(DecodeError::new(unknown, DecodeReason::Unknown));
    }
    let mut fields = Vec::new();
    for (index, member) in (0_u16..).zip(members) {
        match node.child(member.query_name) {
            Some(child) => {
                let value = decode_member(member, child, dialect).map_err(|error| error.within(member.query_name))?;
                fields.push((index, value));
            }
            None if member.must_be_decoded() => return Err(DecodeError::new(member.query_name, DecodeReason::Missing)),
            None => {}
        }
    }
    if is_union && fields.len() != 1 {
        return Err(DecodeError::malformed("", "exactly one member of a union", ""));
    }
    Ok(Value::Structure(fields))
}

fn decode_member(member: &Member, node: Node<'_>, dialect: Dialect) -> Result<Value, DecodeError> {
    decode_value(&member.shape, member.is_flattened || dialect == Dialect::Ec2, node, dialect)
}

fn decode_value(shape: &Shape, is_flattened: bool, node: Node<'_>, dialect: Dialect) -> Result<Value, DecodeError> {
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
        _ => match node.value() {
            Some(text) if node.is_leaf() => scalar::parse(shape, text),
            _ => Err(DecodeError::malformed("", "a single value", "")),
        },
    }
}

/// The level between a list's name and its indexes. An empty list is sent as the bare name with an empty value.
fn wrapper<'a>(node: Node<'a>, name: &str) -> Result<Option<Node<'a>>, DecodeError> {
    match (node.value(), node.child(name)) {
        (Some(text), _) if !text.is_empty() => Err(DecodeError::malformed("", "a list", text)),
        (_, Some(level)) if node.children().count() == 1 => Ok(Some(level)),
        (Some(_), None) if node.is_leaf() => Ok(None),
        _ => Err(DecodeError::new("", DecodeReason::BadIndex)),
    }
}

fn decode_list(member: &ShapeRef, node: Node<'_>, dialect: Dialect) -> Result<Value, DecodeError> {
    if let Some(text) = node.value()
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
    node: Node<'_>,
    dialect: Dialect,
) -> Result<Value, DecodeError> {
    let mut pairs = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (index, element) in node.elements()? {
        let part = |name: &str| {
            let found = element.child(name);
            found.ok_or_else(|| DecodeError::new(name, DecodeReason::Missing).within(&index.to_string()))
        };
        let key = part(key_name)?.value().unwrap_or_default().to_owned();
        if !seen.insert(key.clone()) {
            return Err(DecodeError::new(index.to_string(), DecodeReason::Duplicate));
        }
        let value = decode_value(shape, false, part(value_name)?, dialect)
            .map_err(|error| error.within(value_name).within(&index.to_string()))?;
        pairs.push((key, value));
    }
    Ok(Value::Map(pairs))
}
