//! What each family of services answers when a request cannot be authenticated.
//! Sources: the "Common errors" pages of EC2 and IAM, and S3's "Error responses".

use jiff::Timestamp;
use wire::sigv4::{Claim, ClaimError, MAX_SKEW_SECONDS};
use wire::{Protocol, ServiceError};

/// Why a request is not authenticated.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No usable claim.
    Claim(ClaimError),
    /// Nobody has this access key.
    UnknownKey,
    /// A session token with a key that has none.
    UnexpectedToken,
    /// The request's time is too far from ours.
    Skewed { now: Timestamp },
    /// It is signed for another region or service.
    Scope(String),
    /// Something that must be signed is not.
    Unsigned(&'static str),
    /// The signature is another.
    Mismatch { canonical: String, string_to_sign: String },
    /// It is signed in its query, which is not built yet. Never taken for an anonymous request.
    Presigned,
    /// It is signed in its query and in a header.
    TwoMechanisms,
    /// The body is not the one that was signed.
    Payload { sent: String, computed: String },
}

/// The error of a refusal in the words of the service's family.
pub(crate) fn refusal_error(protocol: Protocol, refusal: Refusal, claim: Option<&Claim>) -> ServiceError {
    match protocol {
        Protocol::Ec2 => ec2(refusal),
        Protocol::RestXml => s3(refusal, claim),
        _ => query(refusal, claim),
    }
}

fn ec2(refusal: Refusal) -> ServiceError {
    const UNABLE: &str = "AWS was not able to validate the provided access credentials";
    match refusal {
        Refusal::Claim(ClaimError::Missing) => {
            ServiceError::sender("MissingAuthenticationToken", 403, "Request is missing Authentication Token")
        }
        Refusal::Claim(cause) => incomplete(cause),
        Refusal::Skewed { .. } => ServiceError::sender("RequestExpired", 400, "Request has expired."),
        Refusal::Scope(text) => ServiceError::sender("AuthFailure", 401, text),
        Refusal::UnknownKey | Refusal::UnexpectedToken | Refusal::Unsigned(_) => {
            ServiceError::sender("AuthFailure", 401, UNABLE)
        }
        Refusal::Mismatch { .. } | Refusal::Payload { .. } | Refusal::TwoMechanisms => {
            ServiceError::sender("AuthFailure", 401, UNABLE)
        }
        Refusal::Presigned => presigned(),
    }
}

fn query(refusal: Refusal, claim: Option<&Claim>) -> ServiceError {
    const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
    match refusal {
        Refusal::Claim(ClaimError::Missing) => {
            ServiceError::sender("MissingAuthenticationToken", 403, "Request is missing Authentication Token")
        }
        Refusal::Claim(cause) => incomplete(cause),
        Refusal::UnknownKey | Refusal::UnexpectedToken => {
            let text = "The security token included in the request is invalid.";
            ServiceError::sender("InvalidClientTokenId", 403, text)
        }
        Refusal::Skewed { now } => ServiceError::sender("SignatureDoesNotMatch", 403, expired(claim, now)),
        Refusal::Scope(text) => ServiceError::sender("SignatureDoesNotMatch", 403, text),
        Refusal::Unsigned(header) => {
            let text = format!("'{header}' must be a 'SignedHeader' in the AWS Authorization.");
            ServiceError::sender("SignatureDoesNotMatch", 403, text)
        }
        Refusal::Mismatch { .. } | Refusal::Payload { .. } | Refusal::TwoMechanisms => {
            ServiceError::sender("SignatureDoesNotMatch", 403, MISMATCH)
        }
        Refusal::Presigned => presigned(),
    }
}

