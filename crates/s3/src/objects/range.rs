//! The `Range` header.
//! Source: RFC 9110, section 14; S3 takes one range, and gives the whole object for a header that it can't read
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>).

use std::ops::Range;

use crate::S3Error;

/// The bytes that `header` asks for out of `length`; none for all of them.
///
/// # Errors
/// [`S3Error::InvalidRange`] when no byte of the object lies within.
pub(super) fn read_range(header: Option<&str>, length: u64) -> Result<Option<Range<u64>>, S3Error> {
    let Some(header) = header else { return Ok(None) };
    let unsatisfiable = || S3Error::InvalidRange { requested: header.to_owned(), length };
    let Some((first, last)) = parse(header) else { return Ok(None) };
    let range = match (first, last) {
        (Some(first), Some(last)) if last < first => return Ok(None),
        (Some(first), Some(last)) => first..last.saturating_add(1).min(length),
        (Some(first), None) => first..length,
        (None, Some(suffix)) => length.saturating_sub(suffix)..length,
        (None, None) => return Ok(None),
    };
    if range.start < range.end { Ok(Some(range)) } else { Err(unsatisfiable()) }
}

/// First and last byte as written; none for anything but a single range of bytes.
fn parse(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = header.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    let number = |text: &str| match text {
        "" => Some(None),
        // A number too large for 64 bits lies beyond every object.
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(Some(digits.parse().unwrap_or(u64::MAX))),
        _ => None,
    };
    if unit.trim().eq_ignore_ascii_case("bytes") { Some((number(first)?, number(last)?)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::read_range;

    #[test]
    fn ranges() {
        let huge = "bytes=0-99999999999999999999999";
        for (header, length, expected) in [
            ("bytes=0-4", 10, Some(0..5)),
            ("bytes=5-", 10, Some(5..10)),
            ("bytes=-3", 10, Some(7..10)),
            ("bytes=-30", 10, Some(0..10)),
            ("bytes=9-9", 10, Some(9..10)),
            ("bytes=0-99", 10, Some(0..10)),
            (huge, 10, Some(0..10)),
            ("BYTES = 1-2", 10, Some(1..3)),
            ("bytes=4-3", 10, None),
            ("bytes=0-1,3-4", 10, None),
            ("bytes=-", 10, None),
            ("bytes=a-b", 10, None),
            ("items=0-4", 10, None),
            ("nonsense", 10, None),
        ] {
            assert_eq!(read_range(Some(header), length).unwrap(), expected, "{header}");
        }
        assert_eq!(read_range(None, 10).unwrap(), None);
        for (header, length) in
            [("bytes=10-", 10), ("bytes=10-11", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)]
        {
            assert!(read_range(Some(header), length).is_err(), "{header} of {length}");
        }
    }
}
