//! What S3 refuses of lifecycle rules: their form, ids, filters and how they go together. What their actions may be is
//! in `check_actions`.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>; the texts are those that S3 answers with.

use std::collections::BTreeSet;

use api::s3::{LifecycleRule, LifecycleRuleAndOperator, LifecycleRuleFilter};

use super::check_actions::check_actions;
use super::rules::{Terms, actions};
use crate::S3Error;
use crate::config::check_tags;

const MAX_RULES: usize = 1000;
const MAX_ID: usize = 255;
const MAX_PREFIX: usize = 1024;
/// The largest size that a filter may name.
const MAX_SIZE: i64 = 1_099_511_627_776_000;

/// Refuses rules that S3 refuses.
///
/// # Errors
/// `MalformedXML`, `InvalidArgument`, `InvalidRequest`, each with S3's text.
pub(super) fn check(rules: &[LifecycleRule]) -> Result<(), S3Error> {
    if rules.is_empty() {
        return Err(S3Error::MalformedXml);
    }
    if rules.len() > MAX_RULES {
        let text = "The number of lifecycle rules must not exceed the allowed limit of 1000 rules.";
        return Err(invalid_request(text));
    }
    let mut ids = BTreeSet::new();
    for rule in rules {
        check_form(rule)?;
        if let Some(id) = rule.id.as_deref().filter(|id| !id.is_empty()) {
            if id.encode_utf16().count() > MAX_ID {
                return Err(invalid_argument("ID length should not exceed allowed limit of 255"));
            }
            if !ids.insert(id) {
                return Err(invalid_argument("Rule ID must be unique. Found same ID for more than one rule"));
            }
        }
    }
    check_versions(rules)?;
    for rule in rules {
        if let Some(filter) = &rule.filter {
            check_filter(filter)?;
        }
        let terms = Terms::of(rule);
        if terms.prefix.len() > MAX_PREFIX {
            return Err(invalid_request("The maximum size of a prefix is 1024"));
        }
        check_actions(rule, &terms)?;
    }
    check_overlaps(rules)
}

pub(super) fn invalid_request(text: impl Into<String>) -> S3Error {
    S3Error::misconfigured("InvalidRequest", text)
}

pub(super) fn invalid_argument(text: impl Into<String>) -> S3Error {
    S3Error::misconfigured("InvalidArgument", text)
}

/// What is wrong with the document before it is wrong with its meaning.
fn check_form(rule: &LifecycleRule) -> Result<(), S3Error> {
    let is_fit =
        matches!(rule.status.as_str(), "Enabled" | "Disabled") && rule.prefix.is_some() != rule.filter.is_some();
    if is_fit { Ok(()) } else { Err(S3Error::MalformedXml) }
}

/// Rules with a prefix of their own are of the first version of lifecycles, those with a filter of the second.
fn check_versions(rules: &[LifecycleRule]) -> Result<(), S3Error> {
    let is_first = rules.first().is_some_and(|rule| rule.prefix.is_some());
    match rules.iter().find(|rule| rule.prefix.is_some() != is_first) {
        None => Ok(()),
        Some(_) if is_first => Err(invalid_request("Filter element can only be used in Lifecycle V2.")),
        Some(_) => {
            let text = "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.";
            Err(invalid_request(text))
        }
    }
}

fn check_filter(filter: &LifecycleRuleFilter) -> Result<(), S3Error> {
    let LifecycleRuleFilter { prefix, tag, object_size_greater_than: above, object_size_less_than: below, and } =
        filter;
    let given = [prefix.is_some(), tag.is_some(), above.is_some(), below.is_some(), and.is_some()];
    if given.iter().filter(|is_given| **is_given).count() > 1 {
        return Err(S3Error::MalformedXml);
    }
    check_tags(tag.as_slice())?;
    check_sizes(*above, *below)?;
    and.as_ref().map_or(Ok(()), check_and)
}

