//! Which bytes of an object become a part that is copied from it.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html>.

use std::ops::Range;

use super::error::UploadError;
use crate::S3Error;

/// The most bytes that are copied in one go.
const MAX_COPY_BYTES: u64 = 5 << 30;

/// The bytes that `x-amz-copy-source-range` names of a source of `length` bytes; none for all of them.
///
/// # Errors
/// [`S3Error::InvalidArgument`], [`UploadError::CopyRange`]; [`S3Error::InvalidRequest`] for what lies wholly behind the
/// source, and for more than one copy may take.
pub(super) fn copied_range(header: Option<&str>, length: u64) -> Result<Option<Range<u64>>, S3Error> {
    let Some(header) = header else {
        return if length > MAX_COPY_BYTES { Err(too_large()) } else { Ok(None) };
    };
    let text = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy";
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let read = header.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let read = read.and_then(|(first, last)| Some((number(first)?, number(last)?)));
    let read = read.filter(|(first, last)| first <= last);
    let (first, last) = read.ok_or_else(|| S3Error::argument("x-amz-copy-source-range", header, text))?;
    if first >= length {
        let text = "The specified copy range is invalid for the source object size";
        return Err(S3Error::InvalidRequest(text.to_owned()));
    }
    if last >= length {
        return Err(UploadError::CopyRange { requested: header.to_owned(), length }.into());
    }
    if last - first >= MAX_COPY_BYTES { Err(too_large()) } else { Ok(Some(first..last + 1)) }
}

fn too_large() -> S3Error {
    let text = format!(
        "The specified copy source is larger than the maximum allowable size for a copy source: {MAX_COPY_BYTES}"
    );
    S3Error::InvalidRequest(text)
}

#[cfg(test)]
mod tests {
    use wire::ServiceError;

    use super::copied_range;

    #[test]
    fn ranges() {
        assert_eq!(copied_range(None, 10).unwrap(), None);
        assert_eq!(copied_range(Some("bytes=0-9"), 10).unwrap(), Some(0..10));
        assert_eq!(copied_range(Some("bytes=3-3"), 10).unwrap(), Some(3..4));
        let refused = |header: &str| {
            let error = ServiceError::from(copied_range(Some(header), 10).unwrap_err());
            (error.code.into_owned(), error.message)
        };
        for header in
            ["0-2", "bytes=0", "bytes=-2", "bytes=2-", "bytes=a-z", "bytes=0-2,3-5", "bytes=5-2", "bytes=11-10"]
        {
            let (code, text) = refused(header);
            assert_eq!(code, "InvalidArgument", "{header}");
            assert!(text.contains("must be of the form bytes=first-last"), "{header}: {text}");
        }
        for (header, code, text) in [
            ("bytes=0-10", "InvalidArgument", "Range specified is not valid for source object of size: 10"),
            ("bytes=10-10", "InvalidRequest", "The specified copy range is invalid for the source object size"),
            ("bytes=100-200", "InvalidRequest", "The specified copy range is invalid for the source object size"),
        ] {
            assert_eq!(refused(header), (code.to_owned(), text.to_owned()), "{header}");
        }
        let gigabytes = |count: u64| count << 30;
        assert!(copied_range(None, gigabytes(5)).is_ok());
        assert!(copied_range(None, gigabytes(5) + 1).is_err());
        assert!(copied_range(Some(&format!("bytes=0-{}", gigabytes(5))), gigabytes(6)).is_err());
        assert!(copied_range(Some(&format!("bytes=1-{}", gigabytes(5))), gigabytes(6)).is_ok());
    }
}
