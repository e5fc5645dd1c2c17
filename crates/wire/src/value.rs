//! The tree between bytes and generated structs.

use bytes::Bytes;
use jiff::Timestamp;

use crate::document::Document;

/// A value of some [`crate::Shape`]. Byte streams are not part of it; they travel beside it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// An integer or long.
    Integer(i64),
    /// A float or double.
    Float(f64),
    /// A string or enum.
    String(String),
    /// Bytes, decoded.
    Blob(Bytes),
    /// A point in time.
    Timestamp(Timestamp),
    /// What has no schema.
    Document(Document),
    /// A list.
    List(Vec<Value>),
    /// A map from strings, in the order it arrived or is to be written; keys are distinct.
    Map(Vec<(String, Value)>),
    /// The members that are set, by their position in the shape, ascending.
    Structure(Vec<(u16, Value)>),
}

impl Value {
    /// A structure without members.
    pub const EMPTY: Self = Self::Structure(Vec::new());

    /// The member at `position`, if this is a structure that has it.
    pub fn member(&self, position: u16) -> Option<&Value> {
        match self {
            Self::Structure(members) => members.iter().find_map(|(index, value)| (*index == position).then_some(value)),
            _ => None,
        }
    }
}
