//! What the rules of a bucket want done with one object, version or upload, now. Pure: the same question has always the
//! same answer.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html>.

use api::s3::LifecycleRule;
use jiff::{SignedDuration, Timestamp};

use super::classes::{depth, is_archive};
use super::record::{BY_CLASS, Lifecycle};
use super::rules::{Subject, Terms, applying, due};
use crate::lock::check_delete;
use crate::objects::ObjectRecord;

/// Objects smaller than this are not moved by a rule that says nothing of sizes.
const SMALL: u64 = 128 * 1024;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Keep,
    /// It moves to this storage class.
    Move(String),
    /// It goes.
    Expire,
}

/// The rules of a bucket, and what time it is.
pub(super) struct Clockwork<'a> {
    /// The rules.
    pub lifecycle: &'a Lifecycle,
    /// Now.
    pub now: Timestamp,
    /// How long a day is.
    pub day: SignedDuration,
}

impl Clockwork<'_> {
    fn rules(&self) -> &[LifecycleRule] {
        &self.lifecycle.rules.0.rules
    }

    /// The most newer noncurrent versions that any rule keeps.
    pub fn most_kept(&self) -> usize {
        let kept = self.rules().iter().flat_map(|rule| {
            let moves = rule.noncurrent_version_transitions.as_deref().unwrap_or_default();
            let expiration = rule.noncurrent_version_expiration.as_ref();
            let moves = moves.iter().filter_map(|it| it.newer_noncurrent_versions);
            expiration.and_then(|it| it.newer_noncurrent_versions).into_iter().chain(moves)
        });
        kept.filter_map(|kept| usize::try_from(kept).ok()).max().unwrap_or(0)
    }

    fn is_due(&self, since: Timestamp, date: Option<Timestamp>, days: Option<i32>) -> bool {
        let days = days.map(|days| due(since, days, self.day));
        date.or(days).is_some_and(|due| due <= self.now)
    }

    /// What becomes of a current object.
    pub fn object(&self, object: &ObjectRecord) -> Step {
        let since = object.last_modified;
        let subject = Subject { key: &object.key, tags: Some(&object.traits.tags), size: object.length };
        let mut classes = Vec::new();
        for rule in applying(self.rules(), subject) {
            if rule.expiration.as_ref().is_some_and(|it| self.is_due(since, it.date, it.days)) {
                return Step::Expire;
            }
            for it in rule.transitions.as_deref().unwrap_or_default() {
                if self.is_due(since, it.date, it.days) {
                    classes.extend(it.storage_class.as_deref().filter(|class| self.may_move(rule, object, class)));
                }
            }
        }
        lowest(classes)
    }

    /// What becomes of a version that became noncurrent at `since`, with so many newer noncurrent ones above it.
    pub fn noncurrent(&self, object: &ObjectRecord, since: Timestamp, newer: usize) -> Step {
        let subject = Subject { key: &object.key, tags: Some(&object.traits.tags), size: object.length };
        let mut classes = Vec::new();
        let is_due = |days, kept| self.is_noncurrent_due(since, newer, days, kept);
        for rule in applying(self.rules(), subject) {
            let expiration = rule.noncurrent_version_expiration.as_ref();
            let is_over = expiration.is_some_and(|it| is_due(it.noncurrent_days, it.newer_noncurrent_versions));
            // A lock keeps its version from the rules too, whoever made it and however.
            if is_over && check_delete(object, false, self.now).is_ok() {
                return Step::Expire;
            }
            for it in rule.noncurrent_version_transitions.as_deref().unwrap_or_default() {
                if is_due(it.noncurrent_days, it.newer_noncurrent_versions) {
                    classes.extend(it.storage_class.as_deref().filter(|class| self.may_move(rule, object, class)));
                }
            }
        }
        lowest(classes)
    }

    /// Whether a delete marker goes that became noncurrent at `since`.
    pub fn noncurrent_marker(&self, key: &str, since: Timestamp, newer: usize) -> bool {
        applying(self.rules(), Subject { key, tags: None, size: 0 }).any(|rule| {
            let expiration = rule.noncurrent_version_expiration.as_ref();
            expiration.is_some_and(|it| {
                self.is_noncurrent_due(since, newer, it.noncurrent_days, it.newer_noncurrent_versions)
            })
        })
    }

    /// Whether a delete marker goes that is all there is of its key, made at `since`.
    pub fn lone_marker(&self, key: &str, since: Timestamp) -> bool {
        applying(self.rules(), Subject { key, tags: None, size: 0 }).any(|rule| {
            rule.expiration
                .as_ref()
                .is_some_and(|it| it.expired_object_delete_marker == Some(true) || self.is_due(since, it.date, it.days))
        })
    }

    /// Whether an upload is aborted that was begun at `since`.
    pub fn upload(&self, key: &str, since: Timestamp) -> bool {
        applying(self.rules(), Subject { key, tags: None, size: 0 }).any(|rule| {
            let abortion = rule.abort_incomplete_multipart_upload.as_ref();
            abortion.is_some_and(|it| self.is_due(since, None, it.days_after_initiation))
        })
    }

    fn is_noncurrent_due(&self, since: Timestamp, newer: usize, days: Option<i32>, kept: Option<i32>) -> bool {
        let kept = kept.map_or(0, |kept| usize::try_from(kept).unwrap_or(0));
        newer >= kept && self.is_due(since, None, days)
    }

    /// Whether an object may go to a class: downwards, and not if it is too small to be worth it.
    fn may_move(&self, rule: &LifecycleRule, object: &ObjectRecord, class: &str) -> bool {
        let takes_small = self.lifecycle.minimum_size == BY_CLASS && is_archive(class);
        let is_large = object.length >= SMALL || takes_small || Terms::of(rule).has_sizes();
        is_large && depth(&object.traits.storage_class).is_some_and(|from| depth(class).is_some_and(|to| to > from))
    }
}

