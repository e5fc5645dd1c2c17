//! What was decided on the permissions of a call, in its record: written by hand as all of a record is, and read again
//! for `welkin explain`.

use api::{Verdict, VerdictPolicy, VerdictStatement};
use serde::{Deserialize, Serialize};

use crate::json::{bounded, key, member, string};

/// Bytes of decisions in one record. What was refused is written whatever it takes; whoever decides bounds it.
const MAX_BYTES: usize = 8 * 1024;
/// The most bytes of a resource's name.
const MAX_RESOURCE: usize = 1200;

/// A decision, as a record has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredVerdict {
    /// The IAM action.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// Whether it was allowed.
    pub allowed: bool,
    /// Why, as the end of AWS's sentence.
    pub because: String,
    /// The statements that decided.
    pub statements: Vec<StoredStatement>,
    /// Of a refusal, the policies that were looked at.
    pub considered: Vec<StoredPolicy>,
}

/// A statement that decided, as a record has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredStatement {
    /// `Allow` or `Deny`.
    pub effect: String,
    /// What kind of policy it stands in.
    pub kind: String,
    /// The policy's ARN or name.
    pub policy: String,
    /// What the policy is attached to.
    pub attached_to: String,
    /// Which statement of the policy, from 1.
    pub number: usize,
    /// Its `Sid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

/// A policy that was looked at, as a record has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredPolicy {
    /// What kind of policy it is.
    pub kind: String,
    /// Its ARN or name.
    pub policy: String,
    /// What it is attached to.
    pub attached_to: String,
    /// Its statements on the action that do not apply, and what they lack.
    pub nearly: Vec<String>,
}

/// Writes the decisions as members of the object that is open.
pub(crate) fn write(line: &mut String, verdicts: &[Verdict]) {
    if verdicts.is_empty() {
        return;
    }
    key(line, "authorization");
    line.push('[');
    let start = line.len();
    let mut is_cut = false;
    for verdict in verdicts {
        let before = line.len();
        if before > start {
            line.push(',');
        }
        one(line, verdict);
        if line.len() - start > MAX_BYTES && verdict.is_allowed {
            line.truncate(before);
            is_cut = true;
        }
    }
    line.push(']');
    if is_cut {
        line.push_str(",\"authorizationCut\":true");
    }
}

fn one(line: &mut String, verdict: &Verdict) {
    line.push('{');
    member(line, "action", &verdict.action);
    key(line, "resource");
    bounded(line, &verdict.resource, MAX_RESOURCE);
    line.push_str(if verdict.is_allowed { ",\"allowed\":true" } else { ",\"allowed\":false" });
    member(line, "because", &verdict.because);
    list(line, "statements", &verdict.statements, statement);
    list(line, "considered", &verdict.considered, policy);
    line.push('}');
}

fn list<T>(line: &mut String, name: &str, items: &[T], write: impl Fn(&mut String, &T)) {
    if items.is_empty() {
        return;
    }
    key(line, name);
    line.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        write(line, item);
    }
    line.push(']');
}

fn statement(line: &mut String, statement: &VerdictStatement) {
    line.push('{');
    member(line, "effect", if statement.is_deny { "Deny" } else { "Allow" });
    member(line, "kind", statement.kind);
    member(line, "policy", &statement.policy);
    member(line, "attachedTo", &statement.attached_to);
    key(line, "number");
    line.push_str(&statement.number.to_string());
    if let Some(sid) = &statement.sid {
        member(line, "sid", sid);
    }
    line.push('}');
}

fn policy(line: &mut String, policy: &VerdictPolicy) {
    line.push('{');
    member(line, "kind", policy.kind);
    member(line, "policy", &policy.policy);
    member(line, "attachedTo", &policy.attached_to);
    list(line, "nearly", &policy.nearly, |line, text| string(line, text));
    line.push('}');
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use api::{Verdict, VerdictPolicy, VerdictStatement};

    use super::{MAX_BYTES, StoredVerdict, write};

    fn verdict(is_allowed: bool) -> Verdict {
        Verdict {
            action: "s3:GetObject".into(),
            resource: "arn:aws:s3:::b/\"k".into(),
            is_allowed,
            because: "because".into(),
            statements: vec![VerdictStatement {
                kind: "identity-based policy",
                policy: "P".into(),
                attached_to: "arn:aws:iam::111111111111:user/ann".into(),
                number: 2,
                sid: Some("S".into()),
                is_deny: !is_allowed,
            }],
            considered: vec![VerdictPolicy {
                kind: "session policy",
                policy: "Q".into(),
                attached_to: String::new(),
                nearly: vec!["one".into(), "two".into()],
            }],
        }
    }

    fn written(verdicts: &[Verdict]) -> (Vec<StoredVerdict>, bool) {
        let mut line = "{\"a\":1".to_owned();
        write(&mut line, verdicts);
        line.push('}');
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let stored = value.get("authorization").cloned().unwrap_or_default();
        let stored = serde_json::from_value::<Option<Vec<StoredVerdict>>>(stored).unwrap().unwrap_or_default();
        (stored, value.get("authorizationCut").is_some())
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(written(&[]), (Vec::new(), false));
        let (stored, is_cut) = written(&[verdict(true), verdict(false)]);
        assert!(!is_cut);
        assert_eq!((stored[0].allowed, stored[1].allowed), (true, false));
        assert_eq!(stored[0].resource, "arn:aws:s3:::b/\"k");
        assert_eq!((stored[0].statements[0].effect.as_str(), stored[0].statements[0].number), ("Allow", 2));
        assert_eq!(stored[1].statements[0].effect, "Deny");
        assert_eq!(stored[1].considered[0].nearly, ["one", "two"]);
    }

    #[test]
    fn many_are_cut_and_the_refused_one_is_not() {
        let long = Verdict { resource: Cow::Owned("x".repeat(5000)), ..verdict(true) };
        let mut all = vec![long; 20];
        all.push(verdict(false));
        let (stored, is_cut) = written(&all);
        assert!(is_cut && stored.len() < 10 && serde_json::to_string(&stored).unwrap().len() < 2 * MAX_BYTES);
        assert!(!stored.last().unwrap().allowed);
    }
}
