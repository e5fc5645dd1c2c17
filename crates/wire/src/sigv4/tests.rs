//! Vectors from AWS's documentation, and bytes that nobody should send.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::{any, proptest};

use jiff::Timestamp;

use super::{
    CanonicalRequest, Claim, ClaimError, EMPTY_SHA256, PathRule, QueryFault, Scope, Signer, SigningKey, sha256_hex,
    sign_headers, sign_query, string_to_sign, verify,
};
use crate::percent::parse_query;

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
    for (credential, date) in
        [("a/20150830/r/s", "20150830T000000Z"), ("a/2015083/r/s/aws4_request", "20150830T000000Z")]
    {
        assert!(matches!(scoped(credential, date), ClaimError::Incomplete(_)), "{credential} {date}");
    }
    for date in ["20151330T000000Z", "19500830T000000Z", "yesterday", ""] {
        assert!(matches!(scoped("a/20150830/r/s/aws4_request", date), ClaimError::Time(_)), "{date}");
    }
    let authorization = "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request, SignedHeaders=host, Signature=0";
    assert!(matches!(refused(&[("authorization", authorization)]), ClaimError::Time(_)));
    let dated =
        |date| Claim::from_headers(&headers(&[("authorization", authorization), ("x-amz-date", date)])).unwrap();
    assert_eq!(dated("20150830T235959Z").check_day(), Ok(()));
    assert!(matches!(dated("20150831T000000Z").check_day(), Err(ClaimError::Incomplete(_))));
}

