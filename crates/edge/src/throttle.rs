//! How fast who may call: token buckets as EC2 documents them, times a factor. Kept in memory, bounded in number.
//! Source of rates and sizes: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>, S3's
//! "Best practices design patterns", CloudTrail's quotas.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::{Caller, Principal};
use audit::is_read_only;
use wire::{ServiceError, ServiceShape};

use crate::trace::Family;

/// The default factor: 100,000 reading and 25,000 changing calls a second of one account at one service, after bursts
/// of 500,000 and 250,000. It bounds what one account can ask for, and no client in its right mind meets it.
pub const DEFAULT_THROTTLE: u32 = 5000;

/// Parts that buckets are kept in, so that calls seldom wait for each other.
const SHARDS: usize = 16;
/// Buckets in each part. A bucket that is full again is forgotten, so this bounds those that are in use.
const MAX_BUCKETS: usize = 1024;

/// A rate and the size of its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Rate {
    a_second: u32,
    burst: u32,
}

const fn rate(a_second: u32, burst: u32) -> Rate {
    Rate { a_second, burst }
}

/// Failures of authentication from one address, whatever the factor: guessing is no use of an API.
const FAILURES: Rate = rate(100, 1000);

/// The rate of an operation, as AWS documents it, and a name for it, which is part of the bucket's.
fn rate_of(service: &ServiceShape, operation: &str) -> (u8, Rate) {
    let is_reading = is_read_only(operation);
    match (service.name, operation) {
        ("ec2", "RunInstances") => (1, rate(2, 5)),
        ("ec2", "StartInstances" | "StopInstances" | "TerminateInstances" | "RequestSpotInstances") => (2, rate(5, 50)),
        ("ec2", "GetConsoleOutput" | "GetConsoleScreenshot") => (3, rate(5, 50)),
        ("cloudtrail", "LookupEvents") => (4, rate(2, 2)),
        ("s3", _) if is_reading => (5, rate(5500, 5500)),
        ("s3", _) => (6, rate(3500, 3500)),
        _ if is_reading => (7, rate(20, 100)),
        _ => (8, rate(5, 50)),
    }
}

/// The buckets of one edge.
pub(crate) struct Throttle {
    /// The factor; 0 for none at all.
    factor: u32,
    started: Instant,
    hasher: RandomState,
    shards: [Mutex<HashMap<u64, u64>>; SHARDS],
}

impl Throttle {
    /// Buckets of AWS's sizes times `factor`; none if it is 0.
    pub(crate) fn new(factor: u32) -> Self {
        Self { factor, started: Instant::now(), hasher: RandomState::new(), shards: Default::default() }
    }

    /// Takes a token for a call, or says when there will be one. A user or a role may take half of what its account
    /// may, so that one of them does not shut out the others.
    pub(crate) fn admit(&self, service: &ServiceShape, operation: &str, caller: &Caller) -> Result<(), Duration> {
        let (name, rate) = rate_of(service, operation);
        let Some(account) = caller.account.as_ref().filter(|_| self.factor > 0) else { return Ok(()) };
        let now = self.now();
        let whole = (f64::from(rate.a_second) * f64::from(self.factor), f64::from(rate.burst) * f64::from(self.factor));
        if !matches!(caller.principal, Principal::Root | Principal::Service(_)) {
            let half = (whole.0 / 2.0, (whole.1 / 2.0).max(1.0));
            self.take(self.key((service.name, name, account.as_str(), caller.user_id())), half, now)?;
        }
        self.take(self.key((service.name, name, account.as_str())), whole, now)
    }

