//! `welkin explain`: why a call was allowed or refused, from its record in the audit trail: what was decided then, by the
//! policies that there were then. It reads the files, so it works on a region that is down as well.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use audit::{Stored, StoredPolicy, StoredStatement, StoredVerdict};
use clap::Args;
use serde_json::json;

use crate::settings::Settings;

/// How long a record may take until it is in its file, with some to spare.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often it is looked for meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// Which request, and how it is shown.
#[derive(Args)]
pub struct Options {
    /// The id of the request
    request_id: String,
    /// Print it as one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints why.
///
/// # Errors
/// There is no such record, or the kernel's.
pub fn run(settings: &Settings, options: &Options) -> Result<()> {
    let folder = settings.data_dir.join("audit");
    if !folder.is_dir() {
        bail!("there is no audit trail in {}", settings.data_dir.display());
    }
    let begun = Instant::now();
    let found = loop {
        let found = audit::find(&folder, &options.request_id);
        if let Some(found) = found.with_context(|| format!("cannot read {}", folder.display()))? {
            break found;
        }
        if begun.elapsed() > PATIENCE {
            bail!(
                "there is no record of a request with the id '{}' in {}: either there was none, or its record is gone \
                 with time, or it was a call on an object, which is recorded only with audit_data_events = \"on\" or \
                 if it is refused",
                options.request_id,
                folder.display()
            );
        }
        std::thread::sleep(LOOK);
    };
    if options.json {
        println!("{}", as_json(&found)?);
    } else {
        print!("{}", text(&found));
    }
    Ok(())
}

fn as_json(record: &Stored) -> Result<String> {
    let shown = json!({
        "requestID": record.request_id,
        "eventTime": record.event_time,
        "eventSource": record.event_source,
        "eventName": record.event_name,
        "caller": record.user_identity.arn,
        "accessKeyId": record.user_identity.access_key_id,
        "sourceIPAddress": record.source_ip_address,
        "httpStatus": record.additional_event_data.http_status,
        "errorCode": record.error_code,
        "errorMessage": record.error_message,
        "authorization": record.additional_event_data.authorization,
        "authorizationCut": record.additional_event_data.authorization_cut,
    });
    Ok(serde_json::to_string_pretty(&shown)?)
}

/// All of it, for people.
fn text(record: &Stored) -> String {
    let mut out = String::new();
    let service = record.event_source.strip_suffix(".amazonaws.com").unwrap_or(&record.event_source);
    let ended = record.error_code.as_deref().unwrap_or("ok");
    let mut line = |name: &str, text: &str| {
        // Writing to a string can't fail.
        let _ = writeln!(out, "{name:<9}{text}");
    };
    line("call", &format!("{service}:{} at {}: {ended}", record.event_name, record.event_time));
    line("by", &caller(record));
    line("from", &record.source_ip_address);
    if let (Some(_), Some(message)) = (&record.error_code, &record.error_message) {
        line("said", message);
    }
    let verdicts = &record.additional_event_data.authorization;
    if verdicts.is_empty() {
        line("", "");
        line("", nothing_decided(record));
    }
    for verdict in verdicts {
        out.push('\n');
        decision(&mut out, verdict);
    }
    if record.additional_event_data.authorization_cut {
        out.push_str("\nIt needed more permissions than its record holds, and they were allowed.\n");
    }
    // What a client wrote must not steer a terminal.
    out.chars().map(|letter| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }).collect()
}

fn caller(record: &Stored) -> String {
    let identity = &record.user_identity;
    let key = identity.access_key_id.as_deref().map(|key| format!(" with the key {key}")).unwrap_or_default();
    match (&identity.arn, identity.kind.as_str()) {
        (Some(arn), _) => format!("{arn}{key}"),
        (None, "Unknown") => format!("nobody who proved to be somebody{key}"),
        (None, _) => "somebody who did not sign".to_owned(),
    }
}

/// Why a record tells of no decision.
fn nothing_decided(record: &Stored) -> &'static str {
    match (record.user_identity.kind.as_str(), &record.error_code) {
        ("Unknown", _) => "No permission was asked for: who called did not prove to be anybody.",
        (_, None) => "No permission was needed, or the call was made before decisions were recorded.",
        (_, Some(_)) => "No permission was decided on: the call ended before that, for the reason above.",
    }
}

fn decision(out: &mut String, verdict: &StoredVerdict) {
    let outcome = if verdict.allowed { "allowed" } else { "refused" };
    // Writing to a string can't fail.
    let _ = writeln!(out, "{outcome:<9}{} on {}", verdict.action, verdict.resource);
    let because =
        if verdict.because.is_empty() { "because the role's trust policy does not allow it" } else { &verdict.because };
    let _ = writeln!(out, "{:<9}{because}", "");
    for statement in &verdict.statements {
        let _ = writeln!(out, "{:<9}- {}", "", deciding(statement));
    }
    if verdict.allowed {
        return;
    }
    if verdict.considered.is_empty() {
        let _ = writeln!(out, "{:<9}There was no policy to look at.", "");
        return;
    }
    let _ = writeln!(out, "{:<9}These policies were looked at:", "");
    for policy in &verdict.considered {
        looked_at(out, policy, verdict.statements.is_empty());
    }
}

