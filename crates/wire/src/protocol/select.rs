//! How a client speaks to a service that it may address in several ways, and which operation it names.
//!
//! The order is that of certainty: CBOR says so in a header of its own, JSON has a target, a form has an action, and what
//! has none of these is REST.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use super::{JsonVersion, Protocol};
use crate::error::ServiceError;
use crate::service::ServiceShape;

const TARGET: &str = "x-amz-target";

/// The protocol in which a request to `service` is written, and in which to answer. `path` is raw, `query` is the raw
/// query string.
///
/// A service is never addressed in a protocol that it does not speak: what fits none is read as its first one, whose
/// error the client is the likeliest to understand.
pub fn select(service: &ServiceShape, method: &Method, path: &str, query: &str, headers: &HeaderMap) -> Protocol {
    let speaks = |wanted: fn(Protocol) -> bool| service.protocols.iter().copied().find(|spoken| wanted(*spoken));
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = service.protocols.first().copied().unwrap_or(Protocol::Query);
    let is_cbor = text("smithy-protocol") == "rpc-v2-cbor" || rpc_operation(path).is_some() && !first.is_rest();
    if is_cbor && let Some(cbor) = speaks(|spoken| spoken == Protocol::Cbor) {
        return cbor;
    }
    let content_type = text(CONTENT_TYPE.as_str());
    let json = speaks(|spoken| matches!(spoken, Protocol::Json { .. }));
    if let Some(json) = json
        && (headers.contains_key(TARGET) || content_type.starts_with("application/x-amz-json-1."))
    {
        return match content_type {
            _ if content_type.starts_with(JsonVersion::V1_0.content_type()) => {
                Protocol::Json { version: JsonVersion::V1_0 }
            }
            _ if content_type.starts_with(JsonVersion::V1_1.content_type()) => {
                Protocol::Json { version: JsonVersion::V1_1 }
            }
            _ => json,
        };
    }
    let is_posted_form = method == Method::POST && content_type.starts_with("application/x-www-form-urlencoded");
    let is_form = is_posted_form || query.split('&').any(|pair| pair.starts_with("Action="));
    if is_form && let Some(form) = speaks(Protocol::is_form) {
        return form;
    }
    speaks(Protocol::is_rest).unwrap_or(first)
}

/// Whether `given` is the model's prefix, or what is left of a dotted one without its package.
fn is_prefix(known: &str, given: &str) -> bool {
    known == given || known.rsplit('.').next() == Some(given)
}

/// The operation in `/service/<Name>/operation/<Operation>`; a prefix may stand before it.
fn rpc_operation(path: &str) -> Option<&str> {
    let mut segments = path.rsplit('/');
    let operation = segments.next()?;
    let is_rpc =
        segments.next() == Some("operation") && segments.next().is_some() && segments.next() == Some("service");
    (is_rpc && !operation.is_empty()).then_some(operation)
}

