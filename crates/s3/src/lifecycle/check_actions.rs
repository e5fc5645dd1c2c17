//! What S3 refuses of the actions of a lifecycle rule.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>; the texts are those that
//! S3 answers with.

use api::s3::{
    LifecycleExpiration, LifecycleRule, NoncurrentVersionExpiration, NoncurrentVersionTransition, Transition,
};
use jiff::Timestamp;

use super::check::{invalid_argument, invalid_request};
use super::classes::{is_infrequent, is_target};
use super::rules::{Terms, actions};
use crate::S3Error;

/// The days that an object must have been there before it may be moved to a class of infrequent access.
const INFREQUENT_DAYS: i32 = 30;
const DAY_SECONDS: i64 = 86_400;

/// Refuses actions of a rule that S3 refuses.
///
/// # Errors
/// `MalformedXML`, `InvalidArgument`, `InvalidRequest`, each with S3's text.
pub(super) fn check_actions(rule: &LifecycleRule, terms: &Terms<'_>) -> Result<(), S3Error> {
    if actions(rule).is_empty() {
        return Err(invalid_request("At least one action needs to be specified in a rule"));
    }
    if let Some(expiration) = &rule.expiration {
        check_expiration(expiration, terms)?;
    }
    if let Some(expiration) = &rule.noncurrent_version_expiration {
        check_noncurrent(expiration, rule.filter.is_some())?;
    }
    let name = filter_name(rule, terms);
    check_transitions(rule.transitions.as_deref().unwrap_or_default(), rule.expiration.as_ref(), &name)?;
    let moves = rule.noncurrent_version_transitions.as_deref().unwrap_or_default();
    check_noncurrent_transitions(moves, rule.noncurrent_version_expiration.as_ref(), rule.filter.is_some(), &name)?;
    check_abortion(rule, terms)
}

/// A rule's filter as S3 writes it in its texts.
fn filter_name(rule: &LifecycleRule, terms: &Terms<'_>) -> String {
    let mut parts = vec![format!("prefix={}", terms.prefix)];
    parts.extend(terms.tags.iter().map(|tag| format!("tag={}:{}", tag.key, tag.value)));
    if rule.prefix.is_some() {
        format!("prefix '{}'", terms.prefix)
    } else {
        format!("filter '({})'", parts.join(", "))
    }
}

fn check_date(date: Option<Timestamp>) -> Result<(), S3Error> {
    match date {
        Some(date) if date.as_nanosecond() % (i128::from(DAY_SECONDS) * 1_000_000_000) != 0 => {
            Err(S3Error::argument("Date", format!("{date:.3}"), "'Date' must be at midnight GMT"))
        }
        _ => Ok(()),
    }
}

fn check_positive(days: Option<i32>, name: &str, action: &str) -> Result<(), S3Error> {
    match days {
        Some(days) if days < 1 => {
            Err(invalid_argument(format!("'{name}' for {action} action must be a positive integer")))
        }
        _ => Ok(()),
    }
}

fn check_expiration(expiration: &LifecycleExpiration, terms: &Terms<'_>) -> Result<(), S3Error> {
    let LifecycleExpiration { date, days, expired_object_delete_marker: markers } = expiration;
    let given = [date.is_some(), days.is_some(), markers.is_some()];
    if given.iter().filter(|is_given| **is_given).count() != 1 {
        return Err(S3Error::MalformedXml);
    }
    check_date(*date)?;
    check_positive(*days, "Days", "Expiration")?;
    if markers.is_some() && !terms.tags.is_empty() {
        return Err(invalid_request("ExpiredObjectDeleteMarker cannot be specified with Tags."));
    }
    if markers.is_some() && terms.has_sizes() {
        return Err(invalid_request("ExpiredObjectDeleteMarker cannot be specified with Object Size."));
    }
    Ok(())
}

fn check_newer(newer: Option<i32>, action: &str, has_filter: bool) -> Result<(), S3Error> {
    if newer.is_some() && !has_filter {
        return Err(invalid_request("NewerNoncurrentVersions element can only be used in Lifecycle V2."));
    }
    check_positive(newer, "NewerNoncurrentVersions", action)
}

fn check_noncurrent(expiration: &NoncurrentVersionExpiration, has_filter: bool) -> Result<(), S3Error> {
    if expiration.noncurrent_days.is_none() {
        return Err(S3Error::MalformedXml);
    }
    check_positive(expiration.noncurrent_days, "NoncurrentDays", "NoncurrentVersionExpiration")?;
    check_newer(expiration.newer_noncurrent_versions, "NoncurrentVersionExpiration", has_filter)
}

