//! Values to CBOR, piece by piece. Source: RFC 8949, and Smithy's RPC v2 CBOR for what each shape becomes.

use jiff::Timestamp;

use super::Sink;
use crate::shape::TimestampFormat;

/// Writes one item.
#[derive(Default)]
pub(crate) struct CborWriter {
    bytes: Vec<u8>,
}

impl CborWriter {
    /// The item.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// The head of an item: its major type and its number in the shortest form.
    fn head(&mut self, major: u8, number: u64) {
        let major = major << 5;
        let wide = number.to_be_bytes();
        let (code, width) = match number {
            // The number itself, which is below 24.
            0..=23 => (wide[7], 0),
            24..=0xff => (24, 1),
            0x100..=0xffff => (25, 2),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 8),
        };
        self.bytes.push(major | code);
        self.bytes.extend(wide.iter().skip(wide.len() - width));
    }
}

impl Sink for CborWriter {
    fn null(&mut self) {
        self.bytes.push(0xf6);
    }

    fn boolean(&mut self, value: bool) {
        self.bytes.push(if value { 0xf5 } else { 0xf4 });
    }

    fn integer(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(positive) => self.head(0, positive),
            // -1 - value, which can't overflow for a negative value.
            Err(_) => self.head(1, (!value).unsigned_abs()),
        }
    }

    fn float(&mut self, value: f64, is_single: bool) {
        if is_single {
            self.bytes.push(0xfa);
            self.bytes.extend((value as f32).to_be_bytes());
        } else {
            self.bytes.push(0xfb);
            self.bytes.extend(value.to_be_bytes());
        }
    }

    fn text(&mut self, value: &str) {
        self.head(3, value.len() as u64);
        self.bytes.extend(value.as_bytes());
    }

    fn blob(&mut self, value: &[u8]) {
        self.head(2, value.len() as u64);
        self.bytes.extend(value);
    }

    /// Seconds since 1970 under tag 1, whatever format the model names for other protocols.
    fn timestamp(&mut self, value: Timestamp, _format: Option<TimestampFormat>) {
        self.head(6, 1);
        let millis = value.as_millisecond();
        if millis % 1000 == 0 { self.integer(millis / 1000) } else { self.float(millis as f64 / 1000.0, false) }
    }

    fn open_list(&mut self, count: usize) {
        self.head(4, count as u64);
    }

    fn close_list(&mut self) {}

    fn open_map(&mut self, count: usize) {
        self.head(5, count as u64);
    }

    fn key(&mut self, key: &str) {
        self.text(key);
    }

    fn close_map(&mut self) {}
}
