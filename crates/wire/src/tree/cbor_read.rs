//! CBOR to a document. Source: RFC 8949, as Smithy's RPC v2 CBOR uses it.
//!
//! A reader of our own, as it is a page: what it must do is believe no length. The libraries either make room for as
//! many elements as a header claims or bring a float library along; here a string is a slice of what has come, and a
//! list grows by the elements that are there. Refused: keys that are no text, a key given twice, tags on strings but none
//! that we need, nesting past [`MAX_DEPTH`], and more parts than any request has.

use bytes::Bytes;

use super::{MAX_PARTS, duplicate};
use crate::MAX_DEPTH;
use crate::document::Document;
use crate::error::{DecodeError, DecodeReason};

/// The tag of a time in seconds since 1970.
const EPOCH: u64 = 1;

struct Reader<'a> {
    body: &'a Bytes,
    at: usize,
    parts: usize,
}

/// The head of an item.
enum Head {
    /// A major type with its number.
    Sized(u8, u64),
    /// A major type whose end is marked by a break.
    Indefinite(u8),
    /// A float.
    Float(f64),
    /// Any other simple value.
    Simple(u8),
    /// The end of an item without a length.
    Break,
}

fn refuse(why: &str) -> DecodeError {
    DecodeError::new("", DecodeReason::Syntax(why.to_owned())).in_body()
}

/// Reads `body` to its end. Blobs share its memory.
///
/// # Errors
/// [`DecodeReason::Syntax`], [`DecodeReason::Duplicate`], [`DecodeReason::TooDeep`] or [`DecodeReason::TooMany`].
pub(crate) fn parse(body: &Bytes) -> Result<Document, DecodeError> {
    let mut reader = Reader { body, at: 0, parts: 0 };
    let item = reader.item(0)?;
    if reader.at == body.len() { Ok(item) } else { Err(refuse("bytes after the end")) }
}

impl Reader<'_> {
    fn take(&mut self, count: u64) -> Result<&[u8], DecodeError> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        let range = end.and_then(|end| self.body.get(self.at..end).map(|slice| (end, slice)));
        let (end, slice) = range.ok_or_else(|| refuse("unexpected end of input"))?;
        self.at = end;
        Ok(slice)
    }

    fn number(&mut self, width: u64) -> Result<u64, DecodeError> {
        Ok(self.take(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn head(&mut self) -> Result<Head, DecodeError> {
        let first = self.number(1)? as u8;
        let (major, code) = (first >> 5, first & 0x1f);
        let number = match code {
            0..=23 => u64::from(code),
            24..=27 => self.number(1 << (code - 24))?,
            31 if major == 7 => return Ok(Head::Break),
            31 if matches!(major, 2..=5) => return Ok(Head::Indefinite(major)),
            _ => return Err(refuse("a reserved length")),
        };
        Ok(match (major, code) {
            (7, 25) => Head::Float(half(number as u16)),
            (7, 26) => Head::Float(f64::from(f32::from_bits(number as u32))),
            (7, 27) => Head::Float(f64::from_bits(number)),
            (7, _) => Head::Simple(number as u8),
            _ => Head::Sized(major, number),
        })
    }

    fn item(&mut self, depth: usize) -> Result<Document, DecodeError> {
        let head = self.head()?;
        self.headed(head, depth)
    }

    /// The next item, or none at a break.
    fn item_or_break(&mut self, depth: usize) -> Result<Option<Document>, DecodeError> {
        match self.head()? {
            Head::Break => Ok(None),
            head => self.headed(head, depth).map(Some),
        }
    }

    fn headed(&mut self, head: Head, depth: usize) -> Result<Document, DecodeError> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(DecodeError::new("", DecodeReason::TooMany).in_body());
        }
        if depth > MAX_DEPTH {
            return Err(DecodeError::new("", DecodeReason::TooDeep).in_body());
        }
        Ok(match head {
            // Past 63 bits no member of AWS's is whole; as a float it fails where a whole number is wanted.
            Head::Sized(0, number) => i64::try_from(number).map_or(Document::Float(number as f64), Document::Integer),
            Head::Sized(1, number) => {
                i64::try_from(number).map_or(Document::Float(-1.0 - number as f64), |number| Document::Integer(!number))
            }
            Head::Sized(2, length) => {
                let start = self.at;
                self.take(length)?;
                Document::Blob(self.body.slice(start..self.at))
            }
            Head::Sized(3, length) => Document::String(text(self.take(length)?.to_vec())?),
            Head::Indefinite(2) => Document::Blob(self.chunks(2)?.into()),
            Head::Indefinite(3) => Document::String(text(self.chunks(3)?)?),
            Head::Sized(4, count) => self.list(Some(count), depth)?,
            Head::Indefinite(4) => self.list(None, depth)?,
            Head::Sized(5, count) => self.map(Some(count), depth)?,
            Head::Indefinite(_) => self.map(None, depth)?,
            Head::Sized(_, EPOCH) => match self.item(depth + 1)? {
                Document::Integer(seconds) => Document::Time(seconds as f64),
                Document::Float(seconds) => Document::Time(seconds),
                _ => return Err(refuse("a time that is no number")),
            },
            Head::Sized(..) => return Err(refuse("an unknown tag")),
            Head::Float(number) => Document::Float(number),
            Head::Simple(20) => Document::Bool(false),
            Head::Simple(21) => Document::Bool(true),
            Head::Simple(22 | 23) => Document::Null,
            Head::Simple(_) => return Err(refuse("an unknown simple value")),
            Head::Break => return Err(refuse("a break outside of an item")),
        })
    }

    /// The pieces of a string of `major` up to the break.
    fn chunks(&mut self, major: u8) -> Result<Vec<u8>, DecodeError> {
        let mut all = Vec::new();
        loop {
            match self.head()? {
                Head::Break => return Ok(all),
                Head::Sized(kind, length) if kind == major => all.extend_from_slice(self.take(length)?),
                _ => return Err(refuse("a piece of another kind")),
            }
        }
    }

    fn list(&mut self, count: Option<u64>, depth: usize) -> Result<Document, DecodeError> {
        let mut items = Vec::new();
        match count {
            Some(count) => {
                for _ in 0..count {
                    items.push(self.item(depth + 1)?);
                }
            }
            None => {
                while let Some(item) = self.item_or_break(depth + 1)? {
                    items.push(item);
                }
            }
        }
        Ok(Document::List(items))
    }

    fn map(&mut self, count: Option<u64>, depth: usize) -> Result<Document, DecodeError> {
        let mut pairs = Vec::new();
        let mut left = count;
        while left != Some(0) {
            let key = match (count, self.head()?) {
                (None, Head::Break) => break,
                (_, head) => self.headed(head, depth + 1)?,
            };
            let Document::String(key) = key else { return Err(refuse("a key that is no text")) };
            pairs.push((key, self.item(depth + 1)?));
            left = left.map(|left| left - 1);
        }
        match duplicate(&pairs) {
            Some(key) => Err(DecodeError::new(key, DecodeReason::Duplicate).in_body()),
            None => Ok(Document::Map(pairs)),
        }
    }
}

