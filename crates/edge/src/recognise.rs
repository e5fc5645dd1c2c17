//! Which service a request is for, before anything in it is believed.

use http::HeaderMap;

use crate::evidence::Claimed;

/// What a request says of its service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Hint<'a> {
    /// The signing name in its credential scope.
    Signed(&'a str),
    /// It is not signed, and its query or form names an action and a version.
    Form,
    /// None of these: S3, which alone takes anonymous requests.
    Rest,
}

/// The hint of a request.
pub(crate) fn hint<'a>(claim: &'a Claimed, method: &http::Method, query: &str, headers: &HeaderMap) -> Hint<'a> {
    if let Ok(claim) = claim {
        return Hint::Signed(claim.service());
    }
    let is_form = headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    let has_action = query.split('&').any(|pair| pair.starts_with("Action="));
    if (is_form && method == http::Method::POST) || has_action { Hint::Form } else { Hint::Rest }
}

/// The bucket that a host name carries in front of S3's own name, as in `bucket.s3.us-east-1.example.net` and
/// `bucket.localhost`; none in path style.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>.
pub(crate) fn virtual_bucket(host: &str) -> Option<&str> {
    let name = host
        .rsplit_once(':')
        .map_or(host, |(name, port)| if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host });
    if let Some(bucket) = name.strip_suffix(".localhost") {
        let bucket = bucket.strip_suffix(".s3").unwrap_or(bucket);
        return (!bucket.is_empty() && bucket != "s3").then_some(bucket);
    }
    for mark in [".s3.", ".s3-"] {
        if let Some(at) = name.find(mark) {
            return (at > 0).then_some(&name[..at]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::virtual_bucket;

    #[test]
    fn buckets_in_host_names() {
        for (host, bucket) in [
            ("127.0.0.1:4566", None),
            ("localhost:4566", None),
            ("s3.us-east-1.example.net", None),
            ("s3.localhost:4566", None),
            ("my-bucket.localhost:4566", Some("my-bucket")),
            ("my.bucket.s3.localhost", Some("my.bucket")),
            ("my-bucket.s3.us-east-1.example.net:443", Some("my-bucket")),
            ("my-bucket.s3-us-west-2.example.net", Some("my-bucket")),
            ("[::1]:4566", None),
        ] {
            assert_eq!(virtual_bucket(host), bucket, "{host}");
        }
    }
}
