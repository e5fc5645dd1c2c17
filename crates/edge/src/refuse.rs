//! What each family of services answers when a request cannot be authenticated.
//! Sources: the "Common errors" pages of EC2 and IAM, S3's "Error responses", and answers of AWS's that clients report.

use jiff::{SignedDuration, Timestamp};
use wire::sigv4::{ClaimError, MAX_SKEW_SECONDS, Mismatch, QueryFault};
use wire::{Protocol, ServiceError, sigv2};

use crate::evidence::{Evidence, Fault};
use crate::trace::{Family, Trace};

mod s3;

pub(crate) use s3::mismatch_of;

/// Why a request is not authenticated.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No usable claim.
    Claim(Fault),
    /// Nobody has this access key.
    UnknownKey,
    /// A session token that does not belong to the key.
    InvalidToken,
    /// The session is over.
    ExpiredToken,
    /// The request's time is further from ours than so many seconds.
    Skewed { now: Timestamp, limit: i64 },
    /// A presigned request to S3 whose time is over; how long it was good, if it says that.
    Expired { now: Timestamp, seconds: Option<u32> },
    /// A presigned request to S3 whose time has not come.
    NotYet { now: Timestamp },
    /// A presigned request to S3 that does not say for how long it is good.
    NoLifetime,
    /// It is signed for another region.
    Region { given: String, expected: String },
    /// Headers that must be signed are not.
    Unsigned(String),
    /// The signature is another.
    Mismatch(Box<Mismatch>),
    /// The signature of version 2 is another.
    OldMismatch { string_to_sign: String },
    /// It is signed by version 2, which this service does not take.
    OldSignature,
    /// The body is not the one that was signed.
    Payload { sent: String, computed: String },
}

/// The error of a refusal in the words of the service's family.
pub(crate) fn refusal_error(trace: &Trace, refusal: Refusal, evidence: Option<&Evidence>) -> ServiceError {
    match trace.family() {
        Family::Ec2 => ec2(refusal),
        Family::S3 => s3::error(refusal, evidence),
        Family::Query => query(refusal, evidence),
        // Route 53 and CloudFront have XML, and with it the codes of their time.
        Family::Modern if trace.protocol == Protocol::RestXml => query(refusal, evidence),
        Family::Modern => modern(trace.protocol, refusal, evidence),
    }
}

