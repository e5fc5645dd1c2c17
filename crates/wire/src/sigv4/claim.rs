//! What a signed request says of itself in its `Authorization` header.

use std::fmt;

use http::HeaderMap;
use jiff::Timestamp;

use super::ALGORITHM;

/// Longest `Authorization` header that is looked at, in bytes.
const MAX_LENGTH: usize = 4096;
/// Most headers that a request may sign.
const MAX_SIGNED_HEADERS: usize = 100;

/// The credential scope: what a signing key is good for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Day in UTC, as `YYYYMMDD`.
    pub date: String,
    /// Region, such as `us-east-1`.
    pub region: String,
    /// Signing name of the service, such as `ec2`.
    pub service: String,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

/// A parsed claim. Nothing in it is proven before its signature has been compared.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who signed.
    pub access_key: String,
    /// For which day, region and service.
    pub scope: Scope,
    /// Names of the signed headers, lower-case, in the order given.
    pub signed_headers: Vec<String>,
    /// The signature given.
    pub signature: String,
    /// The request's time as sent, `YYYYMMDDTHHMMSSZ`.
    pub amz_date: String,
    /// The same, parsed.
    pub time: Timestamp,
    /// The session token, with temporary credentials.
    pub session_token: Option<String>,
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
}

impl Claim {
    /// Reads the claim of a request from its headers.
    ///
    /// # Errors
    /// [`ClaimError::Missing`] without an `Authorization` header, [`ClaimError::UnsupportedType`] for another scheme,
    /// [`ClaimError::Incomplete`] for what AWS answers with `IncompleteSignature`.
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
        let (credential, signed_headers, signature) = header_fields(rest, text)?;
        let (access_key, scope) = split_credential(&credential)?;
        let (amz_date, time) = request_time(headers)?;
        if amz_date.get(..8) != Some(scope.date.as_str()) {
            return Err(ClaimError::Incomplete(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}', from '{amz_date}'.",
                scope.date,
                amz_date.get(..8).unwrap_or_default(),
            )));
        }
        let session_token =
            headers.get("x-amz-security-token").and_then(|token| token.to_str().ok()).map(str::to_owned);
        Ok(Self {
            access_key,
            scope,
            signed_headers: signed_headers.split(';').map(|name| name.to_ascii_lowercase()).collect(),
            signature,
            amz_date,
            time,
            session_token,
        })
    }

    /// How far the request's time is from `now`, in seconds: positive if the request is late.
    pub fn age_seconds(&self, now: Timestamp) -> i64 {
        now.as_second() - self.time.as_second()
    }
}

fn header_fields(rest: &str, whole: &str) -> Result<(String, String, String), ClaimError> {
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for part in rest.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let Some((name, value)) = part.split_once('=') else {
            return Err(ClaimError::Incomplete(format!(
                "'{part}' not a valid key=value pair (missing equal-sign) in Authorization header."
            )));
        };
        let slot = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => continue,
        };
        *slot = Some(value.to_owned()).filter(|value| !value.is_empty());
    }
    let mut lacking = String::new();
    for (name, slot) in [("Credential", &credential), ("Signature", &signature), ("SignedHeaders", &signed_headers)] {
        if slot.is_none() {
            lacking.push_str(&format!("Authorization header requires '{name}' parameter. "));
        }
    }
    match (credential, signed_headers, signature) {
        (Some(credential), Some(signed_headers), Some(signature))
            if signed_headers.split(';').count() <= MAX_SIGNED_HEADERS =>
        {
            Ok((credential, signed_headers, signature))
        }
        (Some(_), Some(_), Some(_)) => Err(ClaimError::Incomplete("Too many signed headers.".into())),
        _ => {
            let scheme = whole.split(' ').next().unwrap_or_default();
            Err(ClaimError::Incomplete(format!("{lacking}Authorization={scheme}")))
        }
    }
}

fn split_credential(credential: &str) -> Result<(String, Scope), ClaimError> {
    // Access keys hold no slash, but the emulators' habits do; the scope is always the last four parts.
    let mut parts = credential.rsplitn(5, '/');
    let (terminator, service, region, date, access_key) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
    match (terminator, service, region, date, access_key) {
        (Some("aws4_request"), Some(service), Some(region), Some(date), Some(access_key))
            if !service.is_empty()
                && !region.is_empty()
                && !access_key.is_empty()
                && date.len() == 8
                && date.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            let scope = Scope { date: date.into(), region: region.into(), service: service.into() };
            Ok((access_key.into(), scope))
        }
        _ => Err(ClaimError::Incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
        ))),
    }
}

pub(super) fn request_time(headers: &HeaderMap) -> Result<(String, Timestamp), ClaimError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(sent) = text("x-amz-date") {
        return match parse_amz_date(sent) {
            Some(time) => Ok((sent.to_owned(), time)),
            None => Err(ClaimError::Incomplete(format!(
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
    Err(ClaimError::Incomplete(
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".into(),
    ))
}

fn parse_amz_date(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 16
        && bytes[8] == b'T'
        && bytes[15] == b'Z'
        && bytes.iter().enumerate().all(|(at, byte)| at == 8 || at == 15 || byte.is_ascii_digit());
    if !shaped {
        return None;
    }
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i16>().ok();
    let small = |range| number(range).and_then(|number| i8::try_from(number).ok());
    jiff::civil::DateTime::new(
        number(0..4)?,
        small(4..6)?,
        small(6..8)?,
        small(9..11)?,
        small(11..13)?,
        small(13..15)?,
        0,
    )
    .ok()?
    .to_zoned(jiff::tz::TimeZone::UTC)
    .ok()
    .map(|time| time.timestamp())
}

/// A time as signed requests carry it in `X-Amz-Date`: `YYYYMMDDTHHMMSSZ`.
pub fn amz_date(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}
