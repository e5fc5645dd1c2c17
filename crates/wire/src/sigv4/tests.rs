//! Vectors from AWS's documentation, and bytes that nobody should send.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::{any, proptest};

use super::{CanonicalRequest, Claim, ClaimError, EMPTY_SHA256, PathRule, SigningKey, sha256_hex, string_to_sign};

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect()
}

/// The secret of AWS's documentation examples; it opens nothing.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// The same page of another guide spells it with a plus.
const OTHER_SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn check(path: &str, query: &str, sent: &[(&str, &str)], payload: &str, rule: PathRule) {
    let headers = headers(sent);
    let claim = Claim::from_headers(&headers).unwrap();
    let canonical =
        CanonicalRequest { method: "GET", path, query, headers: &headers, payload, path_rule: rule }.render(&claim);
    let secret = if rule == PathRule::Once { SECRET } else { OTHER_SECRET };
    let signature = SigningKey::derive(secret, &claim.scope).sign(&string_to_sign(&claim, &canonical));
    assert!(signature.matches(&claim.signature), "{canonical}");
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
#[test]
fn documented_s3_get_object() {
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    check(
        "/test.txt",
        "",
        &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", EMPTY_SHA256),
            ("x-amz-date", "20130524T000000Z"),
            ("authorization", authorization),
        ],
        EMPTY_SHA256,
        PathRule::Once,
    );
}

#[test]
fn documented_s3_list_and_lifecycle() {
    for (query, signature) in [
        ("lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ] {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
        );
        check(
            "/",
            query,
            &[
                ("host", "examplebucket.s3.amazonaws.com"),
                ("x-amz-content-sha256", EMPTY_SHA256),
                ("x-amz-date", "20130524T000000Z"),
                ("authorization", &authorization),
            ],
            EMPTY_SHA256,
            PathRule::Once,
        );
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
#[test]
fn documented_iam_list_users() {
    check(
        "/",
        "Action=ListUsers&Version=2010-05-08",
        &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            ),
        ],
        &sha256_hex(b""),
        PathRule::Twice,
    );
}

#[test]
fn what_is_lacking_is_said_in_aws_words() {
    let refused = |sent: &[(&str, &str)]| Claim::from_headers(&headers(sent)).unwrap_err();
    assert_eq!(refused(&[]), ClaimError::Missing);
    assert_eq!(refused(&[("authorization", "Bearer x")]), ClaimError::UnsupportedType);
    assert_eq!(
        refused(&[("authorization", "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request")]),
        ClaimError::Incomplete(
            "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256".into()
        )
    );
    let scoped = |credential: &str, date: &str| {
        let value = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
        refused(&[("authorization", &value), ("x-amz-date", date)])
    };
    for (credential, date) in [
        ("a/20150830/r/s", "20150830T000000Z"),
        ("a/2015083/r/s/aws4_request", "20150830T000000Z"),
        ("a/20150830/r/s/aws4_request", "20150831T000000Z"),
        ("a/20150830/r/s/aws4_request", "20151330T000000Z"),
        ("a/20150830/r/s/aws4_request", "yesterday"),
    ] {
        assert!(matches!(scoped(credential, date), ClaimError::Incomplete(_)), "{credential} {date}");
    }
}

proptest! {
    #[test]
    fn any_header_bytes_are_refused_or_parsed(value in proptest::collection::vec(any::<u8>(), 0..300), date in "\\PC{0,20}") {
        let mut map = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&value) { map.insert("authorization", value); }
        if let Ok(date) = HeaderValue::from_str(&date) { map.insert("x-amz-date", date); }
        let _ = Claim::from_headers(&map);
    }

    #[test]
    fn any_path_and_query_render(path in "\\PC{0,60}", query in "\\PC{0,60}") {
        let sent = headers(&[
            ("x-amz-date", "20150830T123600Z"),
            ("authorization", "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=host, Signature=0"),
        ]);
        let claim = Claim::from_headers(&sent).unwrap();
        let request = CanonicalRequest { method: "GET", path: &path, query: &query, headers: &sent, payload: "", path_rule: PathRule::Twice };
        assert!(request.render(&claim).starts_with("GET\n"));
    }
}
