//! Compressed request bodies, as SDKs send metrics: taken apart within a bound, however small they are as sent.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, header};
use wire::ServiceError;

use crate::body::CollectError;
use crate::budget::Reservation;
use crate::failures::{collect_error, malformed};
use crate::limits::Limits;
use crate::trace::Family;

/// The body as it was before its content encoding, of no more bytes than `limit`.
///
/// # Errors
/// A coding nobody knows, bytes that are not so coded, too many of them, or no memory for them.
pub(crate) async fn inflate(
    headers: &HeaderMap,
    body: Bytes,
    family: Family,
    limits: &Limits,
    memory: &mut Reservation,
) -> Result<Bytes, ServiceError> {
    let coding = headers.get(header::CONTENT_ENCODING).map_or(&b""[..], |value| value.as_bytes());
    if coding.is_empty() || coding.eq_ignore_ascii_case(b"identity") {
        return Ok(body);
    }
    if !coding.eq_ignore_ascii_case(b"gzip") {
        return Err(malformed(family));
    }
    let limit = limits.body_bytes;
    let grown = memory.grow_to(body.len() + limit, limits.held_wait).await;
    grown.map_err(|error| collect_error(family, error.into()))?;
    match gunzip(&body, limit) {
        Ok(Some(plain)) => Ok(plain.into()),
        Ok(None) => Err(collect_error(family, CollectError::TooLarge(limit))),
        Err(cause) => Err(malformed(family).because(cause)),
    }
}

/// What was compressed; none if that is more than `limit` bytes.
///
/// # Errors
/// It is no gzip, or not whole.
pub(crate) fn gunzip(body: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(body).take(limit as u64 + 1).read_to_end(&mut plain)?;
    Ok((plain.len() <= limit).then_some(plain))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::{HeaderMap, HeaderValue};

    use super::inflate;
    use crate::budget::Budget;
    use crate::limits::Limits;
    use crate::source::Source;
    use crate::trace::Family;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    async fn check(coding: &str, body: Vec<u8>, expected: Result<&[u8], &str>) {
        let limits = Limits { body_bytes: 1000, held_wait: Duration::ZERO, ..Limits::default() };
        let headers = HeaderMap::from_iter([(http::header::CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap())]);
        let mut memory = Budget::new(1 << 20).open(Source::of(None));
        let outcome = inflate(&headers, Bytes::from(body), Family::Modern, &limits, &mut memory).await;
        let outcome = outcome.as_deref().map_err(|error| error.code.as_ref());
        assert_eq!(outcome, expected, "{coding}");
    }

    #[tokio::test]
    async fn what_is_compressed_is_bounded_by_what_it_becomes() {
        check("gzip", gzip(b"plain"), Ok(b"plain")).await;
        check("GZIP", gzip(b"plain"), Ok(b"plain")).await;
        check("identity", b"plain".to_vec(), Ok(b"plain")).await;
        check("gzip", gzip(&[0; 1000]), Ok(&[0; 1000])).await;
        check("gzip", gzip(&[0; 1001]), Err("RequestEntityTooLargeException")).await;
        check("gzip", gzip(&vec![0; 64 << 20]), Err("RequestEntityTooLargeException")).await;
        let cut = gzip(b"plain text");
        check("gzip", cut[..cut.len() - 3].to_vec(), Err("MalformedHttpRequestException")).await;
        check("gzip", b"plain".to_vec(), Err("MalformedHttpRequestException")).await;
        check("br", b"plain".to_vec(), Err("MalformedHttpRequestException")).await;
        check("gzip, gzip", gzip(&gzip(b"plain")), Err("MalformedHttpRequestException")).await;
    }
}
