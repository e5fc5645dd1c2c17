//! Who sent a request: the evidence that it brings, proven with the secret of the access key it names.

use std::sync::Arc;

use api::Caller;
use aws_lc_rs::digest;
use http::request::Parts;
use iam::{Credential, TokenFault};
use jiff::Timestamp;
use wire::sigv4::{CanonicalRequest, Claim, MAX_SKEW_SECONDS, PathRule, Place, SigningKey, hex, verify};
use wire::{parse_query, sigv2};

use crate::evidence::{Evidence, Fault};
use crate::hosts::virtual_bucket;
use crate::refuse::Refusal;
use crate::trace::{Family, SentUri, text_header};

/// Where access keys are looked up.
pub trait Credentials: Send + Sync {
    /// The credential of an access key, or none if nobody has it or it does not work.
    ///
    /// # Errors
    /// A text for the log.
    fn find(&self, access_key: &str) -> Result<Option<Arc<Credential>>, String>;

    /// A caller who proved who they are calls a service, such as `s3`. Told once a request, before it is answered.
    fn used(&self, _caller: &Caller, _service: &'static str) {}
}

/// What a claim is compared with.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    /// The family of the service, which decides the details.
    pub family: Family,
    /// The region we are.
    pub region: &'a str,
    /// Now.
    pub now: Timestamp,
    /// What stands for the body in the canonical request.
    pub payload: &'a str,
}

/// A caller whose signature matched, with what verifies the chunks of its body.
pub(crate) struct Proven {
    pub caller: Caller,
    pub chunks: Chunks,
}

/// What the chunks of a body are verified with.
#[derive(Debug, Clone)]
pub(crate) enum Chunks {
    /// This key.
    Key(SigningKey),
    /// Nothing can verify them: signed chunks are refused.
    Nothing,
    /// Nobody asks for their signatures.
    Unchecked,
}

/// Compares what a request claims with what the holder of the secret would have signed.
pub(crate) fn prove(
    evidence: &Evidence,
    credential: &Credential,
    parts: &Parts,
    expected: &Expected<'_>,
) -> Result<Proven, Refusal> {
    let chunks = match evidence {
        Evidence::V4(claim) => {
            check_scope(claim, expected)?;
            check_token(evidence, credential, expected.now)?;
            check_time(claim, expected)?;
            claim.check_day().map_err(|fault| Refusal::Claim(Fault::V4(fault)))?;
            check_coverage(claim, parts)?;
            Chunks::Key(compare(claim, credential, parts, expected)?)
        }
        Evidence::V2(claim) => {
            check_token(evidence, credential, expected.now)?;
            prove_v2(claim, credential, parts, expected)?;
            Chunks::Nothing
        }
    };
    Ok(Proven { caller: credential.caller().clone(), chunks })
}

/// Where services that are the same everywhere are, whatever region asks.
/// Source: <https://docs.aws.amazon.com/general/latest/gr/iam-service.html>; the endpoint rules of the SDKs say the same of
/// STS's global endpoint and of Organizations.
const GLOBAL_REGION: &str = "us-east-1";
/// The services that clients sign for there.
const GLOBAL_SERVICES: [&str; 3] = ["iam", "organizations", "sts"];

fn check_scope(claim: &Claim, expected: &Expected<'_>) -> Result<(), Refusal> {
    let is_global = GLOBAL_SERVICES.contains(&claim.scope.service.as_str()) && claim.scope.region == GLOBAL_REGION;
    if claim.scope.region == expected.region || is_global {
        return Ok(());
    }
    Err(Refusal::Region { given: claim.scope.region.clone(), expected: expected.region.to_owned() })
}

/// A temporary key is good with its own token and until its end; a permanent one with none.
pub(crate) fn check_token(evidence: &Evidence, credential: &Credential, now: Timestamp) -> Result<(), Refusal> {
    credential.check_token(evidence.session_token(), now).map_err(|fault| match fault {
        // Without its token a temporary key is nobody's.
        TokenFault::Missing => Refusal::UnknownKey,
        TokenFault::Wrong => Refusal::InvalidToken,
        TokenFault::Expired => Refusal::ExpiredToken,
    })
}

