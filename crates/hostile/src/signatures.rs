//! Signature Version 4: the claim, and the text that is signed.

use http::{HeaderMap, HeaderName, HeaderValue};
use wire::sigv4::{
    CanonicalRequest, Claim, PathRule, Scope, Signer, SigningKey, amz_date, sign_headers, sign_query, verify,
};
use wire::{parse_query, sigv2};

use crate::input::{Input, Request};

/// See [`crate::TARGETS`]. An input is a request.
pub(crate) fn claim(bytes: &[u8]) {
    let Some(request) = Request::read(bytes) else { return };
    let headers = request.header_map(false);
    let claim = Claim::from_headers(&headers);
    let turned = Claim::from_headers(&request.header_map(true));
    assert_eq!(format!("{claim:?}"), format!("{turned:?}"), "the order of the headers decides");
    let Ok(claim) = claim else { return };
    assert!(claim.signed_headers.iter().count() <= 100 && !claim.signature.is_empty() && !claim.access_key.is_empty());
    assert_eq!(claim.scope.date, claim.amz_date[..8]);
    assert_eq!(amz_date(claim.time), claim.amz_date);
    for path_rule in [PathRule::Once, PathRule::Twice] {
        let text = canonical(&request, &headers, path_rule).render(&claim);
        // A byte becomes three when it is escaped, nine when that is escaped again; a header may be named a hundred times.
        assert!(text.len() <= 1024 + 101 * bytes.len(), "{} bytes became {}", bytes.len(), text.len());
    }
}

fn canonical<'a>(request: &'a Request<'_>, headers: &'a HeaderMap, path_rule: PathRule) -> CanonicalRequest<'a> {
    CanonicalRequest {
        method: request.method.as_str(),
        path: request.path,
        query: request.query,
        headers,
        payload: "UNSIGNED-PAYLOAD",
        path_rule,
    }
}

fn scope() -> Scope {
    Scope { date: "20261121".into(), region: "us-east-1".into(), service: "s3".into() }
}

/// A request that can be signed: with a host and a time of its own, and without a claim. None if HTTP would refuse it, or
/// it has a claim already.
fn signable(bytes: &[u8]) -> Option<Request<'_>> {
    let mut request = Request::read(bytes)?;
    let query = parse_query(request.query).ok()?;
    if request.headers.len() > 98 || Claim::is_in_query(&query) || sigv2::Claim::is_in_query(&query) {
        return None;
    }
    let own = ["host", "x-amz-date", "date", "authorization"];
    request.headers.retain(|(name, _)| !own.contains(&name.as_str()));
    request.headers.push((HeaderName::from_static("host"), HeaderValue::from_static("h")));
    request.headers.push((HeaderName::from_static("x-amz-date"), HeaderValue::from_static("20261121T080000Z")));
    Some(request)
}

fn turned(query: &str) -> String {
    let turned: Vec<&str> = query.split('&').rev().collect();
    turned.join("&")
}

/// See [`crate::TARGETS`]. An input is a path rule in one byte, then a request.
pub(crate) fn request(bytes: &[u8]) {
    let mut input = Input(bytes);
    let path_rule = if input.byte() % 2 == 0 { PathRule::Once } else { PathRule::Twice };
    let Some(request) = signable(input.0) else { return };
    let (scope, headers) = (scope(), request.header_map(false));
    let key = SigningKey::derive("secret", &scope);
    let signed = canonical(&request, &headers, path_rule);
    let signer = Signer { access_key: "AKIDEXAMPLE", scope: &scope, key: &key };
    let authorization = sign_headers(&signed, &signer).unwrap_or_else(|error| panic!("{error}"));

    let mut sent = request.header_map(true);
    let Ok(value) = HeaderValue::from_str(&authorization) else { panic!("{authorization} is no header") };
    sent.insert(http::header::AUTHORIZATION, value);
    // Long lists of headers do not fit into what is looked at.
    let Ok(claim) = Claim::from_headers(&sent) else {
        assert!(authorization.len() > 4096, "what we signed makes no claim");
        return;
    };
    let query = turned(request.query);
    let sent = CanonicalRequest { headers: &sent, query: &query, ..signed };
    holds_for_no_other(&claim, sent, &key, headers.keys());
}