/// The class and days of a transition, as far as both may be.
fn check_move(class: Option<&str>, days: Option<i32>, name: &str, action: &str) -> Result<String, S3Error> {
    let class = class.filter(|class| is_target(class)).ok_or(S3Error::MalformedXml)?;
    if days.is_some_and(|days| days < 0) {
        return Err(invalid_argument(format!("'{name}' for {action} action must be nonnegative")));
    }
    if is_infrequent(class) && days.is_some_and(|days| days < INFREQUENT_DAYS) {
        return Err(invalid_argument(format!(
            "'{name}' in {action} action must be greater than or equal to {INFREQUENT_DAYS} for storageClass '{class}'"
        )));
    }
    Ok(class.to_owned())
}

/// The classes of a rule differ, and those below come later.
fn check_order(moves: &[(String, Option<i32>)], days_name: &str, action: &str, filter: &str) -> Result<(), S3Error> {
    for (position, (class, days)) in moves.iter().enumerate() {
        for (other, later) in &moves[position + 1..] {
            if class == other {
                return Err(invalid_request(format!(
                    "'StorageClass' must be different for '{action}' actions in same 'Rule' with {filter}"
                )));
            }
            let depth = super::classes::depth;
            let (above, below) = if depth(class) < depth(other) {
                ((class, days), (other, later))
            } else {
                ((other, later), (class, days))
            };
            let ((above, Some(first)), (below, Some(second))) = (above, below) else { continue };
            let least =
                if is_infrequent(above) { first.saturating_add(INFREQUENT_DAYS) } else { first.saturating_add(1) };
            if *second < least {
                return Err(invalid_argument(format!(
                    "'{days_name}' in the '{action}' action with StorageClass '{below}' for {filter} must be {} more than '{filter_word}' in the '{action}' action with StorageClass '{above}'",
                    if is_infrequent(above) { "30 days" } else { "at least one day" },
                    filter_word = days_name,
                )));
            }
        }
    }
    Ok(())
}

fn check_transitions(
    transitions: &[Transition],
    expiration: Option<&LifecycleExpiration>,
    filter: &str,
) -> Result<(), S3Error> {
    let mut moves = Vec::new();
    for Transition { date, days, storage_class } in transitions {
        if date.is_some() == days.is_some() {
            return Err(S3Error::MalformedXml);
        }
        check_date(*date)?;
        moves.push((check_move(storage_class.as_deref(), *days, "Days", "Transition")?, *days));
    }
    let ends = expiration.filter(|expiration| expiration.date.is_some() || expiration.days.is_some());
    let has_dates = transitions.iter().any(|transition| transition.date.is_some())
        || ends.is_some_and(|expiration| !transitions.is_empty() && expiration.date.is_some());
    let has_days = transitions.iter().any(|transition| transition.days.is_some())
        || ends.is_some_and(|expiration| !transitions.is_empty() && expiration.days.is_some());
    if has_dates && has_days {
        return Err(invalid_request(format!(
            "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for {filter}"
        )));
    }
    check_order(&moves, "Days", "Transition", filter)?;
    for transition in transitions {
        let Some(ends) = ends else { break };
        if transition.days.zip(ends.days).is_some_and(|(moved, gone)| gone <= moved) {
            return Err(invalid_argument(format!(
                "'Days' in the Expiration action for {filter} must be greater than 'Days' in the Transition action"
            )));
        }
        if transition.date.zip(ends.date).is_some_and(|(moved, gone)| gone <= moved) {
            return Err(invalid_argument(format!(
                "'Date' in the Expiration action for {filter} must be later than 'Date' in the Transition action"
            )));
        }
    }
    Ok(())
}

