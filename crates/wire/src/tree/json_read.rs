//! JSON to a document, by `serde_json` with our own limits. Refused beyond what JSON itself forbids: a key given twice,
//! nesting past [`MAX_DEPTH`], and more parts than any request has.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{MAX_PARTS, duplicate};
use crate::MAX_DEPTH;
use crate::document::Document;
use crate::error::{DecodeError, DecodeReason};

/// What the visitors share.
#[derive(Default)]
struct Limits {
    parts: Cell<usize>,
    /// Why we stopped, as serde's error holds only text.
    refused: RefCell<Option<DecodeError>>,
}

#[derive(Clone, Copy)]
struct Node<'a> {
    limits: &'a Limits,
    depth: usize,
}

/// Reads `text` to its end.
///
/// # Errors
/// [`DecodeReason::Syntax`], [`DecodeReason::Duplicate`], [`DecodeReason::TooDeep`] or [`DecodeReason::TooMany`].
pub(crate) fn parse(text: &[u8]) -> Result<Document, DecodeError> {
    let limits = Limits::default();
    let mut reader = serde_json::Deserializer::from_slice(text);
    let parsed = Node { limits: &limits, depth: 0 }.deserialize(&mut reader);
    let parsed = parsed.and_then(|document| reader.end().map(|()| document));
    parsed.map_err(|error| {
        let refused = limits.refused.take();
        refused.unwrap_or_else(|| DecodeError::new("", DecodeReason::Syntax(error.to_string())).in_body())
    })
}

impl Node<'_> {
    fn refuse<E: Error>(self, path: &str, reason: DecodeReason) -> E {
        self.limits.refused.replace(Some(DecodeError::new(path, reason).in_body()));
        E::custom("refused")
    }

    /// The place of the parts of a list or map.
    fn inner<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.refuse("", DecodeReason::TooDeep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn count<E: Error>(self) -> Result<(), E> {
        self.limits.parts.set(self.limits.parts.get() + 1);
        if self.limits.parts.get() > MAX_PARTS {
            return Err(self.refuse("", DecodeReason::TooMany));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Document;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E: Error>(self, inner: bool) -> Result<Document, E> {
        Ok(Document::Bool(inner))
    }

    fn visit_i64<E: Error>(self, inner: i64) -> Result<Document, E> {
        Ok(Document::Integer(inner))
    }

    fn visit_u64<E: Error>(self, inner: u64) -> Result<Document, E> {
        // Past 63 bits no member of AWS's is whole; as a float it fails where a whole number is wanted.
        Ok(i64::try_from(inner).map_or(Document::Float(inner as f64), Document::Integer))
    }

    fn visit_f64<E: Error>(self, inner: f64) -> Result<Document, E> {
        Ok(Document::Float(inner))
    }

    fn visit_str<E: Error>(self, inner: &str) -> Result<Document, E> {
        Ok(Document::String(inner.to_owned()))
    }

    fn visit_string<E: Error>(self, inner: String) -> Result<Document, E> {
        Ok(Document::String(inner))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Document, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let inner = self.inner()?;
        let mut pairs = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            pairs.push((key, entries.next_value_seed(inner)?));
        }
        match duplicate(&pairs) {
            Some(key) => Err(self.refuse(key, DecodeReason::Duplicate)),
            None => Ok(Document::Map(pairs)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::document::Document;
    use crate::error::DecodeReason;

    #[test]
    fn json_is_read_whole() {
        let read = parse(br#" {"a":[1,-2.5,"x\u00e9",null,true],"b":{}} "#).unwrap();
        let items = [
            Document::Integer(1),
            Document::Float(-2.5),
            Document::String("xé".into()),
            Document::Null,
            Document::Bool(true),
        ];
        assert_eq!(read.get("a"), Some(&Document::List(items.into())));
        assert_eq!(read.get("b"), Some(&Document::Map(Vec::new())));
        assert_eq!(parse(b"18446744073709551615").unwrap(), Document::Float(18_446_744_073_709_551_615.0));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let reason = |text: &[u8]| parse(text).unwrap_err().reason;
        let bad: [&[u8]; 14] = [
            b"",
            b"{",
            b"[1,]",
            b"{\"a\":1,}",
            b"{a:1}",
            b"'x'",
            b"01",
            b"1e999",
            b"nul",
            b"{} {}",
            b"\"\xff\"",
            b"\"\\ud800\"",
            b"\"\n\"",
            b"NaN",
        ];
        for text in bad {
            assert!(matches!(reason(text), DecodeReason::Syntax(_)), "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(reason(br#"{"x":{"a":1,"a":2}}"#), DecodeReason::Duplicate);
        let many: String = (0..40).map(|n| format!("\"k{n}\":{n},")).collect();
        assert_eq!(reason(format!("{{{many}\"k7\":0}}").as_bytes()), DecodeReason::Duplicate);
        assert_eq!(reason("[".repeat(100_000).as_bytes()), DecodeReason::TooDeep);
        assert_eq!(reason(format!("[{}1]", "1,".repeat(600_000)).as_bytes()), DecodeReason::TooMany);
    }
}