/// As [`request`], with the claim in the query.
pub(crate) fn presigned(bytes: &[u8]) {
    let mut input = Input(bytes);
    let path_rule = if input.byte() % 2 == 0 { PathRule::Once } else { PathRule::Twice };
    let Some(request) = signable(input.0) else { return };
    let (scope, headers) = (scope(), request.header_map(false));
    let key = SigningKey::derive("secret", &scope);
    let signed = canonical(&request, &headers, path_rule);
    let signer = Signer { access_key: "AKIDEXAMPLE", scope: &scope, key: &key };
    let time = jiff::Timestamp::constant(1_795_248_000, 0);
    let query = sign_query(&signed, &signer, time, 60).unwrap_or_else(|error| panic!("{error}"));
    let query = turned(&query);
    let Ok(pairs) = parse_query(&query) else { panic!("{query} is no query") };
    let claim = Claim::from_query(&pairs).unwrap_or_else(|error| panic!("{error} in {query}"));
    let sent = request.header_map(true);
    let sent = CanonicalRequest { headers: &sent, query: &query, ..signed };
    holds_for_no_other(&claim, sent, &key, headers.keys());
}

fn holds_for_no_other<'a>(
    claim: &Claim,
    sent: CanonicalRequest<'_>,
    key: &SigningKey,
    names: impl Iterator<Item = &'a HeaderName>,
) {
    let holds = |request: CanonicalRequest<'_>| verify(claim, &request, key).is_ok();
    assert!(holds(sent), "the order of headers or query decides");
    let (path, query) = (format!("{}x", sent.path), format!("{}&zz=1", sent.query));
    assert!(!holds(CanonicalRequest { path: &path, ..sent }), "another path");
    assert!(!holds(CanonicalRequest { query: &query, ..sent }), "another query");
    assert!(!holds(CanonicalRequest { payload: "", ..sent }), "another body");
    let method = format!("{}X", sent.method);
    assert!(!holds(CanonicalRequest { method: &method, ..sent }), "another method");
    for name in names {
        let mut changed = sent.headers.clone();
        changed.append(name, HeaderValue::from_static("x"));
        assert!(!holds(CanonicalRequest { headers: &changed, ..sent }), "another {name}");
        changed.remove(name);
        let was_empty = sent.headers.get_all(name).iter().all(|value| value.is_empty());
        assert!(was_empty || !holds(CanonicalRequest { headers: &changed, ..sent }), "without {name}");
    }
}

/// Version 2. An input is a request, which is presigned.
pub(crate) fn version_2(bytes: &[u8]) {
    if let Some(request) = Request::read(bytes) {
        let claims = [false, true].map(|is_turned| sigv2::Claim::from_headers(&request.header_map(is_turned)));
        assert_eq!(claims[0], claims[1], "the order of the headers decides");
    }
    let Some(request) = signable(bytes) else { return };
    let Ok(mut query) = parse_query(request.query) else { return };
    let headers = request.header_map(false);
    let method = request.method.as_str();
    let parameters = [("AWSAccessKeyId", "AKIDEXAMPLE"), ("Expires", "1795248000"), ("Signature", "x")];
    query.retain(|(name, _)| name != "Expires");
    query.extend(parameters.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))));
    let Ok(unsigned) = sigv2::Claim::from_query(&query) else { panic!("{query:?} makes no claim") };
    let request = sigv2::Request { method, bucket: None, path: request.path, query: &query, headers: &headers };
    let signature = sigv2::sign("secret", &unsigned.string_to_sign(&request));
    let mut claim = unsigned;
    claim.signature = signature;
    let holds = |request: &sigv2::Request<'_>| claim.verify(request, "secret").is_ok();
    let turned: Vec<_> = query.iter().rev().cloned().collect();
    let is_plain = query.iter().all(|(name, _)| query.iter().filter(|(other, _)| other == name).count() == 1);
    assert!(holds(&request) && (!is_plain || holds(&sigv2::Request { query: &turned, ..request })), "its own request");
    let path = format!("{}x", request.path);
    assert!(!holds(&sigv2::Request { path: &path, ..request }), "another path");
    let method = format!("{method}X");
    assert!(!holds(&sigv2::Request { method: &method, ..request }), "another method");
    assert!(claim.verify(&request, "another").is_err(), "another secret");
}
