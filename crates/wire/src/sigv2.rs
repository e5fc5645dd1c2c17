//! Version 2 of AWS's signatures, as S3 still takes them: in the `Authorization` header and in the query of presigned
//! URLs, which boto3 makes for endpoints of one's own in the oldest regions.
//! Pure: the caller brings the secret and the clock.
//! Not here: version 2 of the query services (`SignatureVersion=2`), which AWS's newer regions never took.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html>.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use jiff::Timestamp;

/// The scheme that opens an `Authorization` header.
const SCHEME: &str = "AWS ";

/// Parameters of the query that are part of the resource, besides `response-*`. The list of the newest botocore, which
/// signs with it.
const SUBRESOURCES: [&str; 34] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
    "publicAccessBlock",
    "ownershipControls",
];
/// Overrides of an answer's headers, which are signed too.
const OVERRIDES: [&str; 6] = [
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];

/// A parsed claim. Nothing in it is proven before its signature has been compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who signed.
    pub access_key: String,
    /// The signature given, in base64.
    pub signature: String,
    /// Until when a presigned request is good; none if the claim is in a header.
    pub expires: Option<Timestamp>,
    /// The request's time, of a claim in a header.
    pub time: Option<Timestamp>,
    /// The session token, with temporary credentials.
    pub session_token: Option<String>,
    /// What stands for the date in the string to sign.
    date: String,
}

/// Why a request carries no usable claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// It is not signed so.
    #[error("the request carries no signature of version 2")]
    Missing,
    /// The header is not `AWS key:signature`.
    #[error("AWS authorization header is invalid.  Expected AwsAccessKeyId:signature")]
    Header,
    /// A parameter is not there, or twice.
    #[error("Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")]
    Parameters,
    /// The end of a presigned request is no time.
    #[error("Invalid date (should be seconds since epoch): {0}")]
    Expires(String),
    /// There is no date.
    #[error("AWS authentication requires a valid Date or x-amz-date header")]
    Date,
}

/// The parts of a request that a signature covers.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// HTTP method, upper-case.
    pub method: &'a str,
    /// The bucket that the host name carries, if it does.
    pub bucket: Option<&'a str>,
    /// Path as sent, percent-encoded.
    pub path: &'a str,
    /// The query, decoded.
    pub query: &'a [(String, Option<String>)],
    /// The headers.
    pub headers: &'a HeaderMap,
}

impl Claim {
    /// Whether a decoded query carries (part of) a claim.
    pub fn is_in_query(query: &[(String, Option<String>)]) -> bool {
        query.iter().any(|(name, _)| name == "AWSAccessKeyId" || name == "Signature")
    }

    /// Whether a query parameter is part of a claim and not of what is asked for.
    pub fn is_claim_parameter(name: &str) -> bool {
        ["AWSAccessKeyId", "Signature", "Expires"].contains(&name)
    }

    /// Reads the claim of a presigned request.
    ///
    /// # Errors
    /// [`ClaimError::Missing`] if there is none; [`ClaimError::Parameters`] or [`ClaimError::Expires`] if it is not whole.
    pub fn from_query(query: &[(String, Option<String>)]) -> Result<Self, ClaimError> {
        if !Self::is_in_query(query) {
            return Err(ClaimError::Missing);
        }
        let find = |wanted: &str| {
            let mut values = query.iter().filter(|(name, _)| name == wanted);
            let first = values.next().and_then(|(_, value)| value.as_deref()).filter(|value| !value.is_empty());
            first.filter(|_| values.next().is_none()).ok_or(ClaimError::Parameters)
        };
        let (access_key, signature, date) = (find("AWSAccessKeyId")?, find("Signature")?, find("Expires")?);
        let second = date.parse::<i64>().ok().and_then(|second| Timestamp::from_second(second).ok());
        let token = query.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-amz-security-token"));
        Ok(Self {
            access_key: access_key.to_owned(),
            signature: signature.to_owned(),
            expires: Some(second.ok_or_else(|| ClaimError::Expires(date.to_owned()))?),
            time: None,
            session_token: token.and_then(|(_, value)| value.clone()),
            date: date.to_owned(),
        })
    }

