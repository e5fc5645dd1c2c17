//! Bodies that a client compressed: SDKs send `PutMetricData` and others with `Content-Encoding: gzip` past 10 kB.
//! Not here: S3's objects, whose encoding is the reader's business and is kept as it came.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::error::{DecodeError, DecodeReason};

/// The body without its compression; the same body if the headers name none that we know.
///
/// Memory grows with what comes out, up to `limit` bytes, whatever the body claims or hides. Rule: Smithy's
/// `requestCompression` trait, which knows gzip alone.
///
/// # Errors
/// [`DecodeReason::TooLarge`] past the limit, [`DecodeReason::Syntax`] for what is no gzip.
pub fn decompress(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, DecodeError> {
    let encodings = headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let is_gzip = encodings.flat_map(|text| text.split(',')).any(|name| name.trim().eq_ignore_ascii_case("gzip"));
    if !is_gzip {
        return Ok(body);
    }
    let mut plain = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(&*body).take(bound).read_to_end(&mut plain);
    match read {
        Ok(_) if plain.len() > limit => Err(DecodeError::new("", DecodeReason::TooLarge).in_body()),
        Ok(_) => Ok(plain.into()),
        Err(error) => Err(DecodeError::new("", DecodeReason::Syntax(error.to_string())).in_body()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::{HeaderMap, HeaderValue};

    use super::decompress;
    use crate::error::DecodeReason;

    fn gzip(plain: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap().into()
    }

    fn check(encoding: &str, body: Bytes, expected: Result<&[u8], &str>) {
        let headers =
            HeaderMap::from_iter([("content-encoding".parse().unwrap(), HeaderValue::from_str(encoding).unwrap())]);
        let found = decompress(&headers, body, 1000);
        let found = found.map_err(|error| match error.reason {
            DecodeReason::TooLarge => "large",
            DecodeReason::Syntax(_) => "broken",
            _ => "other",
        });
        assert_eq!(found.as_deref(), expected.as_ref().copied(), "{encoding}");
    }

    #[test]
    fn gzip_is_undone_within_the_limit() {
        check("gzip", gzip(b"hello"), Ok(b"hello"));
        check("aws-chunked, GZIP", gzip(b"hello"), Ok(b"hello"));
        check("identity", gzip(b""), Ok(&gzip(b"")));
        check("gzip", [gzip(b"hel"), gzip(b"lo")].concat().into(), Ok(b"hello"));
        check("gzip", gzip(&[0; 1000]), Ok(&[0; 1000]));
        check("gzip", gzip(&[0; 1001]), Err("large"));
        check("gzip", gzip(&vec![0; 50_000_000]), Err("large"));
        check("gzip", Bytes::from_static(b"hello"), Err("broken"));
        check("gzip", gzip(b"hello").slice(..20), Err("broken"));
    }
}