fn text(bytes: Vec<u8>) -> Result<String, DecodeError> {
    String::from_utf8(bytes).map_err(|_| refuse("text that is no UTF-8"))
}

/// A float of 16 bits. Source: RFC 8949, appendix D.
fn half(bits: u16) -> f64 {
    let exponent = i32::from(bits >> 10 & 0x1f);
    let mantissa = f64::from(bits & 0x3ff);
    let size = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::parse;
    use crate::document::Document;
    use crate::error::DecodeReason;

    fn read(hex: &str) -> Result<Document, DecodeReason> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let bytes = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
        parse(&Bytes::from_iter(bytes)).map_err(|error| error.reason)
    }

    /// The examples of RFC 8949, appendix A, that a request can hold.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let text = |text: &str| Document::String(text.into());
        let rows = [
            ("00", Document::Integer(0)),
            ("1818", Document::Integer(24)),
            ("1903e8", Document::Integer(1000)),
            ("1b000000e8d4a51000", Document::Integer(1_000_000_000_000)),
            ("1bffffffffffffffff", Document::Float(18_446_744_073_709_551_615.0)),
            ("3903e7", Document::Integer(-1000)),
            ("3b7fffffffffffffff", Document::Integer(i64::MIN)),
            ("f93c00", Document::Float(1.0)),
            ("f90001", Document::Float(5.960_464_477_539_063e-8)),
            ("f9fc00", Document::Float(f64::NEG_INFINITY)),
            ("fa47c35000", Document::Float(100_000.0)),
            ("fb3ff199999999999a", Document::Float(1.1)),
            ("f4", Document::Bool(false)),
            ("f6", Document::Null),
            ("f7", Document::Null),
            ("c11a514b67b0", Document::Time(1_363_896_240.0)),
            ("c1fb41d452d9ec200000", Document::Time(1_363_896_240.5)),
            ("4401020304", Document::Blob(Bytes::from_static(&[1, 2, 3, 4]))),
            ("62c3bc", text("\u{fc}")),
            ("5f42010243030405ff", Document::Blob(Bytes::from_static(&[1, 2, 3, 4, 5]))),
            ("7f657374726561646d696e67ff", text("streaming")),
            ("83010203", Document::List([1, 2, 3].map(Document::Integer).into())),
            ("9f01ff", Document::List(vec![Document::Integer(1)])),
            (
                "bf61610161629f0203ffff",
                Document::Map(vec![
                    ("a".into(), Document::Integer(1)),
                    ("b".into(), Document::List([2, 3].map(Document::Integer).into())),
                ]),
            ),
        ];
        for (hex, expected) in rows {
            assert_eq!(read(hex).unwrap(), expected, "{hex}");
        }
        assert!(matches!(read("f97e00"), Ok(Document::Float(number)) if number.is_nan()));
    }

    #[test]
    fn what_is_no_cbor_is_refused_and_no_length_is_believed() {
        for hex in [
            "",
            "18",
            "1c",
            "ff",
            "61",
            "62c328",
            "5f6161ff",
            "7f4100ff",
            "9f",
            "a1",
            "a10102",
            "a26161",
            "c0",
            "c101ff",
            "c16161",
            "c2420100",
            "0000",
            "f8ff",
            "9bffffffffffffffff",
            "bbffffffffffffffff00",
            "5bffffffffffffffff00",
            "7b7fffffffffffffff",
            "9b00000000ffffffff01",
            "bf6161ff",
        ] {
            assert!(matches!(read(hex), Err(DecodeReason::Syntax(_))), "{hex}: {:?}", read(hex));
        }
        assert_eq!(read("a2616101616102"), Err(DecodeReason::Duplicate));
        for deep in ["81", "9f", "c1", "a16161"] {
            assert_eq!(read(&deep.repeat(10_000)), Err(DecodeReason::TooDeep), "{deep}");
        }
        assert_eq!(read(&format!("9f{}ff", "00".repeat(600_000))), Err(DecodeReason::TooMany));
    }
}