fn ec2(refusal: Refusal) -> ServiceError {
    const UNABLE: &str = "AWS was not able to validate the provided access credentials";
    match refusal {
        Refusal::Claim(fault) => incomplete(fault),
        Refusal::Skewed { .. } | Refusal::ExpiredToken | Refusal::Expired { .. } | Refusal::NotYet { .. } => {
            ServiceError::sender("RequestExpired", 400, "Request has expired.")
        }
        Refusal::Region { .. } => {
            ServiceError::sender("AuthFailure", 401, "Credential should be scoped to a valid region.")
        }
        Refusal::OldSignature => incomplete(Fault::V4(ClaimError::UnsupportedType)),
        Refusal::UnknownKey
        | Refusal::InvalidToken
        | Refusal::NoLifetime
        | Refusal::Unsigned(_)
        | Refusal::Mismatch(_)
        | Refusal::OldMismatch { .. }
        | Refusal::Payload { .. } => ServiceError::sender("AuthFailure", 401, UNABLE),
    }
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

fn query(refusal: Refusal, evidence: Option<&Evidence>) -> ServiceError {
    match refusal {
        Refusal::Claim(fault) => incomplete(fault),
        Refusal::UnknownKey | Refusal::InvalidToken => {
            let text = "The security token included in the request is invalid.";
            ServiceError::sender("InvalidClientTokenId", 403, text)
        }
        Refusal::ExpiredToken => {
            ServiceError::sender("ExpiredToken", 403, "The security token included in the request is expired")
        }
        Refusal::Region { .. } => {
            ServiceError::sender("SignatureDoesNotMatch", 403, "Credential should be scoped to a valid region.")
        }
        Refusal::OldSignature => incomplete(Fault::V4(ClaimError::UnsupportedType)),
        other => ServiceError::sender("SignatureDoesNotMatch", 403, why_not(&other, evidence)),
    }
}

/// Services with JSON or CBOR. Those with paths answer 403, the others 400.
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html> and the same page
/// of Lambda's and DynamoDB's.
fn modern(protocol: Protocol, refusal: Refusal, evidence: Option<&Evidence>) -> ServiceError {
    let status = if protocol == Protocol::RestJson { 403 } else { 400 };
    let refused = |code: &'static str, text: String| ServiceError::sender(code, status, text);
    match refusal {
        Refusal::Claim(fault) => match incomplete(fault) {
            error if error.code == "MissingAuthenticationToken" => {
                refused("MissingAuthenticationTokenException", "Missing Authentication Token".to_owned())
            }
            error => refused("IncompleteSignatureException", error.message),
        },
        Refusal::OldSignature => refused("IncompleteSignatureException", ClaimError::UnsupportedType.to_string()),
        Refusal::UnknownKey | Refusal::InvalidToken => {
            refused("UnrecognizedClientException", "The security token included in the request is invalid.".to_owned())
        }
        Refusal::ExpiredToken => {
            refused("ExpiredTokenException", "The security token included in the request is expired".to_owned())
        }
        Refusal::Region { .. } => {
            refused("InvalidSignatureException", "Credential should be scoped to a valid region.".to_owned())
        }
        other => refused("InvalidSignatureException", why_not(&other, evidence)),
    }
}

/// The text of services that have one code for every signature that does not match.
fn why_not(refusal: &Refusal, evidence: Option<&Evidence>) -> String {
    match refusal {
        Refusal::Skewed { now, limit } => skewed(evidence, *now, *limit),
        Refusal::Expired { now, .. } | Refusal::NotYet { now } => skewed(evidence, *now, MAX_SKEW_SECONDS),
        Refusal::Unsigned(names) if names == "host" => {
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned()
        }
        Refusal::Unsigned(names) => format!("'{names}' must be a 'SignedHeader' in the AWS Authorization."),
        _ => MISMATCH.to_owned(),
    }
}

/// The credentials can't be looked up now: clients try again by themselves after a 503.
pub(crate) fn unavailable(cause: String) -> ServiceError {
    let text = "The service is unavailable. Please try again shortly.";
    ServiceError::receiver("ServiceUnavailable", 503, text).because(cause)
}

/// Services other than S3 about a claim that is not whole.
fn incomplete(fault: Fault) -> ServiceError {
    let text = match fault {
        Fault::Missing | Fault::V4(ClaimError::Missing) | Fault::V2(sigv2::ClaimError::Missing) => {
            let text = "Request is missing Authentication Token";
            return ServiceError::sender("MissingAuthenticationToken", 403, text);
        }
        Fault::Two => "A signature in the query string and an Authorization header are both there.".to_owned(),
        Fault::V4(ClaimError::Query(QueryFault::Algorithm(algorithm))) => {
            format!("Unsupported AWS 'algorithm': '{algorithm}'.")
        }
        Fault::V4(cause) => cause.to_string(),
        Fault::V2(_) => ClaimError::UnsupportedType.to_string(),
    };
    ServiceError::sender("IncompleteSignature", 400, text)
}

fn skewed(evidence: Option<&Evidence>, now: Timestamp, limit: i64) -> String {
    let format = "%Y%m%dT%H%M%SZ";
    let claim = evidence.and_then(Evidence::v4);
    let sent = claim.map_or("", |claim| claim.amz_date.as_str());
    let text = now.strftime(format);
    let at = |seconds: i64| {
        let moved = now.saturating_add(SignedDuration::from_secs(seconds));
        moved.map_or_else(|_| String::new(), |time| time.strftime(format).to_string())
    };
    match claim {
        Some(claim) if claim.age_seconds(now) < 0 => {
            format!("Signature not yet current: {sent} is still later than {} ({text} + 15 min.)", at(MAX_SKEW_SECONDS))
        }
        _ => {
            format!("Signature expired: {sent} is now earlier than {} ({text} - {} min.)", at(-limit), limit / 60)
        }
    }
}