/// Such as `Deny: statement 2 (NoKeys) of the identity-based policy P of arn:aws:iam::…:user/ann`.
fn deciding(statement: &StoredStatement) -> String {
    let sid = statement.sid.as_deref().filter(|sid| !sid.is_empty()).map(|sid| format!(" ({sid})"));
    format!(
        "{}: statement {}{} of the {} {}{}",
        statement.effect,
        statement.number,
        sid.unwrap_or_default(),
        statement.kind,
        statement.policy,
        of(&statement.attached_to, &statement.policy)
    )
}

fn of(attached_to: &str, policy: &str) -> String {
    if attached_to.is_empty() || attached_to == policy { String::new() } else { format!(" of {attached_to}") }
}

fn looked_at(out: &mut String, policy: &StoredPolicy, is_explained: bool) {
    let attached_to = of(&policy.attached_to, &policy.policy);
    let _ = writeln!(out, "{:<9}- the {} {}{attached_to}", "", policy.kind, policy.policy);
    if !is_explained {
        return;
    }
    for near in &policy.nearly {
        let _ = writeln!(out, "{:<11}nearly: {near}", "");
    }
}

#[cfg(test)]
mod tests {
    use audit::{Additional, Stored, StoredIdentity, StoredPolicy, StoredStatement, StoredVerdict};

    use super::{as_json, text};

    fn refused() -> Stored {
        let ann = "arn:aws:iam::111111111111:user/ann";
        let allowed = StoredVerdict {
            action: "ec2:RunInstances".into(),
            resource: "arn:aws:ec2:eu-lab-1::image/ami-1".into(),
            allowed: true,
            because: "because an identity-based policy allows it".into(),
            statements: vec![StoredStatement {
                effect: "Allow".into(),
                kind: "identity-based policy".into(),
                policy: "Images".into(),
                attached_to: ann.into(),
                number: 2,
                sid: Some("Ours".into()),
            }],
            considered: Vec::new(),
        };
        let near = "statement 1: IpAddress of aws:SourceIp wants 10.0.0.0/8 and the request has 203.0.113.7";
        let refused = StoredVerdict {
            resource: "arn:aws:ec2:eu-lab-1:111111111111:instance/*".into(),
            allowed: false,
            because: "because no identity-based policy allows the ec2:RunInstances action".into(),
            statements: Vec::new(),
            considered: vec![
                StoredPolicy {
                    kind: "identity-based policy".into(),
                    policy: "Images".into(),
                    attached_to: ann.into(),
                    nearly: vec![near.into()],
                },
                StoredPolicy {
                    kind: "identity-based policy".into(),
                    policy: "arn:aws:iam::aws:policy/ReadOnlyAccess".into(),
                    attached_to: ann.into(),
                    nearly: Vec::new(),
                },
            ],
            ..allowed.clone()
        };
        Stored {
            event_name: "RunInstances".into(),
            event_source: "ec2.amazonaws.com".into(),
            event_time: "2026-11-21T08:00:00Z".into(),
            source_ip_address: "203.0.113.7".into(),
            request_id: "r".into(),
            error_code: Some("Client.UnauthorizedOperation".into()),
            error_message: Some("You are not\u{1b}[2J authorized".into()),
            user_identity: StoredIdentity {
                kind: "IAMUser".into(),
                arn: Some(ann.into()),
                access_key_id: Some("AKIA1".into()),
                invoked_by: None,
                user_name: None,
            },
            additional_event_data: Additional { authorization: vec![allowed, refused], ..Additional::default() },
            ..Stored::default()
        }
    }

    #[test]
    fn a_refusal_is_told_statement_by_statement() {
        let expected = "\
call     ec2:RunInstances at 2026-11-21T08:00:00Z: Client.UnauthorizedOperation
by       arn:aws:iam::111111111111:user/ann with the key AKIA1
from     203.0.113.7
said     You are not\u{fffd}[2J authorized

allowed  ec2:RunInstances on arn:aws:ec2:eu-lab-1::image/ami-1
         because an identity-based policy allows it
         - Allow: statement 2 (Ours) of the identity-based policy Images of arn:aws:iam::111111111111:user/ann

refused  ec2:RunInstances on arn:aws:ec2:eu-lab-1:111111111111:instance/*
         because no identity-based policy allows the ec2:RunInstances action
         These policies were looked at:
         - the identity-based policy Images of arn:aws:iam::111111111111:user/ann
           nearly: statement 1: IpAddress of aws:SourceIp wants 10.0.0.0/8 and the request has 203.0.113.7
         - the identity-based policy arn:aws:iam::aws:policy/ReadOnlyAccess of arn:aws:iam::111111111111:user/ann
";
        assert_eq!(text(&refused()), expected);
    }

    #[test]
    fn a_call_without_a_decision_says_why() {
        let mut record = refused();
        record.additional_event_data.authorization.clear();
        assert!(text(&record).contains("the call ended before that"));
        record.error_code = None;
        assert!(text(&record).contains("No permission was needed"));
        record.user_identity = StoredIdentity { kind: "Unknown".into(), ..StoredIdentity::default() };
        let said = text(&record);
        assert!(said.contains("nobody who proved to be somebody") && said.contains("did not prove to be anybody"));
    }

    #[test]
    fn it_is_json_for_programs() {
        let shown: serde_json::Value = serde_json::from_str(&as_json(&refused()).unwrap()).unwrap();
        assert_eq!(shown["requestID"], "r");
        assert_eq!(shown["authorization"][0]["statements"][0]["sid"], "Ours");
        assert_eq!(shown["authorization"][1]["allowed"], false);
    }
}
