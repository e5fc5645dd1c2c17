//! The managed policies of AWS's: those that people attach by name, as data.
//!
//! `policies.jsonl` holds two lines a policy, sorted by name: what it is, and its document. `scripts/managed-policies`
//! writes it and says where the data comes from. It stays in the binary's pages as text; the first question makes an
//! index of some hundred bytes a policy, and no document is parsed here.
//! Not here: older versions, of which AWS's lists say nothing. A policy has its default version only.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Deserialize;

/// The data.
const LINES: &str = include_str!("policies.jsonl");
/// How the ARNs of AWS's policies begin; path and name follow.
const ARN: &str = "arn:aws:iam::aws:policy";

/// By name.
static POLICIES: LazyLock<Vec<AwsPolicy>> = LazyLock::new(|| {
    let (heads, documents) = (LINES.lines().step_by(2), LINES.lines().skip(1).step_by(2));
    // The file is part of the program, and a test reads every line: none is skipped here.
    let read = |(head, document)| serde_json::from_str(head).ok().map(|head| AwsPolicy { document, ..head });
    heads.zip(documents).filter_map(read).collect()
});

/// A policy that AWS made.
#[derive(Debug, Deserialize)]
pub(crate) struct AwsPolicy {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its path, with both slashes.
    pub(crate) path: &'static str,
    /// Its unique id, `ANPA…`: AWS's where it is known.
    pub(crate) id: &'static str,
    /// The number of its default version.
    pub(crate) version: u32,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// When its default version was made.
    pub(crate) updated: Timestamp,
    /// What AWS says of it, where that is known.
    #[serde(default)]
    pub(crate) description: Option<&'static str>,
    /// The document of its default version.
    #[serde(skip)]
    pub(crate) document: &'static str,
}

impl AwsPolicy {
    /// Its ARN.
    pub(crate) fn arn(&self) -> String {
        format!("{ARN}{}{}", self.path, self.name)
    }
}

/// Whether an ARN is one of AWS's own policies', there or not.
pub(crate) fn is_aws(arn: &str) -> bool {
    arn.strip_prefix(ARN).is_some_and(|rest| rest.starts_with('/'))
}

/// The policy of AWS's with this ARN. Names and paths are compared as they are.
pub(crate) fn find(arn: &str) -> Option<&'static AwsPolicy> {
    let rest = arn.strip_prefix(ARN)?;
    let (path, name) = rest.split_at(rest.rfind('/')? + 1);
    let all = all();
    let at = all.binary_search_by(|policy| policy.name.cmp(name)).ok()?;
    Some(&all[at]).filter(|policy| policy.path == path)
}

/// All of them, by name.
pub(crate) fn all() -> &'static [AwsPolicy] {
    &POLICIES
}

#[cfg(test)]
mod tests {
    use policy::{Kind, Policy};

    use super::{LINES, all, find, is_aws};

    #[test]
    fn every_line_is_read_and_every_document_is_a_policy() {
        assert_eq!(all().len() * 2, LINES.lines().count());
        assert!(all().len() >= 250, "{}", all().len());
        assert!(all().windows(2).all(|pair| pair[0].name < pair[1].name), "sorted, each once");
        for policy in all() {
            assert!(policy.id.starts_with("ANPA") && policy.id.len() == 21, "{}", policy.name);
            assert!(policy.path.starts_with('/') && policy.path.ends_with('/'), "{}", policy.name);
            assert!(policy.created <= policy.updated && policy.version > 0, "{}", policy.name);
            let parsed = Policy::parse(policy.document, Kind::Identity);
            assert!(parsed.is_ok(), "{}: {parsed:?}", policy.name);
        }
    }

    #[test]
    fn they_are_found_by_arn() {
        for policy in all() {
            assert_eq!(find(&policy.arn()).map(|found| found.name), Some(policy.name));
        }
        let admin = find("arn:aws:iam::aws:policy/AdministratorAccess").unwrap();
        assert_eq!((admin.id, admin.version), ("ANPAIWMBCKSKIEE64ZLYK", 1));
        assert!(find("arn:aws:iam::aws:policy/job-function/ViewOnlyAccess").is_some());
        for other in [
            "arn:aws:iam::aws:policy/ViewOnlyAccess",
            "arn:aws:iam::aws:policy/administratoraccess",
            "arn:aws:iam::aws:policyAdministratorAccess",
            "arn:aws:iam::123456789012:policy/AdministratorAccess",
            "",
        ] {
            assert!(find(other).is_none(), "{other}");
        }
        assert!(is_aws("arn:aws:iam::aws:policy/NoSuch") && !is_aws("arn:aws:iam::123456789012:policy/NoSuch"));
    }
}
