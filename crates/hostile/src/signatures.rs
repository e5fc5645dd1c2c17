//! Signature Version 4: the claim, and the text that is signed.

use http::{HeaderMap, HeaderName, HeaderValue};
use wire::sigv4::{
    CanonicalRequest, Claim, PathRule, Scope, Signer, SigningKey, amz_date, sign_headers, string_to_sign,
};

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

/// See [`crate::TARGETS`]. An input is a path rule in one byte, then a request.
pub(crate) fn request(bytes: &[u8]) {
    let mut input = Input(bytes);
    let path_rule = if input.byte() % 2 == 0 { PathRule::Once } else { PathRule::Twice };
    let Some(mut request) = Request::read(input.0) else { return };
    let own = ["host", "x-amz-date", "authorization"];
    request.headers.retain(|(name, _)| !own.contains(&name.as_str()));
    request.headers.push((HeaderName::from_static("host"), HeaderValue::from_static("h")));
    request.headers.push((HeaderName::from_static("x-amz-date"), HeaderValue::from_static("20261121T080000Z")));
    if request.headers.len() > 100 {
        return;
    }
    let scope = Scope { date: "20261121".into(), region: "us-east-1".into(), service: "s3".into() };
    let key = SigningKey::derive("secret", &scope);
    let headers = request.header_map(false);
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
    let holds = |request: CanonicalRequest<'_>| {
        key.sign(&string_to_sign(&claim, &request.render(&claim))).matches(&claim.signature)
    };
    let turned: Vec<&str> = request.query.split('&').rev().collect();
    let turned = turned.join("&");
    let sent = CanonicalRequest { headers: &sent, query: &turned, ..signed };
    assert!(holds(sent), "the order of headers or query decides");

    let (path, query) = (format!("{}x", request.path), format!("{}&zz=1", request.query));
    assert!(!holds(CanonicalRequest { path: &path, ..sent }), "another path");
    assert!(!holds(CanonicalRequest { query: &query, ..sent }), "another query");
    assert!(!holds(CanonicalRequest { payload: "", ..sent }), "another body");
    assert!(!holds(CanonicalRequest { method: "X", ..sent }), "another method");
    for name in headers.keys() {
        let mut changed = sent.headers.clone();
        changed.append(name, HeaderValue::from_static("x"));
        assert!(!holds(CanonicalRequest { headers: &changed, ..sent }), "another {name}");
        changed.remove(name);
        let was_empty = headers.get_all(name).iter().all(|value| value.is_empty());
        assert!(was_empty || !holds(CanonicalRequest { headers: &changed, ..sent }), "without {name}");
    }
}
