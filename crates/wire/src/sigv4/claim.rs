//! What a signed request says of itself in its `Authorization` header.

use http::HeaderMap;
use jiff::Timestamp;

use super::scope::parse_amz_date;
use super::{ALGORITHM, QueryFault, Scope, amz_date};

/// Longest `Authorization` header that is looked at, in bytes.
const MAX_LENGTH: usize = 4096;
/// Most headers that a request may sign.
const MAX_SIGNED_HEADERS: usize = 100;

/// A parsed claim. Nothing in it is proven before its signature has been compared.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who signed.
    pub access_key: String,
    /// For which day, region and service.
    pub scope: Scope,
    /// Names of the signed headers.
    pub signed_headers: SignedHeaders,
    /// The signature given.
    pub signature: String,
    /// The request's time as sent, `YYYYMMDDTHHMMSSZ`.
    pub amz_date: String,
    /// The same, parsed.
    pub time: Timestamp,
    /// The session token, with temporary credentials.
    pub session_token: Option<String>,
    /// Where the claim was found.
    pub place: Place,
}

/// Where a claim stands in its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the `Authorization` header.
    Header,
    /// In the query: a presigned request.
    Query {
        /// For how many seconds the request is good, if it says so.
        expires: Option<u32>,
        /// What stands for the body, if the query says it (`X-Amz-Content-Sha256`).
        payload: Option<String>,
    },
}

/// Names of signed headers, lower-case, in the order given, with semicolons between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders(String);

impl SignedHeaders {
    /// None if there are too many.
    pub(super) fn parse(mut text: String) -> Option<Self> {
        text.make_ascii_lowercase();
        (text.bytes().filter(|byte| *byte == b';').count() < MAX_SIGNED_HEADERS).then_some(Self(text))
    }

    /// As in the canonical request.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(';')
    }

    /// Whether the header of this name, in lower case, is signed.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|signed| signed == name)
    }
}

/// Why a request carries no usable claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// It is not signed at all.
    #[error("the request carries no signature")]
    Missing,
    /// It is signed by a scheme that is not built.
    #[error("unsupported authorization type")]
    UnsupportedType,
    /// A part of the header is absent or malformed. The text says which, in AWS's words.
    #[error("{0}")]
    Incomplete(String),
    /// No header says when it was signed, or one says what is no time. The text says which, in AWS's words.
    #[error("{0}")]
    Time(String),
    /// A part of the query is absent or malformed.
    #[error(transparent)]
    Query(#[from] QueryFault),
}

impl Claim {
    /// Reads the claim of a request from its headers.
    ///
    /// # Errors
    /// [`ClaimError::Missing`] without an `Authorization` header, [`ClaimError::UnsupportedType`] for another scheme,
    /// [`ClaimError::Incomplete`] and [`ClaimError::Time`] for what AWS answers with `IncompleteSignature`.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, ClaimError> {
        let Some(value) = headers.get(http::header::AUTHORIZATION) else { return Err(ClaimError::Missing) };
        let text = value
            .to_str()
            .ok()
            .filter(|text| text.len() <= MAX_LENGTH)
            .ok_or_else(|| ClaimError::Incomplete("Authorization header is malformed.".into()))?;
        let Some(rest) = text.strip_prefix(ALGORITHM).filter(|rest| rest.starts_with([' ', ',']) || rest.is_empty())
        else {
            return Err(ClaimError::UnsupportedType);
        };
        let fields = header_fields(rest, text)?;
        let (access_key, scope) = Scope::split_credential(fields.credential).ok_or_else(|| {
            let credential = fields.credential;
            ClaimError::Incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
            ))
        })?;
        let (amz_date, time) = request_time(headers)?;
        let session_token =
            headers.get("x-amz-security-token").and_then(|token| token.to_str().ok()).map(str::to_owned);
        let signed_headers = SignedHeaders::parse(fields.signed_headers.to_owned())
            .ok_or_else(|| ClaimError::Incomplete("Too many signed headers.".into()))?;
        let signature = fields.signature.to_owned();
        Ok(Self { access_key, scope, signed_headers, signature, amz_date, time, session_token, place: Place::Header })
    }

    /// Refuses a key that was made for another day than the request's. To be asked after the time itself, about which S3
    /// complains first.
    ///
    /// # Errors
    /// [`ClaimError::Incomplete`].
    pub fn check_day(&self) -> Result<(), ClaimError> {
        let (sent, day) = (&self.amz_date, self.amz_date.get(..8).unwrap_or_default());
        if self.scope.date == day {
            return Ok(());
        }
        let made = &self.scope.date;
        Err(ClaimError::Incomplete(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{made}' != '{day}', from '{sent}'."
        )))
    }

    /// How far the request's time is from `now`, in seconds: positive if the request is late.
    pub fn age_seconds(&self, now: Timestamp) -> i64 {
        now.as_second() - self.time.as_second()
    }

    /// Whether it stands in the query.
    pub fn is_presigned(&self) -> bool {
        matches!(self.place, Place::Query { .. })
    }
}

struct Fields<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

fn header_fields<'a>(rest: &'a str, whole: &str) -> Result<Fields<'a>, ClaimError> {
    let (mut credential, mut signed_headers, mut signature) = ("", "", "");
    for part in rest.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let Some((name, value)) = part.split_once('=') else {
            return Err(ClaimError::Incomplete(format!(
                "'{part}' not a valid key=value pair (missing equal-sign) in Authorization header."
            )));
        };
        match name {
            "Credential" => credential = value,
            "SignedHeaders" => signed_headers = value,
            "Signature" => signature = value,
            _ => {}
        }
    }
    let mut lacking = String::new();
    for (name, value) in [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)] {
        if value.is_empty() {
            lacking.push_str(&format!("Authorization header requires '{name}' parameter. "));
        }
    }
    if lacking.is_empty() {
        return Ok(Fields { credential, signed_headers, signature });
    }
    let scheme = whole.split(' ').next().unwrap_or_default();
    Err(ClaimError::Incomplete(format!("{lacking}Authorization={scheme}")))
}

pub(super) fn request_time(headers: &HeaderMap) -> Result<(String, Timestamp), ClaimError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(sent) = text("x-amz-date") {
        return match parse_amz_date(sent) {
            Some(time) => Ok((sent.to_owned(), time)),
            None => Err(ClaimError::Time(format!(
                "Date must be in ISO-8601 'basic format'. Got '{sent}'. See http://en.wikipedia.org/wiki/ISO_8601"
            ))),
        };
    }
    if let Some(sent) = text("date") {
        let time = parse_amz_date(sent).or_else(|| jiff::fmt::rfc2822::parse(sent).ok().map(|time| time.timestamp()));
        if let Some(time) = time {
            return Ok((amz_date(time), time));
        }
    }
    Err(ClaimError::Time("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".into()))
}
