//! Headers of those who read an object that S3 refuses: such as say nothing to them, and such as say what it cannot mean.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html> (`Encryption`), and S3's answers to such
//! requests, as others have recorded them.

use http::HeaderMap;
use wire::ServiceError;

/// Says how to encrypt what is put; how an object is encrypted cannot be changed by reading it.
const ENCRYPTION: &str = "x-amz-server-side-encryption";

/// Refuses to read with a header that is for writing, or with one that asks for what there is not.
///
/// # Errors
/// `InvalidArgument`, `InvalidRequest`.
pub(crate) fn check(operation: &str, headers: &HeaderMap) -> Result<(), ServiceError> {
    let value = match operation {
        "GetObject" | "HeadObject" => {
            let mode = headers.get("x-amz-checksum-mode");
            if mode.is_some_and(|mode| !mode.as_bytes().eq_ignore_ascii_case(b"ENABLED")) {
                let text = "Value for x-amz-checksum-mode header is invalid.";
                return Err(ServiceError::bad_request("InvalidRequest", text));
            }
            headers.get(ENCRYPTION)
        }
        "GetObjectAttributes" => return attributes(headers),
        _ => None,
    };
    let Some(value) = value else { return Ok(()) };
    let text = "x-amz-server-side-encryption header is not supported for this operation.";
    Err(ServiceError::bad_request("InvalidArgument", text)
        .with_field("ArgumentName", ENCRYPTION)
        .with_field("ArgumentValue", String::from_utf8_lossy(value.as_bytes())))
}

/// Whether something is asked for, between commas: a comma at the end counts for nothing, any other empty name is none.
/// Which names there are, the operation knows.
fn attributes(headers: &HeaderMap) -> Result<(), ServiceError> {
    const HEADER: &str = "x-amz-object-attributes";
    let lines: Vec<_> = headers.get_all(HEADER).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let text = lines.join(",");
    let mut names: Vec<&str> = text.split(',').map(str::trim).collect();
    while names.len() > 1 && names.last().is_some_and(|name| name.is_empty()) {
        names.pop();
    }
    if lines.is_empty() || (names == [""] && text.contains(',')) {
        let text =
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty";
        return Err(ServiceError::bad_request("InvalidRequest", text));
    }
    if !names.contains(&"") {
        return Ok(());
    }
    Err(ServiceError::bad_request("InvalidArgument", "Invalid attribute name specified.")
        .with_field("ArgumentName", HEADER)
        .with_field("ArgumentValue", ""))
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

    #[test]
    fn what_can_be_asked_for() {
        let code = |operation: &str, name: &'static str, value: Option<&str>| {
            let pair = value.map(|value| (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
            check(operation, &HeaderMap::from_iter(pair)).map_or_else(|error| error.to_string(), |()| "ok".to_owned())
        };
        for (value, expected) in [
            (None, "InvalidRequest"),
            (Some(","), "InvalidRequest"),
            (Some(""), "InvalidArgument"),
            (Some(",ETag"), "InvalidArgument"),
            (Some("ETag,,ObjectSize"), "InvalidArgument"),
            (Some("ETag,"), "ok"),
            (Some("ETag, ObjectSize"), "ok"),
        ] {
            let found = code("GetObjectAttributes", "x-amz-object-attributes", value);
            assert!(found.starts_with(expected), "{value:?}: {found}");
        }
        for (value, expected) in
            [(None, "ok"), (Some("enabled"), "ok"), (Some(""), "InvalidRequest"), (Some("x"), "InvalidRequest")]
        {
            let found = code("GetObject", "x-amz-checksum-mode", value);
            assert!(found.starts_with(expected), "{value:?}: {found}");
        }
    }
}
