//! What locks mean: which one a new object gets, what one keeps from being done, and who may go past it.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html>.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::error::LockError;
use super::record::{DefaultPeriod, DefaultRetention, LockMode, ObjectLock, Retention};
use crate::S3Error;
use crate::buckets::BucketRecord;
use crate::objects::ObjectRecord;

/// The longest time to keep something: a hundred years.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>.
pub(super) const MAX_DAYS: i32 = 36_500;
/// The same in years.
pub(super) const MAX_YEARS: i32 = 100;

/// What the lock of a new object is, by the headers of its request and by the bucket's default.
///
/// # Errors
/// [`LockError::BucketWithout`], [`S3Error::InvalidArgument`].
pub(crate) fn from_headers(
    bucket: &BucketRecord,
    mode: Option<&str>,
    until: Option<Timestamp>,
    hold: Option<&str>,
    now: Timestamp,
) -> Result<ObjectLock, S3Error> {
    // What the headers say must make sense, whatever the bucket can do.
    let said = match (mode, until) {
        (None, None) => None,
        (Some(mode), Some(until)) => {
            let read = LockMode::named(mode);
            let mode = read.ok_or_else(|| S3Error::argument(MODE, mode, "Unknown wormMode directive."))?;
            Some(Retention { mode, until: future(UNTIL, until, now)? })
        }
        (mode, _) => {
            let name = if mode.is_some() { UNTIL } else { MODE };
            let text = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
            return Err(S3Error::argument(name, "", text));
        }
    };
    let is_held = hold.map(|hold| read_hold(hold).ok_or_else(|| unknown_hold(hold))).transpose()?;
    match &bucket.lock {
        None if said.is_some() || is_held.is_some() => Err(LockError::BucketWithout.into()),
        None => Ok(ObjectLock::default()),
        Some(lock) => {
            let retention = said.or_else(|| lock.default.as_ref().map(|default| kept_by(default, now)));
            Ok(ObjectLock { retention, is_held })
        }
    }
}

const MODE: &str = "x-amz-object-lock-mode";
const UNTIL: &str = "x-amz-object-lock-retain-until-date";

fn unknown_hold(hold: &str) -> S3Error {
    S3Error::argument("x-amz-object-lock-legal-hold", hold, "Legal Hold must be either of 'ON' or 'OFF'")
}

/// Whether a status says that an object is held; none if it says nothing.
pub(super) fn read_hold(status: &str) -> Option<bool> {
    match status {
        "ON" => Some(true),
        "OFF" => Some(false),
        _ => None,
    }
}

/// What a hold is called.
pub(crate) fn hold_name(is_held: bool) -> &'static str {
    if is_held { "ON" } else { "OFF" }
}

impl LockMode {
    /// What S3 calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Governance, Self::Compliance].into_iter().find(|mode| mode.name() == name)
    }
}

impl Retention {
    fn holds(&self, now: Timestamp) -> bool {
        self.until > now
    }
}

/// A date that lies ahead; `name` is what it is called where it was given.
pub(super) fn future(name: &'static str, until: Timestamp, now: Timestamp) -> Result<Timestamp, S3Error> {
    if until > now {
        return Ok(until);
    }
    Err(S3Error::argument(name, until.to_string(), "The retain until date must be in the future!"))
}

/// What a bucket's default says of an object that is put now.
fn kept_by(default: &DefaultRetention, now: Timestamp) -> Retention {
    let span = match default.period {
        DefaultPeriod::Days(days) => i64::from(days).days(),
        DefaultPeriod::Years(years) => i64::from(years).years(),
    };
    // Periods are bounded when they are stored, so the end lies within all dates.
    let until = now.to_zoned(TimeZone::UTC).checked_add(span).map_or(Timestamp::MAX, |end| end.timestamp());
    Retention { mode: default.mode, until }
}

/// Refuses to delete a version that is locked. `bypass` says that the request is to go past governance, and that its
/// caller may.
///
/// # Errors
/// [`LockError::Protected`].
pub(crate) fn check_delete(object: &ObjectRecord, bypass: bool, now: Timestamp) -> Result<(), S3Error> {
    let lock = &object.traits.lock;
    let is_kept = lock
        .retention
        .as_ref()
        .is_some_and(|retention| retention.holds(now) && !(bypass && retention.mode == LockMode::Governance));
    if is_kept || lock.is_held == Some(true) { Err(LockError::Protected.into()) } else { Ok(()) }
}