fn check_noncurrent_transitions(
    transitions: &[NoncurrentVersionTransition],
    expiration: Option<&NoncurrentVersionExpiration>,
    has_filter: bool,
    filter: &str,
) -> Result<(), S3Error> {
    const ACTION: &str = "NoncurrentVersionTransition";
    let mut moves = Vec::new();
    for transition in transitions {
        let days = transition.noncurrent_days.ok_or(S3Error::MalformedXml)?;
        let class = check_move(transition.storage_class.as_deref(), Some(days), "NoncurrentDays", ACTION)?;
        check_newer(transition.newer_noncurrent_versions, ACTION, has_filter)?;
        moves.push((class, Some(days)));
    }
    check_order(&moves, "NoncurrentDays", ACTION, filter)?;
    let gone = expiration.and_then(|expiration| expiration.noncurrent_days);
    if moves.iter().any(|(_, days)| gone.zip(*days).is_some_and(|(gone, moved)| gone <= moved)) {
        return Err(invalid_argument(format!(
            "'NoncurrentDays' in the NoncurrentVersionExpiration action for {filter} must be greater than 'NoncurrentDays' in the NoncurrentVersionTransition action"
        )));
    }
    Ok(())
}

fn check_abortion(rule: &LifecycleRule, terms: &Terms<'_>) -> Result<(), S3Error> {
    let Some(abortion) = &rule.abort_incomplete_multipart_upload else { return Ok(()) };
    if !terms.tags.is_empty() {
        return Err(invalid_request("AbortIncompleteMultipartUpload cannot be specified with Tags."));
    }
    if terms.has_sizes() {
        return Err(invalid_request("AbortIncompleteMultipartUpload cannot be specified with Object Size."));
    }
    if abortion.days_after_initiation.is_none() {
        return Err(S3Error::MalformedXml);
    }
    check_positive(abortion.days_after_initiation, "DaysAfterInitiation", "AbortIncompleteMultipartUpload")
}

#[cfg(test)]
mod tests {
    use api::s3::{
        AbortIncompleteMultipartUpload, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
        NoncurrentVersionExpiration, NoncurrentVersionTransition, Tag, Transition,
    };

    use super::{Terms, check_actions};
    use crate::S3Error;

    fn check(rule: LifecycleRule, expected: &str) {
        let rule = LifecycleRule {
            filter: rule.filter.or_else(|| rule.prefix.is_none().then(LifecycleRuleFilter::default)),
            ..rule
        };
        let verdict = match check_actions(&rule, &Terms::of(&rule)) {
            Ok(()) => String::new(),
            Err(S3Error::MalformedXml) => "MalformedXML".to_owned(),
            Err(S3Error::Misconfigured { code, message }) => format!("{code}: {message}"),
            Err(other) => other.to_string(),
        };
        assert_eq!(verdict, expected, "{rule:?}");
    }

    fn none() -> LifecycleRule {
        LifecycleRule::default()
    }

    fn expiring(expiration: LifecycleExpiration) -> LifecycleRule {
        LifecycleRule { expiration: Some(expiration), ..none() }
    }

    fn days(days: i32) -> LifecycleExpiration {
        LifecycleExpiration { days: Some(days), ..LifecycleExpiration::default() }
    }

    fn on(date: &str) -> LifecycleExpiration {
        LifecycleExpiration { date: Some(date.parse().unwrap()), ..LifecycleExpiration::default() }
    }

    fn moving(moves: &[(i32, &str)]) -> LifecycleRule {
        let moves = moves.iter().map(|(days, class)| Transition {
            days: Some(*days),
            date: None,
            storage_class: Some((*class).to_owned()),
        });
        LifecycleRule { transitions: Some(moves.collect()), ..none() }
    }

    #[test]
    fn expirations() {
        check(none(), "InvalidRequest: At least one action needs to be specified in a rule");
        check(expiring(days(1)), "");
        check(expiring(days(0)), "InvalidArgument: 'Days' for Expiration action must be a positive integer");
        check(expiring(LifecycleExpiration::default()), "MalformedXML");
        check(expiring(on("2030-01-01T00:00:00Z")), "");
        check(expiring(on("2030-01-01T01:00:00Z")), "Date: 'Date' must be at midnight GMT");
        check(expiring(LifecycleExpiration { days: Some(1), ..on("2030-01-01T00:00:00Z") }), "MalformedXML");
        let markers = || LifecycleExpiration { expired_object_delete_marker: Some(true), ..Default::default() };
        check(expiring(markers()), "");
        check(expiring(LifecycleExpiration { days: Some(1), ..markers() }), "MalformedXML");
        let tagged = || LifecycleRuleFilter {
            tag: Some(Tag { key: "k".to_owned(), value: "v".to_owned() }),
            ..LifecycleRuleFilter::default()
        };
        let sized = || LifecycleRuleFilter { object_size_greater_than: Some(1), ..LifecycleRuleFilter::default() };
        let abort = |days| LifecycleRule {
            abort_incomplete_multipart_upload: Some(AbortIncompleteMultipartUpload { days_after_initiation: days }),
            ..none()
        };
        for (filter, word) in [(tagged as fn() -> _, "Tags"), (sized, "Object Size")] {
            let filter = || Some(filter());
            let text = format!("InvalidRequest: ExpiredObjectDeleteMarker cannot be specified with {word}.");
            check(LifecycleRule { filter: filter(), ..expiring(markers()) }, &text);
            let text = format!("InvalidRequest: AbortIncompleteMultipartUpload cannot be specified with {word}.");
            check(LifecycleRule { filter: filter(), ..abort(Some(1)) }, &text);
        }
        check(abort(Some(1)), "");
        check(abort(None), "MalformedXML");
        let text = "InvalidArgument: 'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer";
        check(abort(Some(0)), text);
    }

