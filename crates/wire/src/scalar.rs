//! Numbers, booleans, timestamps and bytes as text, the same in forms, XML, headers and queries.

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use jiff::fmt::temporal;

use crate::error::DecodeError;
use crate::shape::{Kind, Shape, TimestampFormat};
use crate::value::Value;

/// Base64 with or without padding: AWS takes both.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads `text` as the scalar `shape`; timestamps in any of the known formats, since SDKs differ.
///
/// # Errors
/// If it is no such scalar, or `shape` is none.
pub(crate) fn parse(shape: &Shape, text: &str) -> Result<Value, DecodeError> {
    let refuse = |expected| DecodeError::malformed("", expected, text);
    match &shape.kind {
        Kind::Boolean if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Kind::Boolean if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        Kind::Boolean => Err(refuse("true or false")),
        Kind::Integer => text.parse::<i32>().map(|n| Value::Integer(n.into())).map_err(|_| refuse("a 32-bit integer")),
        Kind::Long => text.parse().map(Value::Integer).map_err(|_| refuse("a 64-bit integer")),
        Kind::Float | Kind::Double => parse_float(text).map(Value::Float).ok_or_else(|| refuse("a number")),
        Kind::String => Ok(Value::String(text.to_owned())),
        Kind::Timestamp(_) => parse_timestamp(text).map(Value::Timestamp).ok_or_else(|| refuse("a timestamp")),
        Kind::Blob => LENIENT.decode(text).map(|bytes| Value::Blob(bytes.into())).map_err(|_| refuse("base64")),
        Kind::Structure { .. } | Kind::List { .. } | Kind::Map { .. } | Kind::Document => {
            Err(refuse("a structure, list or map"))
        }
    }
}

fn parse_float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust also takes "inf", "nan" and friends, which AWS does not.
        _ if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) => {
            text.parse().ok().filter(|number: &f64| number.is_finite())
        }
        _ => None,
    }
}

/// From the year 0 to the year 9999, in seconds: what every format can write, and what AWS takes.
const WRITABLE: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

fn parse_timestamp(text: &str) -> Option<Timestamp> {
    parse_any_timestamp(text.trim()).filter(|time| WRITABLE.contains(&time.as_second()))
}

fn parse_any_timestamp(text: &str) -> Option<Timestamp> {
    if text.bytes().next()?.is_ascii_alphabetic() {
        return DateTimeParser::new().parse_timestamp(text).ok();
    }
    if let Some((seconds, nanos)) = parse_unix(text) {
        return Timestamp::new(seconds, nanos).ok();
    }
    temporal::DateTimeParser::new().parse_timestamp(text).ok()
}

/// Seconds with up to nine digits after the point, read without passing through binary fractions.
fn parse_unix(text: &str) -> Option<(i64, i32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    Some((seconds, if whole.starts_with('-') { -nanos } else { nanos }))
}

/// How a protocol writes timestamps for which the model names no format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimestampStyle {
    /// `.000Z` always: EC2, and S3's bodies.
    Milliseconds,
    /// A fraction only if there is one: most query services.
    Seconds,
    /// Never a fraction: IAM and STS.
    WholeSeconds,
    /// `Sat, 21 Nov 2026 08:00:00 GMT`: headers.
    HttpDate,
}

/// Writes `time` in the model's `format`, or in the protocol's `style`.
pub(crate) fn format_timestamp(time: Timestamp, format: Option<TimestampFormat>, style: TimestampStyle) -> String {
    let style = match (format, style) {
        (Some(TimestampFormat::HttpDate), _) | (None, TimestampStyle::HttpDate) => {
            // Whoever stores a year past 9999 gets the epoch; jiff has no such years.
            return DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap_or_default();
        }
        (Some(TimestampFormat::Unix), _) => return format_unix(time),
        (Some(TimestampFormat::Iso8601), TimestampStyle::HttpDate) => TimestampStyle::Seconds,
        (_, style) => style,
    };
    if style == TimestampStyle::WholeSeconds || (style == TimestampStyle::Seconds && time.subsec_nanosecond() == 0) {
        format!("{time:.0}")
    } else {
        format!("{time:.3}")
    }
}

/// Seconds since 1970, with three digits of a fraction if there is one.
pub(crate) fn format_unix(time: Timestamp) -> String {
    let millis = time.as_millisecond();
    if millis % 1000 == 0 {
        (millis / 1000).to_string()
    } else {
        let sign = if millis < 0 { "-" } else { "" };
        format!("{sign}{}.{:03}", (millis / 1000).abs(), (millis % 1000).abs())
    }
}