/// Of several moves the furthest.
fn lowest(classes: Vec<&str>) -> Step {
    let lowest = classes.into_iter().max_by_key(|class| depth(class));
    lowest.map_or(Step::Keep, |class| Step::Move(class.to_owned()))
}

#[cfg(test)]
mod tests {
    use api::s3::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, LifecycleExpiration, LifecycleRule,
        LifecycleRuleFilter, NoncurrentVersionExpiration, NoncurrentVersionTransition, Transition,
    };
    use jiff::{SignedDuration, Timestamp};

    use super::{Clockwork, Step};
    use crate::config::Faithful;
    use crate::lifecycle::record::{ALL_CLASSES, BY_CLASS, Lifecycle};
    use crate::lifecycle::rules::DAY;
    use crate::lock::{LockMode, Retention};
    use crate::objects::ObjectRecord;
    use crate::tests::object;

    fn rule() -> LifecycleRule {
        LifecycleRule {
            filter: Some(LifecycleRuleFilter::default()),
            status: "Enabled".to_owned(),
            ..LifecycleRule::default()
        }
    }

    fn expiring(days: i32) -> LifecycleRule {
        let expiration = LifecycleExpiration { days: Some(days), ..LifecycleExpiration::default() };
        LifecycleRule { expiration: Some(expiration), ..rule() }
    }

    fn moving(moves: &[(i32, &str)]) -> LifecycleRule {
        let to = |(days, class): &(i32, &str)| Transition {
            days: Some(*days),
            date: None,
            storage_class: Some((*class).to_owned()),
        };
        LifecycleRule { transitions: Some(moves.iter().map(to).collect()), ..rule() }
    }

    /// What becomes, so many days after 1970, of something that came about then.
    fn at<T>(rules: &[LifecycleRule], minimum: &str, days: i64, ask: impl FnOnce(&Clockwork<'_>) -> T) -> T {
        let rules = Faithful(BucketLifecycleConfiguration { rules: rules.to_vec() });
        let lifecycle = Lifecycle { rules, minimum_size: minimum.to_owned() };
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * days);
        ask(&Clockwork { lifecycle: &lifecycle, now, day: DAY })
    }

    fn of_size(length: u64, class: &str) -> ObjectRecord {
        let mut it = object("b", "k");
        it.length = length;
        it.last_modified = Timestamp::UNIX_EPOCH;
        it.traits.storage_class = class.to_owned();
        it
    }

    #[test]
    fn current_objects() {
        let to = |class: &str| Step::Move(class.to_owned());
        let (large, small) = (of_size(200_000, "STANDARD"), of_size(1, "STANDARD"));
        let archived = of_size(200_000, "GLACIER");
        let disabled = LifecycleRule { status: "Disabled".to_owned(), ..expiring(1) };
        let sized = LifecycleRule {
            filter: Some(LifecycleRuleFilter { object_size_greater_than: Some(0), ..LifecycleRuleFilter::default() }),
            ..moving(&[(1, "GLACIER_IR")])
        };
        for (rules, object, days, expected) in [
            (vec![expiring(3)], &small, 2, Step::Keep),
            (vec![expiring(3)], &small, 3, Step::Expire),
            (vec![disabled], &small, 9, Step::Keep),
            (vec![moving(&[(1, "GLACIER_IR"), (5, "DEEP_ARCHIVE")])], &large, 1, to("GLACIER_IR")),
            (vec![moving(&[(1, "GLACIER_IR"), (5, "DEEP_ARCHIVE")])], &large, 5, to("DEEP_ARCHIVE")),
            (vec![moving(&[(1, "GLACIER_IR")])], &archived, 9, Step::Keep),
            (vec![moving(&[(1, "GLACIER_IR")])], &small, 9, Step::Keep),
            (vec![sized], &small, 9, to("GLACIER_IR")),
            (vec![moving(&[(1, "GLACIER")]), expiring(1)], &large, 1, Step::Expire),
        ] {
            assert_eq!(at(&rules, ALL_CLASSES, days, |it| it.object(object)), expected, "{rules:?} after {days}");
        }
        let rules = [moving(&[(1, "GLACIER")])];
        assert_eq!(at(&rules, BY_CLASS, 1, |it| it.object(&small)), to("GLACIER"));
        assert_eq!(at(&rules, ALL_CLASSES, 1, |it| it.object(&small)), Step::Keep);
    }

    #[test]
    fn versions_that_are_not_current() {
        let since = Timestamp::UNIX_EPOCH;
        let expiration = NoncurrentVersionExpiration { noncurrent_days: Some(2), newer_noncurrent_versions: Some(3) };
        let mover = NoncurrentVersionTransition {
            noncurrent_days: Some(1),
            newer_noncurrent_versions: None,
            storage_class: Some("GLACIER_IR".to_owned()),
        };
        let rules = [LifecycleRule {
            noncurrent_version_expiration: Some(expiration),
            noncurrent_version_transitions: Some(vec![mover]),
            ..rule()
        }];
        let mut version = of_size(200_000, "STANDARD");
        let ask = |version: &ObjectRecord, days, newer| {
            at(&rules, ALL_CLASSES, days, |it| it.noncurrent(version, since, newer))
        };
        let moved = Step::Move("GLACIER_IR".to_owned());
        assert_eq!(ask(&version, 0, 5), Step::Keep);
        assert_eq!(ask(&version, 1, 5), moved);
        assert_eq!(ask(&version, 2, 2), moved, "the newest three stay");
        assert_eq!(ask(&version, 2, 3), Step::Expire);
        version.traits.lock.is_held = Some(true);
        assert_eq!(ask(&version, 2, 3), moved, "what is held does not go");
        version.traits.lock.is_held = Some(false);
        let until = since + SignedDuration::from_hours(24 * 5);
        version.traits.lock.retention = Some(Retention { mode: LockMode::Governance, until });
        assert_eq!(ask(&version, 4, 3), moved, "nor what is retained");
        assert_eq!(ask(&version, 5, 3), Step::Expire);
        assert!(!at(&rules, ALL_CLASSES, 2, |it| it.noncurrent_marker("k", since, 2)));
        assert!(at(&rules, ALL_CLASSES, 2, |it| it.noncurrent_marker("k", since, 3)));
    }

    #[test]
    fn markers_and_uploads() {
        let since = Timestamp::UNIX_EPOCH;
        let markers =
            LifecycleExpiration { expired_object_delete_marker: Some(true), ..LifecycleExpiration::default() };
        let markers = [LifecycleRule { expiration: Some(markers), ..rule() }];
        assert!(at(&markers, ALL_CLASSES, 0, |it| it.lone_marker("k", since)));
        assert_eq!(at(&markers, ALL_CLASSES, 9, |it| it.object(&of_size(1, "STANDARD"))), Step::Keep);
        assert!(!at(&[expiring(2)], ALL_CLASSES, 1, |it| it.lone_marker("k", since)));
        assert!(at(&[expiring(2)], ALL_CLASSES, 2, |it| it.lone_marker("k", since)));
        let abortion = AbortIncompleteMultipartUpload { days_after_initiation: Some(2) };
        let abortion = [LifecycleRule { abort_incomplete_multipart_upload: Some(abortion), ..rule() }];
        assert!(!at(&abortion, ALL_CLASSES, 1, |it| it.upload("k", since)));
        assert!(at(&abortion, ALL_CLASSES, 2, |it| it.upload("k", since)));
    }
}
