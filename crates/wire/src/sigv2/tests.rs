//! Vectors from AWS's documentation, and bytes that nobody should send.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::{any, proptest};

use super::{Claim, ClaimError, Request, sign};
use crate::percent::parse_query;

/// The secret of AWS's documentation examples; it opens nothing.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn check(method: &str, bucket: Option<&str>, (path, query): (&str, &str), sent: &[(&str, &str)], signature: &str) {
    let mut headers = headers(sent);
    headers.insert("authorization", format!("AWS AKIAIOSFODNN7EXAMPLE:{signature}").parse().unwrap());
    let claim = Claim::from_headers(&headers).unwrap();
    let query = parse_query(query).unwrap();
    let request = Request { method, bucket, path, query: &query, headers: &headers };
    assert_eq!(claim.verify(&request, SECRET), Ok(()), "{method} {path}");
    let other = Request { method: "PATCH", ..request };
    assert_eq!(claim.verify(&other, SECRET), Err(claim.string_to_sign(&other)));
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html#RESTAuthenticationExamples>
#[test]
fn documented_requests() {
    let bucket = Some("awsexamplebucket1");
    let date = ("date", "Tue, 27 Mar 2007 19:36:42 +0000");
    check("GET", bucket, ("/photos/puppy.jpg", ""), &[date], "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=");
    check(
        "PUT",
        bucket,
        ("/photos/puppy.jpg", ""),
        &[("date", "Tue, 27 Mar 2007 21:15:45 +0000"), ("content-type", "image/jpeg"), ("content-length", "94328")],
        "iqRzw+ileNPu1fhspnRs8nOjjIA=",
    );
    let date = ("date", "Tue, 27 Mar 2007 19:42:41 +0000");
    check("GET", bucket, ("/", "prefix=photos&max-keys=50&marker=puppy"), &[date], "m0WP8eCtspQl5Ahe6L1SozdX9YA=");
    let date = ("date", "Tue, 27 Mar 2007 19:44:46 +0000");
    check("GET", bucket, ("/", "acl"), &[date], "82ZHiFIjc+WbcwFKGUVEQspPn+0=");
    // The same bucket in the path: with a slash at its end, and without.
    for path in ["/awsexamplebucket1", "/awsexamplebucket1/"] {
        check("GET", None, (path, "acl"), &[date], "82ZHiFIjc+WbcwFKGUVEQspPn+0=");
    }
}

#[test]
fn headers_of_amazon_are_sorted_and_joined() {
    let sent = headers(&[
        ("x-amz-meta-b", "2"),
        ("x-amz-meta-a", " one "),
        ("x-amz-meta-a", "two"),
        ("x-amz-date", "20130524T000000Z"),
        ("date", "never mind"),
        ("authorization", "AWS a:b"),
        ("content-md5", "c8fdb181845a4ca6b8fec737b3581d76"),
    ]);
    let claim = Claim::from_headers(&sent).unwrap();
    let query = parse_query("uploadId=a%2Bb&acl&x=y&response-content-type=a%20b&X-Amz-Meta-C=3").unwrap();
    let request = Request { method: "PUT", bucket: None, path: "/b/k%20y", query: &query, headers: &sent };
    assert_eq!(
        claim.string_to_sign(&request),
        "PUT\nc8fdb181845a4ca6b8fec737b3581d76\n\n\nx-amz-date:20130524T000000Z\nx-amz-meta-a:one,two\nx-amz-meta-b:2\n/b/k%20y?acl&response-content-type=a b&uploadId=a+b"
    );
}

#[test]
fn a_presigned_request_counts_its_query_as_headers() {
    let text = "PUT\n\nimage/png\n1175139620\nx-amz-meta-a:1\n/bucket/key";
    let signature = sign(SECRET, text);
    let query = vec![
        ("AWSAccessKeyId".to_owned(), Some("AKID".to_owned())),
        ("Signature".to_owned(), Some(signature)),
        ("Expires".to_owned(), Some("1175139620".to_owned())),
        ("x-amz-meta-a".to_owned(), Some("1".to_owned())),
        ("content-type".to_owned(), Some("image/png".to_owned())),
    ];
    let claim = Claim::from_query(&query).unwrap();
    assert_eq!(claim.expires.unwrap().as_second(), 1_175_139_620);
    let request = |headers| Request { method: "PUT", bucket: None, path: "/bucket/key", query: &query, headers };
    let (none, same, another) =
        (headers(&[]), headers(&[("content-type", "image/png")]), headers(&[("content-type", "text/plain")]));
    assert_eq!(claim.verify(&request(&same), SECRET), Ok(()));
    assert!(claim.verify(&request(&another), SECRET).is_err(), "what comes as a header must be what was signed");
    let request = request(&none);
    assert_eq!(claim.verify(&request, SECRET), Ok(()));
    assert!(claim.verify(&Request { path: "/bucket/other", ..request }, SECRET).is_err());
    assert!(claim.verify(&request, "another").is_err());
}

