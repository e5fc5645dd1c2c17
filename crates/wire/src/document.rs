//! A tree without a schema: what JSON and CBOR hold before a shape has given it meaning, and what a shape leaves open.

use bytes::Bytes;

/// Any JSON-like value. It is the Rust type of AWS's document members.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Document {
    /// Nothing.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number of 64 bits.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    String(String),
    /// Bytes. Only CBOR has them; a JSON document never holds any.
    Blob(Bytes),
    /// Seconds since 1970 under CBOR's tag 1. Never in JSON.
    Time(f64),
    /// A list.
    List(Vec<Document>),
    /// Pairs in the order they came; keys are distinct.
    Map(Vec<(String, Document)>),
}

impl Document {
    /// What stands under `key`, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Document> {
        match self {
            Self::Map(pairs) => pairs.iter().find_map(|(name, value)| (name == key).then_some(value)),
            _ => None,
        }
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// What AWS's Java parser calls it, as its refusals name it.
    pub(crate) fn token(&self) -> &'static str {
        match self {
            Self::Null => "NULL_VALUE",
            Self::Bool(true) => "TRUE_VALUE",
            Self::Bool(false) => "FALSE_VALUE",
            Self::Integer(_) | Self::Time(_) => "NUMBER_VALUE",
            Self::Float(_) => "DECIMAL_VALUE",
            Self::String(_) => "STRING_VALUE",
            Self::Blob(_) => "BLOB_VALUE",
            Self::List(_) => "START_ARRAY",
            Self::Map(_) => "START_OBJECT",
        }
    }
}