fn s3(refusal: Refusal, claim: Option<&Claim>) -> ServiceError {
    match refusal {
        Refusal::Claim(ClaimError::Missing) => ServiceError::sender("AccessDenied", 403, "Access Denied"),
        Refusal::Claim(ClaimError::UnsupportedType) => {
            ServiceError::sender("InvalidArgument", 400, "Unsupported Authorization Type")
        }
        Refusal::Claim(ClaimError::Incomplete(text)) => {
            let text = format!("The authorization header is malformed; {text}");
            ServiceError::sender("AuthorizationHeaderMalformed", 400, text)
        }
        Refusal::UnknownKey => {
            let text = "The AWS Access Key Id you provided does not exist in our records.";
            let error = ServiceError::sender("InvalidAccessKeyId", 403, text);
            match claim {
                Some(claim) => error.with_field("AWSAccessKeyId", claim.access_key.clone()),
                None => error,
            }
        }
        Refusal::UnexpectedToken => {
            ServiceError::sender("InvalidToken", 400, "The provided token is malformed or otherwise invalid.")
        }
        Refusal::Skewed { now } => {
            let text = "The difference between the request time and the current time is too large.";
            let error = ServiceError::sender("RequestTimeTooSkewed", 403, text);
            let error = match claim {
                Some(claim) => error.with_field("RequestTime", claim.amz_date.clone()),
                None => error,
            };
            error
                .with_field("ServerTime", now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
                .with_field("MaxAllowedSkewMilliseconds", (MAX_SKEW_SECONDS * 1000).to_string())
        }
        Refusal::Scope(text) => {
            let text = format!("The authorization header is malformed; {text}");
            ServiceError::sender("AuthorizationHeaderMalformed", 400, text)
        }
        Refusal::Unsigned(header) => {
            let text = "There were headers present in the request which were not signed";
            ServiceError::sender("AccessDenied", 403, text).with_field("HeadersNotSigned", header)
        }
        Refusal::Mismatch { canonical, string_to_sign } => {
            let text = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
            let error = ServiceError::sender("SignatureDoesNotMatch", 403, text);
            let error = match claim {
                Some(claim) => error
                    .with_field("AWSAccessKeyId", claim.access_key.clone())
                    .with_field("SignatureProvided", claim.signature.clone()),
                None => error,
            };
            error.with_field("StringToSign", string_to_sign).with_field("CanonicalRequest", canonical)
        }
        Refusal::Presigned => {
            let text = "A header or query you provided requested a function that is not implemented.";
            ServiceError::receiver("NotImplemented", 501, text)
        }
        Refusal::TwoMechanisms => {
            let text = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified";
            ServiceError::bad_request("InvalidArgument", text)
        }
        Refusal::Payload { sent, computed } => {
            let text = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            ServiceError::sender("XAmzContentSHA256Mismatch", 400, text)
                .with_field("ClientComputedContentSHA256", sent)
                .with_field("S3ComputedContentSHA256", computed)
        }
    }
}

fn presigned() -> ServiceError {
    ServiceError::bad_request("UnsupportedOperation", "Signatures in the query string are not supported yet.")
}

fn incomplete(cause: ClaimError) -> ServiceError {
    ServiceError::sender("IncompleteSignature", 400, cause.to_string())
}

fn expired(claim: Option<&Claim>, now: Timestamp) -> String {
    let format = "%Y%m%dT%H%M%SZ";
    let limit = jiff::SignedDuration::from_secs(MAX_SKEW_SECONDS);
    let sent = claim.map_or("", |claim| claim.amz_date.as_str());
    let text = now.strftime(format);
    match claim {
        Some(claim) if claim.age_seconds(now) < 0 => {
            let bound =
                now.saturating_add(limit).map_or_else(|_| String::new(), |time| time.strftime(format).to_string());
            format!("Signature not yet current: {sent} is still later than {bound} ({text} + 15 min.)")
        }
        _ => {
            let bound =
                now.saturating_sub(limit).map_or_else(|_| String::new(), |time| time.strftime(format).to_string());
            format!("Signature expired: {sent} is now earlier than {bound} ({text} - 15 min.)")
        }
    }
}
