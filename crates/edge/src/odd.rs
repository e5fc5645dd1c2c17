//! Heads that HTTP lets pass and that are refused all the same: two readers could read two requests in them.
//! Source: RFC 9112, sections 3.2 and 6.3; S3's "List of error codes" for its names.

use http::request::Parts;
use http::{HeaderName, Method, Version, header};
use wire::{Protocol, ServiceError};

use crate::limits::Limits;

/// Refuses a head that means two things, or that is larger than its service takes.
pub(crate) fn check_head(parts: &Parts, protocol: Protocol, limits: &Limits) -> Result<(), ServiceError> {
    if parts.method == Method::CONNECT {
        let text = "The specified method is not allowed against this resource.";
        return Err(ServiceError::sender("MethodNotAllowed", 405, text));
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
        return Err(malformed(protocol));
    }
    if count(header::AUTHORIZATION) > 1 {
        return Err(two_authorizations(protocol));
    }
    if !parts.uri.path().starts_with('/') {
        return Err(malformed(protocol));
    }
    let size: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if protocol == Protocol::RestXml && size > limits.s3_header_bytes {
        let text = "Your request header section exceeds the maximum allowed size.";
        return Err(ServiceError::bad_request("RequestHeaderSectionTooLarge", text)
            .with_field("MaxSizeAllowed", limits.s3_header_bytes.to_string()));
    }
    Ok(())
}

fn malformed(protocol: Protocol) -> ServiceError {
    match protocol {
        Protocol::RestXml => {
            ServiceError::bad_request("BadRequest", "An error occurred when parsing the HTTP request.")
        }
        Protocol::Ec2 | Protocol::Query => {
            ServiceError::bad_request("MalformedHttpRequestException", "Problems with the request at the HTTP level.")
        }
    }
}

fn two_authorizations(protocol: Protocol) -> ServiceError {
    match protocol {
        Protocol::RestXml => ServiceError::bad_request("InvalidArgument", "Only one auth mechanism allowed")
            .with_field("ArgumentName", "Authorization"),
        Protocol::Ec2 | Protocol::Query => {
            ServiceError::bad_request("IncompleteSignature", "The request has more than one Authorization header.")
        }
    }
}