    /// Takes a token for a failure of authentication; false if there is none, and the request is only to be counted.
    pub(crate) fn admit_failure(&self, address: IpAddr) -> bool {
        if self.factor == 0 {
            return true;
        }
        // Whoever has one address of IPv6 has a whole /64.
        let network = match address.to_canonical() {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits() >> 64 | 1 << 127,
        };
        let limits = (f64::from(FAILURES.a_second), f64::from(FAILURES.burst));
        self.take(self.key(("failure", network)), limits, self.now()).is_ok()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn key(&self, name: impl Hash) -> u64 {
        self.hasher.hash_one(name)
    }

    /// The generic cell rate algorithm: a bucket is the time at which it will be full again.
    fn take(&self, key: u64, (a_second, burst): (f64, f64), now: u64) -> Result<(), Duration> {
        let nanos = |seconds: f64| Duration::from_secs_f64(seconds).as_nanos();
        let each = u64::try_from(nanos(1.0 / a_second)).unwrap_or(u64::MAX).max(1);
        let depth = u64::try_from(nanos(burst / a_second)).unwrap_or(u64::MAX);
        let shard = &self.shards[usize::try_from(key >> 60).unwrap_or(0) % SHARDS];
        let mut buckets = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(&key) {
            make_room(&mut buckets, now);
        }
        let full_at = buckets.entry(key).or_insert(now);
        let next = (*full_at).max(now).saturating_add(each);
        if next - now > depth.max(each) {
            return Err(Duration::from_nanos(next - now - depth));
        }
        *full_at = next;
        Ok(())
    }
}

/// Forgets the buckets that are full; if that is not enough, the quarter that will be full first.
fn make_room(buckets: &mut HashMap<u64, u64>, now: u64) {
    buckets.retain(|_, full_at| *full_at > now);
    if buckets.len() >= MAX_BUCKETS * 3 / 4 {
        let mut times: Vec<u64> = buckets.values().copied().collect();
        let (_, first, _) = times.select_nth_unstable(MAX_BUCKETS / 4);
        let first = *first;
        buckets.retain(|_, full_at| *full_at > first);
    }
}

/// AWS's error for calls that come too fast, in the words of the service's family. Clients know all of these, and wait
/// and try again; newer ones wait as long as `x-amz-retry-after` says, in milliseconds.
pub(crate) fn throttled(family: Family, wait: Duration) -> ServiceError {
    let error = match family {
        Family::Ec2 => ServiceError::receiver("RequestLimitExceeded", 503, "Request limit exceeded."),
        Family::S3 => ServiceError::receiver("SlowDown", 503, "Please reduce your request rate."),
        Family::Query => ServiceError::bad_request("Throttling", "Rate exceeded"),
        Family::Modern => ServiceError::bad_request("ThrottlingException", "Rate exceeded"),
    };
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    error
        .with_header("x-amz-retry-after", wait.as_millis().max(1).to_string())
        .with_header("retry-after", seconds.max(1).to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use api::{Caller, Principal};

    use super::{MAX_BUCKETS, SHARDS, Throttle, throttled};
    use crate::trace::Family;

    fn root(account: &str) -> Caller {
        Caller::root(account.parse().unwrap(), "AKIA")
    }

    fn user(name: &str) -> Caller {
        let principal = Principal::User { name: name.into(), path: "/".into(), id: format!("AIDA{name}") };
        Caller { principal, ..root("111111111111") }
    }

    #[test]
    fn a_burst_is_let_in_then_the_rate() {
        let throttle = Throttle::new(1);
        let key = throttle.key("x");
        for _ in 0..5 {
            throttle.take(key, (2.0, 5.0), 0).unwrap();
        }
        let wait = throttle.take(key, (2.0, 5.0), 0).unwrap_err();
        assert_eq!(wait, Duration::from_millis(500));
        let later = 500_000_000;
        throttle.take(key, (2.0, 5.0), later).unwrap();
        throttle.take(key, (2.0, 5.0), later).unwrap_err();
        // A long rest fills the bucket and no more.
        for _ in 0..5 {
            throttle.take(key, (2.0, 5.0), 1_000 * later).unwrap();
        }
        throttle.take(key, (2.0, 5.0), 1_000 * later).unwrap_err();
    }

    #[test]
    fn accounts_users_and_kinds_of_calls_have_their_own() {
        let ec2 = &api::ec2::SERVICE;
        let throttle = Throttle::new(1);
        let drain = |caller: &Caller, operation: &str| {
            (0..1000).take_while(|_| throttle.admit(ec2, operation, caller).is_ok()).count()
        };
        assert!((5..8).contains(&drain(&root("111111111111"), "RunInstances")));
        assert!((100..200).contains(&drain(&root("111111111111"), "DescribeVpcs")));
        assert!((100..200).contains(&drain(&root("222222222222"), "DescribeVpcs")), "another tenant is not slowed");
        assert!((25..40).contains(&drain(&user("ann"), "CreateVpc")), "half of the account's");
        assert!((25..40).contains(&drain(&user("bob"), "CreateVpc")), "the other half");
        assert!(drain(&user("cid"), "CreateVpc") < 10, "nothing is left of the account's");
        assert_eq!(Throttle::new(0).admit(ec2, "RunInstances", &root("111111111111")), Ok(()));
    }

    #[test]
    fn the_number_of_buckets_is_bounded() {
        let throttle = Throttle::new(1);
        for number in 0..100_000_u64 {
            let _ = throttle.take(throttle.key(number), (1.0, 1.0), number);
        }
        let kept: usize = throttle.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= SHARDS * MAX_BUCKETS, "{kept}");
    }

    #[test]
    fn failures_of_an_address_are_limited_and_no_other_address_suffers() {
        let throttle = Throttle::new(1);
        let (one, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let let_in = (0..5000).filter(|_| throttle.admit_failure(one)).count();
        assert!((1000..2000).contains(&let_in), "{let_in}");
        assert!(throttle.admit_failure(other));
    }

    #[test]
    fn errors_are_amazons() {
        let wait = Duration::from_millis(1500);
        let check = |family, code: &str, status| {
            let error = throttled(family, wait);
            assert_eq!((&*error.code, error.status), (code, status));
            assert_eq!(error.headers[0], ("x-amz-retry-after", "1500".to_owned()));
            assert_eq!(error.headers[1], ("retry-after", "2".to_owned()));
        };
        check(Family::Ec2, "RequestLimitExceeded", 503);
        check(Family::Query, "Throttling", 400);
        check(Family::Modern, "ThrottlingException", 400);
        check(Family::S3, "SlowDown", 503);
    }
}
