//! Values to JSON, piece by piece.

use jiff::Timestamp;

use super::Sink;
use crate::scalar::{self, TimestampStyle};
use crate::shape::TimestampFormat;

/// Writes one document.
#[derive(Default)]
pub(crate) struct JsonWriter {
    text: Vec<u8>,
}

impl JsonWriter {
    /// The document.
    pub fn finish(self) -> Vec<u8> {
        self.text
    }

    /// What stands before a key, or before a value that has none.
    fn separate(&mut self) {
        if !matches!(self.text.last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(b',');
        }
    }

    fn literal(&mut self, text: &str) {
        self.separate();
        self.text.extend_from_slice(text.as_bytes());
    }

    fn quoted(&mut self, text: &str) {
        self.separate();
        // Writing to memory can't fail, and text is always representable.
        let _ = serde_json::to_writer(&mut self.text, text);
    }
}

impl Sink for JsonWriter {
    fn null(&mut self) {
        self.literal("null");
    }

    fn boolean(&mut self, value: bool) {
        self.literal(if value { "true" } else { "false" });
    }

    fn integer(&mut self, value: i64) {
        self.literal(&value.to_string());
    }

    fn float(&mut self, value: f64, _is_single: bool) {
        let text = scalar::format_float(value);
        if value.is_finite() { self.literal(&text) } else { self.quoted(&text) }
    }

    fn text(&mut self, value: &str) {
        self.quoted(value);
    }

    fn blob(&mut self, value: &[u8]) {
        self.quoted(&scalar::base64(value));
    }

    fn timestamp(&mut self, value: Timestamp, format: Option<TimestampFormat>) {
        match format {
            None | Some(TimestampFormat::Unix) => self.literal(&scalar::format_unix(value)),
            other => self.quoted(&scalar::format_timestamp(value, other, TimestampStyle::Seconds)),
        }
    }

    fn open_list(&mut self, _count: usize) {
        self.literal("[");
    }

    fn close_list(&mut self) {
        self.text.push(b']');
    }

    fn open_map(&mut self, _count: usize) {
        self.literal("{");
    }

    fn key(&mut self, key: &str) {
        self.quoted(key);
        self.text.push(b':');
    }

    fn close_map(&mut self) {
        self.text.push(b'}');
    }
}
