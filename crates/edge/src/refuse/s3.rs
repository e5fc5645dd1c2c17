//! S3's refusals, with its codes, texts and fields.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.

use jiff::{SignedDuration, Timestamp};
use wire::sigv4::{ClaimError, MAX_SKEW_SECONDS, QueryFault};
use wire::{ServiceError, sigv2};

use super::Refusal;
use crate::evidence::{Evidence, Fault};

/// S3's answer to a refusal.
pub(super) fn error(refusal: Refusal, evidence: Option<&Evidence>) -> ServiceError {
    match refusal {
        Refusal::Claim(fault) => unusable(fault),
        Refusal::UnknownKey => {
            let text = "The AWS Access Key Id you provided does not exist in our records.";
            with_key(ServiceError::sender("InvalidAccessKeyId", 403, text), evidence)
        }
        Refusal::InvalidToken => {
            let text = "The provided token is malformed or otherwise invalid.";
            with_token(ServiceError::sender("InvalidToken", 400, text), evidence)
        }
        Refusal::ExpiredToken => {
            with_token(ServiceError::sender("ExpiredToken", 400, "The provided token has expired."), evidence)
        }
        Refusal::Skewed { now, .. } => {
            let text = "The difference between the request time and the current time is too large.";
            let error = ServiceError::sender("RequestTimeTooSkewed", 403, text);
            let sent = match evidence {
                Some(Evidence::V4(claim)) => Some(claim.amz_date.clone()),
                Some(Evidence::V2(claim)) => claim.time.map(iso),
                None => None,
            };
            let error = match sent {
                Some(sent) => error.with_field("RequestTime", sent),
                None => error,
            };
            error
                .with_field("ServerTime", iso(now))
                .with_field("MaxAllowedSkewMilliseconds", (MAX_SKEW_SECONDS * 1000).to_string())
        }
        Refusal::Expired { now, seconds } => {
            let error = ServiceError::sender("AccessDenied", 403, "Request has expired");
            let error = match seconds {
                Some(seconds) => error.with_field("X-Amz-Expires", seconds.to_string()),
                None => error,
            };
            error.with_field("Expires", end(evidence, seconds)).with_field("ServerTime", iso(now))
        }
        Refusal::NotYet { now } => {
            let error = ServiceError::sender("AccessDenied", 403, "Request is not yet valid");
            let Some(Evidence::V4(claim)) = evidence else { return error };
            let seconds = match claim.place {
                wire::sigv4::Place::Query { expires, .. } => expires,
                wire::sigv4::Place::Header => None,
            };
            error
                .with_field("X-Amz-Date", claim.time.as_millisecond().to_string())
                .with_field("Expires", end(evidence, seconds))
                .with_field("ServerTime", iso(now))
        }
        Refusal::NoLifetime => query_fault(QueryFault::Lacking("X-Amz-Expires")),
        Refusal::Region { given, expected } => {
            let what = format!("the region '{given}' is wrong; expecting '{expected}'");
            let is_presigned = evidence.is_some_and(Evidence::is_presigned);
            let error = if is_presigned {
                let text = format!("Error parsing the X-Amz-Credential parameter; {what}");
                ServiceError::sender("AuthorizationQueryParametersError", 400, text)
            } else {
                malformed(&what)
            };
            error.with_field("Region", expected)
        }
        Refusal::Unsigned(names) => {
            let text = "There were headers present in the request which were not signed";
            ServiceError::sender("AccessDenied", 403, text).with_field("HeadersNotSigned", names)
        }
        Refusal::Mismatch(ours) => {
            let (text, canonical) = (ours.string_to_sign, ours.canonical);
            mismatch(evidence, &text)
                .with_field("CanonicalRequest", canonical.clone())
                .with_field("CanonicalRequestBytes", spaced_hex(&canonical))
        }
        Refusal::OldMismatch { string_to_sign } => mismatch(evidence, &string_to_sign),
        Refusal::OldSignature => {
            let text = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
            ServiceError::bad_request("InvalidRequest", text)
        }
        Refusal::Payload { sent, computed } => {
            let text = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            ServiceError::sender("XAmzContentSHA256Mismatch", 400, text)
                .with_field("ClientComputedContentSHA256", sent)
                .with_field("S3ComputedContentSHA256", computed)
        }
    }
}