fn check_and(and: &LifecycleRuleAndOperator) -> Result<(), S3Error> {
    let LifecycleRuleAndOperator { prefix, tags, object_size_greater_than: above, object_size_less_than: below } = and;
    let tags = tags.as_deref().unwrap_or_default();
    let given = [prefix.is_some(), above.is_some(), below.is_some()];
    if given.iter().filter(|is_given| **is_given).count() + tags.len() < 2 {
        return Err(S3Error::MalformedXml);
    }
    let keys: BTreeSet<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    if keys.len() < tags.len() {
        return Err(invalid_request("Duplicate Tag Keys are not allowed."));
    }
    check_tags(tags)?;
    check_sizes(*above, *below)
}

fn check_sizes(above: Option<i64>, below: Option<i64>) -> Result<(), S3Error> {
    if above.is_some_and(|above| !(0..=MAX_SIZE).contains(&above)) {
        return Err(invalid_request(format!("'ObjectSizeGreaterThan' should be between 0 and {MAX_SIZE}.")));
    }
    if below.is_some_and(|below| !(1..=MAX_SIZE).contains(&below)) {
        return Err(invalid_request(format!("'ObjectSizeLessThan' should be between 1 and {MAX_SIZE}.")));
    }
    match (above, below) {
        (Some(above), Some(below)) if below <= above => {
            Err(invalid_request("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'."))
        }
        _ => Ok(()),
    }
}