fn check_time(claim: &Claim, expected: &Expected<'_>) -> Result<(), Refusal> {
    let now = expected.now;
    let age = claim.age_seconds(now);
    let is_s3 = expected.family == Family::S3;
    match claim.place {
        Place::Header if age.abs() > MAX_SKEW_SECONDS => Err(Refusal::Skewed { now, limit: MAX_SKEW_SECONDS }),
        Place::Header => Ok(()),
        Place::Query { expires, .. } if is_s3 => {
            if age < -MAX_SKEW_SECONDS {
                return Err(Refusal::NotYet { now });
            }
            let expires = expires.ok_or(Refusal::NoLifetime)?;
            if age >= i64::from(expires) { Err(Refusal::Expired { now, seconds: Some(expires) }) } else { Ok(()) }
        }
        // The other services take their clients' clocks for what they are: `aws-iam-authenticator` signs for a minute
        // and uses that for a quarter of an hour.
        Place::Query { expires, .. } => {
            let limit = expires.map_or(MAX_SKEW_SECONDS, |expires| i64::from(expires).max(MAX_SKEW_SECONDS));
            let is_good = (-MAX_SKEW_SECONDS..=limit).contains(&age);
            if is_good { Ok(()) } else { Err(Refusal::Skewed { now, limit }) }
        }
    }
}

/// A host that is not signed could be any; a header of Amazon's that is not signed could have been added by anyone.
fn check_coverage(claim: &Claim, parts: &Parts) -> Result<(), Refusal> {
    if !claim.signed_headers.contains("host") {
        return Err(Refusal::Unsigned("host".to_owned()));
    }
    // The token is compared with the one that belongs to the key: whoever added it, it is the right one. Not so beside a
    // signature in the query, where the token is, too.
    let is_token = |name: &str| name == "x-amz-security-token" && !claim.is_presigned();
    let is_added = |name: &str| name.starts_with("x-amz-") && !is_token(name) && !claim.signed_headers.contains(name);
    let added: Vec<&str> = parts.headers.keys().map(http::HeaderName::as_str).filter(|name| is_added(name)).collect();
    if added.is_empty() { Ok(()) } else { Err(Refusal::Unsigned(added.join(", "))) }
}

fn compare(
    claim: &Claim,
    credential: &Credential,
    parts: &Parts,
    expected: &Expected<'_>,
) -> Result<SigningKey, Refusal> {
    let sent = parts.extensions.get::<SentUri>().map_or(&parts.uri, |sent| &sent.0);
    let request = CanonicalRequest {
        method: parts.method.as_str(),
        path: sent.path(),
        query: sent.query().unwrap_or_default(),
        headers: &parts.headers,
        payload: expected.payload,
        path_rule: if expected.family == Family::S3 { PathRule::Once } else { PathRule::Twice },
    };
    let key = credential.signing_key(&claim.scope);
    verify(claim, &request, &key).map_err(Refusal::Mismatch)?;
    Ok(key)
}

fn prove_v2(
    claim: &sigv2::Claim,
    credential: &Credential,
    parts: &Parts,
    expected: &Expected<'_>,
) -> Result<(), Refusal> {
    let now = expected.now;
    if expected.family != Family::S3 {
        return Err(Refusal::OldSignature);
    }
    if let Some(time) = claim.time
        && (now.as_second() - time.as_second()).abs() > MAX_SKEW_SECONDS
    {
        return Err(Refusal::Skewed { now, limit: MAX_SKEW_SECONDS });
    }
    if claim.expires.is_some_and(|expires| expires <= now) {
        return Err(Refusal::Expired { now, seconds: None });
    }
    let sent = parts.extensions.get::<SentUri>().map_or(&parts.uri, |sent| &sent.0);
    // What cannot be decoded has been refused before.
    let query = parse_query(sent.query().unwrap_or_default()).unwrap_or_default();
    let request = sigv2::Request {
        method: parts.method.as_str(),
        bucket: virtual_bucket(text_header(parts, "host")),
        path: sent.path(),
        query: &query,
        headers: &parts.headers,
    };
    claim.verify(&request, credential.secret()).map_err(|string_to_sign| Refusal::OldMismatch { string_to_sign })
}

/// The SHA-256 of a body, in hexadecimal.
pub(crate) fn body_hash(body: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, body).as_ref())
}