fn unusable(fault: Fault) -> ServiceError {
    let denied = |text: String| ServiceError::sender("AccessDenied", 403, text);
    match fault {
        Fault::Missing | Fault::V4(ClaimError::Missing) | Fault::V2(sigv2::ClaimError::Missing) => {
            denied("Access Denied".to_owned())
        }
        Fault::Two => {
            let text = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified";
            ServiceError::bad_request("InvalidArgument", text).with_field("ArgumentName", "Authorization")
        }
        Fault::V4(ClaimError::UnsupportedType) => {
            ServiceError::sender("InvalidArgument", 400, "Unsupported Authorization Type")
                .with_field("ArgumentName", "Authorization")
        }
        Fault::V4(ClaimError::Incomplete(text)) => malformed(in_its_words(&text)),
        Fault::V4(ClaimError::Time(_)) => denied(sigv2::ClaimError::Date.to_string()),
        Fault::V4(ClaimError::Query(fault)) => query_fault(fault),
        Fault::V2(fault @ sigv2::ClaimError::Header) => {
            ServiceError::sender("InvalidArgument", 400, fault.to_string()).with_field("ArgumentName", "Authorization")
        }
        Fault::V2(fault) => denied(fault.to_string()),
    }
}

/// What S3 says of a header where other services have the text that a claim's error has.
fn in_its_words(text: &str) -> &str {
    const WORDS: [(&str, &str); 4] = [
        ("Authorization header requires '", THREE),
        ("Credential must have exactly 5", SHAPE),
        ("Date in Credential scope does not match", "Invalid credential date. Date is not the same as X-Amz-Date."),
        ("not a valid key=value pair", THREE),
    ];
    const THREE: &str = "the authorization header requires three components: Credential, SignedHeaders, and Signature.";
    WORDS.iter().find(|(theirs, _)| text.contains(theirs)).map_or(text, |(_, its)| *its)
}

const SHAPE: &str = "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";

fn query_fault(fault: QueryFault) -> ServiceError {
    let text = match fault {
        QueryFault::Lacking(_) | QueryFault::Twice(_) => {
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.".to_owned()
        }
        QueryFault::Algorithm(_) => {
            "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"".to_owned()
        }
        QueryFault::Credential(_) => {
            format!("Error parsing the X-Amz-Credential parameter; {SHAPE}")
        }
        QueryFault::Date(_) => "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"".to_owned(),
        QueryFault::OtherDay { scope, date } => {
            format!("Invalid credential date \"{scope}\". This date is not the same as X-Amz-Date: \"{}\".", date.get(..8).unwrap_or_default())
        }
        QueryFault::ExpiresNoNumber => "X-Amz-Expires should be a number".to_owned(),
        QueryFault::ExpiresNegative => "X-Amz-Expires must be non-negative".to_owned(),
        QueryFault::ExpiresTooLong => {
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds".to_owned()
        }
        QueryFault::TooManyHeaders => "X-Amz-SignedHeaders names too many headers".to_owned(),
    };
    ServiceError::sender("AuthorizationQueryParametersError", 400, text)
}

fn malformed(what: &str) -> ServiceError {
    ServiceError::sender("AuthorizationHeaderMalformed", 400, format!("The authorization header is malformed; {what}"))
}

/// What S3 shows of a signature that does not match, so that its maker can compare.
fn mismatch(evidence: Option<&Evidence>, string_to_sign: &str) -> ServiceError {
    let given = match evidence {
        Some(Evidence::V4(claim)) => Some((&claim.access_key, &claim.signature)),
        Some(Evidence::V2(claim)) => Some((&claim.access_key, &claim.signature)),
        None => None,
    };
    mismatch_of(given.map(|(key, signature)| (key.as_str(), signature.as_str())), string_to_sign)
}

/// The same, of an access key and the signature that was given.
pub(crate) fn mismatch_of(given: Option<(&str, &str)>, string_to_sign: &str) -> ServiceError {
    let text = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
    let error = ServiceError::sender("SignatureDoesNotMatch", 403, text);
    let error = match given {
        Some((access_key, signature)) => error
            .with_field("AWSAccessKeyId", access_key)
            .with_field("StringToSign", string_to_sign)
            .with_field("SignatureProvided", signature),
        None => error.with_field("StringToSign", string_to_sign),
    };
    error.with_field("StringToSignBytes", spaced_hex(string_to_sign))
}

fn with_key(error: ServiceError, evidence: Option<&Evidence>) -> ServiceError {
    match evidence {
        Some(evidence) => error.with_field("AWSAccessKeyId", evidence.access_key()),
        None => error,
    }
}

fn with_token(error: ServiceError, evidence: Option<&Evidence>) -> ServiceError {
    match evidence.and_then(Evidence::session_token) {
        Some(token) => error.with_field("Token-0", token),
        None => error,
    }
}

/// When a presigned request is over.
fn end(evidence: Option<&Evidence>, seconds: Option<u32>) -> String {
    let time = match evidence {
        Some(Evidence::V4(claim)) => {
            claim.time.saturating_add(SignedDuration::from_secs(seconds.unwrap_or_default().into())).ok()
        }
        Some(Evidence::V2(claim)) => claim.expires,
        None => None,
    };
    time.map(iso).unwrap_or_default()
}

fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The bytes of a text as S3 shows them: in hexadecimal, with spaces between.
fn spaced_hex(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}