    #[test]
    fn transitions() {
        check(moving(&[(0, "GLACIER_IR")]), "");
        check(moving(&[(30, "STANDARD_IA"), (60, "GLACIER")]), "");
        check(moving(&[(1, "STANDARD")]), "MalformedXML");
        check(moving(&[(1, "COLD")]), "MalformedXML");
        check(moving(&[(-1, "GLACIER")]), "InvalidArgument: 'Days' for Transition action must be nonnegative");
        let text = "InvalidArgument: 'Days' in Transition action must be greater than or equal to 30 for storageClass 'ONEZONE_IA'";
        check(moving(&[(29, "ONEZONE_IA")]), text);
        let text = "InvalidRequest: 'StorageClass' must be different for 'Transition' actions in same 'Rule' with filter '(prefix=)'";
        check(moving(&[(1, "GLACIER"), (2, "GLACIER")]), text);
        let text = "InvalidRequest: Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for filter '(prefix=)'";
        check(LifecycleRule { expiration: Some(on("2030-01-01T00:00:00Z")), ..moving(&[(1, "GLACIER")]) }, text);
        let text = "InvalidArgument: 'Days' in the Expiration action for filter '(prefix=)' must be greater than 'Days' in the Transition action";
        check(LifecycleRule { expiration: Some(days(5)), ..moving(&[(5, "GLACIER")]) }, text);
        check(LifecycleRule { expiration: Some(days(6)), ..moving(&[(5, "GLACIER")]) }, "");
        let text = "InvalidArgument: 'Days' in the 'Transition' action with StorageClass 'GLACIER' for filter '(prefix=)' must be 30 days more than 'Days' in the 'Transition' action with StorageClass 'STANDARD_IA'";
        check(moving(&[(40, "GLACIER"), (30, "STANDARD_IA")]), text);
        let both =
            Transition { date: Some("2030-01-01T00:00:00Z".parse().unwrap()), days: Some(1), storage_class: None };
        check(LifecycleRule { transitions: Some(vec![both]), ..none() }, "MalformedXML");
    }

    #[test]
    fn noncurrent_versions() {
        let expiring = |days, newer| LifecycleRule {
            noncurrent_version_expiration: Some(NoncurrentVersionExpiration {
                noncurrent_days: days,
                newer_noncurrent_versions: newer,
            }),
            ..none()
        };
        check(expiring(Some(1), Some(5)), "");
        check(expiring(None, Some(5)), "MalformedXML");
        let text =
            "InvalidArgument: 'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer";
        check(expiring(Some(0), None), text);
        let text = "InvalidArgument: 'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be a positive integer";
        check(expiring(Some(1), Some(0)), text);
        let text = "InvalidRequest: NewerNoncurrentVersions element can only be used in Lifecycle V2.";
        check(LifecycleRule { prefix: Some(String::new()), ..expiring(Some(1), Some(5)) }, text);
        let moving = |days: i32, class: &str| NoncurrentVersionTransition {
            noncurrent_days: Some(days),
            storage_class: Some(class.to_owned()),
            newer_noncurrent_versions: None,
        };
        let moved = |transition| LifecycleRule {
            noncurrent_version_transitions: Some(vec![transition]),
            ..expiring(Some(40), None)
        };
        check(moved(moving(30, "STANDARD_IA")), "");
        let text = "InvalidArgument: 'NoncurrentDays' in the NoncurrentVersionExpiration action for filter '(prefix=)' must be greater than 'NoncurrentDays' in the NoncurrentVersionTransition action";
        check(moved(moving(40, "GLACIER")), text);
    }
}
