//! The setting of lifecycle rules: how long one of their days is.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use jiff::SignedDuration;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Options of `welkin up`.
#[derive(Args)]
pub struct LifecycleOptions {
    /// How long a day is for lifecycle rules of buckets, such as 10s, for those who test rules [default: 24h]
    #[arg(long, value_name = "DURATION")]
    s3_lifecycle_day: Option<String>,
}

impl LifecycleOptions {
    /// The options that were given, by key.
    pub fn values(self) -> impl IntoIterator<Item = (String, String)> {
        self.s3_lifecycle_day.map(|value| ("s3_lifecycle_day".to_owned(), value))
    }
}

/// How long a day is.
///
/// # Errors
/// A value that is no duration between a second and a day.
pub fn day(text: Option<&str>) -> Result<Duration> {
    let Some(text) = text else { return Ok(Duration::try_from(DAY)?) };
    match text.parse::<SignedDuration>() {
        Ok(day) if (SignedDuration::from_secs(1)..=DAY).contains(&day) => Ok(Duration::try_from(day)?),
        _ => bail!("s3_lifecycle_day: '{text}' is no time between 1s and 24h, such as 10s"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::day;

    #[test]
    fn days_of_any_length() {
        for (text, expected) in [
            (None, Some(86_400)),
            (Some("10s"), Some(10)),
            (Some("5m"), Some(300)),
            (Some("24h"), Some(86_400)),
            (Some("25h"), None),
            (Some("0s"), None),
            (Some("-3s"), None),
            (Some("soon"), None),
        ] {
            assert_eq!(day(text).ok(), expected.map(Duration::from_secs), "{text:?}");
        }
    }
}
