//! Heads that HTTP lets pass and that are refused all the same: two readers could read two requests in them.
//! Source: RFC 9112, sections 3.2 and 6.3; S3's "List of error codes" for its names.

use http::request::Parts;
use http::{HeaderName, Method, Version, header};
use wire::ServiceError;

use crate::failures::malformed;
use crate::limits::Limits;
use crate::subresources;
use crate::trace::Family;

/// Refuses a head that means two things, or that is larger than its service takes.
pub(crate) fn check_head(parts: &Parts, family: Family, limits: &Limits) -> Result<(), ServiceError> {
    if parts.method == Method::CONNECT {
        let text = "The specified method is not allowed against this resource.";
        return Err(ServiceError::sender("MethodNotAllowed", 405, text));
    }
    if family == Family::S3 && !subresources::is_known(&parts.method) {
        return Err(malformed(family));
    }
    let count = |name: HeaderName| parts.headers.get_all(name).iter().count();
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let host = parts.headers.get(header::HOST).map(|value| value.as_bytes());
    let is_odd = count(header::HOST) > 1
        || count(header::CONTENT_LENGTH) > 1
        || (host.is_none() && parts.version == Version::HTTP_11)
        || host.zip(authority).is_some_and(|(host, authority)| !host.eq_ignore_ascii_case(authority.as_bytes()))
        || (parts.headers.contains_key(header::CONTENT_LENGTH)
            && parts.headers.contains_key(header::TRANSFER_ENCODING));
    if is_odd {
        return Err(malformed(family));
    }
    if count(header::AUTHORIZATION) > 1 {
        return Err(two_authorizations(family));
    }
    if !parts.uri.path().starts_with('/') {
        return Err(malformed(family));
    }
    let size: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if family == Family::S3 && size > limits.s3_header_bytes {
        let text = "Your request header section exceeds the maximum allowed size.";
        return Err(ServiceError::bad_request("RequestHeaderSectionTooLarge", text)
            .with_field("MaxSizeAllowed", limits.s3_header_bytes.to_string()));
    }
    Ok(())
}

fn two_authorizations(family: Family) -> ServiceError {
    match family {
        Family::S3 => ServiceError::bad_request("InvalidArgument", "Only one auth mechanism allowed")
            .with_field("ArgumentName", "Authorization"),
        Family::Ec2 | Family::Query => {
            ServiceError::bad_request("IncompleteSignature", "The request has more than one Authorization header.")
        }
        Family::Modern => {
            let text = "The request has more than one Authorization header.";
            ServiceError::bad_request("IncompleteSignatureException", text)
        }
    }
}