#[test]
fn a_plus_in_a_query_is_the_space_that_clients_sign() {
    let sent = headers(&[
        ("x-amz-date", "20150830T123600Z"),
        ("authorization", "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=host, Signature=0"),
    ]);
    let claim = Claim::from_headers(&sent).unwrap();
    let render = |query| {
        CanonicalRequest { method: "GET", path: "/", query, headers: &sent, payload: "", path_rule: PathRule::Once }
            .render(&claim)
    };
    assert_eq!(render("prefix=foo+bar%2F&a+b="), render("a%20b=&prefix=foo%20bar%2F"));
    assert_eq!(render("prefix=a%2Bb"), render("prefix=a%2bb"));
    assert_ne!(render("prefix=a%2Bb"), render("prefix=a+b"));
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
const DOCUMENTED: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

#[test]
fn documented_presigned_url() {
    let host = headers(&[("host", "examplebucket.s3.amazonaws.com")]);
    let claim = Claim::from_query(&parse_query(DOCUMENTED).unwrap()).unwrap();
    let key = SigningKey::derive(SECRET, &claim.scope);
    let request = |query| CanonicalRequest {
        method: "GET",
        path: "/test.txt",
        query,
        headers: &host,
        payload: "UNSIGNED-PAYLOAD",
        path_rule: PathRule::Once,
    };
    assert_eq!(verify(&claim, &request(DOCUMENTED), &key), Ok(()));
    let signer = Signer { access_key: &claim.access_key, scope: &claim.scope, key: &key };
    assert_eq!(sign_query(&request(""), &signer, claim.time, 86400).unwrap(), DOCUMENTED);
    let appended = format!("{DOCUMENTED}&X-Amz-Security-Token=t");
    let claim = Claim::from_query(&parse_query(&appended).unwrap()).unwrap();
    assert_eq!(verify(&claim, &request(&appended), &key), Ok(()), "a token that was added after signing");
    let more = format!("{appended}&x=y");
    assert!(verify(&claim, &request(&more), &key).is_err(), "anything else that was added");
}

#[test]
fn what_is_wrong_with_a_presigned_query() {
    let fault = |from: &str, to: &str| {
        assert!(DOCUMENTED.contains(from), "{from}");
        match Claim::from_query(&parse_query(&DOCUMENTED.replace(from, to)).unwrap()) {
            Err(ClaimError::Query(fault)) => fault,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(Claim::from_query(&parse_query("a=b").unwrap()).unwrap_err(), ClaimError::Missing);
    assert_eq!(fault("&X-Amz-Date=20130524T000000Z", ""), QueryFault::Lacking("X-Amz-Date"));
    assert_eq!(fault("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders"), QueryFault::Lacking("X-Amz-SignedHeaders"));
    assert_eq!(fault("Expires=86400", "Expires=1&x-amz-expires=2"), QueryFault::Twice("X-Amz-Expires"));
    assert_eq!(fault("SHA256", "MD5"), QueryFault::Algorithm("AWS4-HMAC-MD5".into()));
    assert!(matches!(fault("%2Fs3", ""), QueryFault::Credential(_)));
    assert!(matches!(fault("T000000Z", ""), QueryFault::Date(_)));
    assert!(matches!(fault("T000000Z", "T990000Z"), QueryFault::Date(_)));
    assert!(matches!(fault("Date=20130524", "Date=20130525"), QueryFault::OtherDay { .. }));
    assert_eq!(fault("86400", "1h"), QueryFault::ExpiresNoNumber);
    assert_eq!(fault("86400", ""), QueryFault::ExpiresNoNumber);
    assert_eq!(fault("86400", "-1"), QueryFault::ExpiresNegative);
    assert_eq!(fault("86400", "604801"), QueryFault::ExpiresTooLong);
    assert_eq!(fault("86400", "99999999999999999999"), QueryFault::ExpiresTooLong);
    assert_eq!(fault("=host", &format!("={}", "a;".repeat(100))), QueryFault::TooManyHeaders);
}

/// A request and its signature, by header or presigned, that can be changed in any one place.
#[derive(Debug, Clone)]
struct Sent {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    payload: String,
}

impl Sent {
    fn request(&self) -> CanonicalRequest<'_> {
        CanonicalRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            payload: &self.payload,
            path_rule: PathRule::Once,
        }
    }

    fn signed(mut self, is_presigned: bool) -> Self {
        let time: Timestamp = "2013-05-24T00:00:00Z".parse().unwrap();
        let scope = Scope { date: "20130524".into(), region: "us-east-1".into(), service: "s3".into() };
        let key = SigningKey::derive(SECRET, &scope);
        let signer = Signer { access_key: "AKID", scope: &scope, key: &key };
        if is_presigned {
            self.query = sign_query(&self.request(), &signer, time, 60).unwrap();
        } else {
            self.headers.insert("x-amz-date", HeaderValue::from_static("20130524T000000Z"));
            let value = sign_headers(&self.request(), &signer).unwrap();
            self.headers.insert("authorization", value.parse().unwrap());
        }
        self
    }

    fn is_good(&self) -> bool {
        let query = parse_query(&self.query);
        let claim = Claim::from_headers(&self.headers).or_else(|_| Claim::from_query(&query.unwrap_or_default()));
        let Ok(claim) = claim else { return false };
        verify(&claim, &self.request(), &SigningKey::derive(SECRET, &claim.scope)).is_ok()
    }
}

/// With another character at one place; no other case of the same one, in which names of parameters are read too.
fn changed(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = at % bytes.len();
    bytes[at] = if bytes[at].eq_ignore_ascii_case(&b'x') { b'y' } else { b'x' };
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_what_is_changed_does_not(
        path in "/[a-z0-9/ %~.é-]{0,30}",
        query in "([a-z]{1,5}=[a-z0-9]{1,5}(&[a-z]{1,5}=[a-z0-9]{1,5}){0,3})?",
        value in "[a-z0-9]{1,20}",
        is_presigned in any::<bool>(),
        at in any::<usize>(),
    ) {
        let headers = headers(&[("host", "example.net"), ("x-amz-meta-a", &value)]);
        let sent = Sent { method: "PUT".into(), path, query, headers, payload: EMPTY_SHA256.into() }.signed(is_presigned);
        assert!(sent.is_good(), "{sent:?}");
        let altered = |change: &dyn Fn(&mut Sent)| {
            let mut other = sent.clone();
            change(&mut other);
            assert!(!other.is_good(), "{other:?}");
        };
        altered(&|sent| sent.method = changed(&sent.method, at));
        altered(&|sent| sent.path.push('x'));
        altered(&|sent| sent.query.push_str("&x=y"));
        altered(&|sent| sent.payload = changed(&sent.payload, at));
        altered(&|sent| drop(sent.headers.remove("host")));
        altered(&|sent| {
            let value = changed(sent.headers["x-amz-meta-a"].to_str().unwrap(), at);
            sent.headers.insert("x-amz-meta-a", value.parse().unwrap());
        });
        if is_presigned {
            altered(&|sent| sent.query = changed(&sent.query, at));
        } else {
            altered(&|sent| {
                let text = sent.headers["authorization"].to_str().unwrap();
                let start = text.find("Signature=").unwrap() + "Signature=".len();
                let value = format!("{}{}", &text[..start], changed(&text[start..], at));
                sent.headers.insert("authorization", value.parse().unwrap());
            });
        }
    }

    #[test]
    fn any_query_is_refused_or_parsed(query in "((X-Amz-(Algorithm|Credential|Date|Expires|Signature|SignedHeaders)|[a-z]{1,3})=[!-%'-~]{0,40}&){0,8}") {
        if let Ok(query) = parse_query(&query) {
            let _ = Claim::from_query(&query);
        }
    }

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
