//! Percent-encoding: paths (where `+` is a plus) and query strings and forms (where it is a space).

use crate::error::{DecodeError, DecodeReason};

/// More parameters than this are refused. `DescribeInstances` with a thousand ids and the longest list of IP
/// permissions stay far below it.
const MAX_PARAMETERS: usize = 50_000;

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn decode(text: &str, plus_is_space: bool) -> Result<String, DecodeError> {
    let refuse = || DecodeError::new("", DecodeReason::Encoding);
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = bytes.next().and_then(hex).ok_or_else(refuse)?;
                let low = bytes.next().and_then(hex).ok_or_else(refuse)?;
                high << 4 | low
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).map_err(|_| refuse())
}

/// Decodes (part of) a path.
///
/// # Errors
/// [`DecodeReason::Encoding`] for a broken escape or bytes that are no UTF-8.
pub fn decode_path(text: &str) -> Result<String, DecodeError> {
    decode(text, false)
}

/// Decodes a name or a value of a query string or form.
///
/// # Errors
/// As [`decode_path`].
pub fn decode_query(text: &str) -> Result<String, DecodeError> {
    decode(text, true)
}

/// Encodes a path: all but slashes and RFC 3986's unreserved characters.
pub fn encode_path(text: &str) -> String {
    crate::sigv4::encode(text.as_bytes(), true)
}

/// Encodes a name or a value of a query string: all but RFC 3986's unreserved characters.
pub fn encode_query(text: &str) -> String {
    crate::sigv4::encode(text.as_bytes(), false)
}

/// The parameters of a query string or form body in order; a parameter without `=` has no value.
///
/// # Errors
/// As [`decode_path`], or [`DecodeReason::TooMany`].
pub fn parse_query(text: &str) -> Result<Vec<(String, Option<String>)>, DecodeError> {
    let mut parameters = Vec::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        if parameters.len() == MAX_PARAMETERS {
            return Err(DecodeError::new("", DecodeReason::TooMany));
        }
        parameters.push(match part.split_once('=') {
            Some((name, value)) => {
                let name = decode_query(name)?;
                let value = decode_query(value).map_err(|error| error.within(&name))?;
                (name, Some(value))
            }
            None => (decode_query(part)?, None),
        });
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::{decode_path, decode_query, parse_query};

    #[test]
    fn plus_is_a_space_in_queries_only() {
        assert_eq!(decode_path("a+b%2Bc%20d").unwrap(), "a+b+c d");
        assert_eq!(decode_query("a+b%2Bc%20d").unwrap(), "a b+c d");
        assert_eq!(decode_path("%E2%82%ac").unwrap(), "€");
    }

    #[test]
    fn broken_escapes_and_broken_utf8_are_refused() {
        for bad in ["%", "%4", "%zz", "%+1", "%ff", "%C3%28", "a%E2%82"] {
            assert!(decode_path(bad).is_err(), "{bad}");
            assert!(parse_query(&format!("x={bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_may_be_absent_empty_or_contain_equals_signs() {
        let parsed = parse_query("acl&a=&&b=c=d").unwrap();
        let expected = [("acl", None), ("a", Some("")), ("b", Some("c=d"))];
        assert_eq!(parsed, expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
    }
}