/// Refuses to put `new` in the place of `old` if that makes a lock weaker and the request may not.
///
/// # Errors
/// [`LockError::Protected`].
pub(super) fn check_change(
    old: Option<&Retention>,
    new: Option<&Retention>,
    bypass: bool,
    now: Timestamp,
) -> Result<(), S3Error> {
    let Some(old) = old.filter(|old| old.holds(now)) else { return Ok(()) };
    let is_kept = new.is_some_and(|new| new.mode == old.mode && new.until >= old.until);
    let is_allowed = is_kept || (bypass && old.mode == LockMode::Governance);
    if is_allowed { Ok(()) } else { Err(LockError::Protected.into()) }
}

#[cfg(test)]
mod tests {
    use ids::AccountId;
    use jiff::{SignedDuration, Timestamp};

    use super::{check_change, check_delete, from_headers};
    use crate::buckets::BucketRecord;
    use crate::lock::{BucketLock, DefaultPeriod, DefaultRetention, LockMode, ObjectLock, Retention};
    use crate::tests::object;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(hours: i64) -> Timestamp {
        NOW + SignedDuration::from_hours(hours)
    }

    fn kept(mode: LockMode, hours: i64) -> Retention {
        Retention { mode, until: at(hours) }
    }

    #[test]
    fn what_keeps_a_version() {
        use LockMode::{Compliance, Governance};
        let check = |retention: Option<Retention>, is_held, bypass, expected: bool| {
            let mut object = object("b", "k");
            object.traits.lock = ObjectLock { retention, is_held };
            assert_eq!(check_delete(&object, bypass, NOW).is_ok(), expected, "{:?} {bypass}", object.traits.lock);
        };
        check(None, None, false, true);
        check(None, Some(false), false, true);
        check(None, Some(true), true, false);
        check(Some(kept(Governance, 1)), None, false, false);
        check(Some(kept(Governance, 1)), None, true, true);
        check(Some(kept(Governance, 1)), Some(true), true, false);
        check(Some(kept(Compliance, 1)), None, true, false);
        check(Some(kept(Compliance, -1)), None, false, true);
    }

    #[test]
    fn what_may_become_of_a_retention() {
        use LockMode::{Compliance, Governance};
        let check = |old: Retention, new: Option<Retention>, bypass, expected: bool| {
            assert_eq!(check_change(Some(&old), new.as_ref(), bypass, NOW).is_ok(), expected, "{old:?} {new:?}");
        };
        check(kept(Governance, 2), Some(kept(Governance, 3)), false, true);
        check(kept(Governance, 2), Some(kept(Governance, 1)), false, false);
        check(kept(Governance, 2), Some(kept(Governance, 1)), true, true);
        check(kept(Governance, 2), Some(kept(Compliance, 3)), false, false);
        check(kept(Governance, 2), Some(kept(Compliance, 3)), true, true);
        check(kept(Governance, 2), None, true, true);
        check(kept(Compliance, 2), Some(kept(Compliance, 3)), false, true);
        check(kept(Compliance, 2), Some(kept(Compliance, 1)), true, false);
        check(kept(Compliance, 2), Some(kept(Governance, 3)), true, false);
        check(kept(Compliance, -2), None, false, true);
    }

    #[test]
    fn what_new_objects_get() {
        let account: AccountId = "123456789012".parse().unwrap();
        let mut bucket = BucketRecord::new("b", account, "r", NOW);
        assert!(from_headers(&bucket, None, None, Some("ON"), NOW).is_err());
        assert_eq!(from_headers(&bucket, None, None, None, NOW).unwrap(), ObjectLock::default());
        let default = DefaultRetention { mode: LockMode::Compliance, period: DefaultPeriod::Years(2) };
        bucket.lock = Some(BucketLock { default: Some(default) });
        let lock = from_headers(&bucket, None, None, Some("OFF"), NOW).unwrap();
        assert_eq!(lock.is_held, Some(false));
        assert_eq!(
            lock.retention,
            Some(Retention { mode: LockMode::Compliance, until: "1972-01-01T00:00:00Z".parse().unwrap() })
        );
        let lock = from_headers(&bucket, Some("GOVERNANCE"), Some(at(1)), None, NOW).unwrap();
        assert_eq!(lock.retention, Some(kept(LockMode::Governance, 1)));
        for (mode, until, hold) in [
            (Some("GOVERNANCE"), None, None),
            (None, Some(at(1)), None),
            (Some("GOVERNANCE"), Some(at(-1)), None),
            (Some("governance"), Some(at(1)), None),
            (None, None, Some("on")),
        ] {
            assert!(from_headers(&bucket, mode, until, hold, NOW).is_err(), "{mode:?} {until:?} {hold:?}");
        }
    }
}
