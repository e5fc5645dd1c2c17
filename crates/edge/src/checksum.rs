//! Compares a held body with the digests that the request gives of it: `Content-MD5` and `x-amz-checksum-*`.
//! Not here: streamed bodies. Whoever takes the stream in computes their digests in the same pass.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, checksum};
use http::HeaderMap;
use twox_hash::{XxHash3_64, XxHash3_128, XxHash64};
use wire::{OperationShape, ServiceError};

/// What opens the name of every header that carries a checksum of the body.
const PREFIX: &str = "x-amz-checksum-";
/// Headers of that prefix that only speak of a checksum.
const NOT_VALUES: [&str; 3] = ["x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"];

/// Operations whose model asks for a digest, and that S3 takes without: clients that were written before the model had any
/// (s3cmd and boto 2 among them) send none, and have always been served.
const LENIENT: [&str; 10] = [
    "PutBucketAccelerateConfiguration",
    "PutBucketAcl",
    "PutBucketLogging",
    "PutBucketNotificationConfiguration",
    "PutBucketPolicy",
    "PutBucketRequestPayment",
    "PutBucketVersioning",
    "PutBucketWebsite",
    "PutObjectAcl",
    "PutPublicAccessBlock",
];

/// Whether a request for an operation must bring a digest of its body.
pub(crate) fn is_required(operation: &OperationShape) -> bool {
    operation.requires_checksum && !LENIENT.contains(&operation.name)
}

/// Refuses a body that is not the one its digests are of, or, where one is `required`, that has none. `trailers` are
/// the fields that came after the body. Checksums in headers that are not `is_of_body` are left to the operation.
///
/// # Errors
/// S3's `InvalidRequest`, `InvalidDigest` and `BadDigest`.
pub(crate) fn check(
    headers: &HeaderMap,
    trailers: &[(String, String)],
    body: &[u8],
    is_of_body: bool,
    is_required: bool,
) -> Result<(), ServiceError> {
    let md5 = headers.get("content-md5");
    let in_headers =
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default())).collect::<Vec<_>>();
    let in_trailers = trailers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let given: Vec<_> = in_headers
        .into_iter()
        .filter(|_| is_of_body)
        .chain(in_trailers)
        .filter(|(name, _)| name.starts_with(PREFIX) && !NOT_VALUES.contains(name))
        .collect();
    if is_required && md5.is_none() && given.is_empty() {
        let text = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*";
        return Err(ServiceError::bad_request("InvalidRequest", text));
    }
    if let Some(md5) = md5 {
        check_md5(md5.to_str().unwrap_or_default(), body)?;
    }
    match given.as_slice() {
        [] => Ok(()),
        [(name, value)] => check_one(name, value, body),
        _ => {
            let text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
            Err(ServiceError::bad_request("InvalidRequest", text))
        }
    }
}

fn check_md5(given: &str, body: &[u8]) -> Result<(), ServiceError> {
    let Some(promised) = STANDARD.decode(given).ok().filter(|bytes| bytes.len() == 16) else {
        let text = "The Content-MD5 you specified was invalid.";
        return Err(ServiceError::bad_request("InvalidDigest", text).with_field("Content-MD5", given));
    };
    let computed = md5::of(body);
    if promised[..] == computed[..] {
        return Ok(());
    }
    let text = "The Content-MD5 you specified did not match what we received.";
    Err(ServiceError::bad_request("BadDigest", text)
        .with_field("CalculatedDigest", STANDARD.encode(computed))
        .with_field("ExpectedDigest", given))
}

