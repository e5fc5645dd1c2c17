//! Headers that say nothing to who reads an object, and that S3 refuses all the same.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html> (`Encryption`).

use http::HeaderMap;
use wire::ServiceError;

/// Says how to encrypt what is put; how an object is encrypted cannot be changed by reading it.
const ENCRYPTION: &str = "x-amz-server-side-encryption";

/// Refuses to read with a header that is for writing.
///
/// # Errors
/// `InvalidArgument`.
pub(crate) fn check(operation: &str, headers: &HeaderMap) -> Result<(), ServiceError> {
    let value = match operation {
        "GetObject" | "HeadObject" => headers.get(ENCRYPTION),
        _ => None,
    };
    let Some(value) = value else { return Ok(()) };
    let text = "x-amz-server-side-encryption header is not supported for this operation.";
    Err(ServiceError::bad_request("InvalidArgument", text)
        .with_field("ArgumentName", ENCRYPTION)
        .with_field("ArgumentValue", String::from_utf8_lossy(value.as_bytes())))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::check;

    #[test]
    fn only_reads_are_refused() {
        let none = HeaderMap::new();
        let given = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-amz-server-side-encryption"),
            HeaderValue::from_static("AES256"),
        )]);
        for (operation, headers, is_taken) in [
            ("GetObject", &none, true),
            ("GetObject", &given, false),
            ("HeadObject", &given, false),
            ("PutObject", &given, true),
        ] {
            assert_eq!(check(operation, headers).is_ok(), is_taken, "{operation}");
        }
    }
}