/// The name of the operation in a request that is not REST; `form` holds the decoded parameters of the body or, for a GET,
/// of the query string. [`ServiceShape::resolve_in`] then finds it.
///
/// # Errors
/// AWS's error for a request that names none, or one of another service.
pub fn operation_name<'a>(
    protocol: Protocol,
    service: &ServiceShape,
    headers: &'a HeaderMap,
    path: &'a str,
    form: &'a [(String, Option<String>)],
) -> Result<&'a str, ServiceError> {
    let unknown = || ServiceError::bad_request("UnknownOperationException", "");
    match protocol {
        Protocol::Cbor => rpc_operation(path).ok_or_else(unknown),
        Protocol::Json { .. } => {
            let target = headers.get(TARGET).and_then(|value| value.to_str().ok()).unwrap_or_default();
            // Prefixes have dots of their own: `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents`.
            match target.rsplit_once('.') {
                Some((prefix, operation)) if service.target_prefix.is_none_or(|known| is_prefix(known, prefix)) => {
                    Ok(operation)
                }
                None if !target.is_empty() => Ok(target),
                _ => Err(unknown()),
            }
        }
        Protocol::Ec2 | Protocol::Query | Protocol::RestXml | Protocol::RestJson => {
            let action = form.iter().find(|(name, _)| name == "Action").and_then(|(_, value)| value.as_deref());
            action.filter(|action| !action.is_empty()).ok_or_else(|| {
                ServiceError::bad_request("MissingAction", "The request must contain the parameter Action")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::{operation_name, select};
    use crate::protocol::{JsonVersion, Protocol};
    use crate::service::ServiceShape;

    const JSON_1_0: Protocol = Protocol::Json { version: JsonVersion::V1_0 };
    const JSON_1_1: Protocol = Protocol::Json { version: JsonVersion::V1_1 };
    const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

    fn service(protocols: &'static [Protocol], target_prefix: Option<&'static str>) -> ServiceShape {
        ServiceShape {
            name: "test",
            service_id: "Test",
            endpoint_prefix: "test",
            signing_name: "test",
            protocols,
            api_version: "2026-11-22",
            xml_namespace: "",
            target_prefix,
            has_bare_errors: false,
            has_whole_seconds: false,
            is_query_compatible: false,
            errors: &[],
            operations: &[],
        }
    }

    /// The protocol and the operation's name, or the code of the error.
    fn check(
        service: &ServiceShape,
        (method, path, query): (&str, &str, &str),
        headers: &[(&'static str, &str)],
        protocol: Protocol,
        operation: &str,
    ) {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        let headers: HeaderMap =
            headers.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect();
        let method: Method = method.parse().unwrap();
        let chosen = select(service, &method, path, query, &headers);
        assert_eq!(chosen, protocol, "{path} {query} {headers:?}");
        let form = crate::parse_query(query).unwrap();
        let named = operation_name(chosen, service, &headers, path, &form).map_err(|error| error.code.into_owned());
        assert_eq!(named.unwrap_or_else(|code| code.leak()), operation);
    }

    #[test]
    fn cloudwatch_is_spoken_to_in_three_ways() {
        let service = service(&[Protocol::Cbor, JSON_1_0, Protocol::Query], Some("GraniteServiceVersion20100801"));
        let rpc = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
        let json = "application/x-amz-json-1.0";
        let target = "GraniteServiceVersion20100801.ListMetrics";
        check(&service, ("POST", rpc, ""), &[("smithy-protocol", "rpc-v2-cbor")], Protocol::Cbor, "ListMetrics");
        check(&service, ("POST", rpc, ""), &[], Protocol::Cbor, "ListMetrics");
        let named = [("content-type", json), ("x-amz-target", target)];
        check(&service, ("POST", "/", ""), &named, JSON_1_0, "ListMetrics");
        let list = "Action=ListMetrics&Version=2010-08-01";
        check(&service, ("POST", "/", list), &[("content-type", FORM)], Protocol::Query, "ListMetrics");
        check(&service, ("GET", "/", list), &[], Protocol::Query, "ListMetrics");
        check(&service, ("POST", "/", ""), &[("content-type", FORM)], Protocol::Query, "MissingAction");
        check(&service, ("POST", "/", ""), &[], Protocol::Cbor, "UnknownOperationException");
        check(&service, ("POST", "/", ""), &[("content-type", json)], JSON_1_0, "UnknownOperationException");
    }

    #[test]
    fn targets_name_the_service_and_the_operation() {
        let service = service(&[JSON_1_1], Some("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"));
        let rows = [
            ("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents", "LookupEvents"),
            ("CloudTrail_20131101.LookupEvents", "LookupEvents"),
            ("LookupEvents", "LookupEvents"),
            ("TrentService.LookupEvents", "UnknownOperationException"),
            ("", "UnknownOperationException"),
        ];
        for (target, operation) in rows {
            let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
            check(&service, ("POST", "/", ""), &headers, JSON_1_1, operation);
        }
        check(&service, ("POST", "/", ""), &[("x-amz-target", "LookupEvents")], JSON_1_1, "LookupEvents");
        check(&service, ("POST", "/", "Action=LookupEvents"), &[], JSON_1_1, "UnknownOperationException");
    }

    #[test]
    fn rest_services_are_rest_whatever_the_client_says() {
        for (protocol, path) in [(Protocol::RestXml, "/service/x/operation/y"), (Protocol::RestJson, "/functions")] {
            let service =
                service(if protocol == Protocol::RestXml { &[Protocol::RestXml] } else { &[Protocol::RestJson] }, None);
            check(&service, ("POST", path, "Action=X"), &[("content-type", FORM)], protocol, "X");
            check(&service, ("GET", path, ""), &[("smithy-protocol", "rpc-v2-cbor")], protocol, "MissingAction");
        }
    }
}