    /// Reads the claim of an `Authorization` header.
    ///
    /// # Errors
    /// [`ClaimError::Missing`] if there is none of version 2; [`ClaimError::Header`] or [`ClaimError::Date`] if it is
    /// not whole.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, ClaimError> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(rest) = text("authorization").and_then(|value| value.strip_prefix(SCHEME)) else {
            return Err(ClaimError::Missing);
        };
        let (access_key, signature) = rest.trim().rsplit_once(':').ok_or(ClaimError::Header)?;
        if access_key.is_empty() || signature.is_empty() {
            return Err(ClaimError::Header);
        }
        let in_amz = text("x-amz-date");
        let sent = in_amz.or_else(|| text("date")).ok_or(ClaimError::Date)?;
        Ok(Self {
            access_key: access_key.to_owned(),
            signature: signature.to_owned(),
            expires: None,
            time: Some(parse_date(sent).ok_or(ClaimError::Date)?),
            session_token: text("x-amz-security-token").map(str::to_owned),
            // One that was sent as `x-amz-date` is among the headers of that prefix.
            date: if in_amz.is_some() { String::new() } else { sent.to_owned() },
        })
    }

    /// The string to sign of a request.
    pub fn string_to_sign(&self, request: &Request<'_>) -> String {
        let is_presigned = self.expires.is_some();
        // What came as a header counts, and must be what was signed, whatever the query says.
        let header = |name: &str| match request.headers.get(name) {
            Some(value) => String::from_utf8_lossy(value.as_bytes()).trim().to_owned(),
            None => {
                let in_query = request.query.iter().find(|(own, _)| is_presigned && own.eq_ignore_ascii_case(name));
                in_query.and_then(|(_, value)| value.clone()).unwrap_or_default()
            }
        };
        let mut text =
            format!("{}\n{}\n{}\n{}\n", request.method, header("content-md5"), header("content-type"), self.date);
        for (name, value) in amz_headers(request, is_presigned) {
            text.push_str(&format!("{name}:{value}\n"));
        }
        push_resource(request, &mut text);
        text
    }

    /// Compares the signature of this claim with what the holder of `secret` would have made of `request`.
    ///
    /// # Errors
    /// The string to sign, if it is another.
    pub fn verify(&self, request: &Request<'_>, secret: &str) -> Result<(), String> {
        let text = self.string_to_sign(request);
        // A bucket without a key is signed with a slash at its end by some, botocore among them, and without by others.
        let is_bare_bucket = request.bucket.is_none() && request.path.rfind('/') == Some(0) && request.path.len() > 1;
        let with_slash = is_bare_bucket.then(|| format!("{}/", request.path));
        // `?policy=` is signed as it stands by some, and as `?policy` by others: minio-go sends it so.
        let is_empty = |value: &Option<String>| value.as_deref() == Some("");
        let bare: Vec<(String, Option<String>)> = request
            .query
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().filter(|it| !it.is_empty())))
            .collect();
        let has_empty = request.query.iter().any(|(_, value)| is_empty(value));
        let queries = [Some(request.query), has_empty.then_some(bare.as_slice())];
        let is_signed = [Some(request.path), with_slash.as_deref()].into_iter().flatten().any(|path| {
            queries.into_iter().flatten().any(|query| {
                is_signature(&self.signature, secret, &self.string_to_sign(&Request { path, query, ..*request }))
            })
        });
        if is_signed { Ok(()) } else { Err(text) }
    }
}

/// The signature of a text in base64: of a string to sign, or of the policy of an upload from a browser.
pub fn sign(secret: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

/// Whether `given` is the signature of a text. Takes the same time wherever the two differ.
pub fn is_signature(given: &str, secret: &str, text: &str) -> bool {
    constant_time::verify_slices_are_equal(sign(secret, text).as_bytes(), given.as_bytes()).is_ok()
}

/// Headers of Amazon's by name, values of the same name joined; those that were moved to the query among them.
fn amz_headers(request: &Request<'_>, is_presigned: bool) -> Vec<(String, String)> {
    let in_query = request
        .query
        .iter()
        .filter(|_| is_presigned)
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone().unwrap_or_default()));
    let in_headers = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).trim().to_owned()));
    let mut all: Vec<(String, String)> = in_query.filter(|(name, _)| name.starts_with("x-amz-")).collect();
    // A header that says once more what the query says is the same one.
    let queried = all.clone();
    all.extend(in_headers.filter(|header| header.0.starts_with("x-amz-") && !queried.contains(header)));
    // Stable, so that values of one name stay in their order.
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut joined: Vec<(String, String)> = Vec::with_capacity(all.len());
    for (name, value) in all {
        match joined.last_mut() {
            Some((last, values)) if *last == name => {
                values.push(',');
                values.push_str(&value);
            }
            _ => joined.push((name, value)),
        }
    }
    joined
}

fn push_resource(request: &Request<'_>, text: &mut String) {
    if let Some(bucket) = request.bucket {
        text.push('/');
        text.push_str(bucket);
    }
    text.push_str(if request.path.is_empty() { "/" } else { request.path });
    let is_part = |name: &str| SUBRESOURCES.contains(&name) || OVERRIDES.contains(&name);
    let mut parts: Vec<&(String, Option<String>)> = request.query.iter().filter(|(name, _)| is_part(name)).collect();
    parts.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (index, (name, value)) in parts.into_iter().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(name);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }
}

fn parse_date(text: &str) -> Option<Timestamp> {
    // Some clients get the day of the week wrong; which day it is, the date says.
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let time = crate::sigv4::parse_amz_date(text).or_else(|| parser.parse_timestamp(text).ok());
    // Before 1970 there is no time, as with S3.
    time.filter(|time| time.as_second() >= 0)
}

#[cfg(test)]
mod tests;
