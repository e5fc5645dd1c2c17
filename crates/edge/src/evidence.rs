//! What a request brings to prove who sent it: a signature of version 4 or 2, in its header or in its query.
//! Not here: whether it is true.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use wire::sigv4::Place;
use wire::{parse_query, sigv2, sigv4};

/// A claim of either version.
#[derive(Debug, Clone)]
pub(crate) enum Evidence {
    /// Version 4.
    V4(sigv4::Claim),
    /// Version 2, which S3 alone takes.
    V2(sigv2::Claim),
}

/// Why a request brings nothing that could be looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not signed at all.
    Missing,
    /// It is signed in its header and in its query, or in its query twice.
    Two,
    /// A claim of version 4 is not whole, or of an unknown kind.
    V4(sigv4::ClaimError),
    /// A claim of version 2 is not whole.
    V2(sigv2::ClaimError),
}

/// The evidence of a request, or what is wrong with it.
pub(crate) type Claimed = Result<Evidence, Fault>;

/// Finds the evidence of a request. One that is signed twice is never believed, even if both were true.
pub(crate) fn find(parts: &Parts) -> Claimed {
    // An empty header is as good as none, as with S3.
    let has_header = parts.headers.get(header::AUTHORIZATION).is_some_and(|value| !value.is_empty());
    // A query that cannot be decoded is refused before anybody asks.
    let query = parse_query(parts.uri.query().unwrap_or_default()).unwrap_or_default();
    let (is_v4, is_v2) = (sigv4::Claim::is_in_query(&query), sigv2::Claim::is_in_query(&query));
    match (has_header, is_v4, is_v2) {
        (false, false, false) => Err(Fault::Missing),
        (true, false, false) => in_header(&parts.headers),
        (false, true, false) => sigv4::Claim::from_query(&query).map(Evidence::V4).map_err(Fault::V4),
        (false, false, true) => sigv2::Claim::from_query(&query).map(Evidence::V2).map_err(Fault::V2),
        _ => Err(Fault::Two),
    }
}

fn in_header(headers: &HeaderMap) -> Claimed {
    match sigv2::Claim::from_headers(headers) {
        Err(sigv2::ClaimError::Missing) => sigv4::Claim::from_headers(headers).map(Evidence::V4).map_err(Fault::V4),
        other => other.map(Evidence::V2).map_err(Fault::V2),
    }
}

impl Evidence {
    /// Who signed.
    pub(crate) fn access_key(&self) -> &str {
        match self {
            Self::V4(claim) => &claim.access_key,
            Self::V2(claim) => &claim.access_key,
        }
    }

    /// The signing name of the service that it is for.
    pub(crate) fn service(&self) -> &str {
        match self {
            Self::V4(claim) => &claim.scope.service,
            Self::V2(_) => "s3",
        }
    }

    /// The session token that came along.
    pub(crate) fn session_token(&self) -> Option<&str> {
        match self {
            Self::V4(claim) => claim.session_token.as_deref(),
            Self::V2(claim) => claim.session_token.as_deref(),
        }
    }

    /// The claim, if it is of version 4.
    pub(crate) fn v4(&self) -> Option<&sigv4::Claim> {
        match self {
            Self::V4(claim) => Some(claim),
            Self::V2(_) => None,
        }
    }

    /// Whether it stands in the query.
    pub(crate) fn is_presigned(&self) -> bool {
        match self {
            Self::V4(claim) => claim.is_presigned(),
            Self::V2(claim) => claim.expires.is_some(),
        }
    }
}

/// What stands for the body of an S3 request in what was signed: the header, if it is signed; what a presigned query
/// says; or that nobody vouches for the body. Empty if a request that must say so does not.
pub(crate) fn payload_marker(claimed: &Claimed, headers: &HeaderMap) -> String {
    const HEADER: &str = "x-amz-content-sha256";
    let in_header = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(Evidence::V4(claim)) = claimed else { return in_header.to_owned() };
    match &claim.place {
        Place::Query { payload, .. } if !claim.signed_headers.contains(HEADER) => {
            payload.as_deref().unwrap_or("UNSIGNED-PAYLOAD").to_owned()
        }
        Place::Query { .. } | Place::Header => in_header.to_owned(),
    }
}

