//! What a lifecycle rule is about, and when its time has come.

use std::collections::BTreeMap;

use api::s3::{LifecycleRule, Tag};
use jiff::{SignedDuration, Timestamp};

/// Which objects a rule is about, whichever form it has.
pub(super) struct Terms<'a> {
    /// What their keys begin with.
    pub prefix: &'a str,
    /// Tags that they all have.
    pub tags: &'a [Tag],
    above: Option<i64>,
    below: Option<i64>,
}

/// An object, a version or an upload, as rules look at it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The key.
    pub key: &'a str,
    /// The tags; none for what cannot have any.
    pub tags: Option<&'a BTreeMap<String, String>>,
    /// The size in bytes.
    pub size: u64,
}

impl<'a> Terms<'a> {
    /// The terms of a rule.
    pub fn of(rule: &'a LifecycleRule) -> Self {
        let Some(filter) = &rule.filter else {
            return Self { prefix: rule.prefix.as_deref().unwrap_or_default(), tags: &[], above: None, below: None };
        };
        match &filter.and {
            Some(and) => Self {
                prefix: and.prefix.as_deref().unwrap_or_default(),
                tags: and.tags.as_deref().unwrap_or_default(),
                above: and.object_size_greater_than,
                below: and.object_size_less_than,
            },
            None => Self {
                prefix: filter.prefix.as_deref().unwrap_or_default(),
                tags: filter.tag.as_slice(),
                above: filter.object_size_greater_than,
                below: filter.object_size_less_than,
            },
        }
    }

    /// Whether they say anything of sizes.
    pub fn has_sizes(&self) -> bool {
        self.above.is_some() || self.below.is_some()
    }

    /// Whether they are about this.
    pub fn meet(&self, subject: &Subject<'_>) -> bool {
        let has = |tag: &Tag| subject.tags.is_some_and(|tags| tags.get(&tag.key) == Some(&tag.value));
        let size = i64::try_from(subject.size).unwrap_or(i64::MAX);
        subject.key.starts_with(self.prefix)
            && self.tags.iter().all(has)
            && self.above.is_none_or(|above| size > above)
            && self.below.is_none_or(|below| size < below)
    }
}

/// The rules that are enabled and about this, in their order.
pub(super) fn applying<'a>(
    rules: &'a [LifecycleRule],
    subject: Subject<'a>,
) -> impl Iterator<Item = &'a LifecycleRule> {
    rules.iter().filter(move |rule| rule.status == "Enabled" && Terms::of(rule).meet(&subject))
}

/// The kinds of actions that a rule has, as the elements are called.
pub(super) fn actions(rule: &LifecycleRule) -> Vec<&'static str> {
    let given = [
        ("Expiration", rule.expiration.is_some()),
        ("NoncurrentVersionExpiration", rule.noncurrent_version_expiration.is_some()),
        ("Transition", rule.transitions.as_ref().is_some_and(|all| !all.is_empty())),
        (
            "NoncurrentVersionTransition",
            rule.noncurrent_version_transitions.as_ref().is_some_and(|all| !all.is_empty()),
        ),
        ("AbortIncompleteMultipartUpload", rule.abort_incomplete_multipart_upload.is_some()),
    ];
    given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
}

/// What every object's key begins with that the enabled rules are about.
pub(super) fn common_prefix(rules: &[LifecycleRule]) -> String {
    let mut prefixes = rules.iter().filter(|rule| rule.status == "Enabled").map(|rule| Terms::of(rule).prefix);
    let Some(first) = prefixes.next() else { return String::new() };
    prefixes
        .fold(first, |common, other| {
            let alike = common.char_indices().zip(other.chars()).take_while(|((_, one), other)| one == other);
            let end = alike.last().map_or(0, |((start, letter), _)| start + letter.len_utf8());
            common.get(..end).unwrap_or_default()
        })
        .to_owned()
}

/// So many days after `since`, and then the next midnight in UTC: when what a rule says comes to pass. `day` is how
/// long a day is, and a midnight every moment that so many of them lie after 1970.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html> (how S3 calculates).
pub(super) fn due(since: Timestamp, days: i32, day: SignedDuration) -> Timestamp {
    let day = day.as_nanos().max(1);
    let moment = since.as_nanosecond() + day.saturating_mul(i128::from(days));
    let rest = moment.rem_euclid(day);
    let midnight = if rest == 0 { moment } else { moment - rest + day };
    Timestamp::from_nanosecond(midnight).unwrap_or(Timestamp::MAX)
}

/// How long a day is where nobody says otherwise.
pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use api::s3::{LifecycleRule, LifecycleRuleAndOperator, LifecycleRuleFilter, Tag};
    use jiff::SignedDuration;

    use super::{DAY, Subject, Terms, common_prefix, due};

    #[test]
    fn days_end_at_midnight() {
        for (since, days, expected) in [
            ("2014-01-15T10:30:00Z", 3, "2014-01-19T00:00:00Z"),
            ("2014-01-15T00:00:00Z", 1, "2014-01-16T00:00:00Z"),
            ("2014-01-15T00:00:00.5Z", 1, "2014-01-17T00:00:00Z"),
            ("2014-01-15T10:30:00Z", 0, "2014-01-16T00:00:00Z"),
        ] {
            assert_eq!(due(since.parse().unwrap(), days, DAY), expected.parse().unwrap(), "{since} {days}");
        }
        let short = due("2014-01-15T10:30:03Z".parse().unwrap(), 2, SignedDuration::from_secs(10));
        assert_eq!(short, "2014-01-15T10:30:30Z".parse().unwrap());
        assert_eq!(due("2014-01-15T10:30:03Z".parse().unwrap(), i32::MAX, DAY), jiff::Timestamp::MAX);
    }

    #[test]
    fn terms_meet_what_they_name() {
        let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
        let and = LifecycleRuleAndOperator {
            prefix: Some("logs/".to_owned()),
            tags: Some(vec![tag("a", "1"), tag("b", "2")]),
            object_size_greater_than: Some(10),
            object_size_less_than: Some(20),
        };
        let filter = LifecycleRuleFilter { and: Some(and), ..LifecycleRuleFilter::default() };
        let rule = LifecycleRule { filter: Some(filter), ..LifecycleRule::default() };
        let both: BTreeMap<String, String> =
            [("a", "1"), ("b", "2"), ("c", "3")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let one: BTreeMap<String, String> = [("a".to_owned(), "1".to_owned())].into();
        for (key, tags, size, expected) in [
            ("logs/x", Some(&both), 11, true),
            ("log", Some(&both), 11, false),
            ("logs/x", Some(&one), 11, false),
            ("logs/x", None, 11, false),
            ("logs/x", Some(&both), 10, false),
            ("logs/x", Some(&both), 20, false),
        ] {
            assert_eq!(Terms::of(&rule).meet(&Subject { key, tags, size }), expected, "{key} {size}");
        }
    }

    #[test]
    fn prefixes_in_common() {
        let rule = |prefix: &str, status: &str| LifecycleRule {
            prefix: Some(prefix.to_owned()),
            status: status.to_owned(),
            ..LifecycleRule::default()
        };
        let rules = [rule("logs/ä", "Enabled"), rule("x", "Disabled"), rule("logs/ö", "Enabled")];
        assert_eq!(common_prefix(&rules), "logs/");
        assert_eq!(common_prefix(&rules[..1]), "logs/ä");
        assert_eq!(common_prefix(&[rule("a", "Enabled"), rule("", "Enabled")]), "");
    }
}
