//! What S3 refuses because it stands where it means nothing: taken for what is left without it, the request would do
//! something else than was meant, and a part without its upload would overwrite the object.
//! Not here: parameters that name two operations, which the router knows.
//! Source: S3's answers to such requests, as clients' issues and conformance suites quote them.

use http::Method;
use http::request::Parts;
use wire::ServiceError;

use crate::subresources;
use crate::web::bucket_of;

/// Refuses misplaced parameters and headers.
///
/// # Errors
/// S3's `InvalidRequest`, `InvalidArgument` or `MethodNotAllowed`.
pub(crate) fn check(parts: &Parts, query: &[(String, Option<String>)]) -> Result<(), ServiceError> {
    let find = |wanted: &str| query.iter().find(|(name, _)| name == wanted);
    let has = |wanted: &str| find(wanted).is_some();
    let (bucket, has_key) = bucket_of(parts.uri.path());
    let method = &parts.method;
    if !has_key && !bucket.is_empty() {
        of_bucket(method, query)?;
    }
    if has_key && method == Method::GET && has("logging") {
        let text = "There is no such thing as the ?logging sub-resource for a key";
        return Err(ServiceError::bad_request("NoLoggingStatusForKey", text));
    }
    if has_key && method == Method::GET && has("uploads") {
        let text = "Key is not expected for the GET method ?uploads subresource";
        return Err(ServiceError::bad_request("InvalidRequest", text));
    }
    if has_key && method == Method::GET && has("versions") {
        let text = "There is no such thing as the ?versions sub-resource for a key";
        return Err(ServiceError::bad_request("InvalidRequest", text));
    }
    if has_key && method == Method::PUT {
        match (find("partNumber"), has("uploadId")) {
            (Some((_, number)), false) => {
                let text = "This operation does not accept partNumber without uploadId";
                return Err(ServiceError::bad_request("InvalidArgument", text)
                    .with_field("ArgumentName", "partNumber")
                    .with_field("ArgumentValue", number.clone().unwrap_or_default()));
            }
            (None, true) => {
                let text = "The specified method is not allowed against this resource.";
                return Err(ServiceError::sender("MethodNotAllowed", 405, text)
                    .with_field("Method", "PUT")
                    .with_field("ResourceType", "UPLOAD"));
            }
            _ => {}
        }
    }
    let copies = method == Method::PUT || (method == Method::POST && !has("uploadId"));
    match parts.headers.get("x-amz-copy-source") {
        Some(source) if !copies => {
            let text = "You can only specify a copy source header for copy requests.";
            Err(ServiceError::bad_request("InvalidArgument", text)
                .with_field("ArgumentName", "x-amz-copy-source")
                .with_field("ArgumentValue", String::from_utf8_lossy(source.as_bytes()).into_owned()))
        }
        _ => Ok(()),
    }
}

/// What names an object or one of its versions or parts, where there is none; and what belongs to the other of the two
/// listings.
fn of_bucket(method: &Method, query: &[(String, Option<String>)]) -> Result<(), ServiceError> {
    let find = |wanted: &str| query.iter().find(|(name, _)| name == wanted);
    let has = |wanted: &str| find(wanted).is_some();
    if has("partNumber") {
        return Err(ServiceError::bad_request("InvalidRequest", "Object must have a valid key name."));
    }
    let is_listing = method == Method::GET || method == Method::HEAD;
    if is_listing && !query.iter().any(|(name, _)| subresources::is_of_bucket(name)) {
        let is_second = find("list-type").is_some_and(|(_, value)| value.as_deref() == Some("2"));
        let of_other: &[(&str, &str)] = match is_second {
            true => &[("marker", "Marker unsupported with REST.GET.BUCKET in list-type=2")],
            false => &[
                ("continuation-token", "continuation-token only supported in REST.GET.BUCKET with list-type=2"),
                ("start-after", "startAfter only supported in REST.GET.BUCKET with list-type=2"),
            ],
        };
        if let Some((name, text)) = of_other.iter().find(|(name, _)| has(name)) {
            return Err(ServiceError::bad_request("InvalidArgument", *text).with_field("ArgumentName", *name));
        }
    }
    let takes_version = has("acl") || method == Method::POST;
    if let Some((name, value)) = find("versionId").filter(|_| !takes_version) {
        return Err(ServiceError::bad_request("InvalidArgument", "This operation does not accept a version-id.")
            .with_field("ArgumentName", name.as_str())
            .with_field("ArgumentValue", value.clone().unwrap_or_default()));
    }
    if has("uploadId") && method != Method::HEAD {
        return Err(ServiceError::bad_request("InvalidRequest", "A key must be specified"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::check;

    fn answer(method: &str, path: &str, query: &[&str], source: Option<&str>) -> String {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(source) = source {
            request = request.header("x-amz-copy-source", source);
        }
        let query: Vec<_> = query.iter().map(|name| ((*name).to_owned(), Some("1".to_owned()))).collect();
        let (parts, ()) = request.body(()).unwrap().into_parts();
        check(&parts, &query).map_or_else(|error| error.code.into_owned(), |()| "ok".to_owned())
    }

    #[test]
    fn what_means_nothing_there_is_refused() {
        for (method, path, query, source, expected) in [
            ("GET", "/b/k", &["uploads"][..], None, "InvalidRequest"),
            ("GET", "/b", &["uploads"], None, "ok"),
            ("GET", "/b/k", &["versions"], None, "InvalidRequest"),
            ("GET", "/b", &["versions"], None, "ok"),
            ("PUT", "/b/k", &["partNumber"], None, "InvalidArgument"),
            ("GET", "/b/k", &["partNumber"], None, "ok"),
            ("PUT", "/b/k", &["uploadId"], None, "MethodNotAllowed"),
            ("PUT", "/b/k", &["partNumber", "uploadId"], Some("b/k"), "ok"),
            ("POST", "/b/k", &["uploads"], None, "ok"),
            ("PUT", "/b/k", &[], Some("b/k"), "ok"),
            ("GET", "/b/k", &[], Some("b/k"), "InvalidArgument"),
            ("HEAD", "/b", &[], Some("b/k"), "InvalidArgument"),
            ("DELETE", "/b/k", &[], Some("b/k"), "InvalidArgument"),
            ("POST", "/b/k", &["uploadId"], Some("b/k"), "InvalidArgument"),
            ("GET", "/b", &["marker"], None, "ok"),
            ("GET", "/b", &["start-after"], None, "InvalidArgument"),
            ("HEAD", "/b", &["continuation-token"], None, "InvalidArgument"),
            ("GET", "/b", &["inventory", "continuation-token"], None, "ok"),
            ("GET", "/", &["continuation-token"], None, "ok"),
            ("GET", "/b", &["versionId"], None, "InvalidArgument"),
            ("GET", "/b", &["acl", "versionId"], None, "ok"),
            ("GET", "/b/k", &["versionId"], None, "ok"),
            ("GET", "/b", &["partNumber"], None, "InvalidRequest"),
            ("GET", "/b", &["uploadId"], None, "InvalidRequest"),
            ("GET", "/b/k", &["uploadId"], None, "ok"),
            ("GET", "/b/k", &["logging"], None, "NoLoggingStatusForKey"),
        ] {
            assert_eq!(answer(method, path, query, source), expected, "{method} {path} {query:?} {source:?}");
        }
    }
}