/// Moves what a presigned S3 request says in its query to the headers, as S3 reads it: who makes such a URL has no
/// headers to send along. Checksums stay where they are and count for nothing, as with S3: SDKs that presign an upload
/// have no body yet, and put the checksum of nothing there.
pub(crate) fn hoist(claimed: &Claimed, query: &[(String, Option<String>)], headers: &mut HeaderMap) {
    let Ok(evidence) = claimed else { return };
    if !evidence.is_presigned() {
        return;
    }
    let is_v2 = matches!(evidence, Evidence::V2(_));
    for (name, value) in query {
        let name = name.to_ascii_lowercase();
        let is_meant =
            name.starts_with("x-amz-") || (is_v2 && ["content-md5", "content-type"].contains(&name.as_str()));
        let is_checksum = name.starts_with("x-amz-checksum-") && name != "x-amz-checksum-mode";
        let is_ours = sigv4::Claim::is_claim_parameter(&name) || name == "x-amz-sdk-checksum-algorithm";
        if !is_meant || is_checksum || is_ours || headers.contains_key(&name) {
            continue;
        }
        let value = value.as_deref().unwrap_or_default();
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Request};
    use wire::parse_query;

    use super::{Claimed, Evidence, Fault, find, hoist, payload_marker};

    const V4: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20130524%2Fr%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=c";
    const V2: &str = "AWSAccessKeyId=A&Expires=1&Signature=b";

    fn claimed(query: &str, authorization: Option<&str>) -> Claimed {
        let mut request = Request::builder().uri(format!("/b/k?{query}"));
        if let Some(value) = authorization {
            request = request.header("authorization", value).header("x-amz-date", "20130524T000000Z");
        }
        find(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn one_mechanism_and_no_more() {
        let header4 = "AWS4-HMAC-SHA256 Credential=A/20130524/r/s3/aws4_request, SignedHeaders=host, Signature=0";
        for (query, header, is_v4) in
            [(V4, None, true), (V2, None, false), ("", Some(header4), true), ("", Some("AWS A:b"), false)]
        {
            let found = claimed(query, header).unwrap();
            assert_eq!((found.v4().is_some(), found.service(), found.access_key()), (is_v4, "s3", "A"), "{query}");
            assert_eq!(found.is_presigned(), header.is_none());
        }
        let both = format!("{V4}&{V2}");
        for (query, header) in [(both.as_str(), None), (V4, Some(header4)), (V2, Some("AWS A:b")), (V4, Some("x"))] {
            assert_eq!(claimed(query, header).unwrap_err(), Fault::Two, "{query}");
        }
        assert_eq!(claimed("a=b", None).unwrap_err(), Fault::Missing);
        assert_eq!(claimed("a=b", Some("")).unwrap_err(), Fault::Missing);
        for part in ["X-Amz-Algorithm=a", "x-amz-%53ignature=c", "Signature=a", "AWSAccessKeyId=a"] {
            assert!(!matches!(claimed(part, None), Err(Fault::Missing) | Ok(_)), "{part} is never taken for nothing");
        }
    }

    #[test]
    fn what_stands_for_the_body() {
        let marker = |query: &str| payload_marker(&claimed(query, None), &HeaderMap::new());
        assert_eq!(marker(V4), "UNSIGNED-PAYLOAD");
        assert_eq!(marker(&format!("{V4}&X-Amz-Content-Sha256=abc")), "abc");
        assert_eq!((marker(V2), marker("")), (String::new(), String::new()));
    }

    #[test]
    fn a_presigned_query_counts_as_headers_but_for_its_checksums() {
        let extra = "x-amz-meta-a=1&X-Amz-Acl=private&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&content-type=a/b&x-amz-checksum-mode=ENABLED&versionId=1";
        for (base, names) in [
            (V4, &["x-amz-acl", "x-amz-checksum-mode", "x-amz-meta-a"][..]),
            (V2, &["content-type", "x-amz-acl", "x-amz-checksum-mode", "x-amz-meta-a"]),
            ("", &[]),
        ] {
            let query = format!("{base}&{extra}");
            let claim = claimed(&query, None);
            assert!(matches!(claim, Ok(Evidence::V4(_) | Evidence::V2(_)) | Err(Fault::Missing)));
            let mut headers = HeaderMap::new();
            hoist(&claim, &parse_query(&query).unwrap(), &mut headers);
            let mut found: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
            found.sort_unstable();
            assert_eq!(found, names);
        }
    }
}