/// Writes a scalar; none for a structure, list or map.
pub(crate) fn format(value: &Value, format: Option<TimestampFormat>, style: TimestampStyle) -> Option<String> {
    match value {
        Value::Bool(inner) => Some(inner.to_string()),
        Value::Integer(inner) => Some(inner.to_string()),
        Value::Float(inner) => Some(format_float(*inner)),
        Value::String(inner) => Some(inner.clone()),
        Value::Timestamp(inner) => Some(format_timestamp(*inner, format, style)),
        Value::Blob(inner) => Some(base64(inner)),
        Value::Document(_) | Value::List(_) | Value::Map(_) | Value::Structure(_) => None,
    }
}

/// Writes a number that need not be whole.
pub(crate) fn format_float(number: f64) -> String {
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ => format!("{number:?}"),
    }
}

/// Writes bytes as text.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The format of `shape` if it is a timestamp, unless `member` overrules it.
pub(crate) fn timestamp_format(shape: &Shape, member: Option<TimestampFormat>) -> Option<TimestampFormat> {
    match shape.kind {
        Kind::Timestamp(format) => member.or(format),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{TimestampStyle, format, format_timestamp, parse};
    use crate::shape::{Kind, Shape, TimestampFormat};
    use crate::value::Value;

    fn check(kind: Kind, good: &[(&str, &str)], bad: &[&str]) {
        let shape = Shape::new("S", kind);
        for (text, written) in good {
            let value = parse(&shape, text).unwrap();
            assert_eq!(format(&value, None, TimestampStyle::Milliseconds).unwrap(), *written, "{text}");
        }
        for text in bad {
            assert!(parse(&shape, text).is_err(), "{text}");
        }
    }

    #[test]
    fn scalars_are_read_and_written() {
        check(Kind::Boolean, &[("true", "true"), ("False", "false")], &["", "1", "yes", " true"]);
        let too_long = "9".repeat(400);
        check(
            Kind::Integer,
            &[("-5", "-5"), ("2147483647", "2147483647")],
            &["", "2147483648", "1.0", "0x1", &too_long],
        );
        check(Kind::Long, &[("9223372036854775807", "9223372036854775807")], &["9223372036854775808", "٣"]);
        check(Kind::Double, &[("1", "1.0"), ("0.25", "0.25"), ("1e3", "1000.0")], &["inf", "nan", "", "1e999", "e"]);
        check(Kind::Blob, &[("aGk=", "aGk="), ("aGk", "aGk=")], &["a", "@@@@"]);
        check(Kind::Document, &[], &["{}"]);
    }

    #[test]
    fn timestamps_are_read_in_every_format() {
        let expected = "2026-11-21T08:09:10.000Z";
        check(
            Kind::Timestamp(None),
            &[
                ("2026-11-21T08:09:10Z", expected),
                ("2026-11-21T09:09:10.000+01:00", expected),
                ("Sat, 21 Nov 2026 08:09:10 GMT", expected),
                ("1795248550", expected),
                ("1795248550.5", "2026-11-21T08:09:10.500Z"),
            ],
            &[
                "-222222222523",
                "-000001-12-31T00:00:00Z",
                "",
                "yesterday",
                "2026-13-01T00:00:00Z",
                "99999999999999999999",
                "1.0000000001",
                "-",
                ".",
                "1.-5",
            ],
        );
    }

    #[test]
    fn timestamps_are_written_as_the_protocol_wants() {
        let time = jiff::Timestamp::new(1_795_248_550, 0).unwrap();
        let half = jiff::Timestamp::new(1_795_248_550, 500_000_000).unwrap();
        let rows = [
            (time, None, TimestampStyle::Seconds, "2026-11-21T08:09:10Z"),
            (half, None, TimestampStyle::Seconds, "2026-11-21T08:09:10.500Z"),
            (half, None, TimestampStyle::WholeSeconds, "2026-11-21T08:09:10Z"),
            (time, None, TimestampStyle::HttpDate, "Sat, 21 Nov 2026 08:09:10 GMT"),
            (half, Some(TimestampFormat::Unix), TimestampStyle::Seconds, "1795248550.500"),
            (time, Some(TimestampFormat::Iso8601), TimestampStyle::HttpDate, "2026-11-21T08:09:10Z"),
        ];
        for (time, format, style, expected) in rows {
            assert_eq!(format_timestamp(time, format, style), expected);
        }
        let float = Value::Float(f64::NEG_INFINITY);
        assert_eq!(format(&float, None, TimestampStyle::Seconds).unwrap(), "-Infinity");
    }
}
