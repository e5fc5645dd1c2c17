//! The claim of a presigned request: the same facts, in the query.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>.

use super::scope::parse_amz_date;
use super::{ALGORITHM, Claim, ClaimError, Place, Scope};
use crate::sigv4::claim::SignedHeaders;

/// Longest that a presigned request may be good for: seven days, in seconds.
pub const MAX_EXPIRES: u32 = 604_800;

/// What is wrong with the parameters of a presigned request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// A parameter is not there.
    #[error("AWS query-string parameters must include '{0}'. Re-examine the query-string parameters.")]
    Lacking(&'static str),
    /// A parameter is there twice.
    #[error("the query-string parameter '{0}' is there more than once")]
    Twice(&'static str),
    /// It names another algorithm.
    #[error("unsupported algorithm '{0}'")]
    Algorithm(String),
    /// The credential is not of the form `key/date/region/service/aws4_request`.
    #[error("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{0}'")]
    Credential(String),
    /// The time is of another form.
    #[error("Date must be in ISO-8601 'basic format'. Got '{0}'. See http://en.wikipedia.org/wiki/ISO_8601")]
    Date(String),
    /// The credential is for another day than the time.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != '{date}', from '{date}'."
    )]
    OtherDay {
        /// The day of the credential.
        scope: String,
        /// The time.
        date: String,
    },
    /// The lifetime is no number.
    #[error("X-Amz-Expires should be a number")]
    ExpiresNoNumber,
    /// The lifetime is negative.
    #[error("X-Amz-Expires must be non-negative")]
    ExpiresNegative,
    /// The lifetime is longer than a week.
    #[error("X-Amz-Expires must be less than a week (in seconds)")]
    ExpiresTooLong,
    /// More headers are signed than anybody needs.
    #[error("Too many signed headers.")]
    TooManyHeaders,
}

const NAMES: [&str; 8] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Content-Sha256",
];

impl Claim {
    /// Whether a query, decoded, carries (part of) a claim.
    pub fn is_in_query(query: &[(String, Option<String>)]) -> bool {
        let marks = [NAMES[0], NAMES[1], NAMES[4]];
        query.iter().any(|(name, _)| marks.iter().any(|mark| mark.eq_ignore_ascii_case(name)))
    }

    /// Reads the claim of a presigned request from its decoded query.
    ///
    /// # Errors
    /// [`ClaimError::Missing`] if it carries none, [`ClaimError::Query`] if what it carries is not a whole one.
    pub fn from_query(query: &[(String, Option<String>)]) -> Result<Self, ClaimError> {
        if !Self::is_in_query(query) {
            return Err(ClaimError::Missing);
        }
        let mut found: [Option<&str>; 8] = [None; 8];
        for (name, value) in query {
            let Some(at) = NAMES.iter().position(|own| own.eq_ignore_ascii_case(name)) else { continue };
            if found[at].replace(value.as_deref().unwrap_or_default()).is_some() {
                return Err(QueryFault::Twice(NAMES[at]).into());
            }
        }
        let required = |at: usize| found[at].filter(|text| !text.is_empty()).ok_or(QueryFault::Lacking(NAMES[at]));
        let (algorithm, credential, amz_date) = (required(0)?, required(1)?, required(2)?);
        let (signed_headers, signature) = (required(3)?, required(4)?);
        if algorithm != ALGORITHM {
            return Err(QueryFault::Algorithm(algorithm.to_owned()).into());
        }
        let (access_key, scope) =
            Scope::split_credential(credential).ok_or_else(|| QueryFault::Credential(credential.to_owned()))?;
        let time = parse_amz_date(amz_date).ok_or_else(|| QueryFault::Date(amz_date.to_owned()))?;
        if amz_date.get(..8) != Some(scope.date.as_str()) {
            return Err(QueryFault::OtherDay { scope: scope.date, date: amz_date.to_owned() }.into());
        }
        let expires = found[5].map(read_expires).transpose()?;
        Ok(Self {
            access_key,
            scope,
            signed_headers: SignedHeaders::parse(signed_headers.to_owned()).ok_or(QueryFault::TooManyHeaders)?,
            signature: signature.to_owned(),
            amz_date: amz_date.to_owned(),
            time,
            session_token: found[6].map(str::to_owned),
            place: Place::Query { expires, payload: found[7].map(str::to_owned) },
        })
    }

    /// Whether a query parameter is part of a claim and not of what is asked for.
    pub fn is_claim_parameter(name: &str) -> bool {
        NAMES.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

fn read_expires(text: &str) -> Result<u32, QueryFault> {
    match text.parse::<i64>() {
        Ok(number) if number < 0 => Err(QueryFault::ExpiresNegative),
        Ok(number) => u32::try_from(number).ok().filter(|n| *n <= MAX_EXPIRES).ok_or(QueryFault::ExpiresTooLong),
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => Err(QueryFault::ExpiresTooLong),
        Err(_) => Err(QueryFault::ExpiresNoNumber),
    }
}