#[test]
fn what_is_lacking_is_said_in_aws_words() {
    let in_query = |query: &str| Claim::from_query(&parse_query(query).unwrap()).unwrap_err();
    assert_eq!(in_query("Expires=1"), ClaimError::Missing);
    for query in ["Signature=a", "AWSAccessKeyId=a&Signature=b", "AWSAccessKeyId=a&Signature=b&Signature=c&Expires=1"] {
        assert_eq!(in_query(query), ClaimError::Parameters, "{query}");
    }
    for expires in ["soon", "9999999999999999999", "1e3"] {
        let query = format!("AWSAccessKeyId=a&Signature=b&Expires={expires}");
        assert_eq!(in_query(&query), ClaimError::Expires(expires.to_owned()));
    }
    let in_header = |pairs: &[(&str, &str)]| Claim::from_headers(&headers(pairs)).unwrap_err();
    assert_eq!(in_header(&[]), ClaimError::Missing);
    assert_eq!(in_header(&[("authorization", "AWS4-HMAC-SHA256 Credential=a")]), ClaimError::Missing);
    assert_eq!(in_header(&[("authorization", "AWS a")]), ClaimError::Header);
    assert_eq!(in_header(&[("authorization", "AWS :a")]), ClaimError::Header);
    assert_eq!(in_header(&[("authorization", "AWS a:b")]), ClaimError::Date);
    for date in ["now", "", "Tue, 07 Jul 1950 21:53:04 GMT"] {
        assert_eq!(in_header(&[("authorization", "AWS a:b"), ("date", date)]), ClaimError::Date, "{date}");
    }
}

/// `?policy=` is the same as `?policy`, whichever of them was signed.
#[test]
fn a_subresource_with_an_empty_value_is_signed_with_or_without_its_equals_sign() {
    let date = "Tue, 27 Mar 2007 19:36:42 +0000";
    let with = |signature: &str| headers(&[("authorization", &format!("AWS A:{signature}")), ("date", date)]);
    let query = parse_query("policy=&prefix=").unwrap();
    for (path, resource, is_good) in [
        ("/b", "/b?policy", true),
        ("/b", "/b?policy=", true),
        ("/b", "/b/?policy", true),
        ("/b/k", "/b/k?policy", true),
        ("/b", "/b?acl", false),
        ("/b", "/b", false),
    ] {
        let signed = with(&sign(SECRET, &format!("PUT\n\n\n{date}\n{resource}")));
        let request = Request { method: "PUT", bucket: None, path, query: &query, headers: &signed };
        assert_eq!(Claim::from_headers(&signed).unwrap().verify(&request, SECRET).is_ok(), is_good, "{resource}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_parsed(value in proptest::collection::vec(any::<u8>(), 0..100), query in "\\PC{0,60}") {
        let mut map = headers(&[("date", "Tue, 27 Mar 2007 19:36:42 +0000")]);
        if let Ok(value) = HeaderValue::from_bytes(&[b"AWS ", value.as_slice()].concat()) {
            map.insert("authorization", value);
        }
        let query = format!("AWSAccessKeyId=a&Signature=b&Expires=1&{query}");
        let query = parse_query(&query).unwrap_or_default();
        for claim in [Claim::from_headers(&map).ok(), Claim::from_query(&query).ok()].into_iter().flatten() {
            let request = Request { method: "GET", bucket: None, path: "/", query: &query, headers: &map };
            assert!(claim.verify(&request, SECRET).is_err());
        }
    }

    #[test]
    fn what_is_signed_verifies_and_what_is_changed_does_not(
        path in "/[a-z0-9/%]{0,20}",
        value in "[a-z0-9]{1,20}",
        part in "[a-z0-9]{1,9}",
        at in any::<usize>(),
    ) {
        let sent = headers(&[("x-amz-meta-a", &value), ("content-type", "text/plain")]);
        let pair = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        let mut query = vec![pair("versionId", &part), pair("AWSAccessKeyId", "A"), pair("Signature", "x"), pair("Expires", "99")];
        let unsigned = Claim::from_query(&query).unwrap();
        let request = Request { method: "GET", bucket: Some("b"), path: &path, query: &query, headers: &sent };
        let signature = sign(SECRET, &unsigned.string_to_sign(&request));
        query[2] = pair("Signature", &signature);
        let claim = Claim::from_query(&query).unwrap();
        let request = Request { method: "GET", bucket: Some("b"), path: &path, query: &query, headers: &sent };
        assert_eq!(claim.verify(&request, SECRET), Ok(()));
        let longer = format!("{path}x");
        assert!(claim.verify(&Request { path: &longer, ..request }, SECRET).is_err());
        assert!(claim.verify(&Request { method: "PUT", ..request }, SECRET).is_err());
        assert!(claim.verify(&Request { bucket: None, ..request }, SECRET).is_err());
        assert!(claim.verify(&Request { headers: &HeaderMap::new(), ..request }, SECRET).is_err());
        let mut other = query.clone();
        other[0] = pair("versionId", &format!("{part}x"));
        assert!(claim.verify(&Request { query: &other, ..request }, SECRET).is_err());
        let mut bytes = signature.into_bytes();
        let at = at % bytes.len();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let other = Claim { signature: String::from_utf8(bytes).unwrap(), ..claim };
        assert!(other.verify(&request, SECRET).is_err());
    }
}
