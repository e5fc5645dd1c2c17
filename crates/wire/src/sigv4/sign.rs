//! The client's side: the `Authorization` header of a request, or the query of a presigned one.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::canonical::encode;
use super::claim::{SignedHeaders, request_time};
use super::{
    ALGORITHM, CanonicalRequest, Claim, ClaimError, Place, Scope, Signature, SigningKey, amz_date, string_to_sign,
};
use jiff::Timestamp;

/// Who signs, and for what. The key must have been derived for the same scope.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// The access key's name.
    pub access_key: &'a str,
    /// Day, region and service that the key is for.
    pub scope: &'a Scope,
    /// The key.
    pub key: &'a SigningKey,
}

/// The value of the `Authorization` header that signs `request` with every header it has, but for an `Authorization`
/// that is there already. So `host` and `x-amz-date` ([`super::amz_date`]) must be among the headers, and those that
/// a proxy may change must not.
///
/// # Errors
/// [`ClaimError::Time`] if the request has no time, [`ClaimError::Incomplete`] if it is of another day than the scope's.
pub fn sign_headers(request: &CanonicalRequest<'_>, signer: &Signer<'_>) -> Result<String, ClaimError> {
    let (amz_date, time) = request_time(request.headers)?;
    let claim = claim(request, signer, amz_date, time, Place::Header)?;
    let signature = signer.key.sign(&string_to_sign(&claim, &request.render(&claim)));
    Ok(authorization(&claim, &signature))
}

/// The query string that presigns `request` with every header it has, for `expires` seconds from `time` on: the one
/// that it has already, and the claim. With temporary credentials the query must have their `X-Amz-Security-Token`.
///
/// # Errors
/// [`ClaimError::Incomplete`] if `time` is on another day than the scope's.
pub fn sign_query(
    request: &CanonicalRequest<'_>,
    signer: &Signer<'_>,
    time: Timestamp,
    expires: u32,
) -> Result<String, ClaimError> {
    let place = Place::Query { expires: Some(expires), payload: None };
    let claim = claim(request, signer, amz_date(time), time, place)?;
    let credential = encode(format!("{}/{}", claim.access_key, claim.scope).as_bytes(), false);
    let signed_headers = encode(claim.signed_headers.as_str().as_bytes(), false);
    let joint = if request.query.is_empty() { "" } else { "&" };
    let query = format!(
        "{}{joint}X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={}&X-Amz-Expires={expires}&X-Amz-SignedHeaders={signed_headers}",
        request.query, claim.amz_date
    );
    let request = CanonicalRequest { query: &query, ..*request };
    let signature = signer.key.sign(&string_to_sign(&claim, &request.render(&claim)));
    Ok(format!("{query}&X-Amz-Signature={}", signature.as_str()))
}

fn claim(
    request: &CanonicalRequest<'_>,
    signer: &Signer<'_>,
    amz_date: String,
    time: Timestamp,
    place: Place,
) -> Result<Claim, ClaimError> {
    if !amz_date.starts_with(&signer.scope.date) {
        return Err(ClaimError::Incomplete(format!("the key is for {}, the request of {amz_date}", signer.scope.date)));
    }
    Ok(Claim {
        access_key: signer.access_key.to_owned(),
        scope: signer.scope.clone(),
        signed_headers: SignedHeaders::parse(names(request.headers))
            .ok_or_else(|| ClaimError::Incomplete("too many headers".to_owned()))?,
        signature: String::new(),
        amz_date,
        time,
        session_token: None,
        place,
    })
}

fn names(headers: &HeaderMap) -> String {
    let mut names: Vec<&str> =
        headers.keys().filter(|name| *name != AUTHORIZATION).map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    names.join(";")
}

fn authorization(claim: &Claim, signature: &Signature) -> String {
    format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={}",
        claim.access_key,
        claim.scope,
        claim.signed_headers.as_str(),
        signature.as_str()
    )
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::super::{CanonicalRequest, Claim, ClaimError, EMPTY_SHA256, PathRule, Scope, SigningKey};
    use super::{Signer, sign_headers};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    fn check(
        (access_key, secret): (&str, &str),
        service: &str,
        (path, query): (&str, &str),
        sent: &[(&str, &str)],
        path_rule: PathRule,
    ) -> Result<Claim, ClaimError> {
        let mut headers = headers(sent);
        let date = sent.iter().find(|(name, _)| *name == "x-amz-date").map_or("20130524", |(_, date)| &date[..8]);
        let scope = Scope { date: date.into(), region: "us-east-1".into(), service: service.into() };
        let request =
            CanonicalRequest { method: "GET", path, query, headers: &headers, payload: EMPTY_SHA256, path_rule };
        let key = SigningKey::derive(secret, &scope);
        let value = sign_headers(&request, &Signer { access_key, scope: &scope, key: &key })?;
        headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
        Claim::from_headers(&headers)
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
    #[test]
    fn documented_s3_get_object() {
        let claim = check(
            ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            "s3",
            ("/test.txt", ""),
            &[
                ("x-amz-date", "20130524T000000Z"),
                ("range", "bytes=0-9"),
                ("host", "examplebucket.s3.amazonaws.com"),
                ("x-amz-content-sha256", EMPTY_SHA256),
            ],
            PathRule::Once,
        )
        .unwrap();
        assert_eq!(claim.signed_headers.as_str(), "host;range;x-amz-content-sha256;x-amz-date");
        assert_eq!(claim.signature, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
    #[test]
    fn documented_iam_list_users() {
        let claim = check(
            ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            "iam",
            ("/", "Action=ListUsers&Version=2010-05-08"),
            &[
                ("authorization", "an older one"),
                ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
                ("host", "iam.amazonaws.com"),
                ("x-amz-date", "20150830T123600Z"),
            ],
            PathRule::Twice,
        )
        .unwrap();
        assert_eq!(claim.access_key, "AKIDEXAMPLE");
        assert_eq!(claim.signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    #[test]
    fn a_request_without_a_time_is_not_signed() {
        let refused = check(("A", "s"), "sts", ("/", ""), &[("host", "h")], PathRule::Twice).unwrap_err();
        assert!(matches!(refused, ClaimError::Time(_)), "{refused}");
    }

    #[test]
    fn a_key_of_another_day_does_not_sign() {
        let headers = headers(&[("host", "h"), ("x-amz-date", "20150831T000000Z")]);
        let scope = Scope { date: "20150830".into(), region: "r".into(), service: "sts".into() };
        let key = SigningKey::derive("s", &scope);
        let request = CanonicalRequest {
            method: "GET",
            path: "/",
            query: "",
            headers: &headers,
            payload: "",
            path_rule: PathRule::Twice,
        };
        let signer = Signer { access_key: "A", scope: &scope, key: &key };
        assert!(matches!(sign_headers(&request, &signer), Err(ClaimError::Incomplete(_))));
    }
}
