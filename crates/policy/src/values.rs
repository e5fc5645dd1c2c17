//! Values that are compared as what they mean: numbers, dates, addresses.
//! Not here: which operator compares what.

use std::cmp::Ordering;
use std::net::IpAddr;

/// A number: exact where it is whole and fits, else as near as a float comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number {
    whole: Option<i64>,
    real: f64,
}

// No number is NaN, because none is read from a text that says so.
impl Eq for Number {}

impl Number {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        // What Rust reads besides is "inf", "nan" and their like.
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
            return None;
        }
        Some(Self { whole: text.parse().ok(), real: text.parse().ok()? })
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self.whole, other.whole) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => self.real.total_cmp(&other.real),
        }
    }
}

/// A moment: seconds since 1970, and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    seconds: i64,
    nanoseconds: u32,
}

impl Date {
    /// Reads seconds since 1970, or what ISO 8601 allows: a year, a month, a day, a time of it, with or without an offset.
    /// Rule: <https://www.w3.org/TR/NOTE-datetime>; the bounds are those of Java, in which IAM reads them.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if !text.contains(['-', 't', 'T']) {
            return Self::epoch(text);
        }
        let (date, time) = text.split_once(['t', 'T']).unwrap_or((text, ""));
        let (sign, digits) = date.strip_prefix('-').map_or((1, date), |digits| (-1, digits));
        let mut parts = digits.split('-');
        let year = sign * number(parts.next()?, 9)?;
        let month = parts.next().map_or(Some(1), |month| number(month, 2))?;
        let day = parts.next().map_or(Some(1), |day| number(day, 2))?;
        let is_within =
            (-292_275_054..=292_278_993).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        if parts.next().is_some() || !is_within {
            return None;
        }
        let (seconds, nanoseconds) = time_of_day(time)?;
        Some(Self { seconds: days(year, month, day) * 86_400 + seconds, nanoseconds })
    }

    fn epoch(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = is_digits.then(|| whole.parse().ok())??;
        Some(Self { seconds, nanoseconds: nanoseconds(fraction)? })
    }
}

/// Seconds and nanoseconds since midnight in Greenwich, of a time with its offset; nothing is midnight.
fn time_of_day(text: &str) -> Option<(i64, u32)> {
    let (time, offset) = match text.find(['z', 'Z', '+', '-']) {
        Some(at) => (&text[..at], offset(&text[at..])?),
        None => (text, 0),
    };
    let mut parts = time.split(':');
    let hours = parts.next().filter(|hours| !hours.is_empty()).map_or(Some(0), |hours| number(hours, 2))?;
    let minutes = parts.next().map_or(Some(0), |minutes| number(minutes, 2))?;
    let (seconds, fraction) = match parts.next() {
        None => (0, 0),
        Some(text) => {
            let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
            (number(seconds, 2)?, nanoseconds(fraction)?)
        }
    };
    let is_within = hours <= 23 && minutes <= 59 && seconds <= 59 && parts.next().is_none();
    is_within.then_some((hours * 3600 + minutes * 60 + seconds - offset, fraction))
}

/// How many seconds an offset is before Greenwich.
fn offset(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) =
        text.strip_prefix('+').map(|rest| (1, rest)).or(text.strip_prefix('-').map(|rest| (-1, rest)))?;
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "00"));
    let is_within = hours.len() == 2 && minutes.len() == 2;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    (is_within && hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn number(text: &str, length: usize) -> Option<i64> {
    let is_number = (1..=length).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    let places = u32::try_from(fraction.len()).ok()?;
    let value = u32::try_from(number(fraction, 9)?).ok()?;
    value.checked_mul(10_u32.pow(9 - places))
}

/// Days since 1970 in the calendar that always was Gregorian; a 31st of a shorter month is the first of the next.
/// Source: <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads an address with or without the length of its prefix.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(u32::try_from(number(prefix, 3)?).ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(most);
        (prefix <= most).then_some(Self { address, prefix })
    }

    /// Whether the address is of the range. IPv4 within IPv6 is IPv4.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                is_same(u128::from(u32::from(network)), u128::from(u32::from(address)), 32 - self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                is_same(u128::from(network), u128::from(address), 128 - self.prefix)
            }
            _ => false,
        }
    }

    /// How many of its first bits are said.
    pub(crate) fn prefix(&self) -> u32 {
        self.prefix
    }

    /// Whether it is a range of IPv4.
    pub(crate) fn is_v4(&self) -> bool {
        self.address.is_ipv4()
    }
}

fn is_same(one: u128, other: u128, but_for: u32) -> bool {
    (one ^ other).checked_shr(but_for).unwrap_or_default() == 0
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{Date, Network, Number};

    #[test]
    fn numbers_compare_as_numbers() {
        let compare = |one: &str, other: &str| Number::read(one).unwrap().compare(&Number::read(other).unwrap());
        assert_eq!(compare("10", "9"), Ordering::Greater);
        assert_eq!(compare("1.50", "1.5"), Ordering::Equal);
        assert_eq!(compare("-3", "2e1"), Ordering::Less);
        assert_eq!(compare("9007199254740993", "9007199254740992"), Ordering::Greater);
        for text in ["", "inf", "NaN", "0x1", "one", "1,5"] {
            assert_eq!(Number::read(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_moments() {
        let seconds = |text: &str| Date::read(text).map(|date| date.seconds);
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds("1970"), Some(1970));
        assert_eq!(seconds("1970-01"), Some(0));
        assert_eq!(seconds("2000-02-29"), Some(951_782_400));
        assert_eq!(seconds("2019-07-16T12:00:00Z"), Some(1_563_278_400));
        assert_eq!(seconds("2019-07-16T14:00:00+02:00"), Some(1_563_278_400));
        assert_eq!(seconds("2019-07-16t04:00:00-08:00"), Some(1_563_278_400));
        assert_eq!(seconds("2019-07-16T14:00:00.593194+02"), Some(1_563_278_400));
        assert!(Date::read("2019-07-16T12:00:00.1Z") > Date::read("2019-07-16T12:00:00.09Z"));
        assert_eq!(Date::read("1563278400.5"), Date::read("2019-07-16T12:00:00.5Z"));
        for text in ["", "b", "2019-13-01", "2019-01-32", "2019-01-01T24:00", "2019-01-01T00:00:00+1", "1.", "é"] {
            assert_eq!(Date::read(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_hold_their_addresses() {
        let contains = |range: &str, address: &str| Network::read(range).unwrap().contains(address.parse().unwrap());
        assert!(contains("203.0.113.0/24", "203.0.113.255"));
        assert!(!contains("203.0.113.0/24", "203.0.114.0"));
        assert!(contains("203.0.113.7", "203.0.113.7"));
        assert!(!contains("203.0.113.7", "203.0.113.8"));
        assert!(contains("0.0.0.0/0", "203.0.113.8"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(contains("2001:DB8:1234:5678::/64", "2001:db8:1234:5678::9"));
        assert!(!contains("2001:DB8:1234:5678::/64", "2001:db8:1234:5679::9"));
        assert!(contains("::/0", "2001:db8::1"));
        assert!(contains("203.0.113.0/24", "::ffff:203.0.113.1"));
        for text in ["", "203.0.113.0/33", "::/129", "203.0.113", "a/8", "1.2.3.4/", "1.2.3.4/+8"] {
            assert_eq!(Network::read(text), None, "{text}");
        }
    }
}