fn check_one(header: &str, given: &str, body: &[u8]) -> Result<(), ServiceError> {
    let crc = |algorithm| checksum(algorithm, body).to_be_bytes();
    let (name, computed) = match &header[PREFIX.len()..] {
        "crc32" => ("CRC32", crc(CrcAlgorithm::Crc32IsoHdlc)[4..].to_vec()),
        "crc32c" => ("CRC32C", crc(CrcAlgorithm::Crc32Iscsi)[4..].to_vec()),
        "crc64nvme" => ("CRC64NVME", crc(CrcAlgorithm::Crc64Nvme).to_vec()),
        "sha1" => ("SHA1", digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, body).as_ref().to_vec()),
        "sha256" => ("SHA256", digest::digest(&digest::SHA256, body).as_ref().to_vec()),
        "sha512" => ("SHA512", digest::digest(&digest::SHA512, body).as_ref().to_vec()),
        "md5" => ("MD5", md5::of(body).to_vec()),
        "xxhash64" => ("XXHASH64", XxHash64::oneshot(0, body).to_be_bytes().to_vec()),
        "xxhash3" => ("XXHASH3", XxHash3_64::oneshot(body).to_be_bytes().to_vec()),
        "xxhash128" => ("XXHASH128", XxHash3_128::oneshot(body).to_be_bytes().to_vec()),
        _ => {
            let text = "The algorithm type you specified in x-amz-checksum- header is invalid.";
            return Err(ServiceError::bad_request("InvalidRequest", text));
        }
    };
    match STANDARD.decode(given) {
        Ok(bytes) if bytes == computed => Ok(()),
        Ok(bytes) if bytes.len() == computed.len() => {
            let text = format!("The {name} you specified did not match the calculated checksum.");
            Err(ServiceError::bad_request("BadDigest", text))
        }
        _ => {
            let text = format!("Value for {header} header is invalid.");
            Err(ServiceError::bad_request("InvalidRequest", text))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::check;

    /// Check values of `123456789`: the catalogue of parametrised CRC algorithms, RFC 1321, FIPS 180-4, xxHash.
    const VALUES: [(&str, &str); 11] = [
        ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw=="),
        ("x-amz-checksum-crc32", "y/Q5Jg=="),
        ("x-amz-checksum-crc32c", "4waSgw=="),
        ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
        ("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
        ("x-amz-checksum-sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        (
            "x-amz-checksum-sha512",
            "2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7ALXPUmclUVba1u1A6z1dPuo/+hQ==",
        ),
        ("x-amz-checksum-md5", "JfnnlDI7RTiF9RgfG2JNCw=="),
        ("x-amz-checksum-xxhash64", "jLhB20DmroM="),
        ("x-amz-checksum-xxhash3", "ctyxi2ehff8="),
        ("x-amz-checksum-xxhash128", "MxGUd+3l3NXpcWQnaB1YYA=="),
    ];

    fn code(headers: &[(&str, &str)], trailers: &[(&str, &str)], body: &str, is_required: bool) -> String {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        let trailers: Vec<_> = trailers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        check(&headers, &trailers, body.as_bytes(), true, is_required)
            .map_or_else(|e| e.code.into_owned(), |()| "ok".into())
    }

    #[test]
    fn the_right_digest_and_no_other_passes() {
        for given in VALUES {
            assert_eq!(code(&[given], &[], "123456789", true), "ok", "{given:?}");
            assert_eq!(code(&[given], &[], "123456780", false), "BadDigest", "{given:?}");
            let expected = if given.0 == "content-md5" { "InvalidDigest" } else { "InvalidRequest" };
            assert_eq!(code(&[(given.0, "AAAA")], &[], "123456789", true), expected, "{given:?}");
        }
        for given in &VALUES[1..] {
            assert_eq!(code(&[], &[*given], "123456789", true), "ok", "{given:?}");
            assert_eq!(code(&[], &[*given], "x", true), "BadDigest", "{given:?}");
        }
    }

    #[test]
    fn what_is_required_must_be_there_and_only_once() {
        assert_eq!(code(&[], &[], "", true), "InvalidRequest");
        assert_eq!(code(&[], &[], "", false), "ok");
        assert_eq!(code(&[("x-amz-checksum-type", "FULL_OBJECT")], &[], "", true), "InvalidRequest");
        assert_eq!(code(&[("x-amz-checksum-md4", "AAAA")], &[], "", true), "InvalidRequest");
        assert_eq!(code(&[VALUES[1], VALUES[2]], &[], "123456789", true), "InvalidRequest");
        assert_eq!(code(&[VALUES[0], VALUES[2]], &[], "123456789", true), "ok");
    }

    #[test]
    fn a_checksum_of_something_else_is_left_alone() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-checksum-crc32", HeaderValue::from_static("AAAAAA==-2"));
        assert!(check(&headers, &[], b"<parts/>", false, false).is_ok());
        assert!(check(&headers, &[], b"<parts/>", true, false).is_err());
    }
}