/// In the first version, no two rules may do the same to the same objects.
fn check_overlaps(rules: &[LifecycleRule]) -> Result<(), S3Error> {
    let mut first: Vec<(&str, &LifecycleRule)> =
        rules.iter().filter_map(|rule| Some((rule.prefix.as_deref()?, rule))).collect();
    first.sort_by_key(|(prefix, _)| *prefix);
    // Those that begin with a prefix come right behind it.
    for (position, (prefix, rule)) in first.iter().enumerate() {
        let longer = first[position + 1..].iter().take_while(|(other, _)| other.starts_with(prefix));
        for (other, another) in longer {
            if prefix == other {
                return Err(invalid_request(format!("Found two rules with same prefix '{prefix}'")));
            }
            let theirs = actions(another);
            if let Some(action) = actions(rule).into_iter().find(|action| theirs.contains(action)) {
                return Err(invalid_request(format!(
                    "Found overlapping prefixes '{prefix}' and '{other}' for same action type '{action}'"
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use api::s3::{
        LifecycleExpiration, LifecycleRule, LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration,
        Tag,
    };

    use super::check;
    use crate::S3Error;

    fn days(days: i32) -> Option<LifecycleExpiration> {
        Some(LifecycleExpiration { days: Some(days), ..LifecycleExpiration::default() })
    }

    fn old(prefix: &str) -> LifecycleRule {
        LifecycleRule {
            prefix: Some(prefix.to_owned()),
            status: "Enabled".to_owned(),
            expiration: days(1),
            ..LifecycleRule::default()
        }
    }

    fn with(filter: LifecycleRuleFilter) -> LifecycleRule {
        LifecycleRule { prefix: None, filter: Some(filter), ..old("") }
    }

    fn verdict(rules: &[LifecycleRule]) -> String {
        match check(rules) {
            Ok(()) => String::new(),
            Err(S3Error::MalformedXml) => "MalformedXML".to_owned(),
            Err(S3Error::Misconfigured { code, message }) => format!("{code}: {message}"),
            Err(other) => other.to_string(),
        }
    }

    #[test]
    fn forms_ids_and_versions() {
        let filter = LifecycleRuleFilter::default;
        let named = |id: &str| LifecycleRule { id: Some(id.to_owned()), ..with(filter()) };
        for (rules, expected) in [
            (vec![], "MalformedXML"),
            (vec![old("a/"), old("b/")], ""),
            (vec![with(filter())], ""),
            (vec![LifecycleRule { status: "enabled".to_owned(), ..old("") }], "MalformedXML"),
            (vec![LifecycleRule { prefix: None, ..old("") }], "MalformedXML"),
            (vec![LifecycleRule { filter: Some(filter()), ..old("") }], "MalformedXML"),
            (vec![named(&"i".repeat(255))], ""),
            (vec![named(&"i".repeat(256))], "InvalidArgument: ID length should not exceed allowed limit of 255"),
            (vec![named("a"), named("b"), named("")], ""),
            (
                vec![named("a"), named("a")],
                "InvalidArgument: Rule ID must be unique. Found same ID for more than one rule",
            ),
            (vec![old("a"), with(filter())], "InvalidRequest: Filter element can only be used in Lifecycle V2."),
            (
                vec![with(filter()), old("a")],
                "InvalidRequest: Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.",
            ),
            (
                vec![old("logs/"), old("")],
                "InvalidRequest: Found overlapping prefixes '' and 'logs/' for same action type 'Expiration'",
            ),
            (vec![old("a"), old("a")], "InvalidRequest: Found two rules with same prefix 'a'"),
            (
                vec![
                    old(""),
                    LifecycleRule {
                        expiration: None,
                        noncurrent_version_expiration: Some(NoncurrentVersionExpiration {
                            noncurrent_days: Some(1),
                            ..NoncurrentVersionExpiration::default()
                        }),
                        ..old("a")
                    },
                ],
                "",
            ),
            (vec![old(&"p".repeat(1025))], "InvalidRequest: The maximum size of a prefix is 1024"),
            (
                vec![old(""); 1001],
                "InvalidRequest: The number of lifecycle rules must not exceed the allowed limit of 1000 rules.",
            ),
        ] {
            assert_eq!(verdict(&rules), expected);
        }
    }

    #[test]
    fn filters() {
        let tag = |key: &str| Tag { key: key.to_owned(), value: "v".to_owned() };
        let and =
            |and: LifecycleRuleAndOperator| LifecycleRuleFilter { and: Some(and), ..LifecycleRuleFilter::default() };
        let tags = |keys: &[&str]| Some(keys.iter().map(|key| tag(key)).collect());
        let prefix = || Some("p".to_owned());
        let none = LifecycleRuleAndOperator::default;
        for (filter, expected) in [
            (LifecycleRuleFilter { prefix: prefix(), ..LifecycleRuleFilter::default() }, ""),
            (LifecycleRuleFilter { tag: Some(tag("k")), ..LifecycleRuleFilter::default() }, ""),
            (
                LifecycleRuleFilter { prefix: prefix(), tag: Some(tag("k")), ..LifecycleRuleFilter::default() },
                "MalformedXML",
            ),
            (
                LifecycleRuleFilter { tag: Some(tag("aws:k")), ..LifecycleRuleFilter::default() },
                "System tags cannot be added/updated by requester",
            ),
            (
                LifecycleRuleFilter { object_size_less_than: Some(0), ..LifecycleRuleFilter::default() },
                "InvalidRequest: 'ObjectSizeLessThan' should be between 1 and 1099511627776000.",
            ),
            (
                LifecycleRuleFilter { object_size_greater_than: Some(-1), ..LifecycleRuleFilter::default() },
                "InvalidRequest: 'ObjectSizeGreaterThan' should be between 0 and 1099511627776000.",
            ),
            (and(LifecycleRuleAndOperator { prefix: prefix(), ..none() }), "MalformedXML"),
            (and(LifecycleRuleAndOperator { tags: tags(&["k", "l"]), ..none() }), ""),
            (
                and(LifecycleRuleAndOperator { tags: tags(&["k", "k"]), ..none() }),
                "InvalidRequest: Duplicate Tag Keys are not allowed.",
            ),
            (and(LifecycleRuleAndOperator { prefix: prefix(), tags: tags(&["k"]), ..none() }), ""),
            (
                and(LifecycleRuleAndOperator {
                    object_size_greater_than: Some(5),
                    object_size_less_than: Some(5),
                    ..none()
                }),
                "InvalidRequest: 'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
            ),
        ] {
            assert_eq!(verdict(&[with(filter)]), expected);
        }
    }
}
