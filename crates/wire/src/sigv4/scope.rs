//! Credential scopes and the times that signed requests carry.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

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

impl Scope {
    /// Takes `access-key/date/region/service/aws4_request` apart; none if it is not of that form.
    pub(super) fn split_credential(credential: &str) -> Option<(String, Self)> {
        // Access keys hold no slash, but the emulators' habits do; the scope is always the last four parts.
        let mut parts = credential.rsplitn(5, '/');
        let (terminator, service, region, date, access_key) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_whole = terminator == "aws4_request"
            && ![service, region, access_key].contains(&"")
            && date.len() == 8
            && date.bytes().all(|byte| byte.is_ascii_digit());
        let scope = || Self { date: date.into(), region: region.into(), service: service.into() };
        is_whole.then(|| (access_key.to_owned(), scope()))
    }

    pub(super) fn push(&self, text: &mut String) {
        for part in [self.date.as_str(), "/", &self.region, "/", &self.service, "/aws4_request"] {
            text.push_str(part);
        }
    }
}

/// A time as `X-Amz-Date` carries it; none if it is of another form, or before 1970.
pub(crate) fn parse_amz_date(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let mut digits = [0_i16; 16];
    for (at, byte) in bytes.iter().enumerate().filter(|(at, _)| *at != 8 && *at != 15) {
        digits[at] = byte.is_ascii_digit().then(|| i16::from(byte - b'0'))?;
    }
    let two = |at: usize| i8::try_from(digits[at] * 10 + digits[at + 1]).ok();
    let year = digits[..4].iter().fold(0, |year, digit| year * 10 + digit);
    let time = DateTime::new(year, two(4)?, two(6)?, two(9)?, two(11)?, two(13)?, 0).ok()?;
    Offset::UTC.to_timestamp(time).ok().filter(|time| time.as_second() >= 0)
}

/// A time as signed requests carry it in `X-Amz-Date`: `YYYYMMDDTHHMMSSZ`.
pub fn amz_date(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::{Scope, amz_date, parse_amz_date};

    #[test]
    fn times_are_read_as_they_are_written() {
        for text in ["20130524T000000Z", "20240229T235959Z", "19700101T000000Z"] {
            assert_eq!(amz_date(parse_amz_date(text).unwrap()), text);
        }
        for bad in [
            "",
            "20130524T000000",
            "20230229T000000Z",
            "20130524T240000Z",
            "20130524t000000Z",
            "2013052éT00000Z",
            "19691231T235959Z",
        ] {
            assert!(parse_amz_date(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn access_keys_may_hold_slashes() {
        let (access_key, scope) = Scope::split_credential("a/b/20130524/us-east-1/s3/aws4_request").unwrap();
        assert_eq!((access_key.as_str(), scope.to_string().as_str()), ("a/b", "20130524/us-east-1/s3/aws4_request"));
        for bad in ["", "a", "a/20130524/us-east-1/s3", "/20130524/r/s/aws4_request", "a/2013/r/s/aws4_request"] {
            assert!(Scope::split_credential(bad).is_none(), "{bad}");
        }
    }
}
