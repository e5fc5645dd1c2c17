//! What a decision costs: on a typical request, and by the number of statements; and what a document costs to read.
//! Measured in this process, over the code that the authoriser runs for each call, with documents read before.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use policy::{Attached, Context, Kind, Policy, PolicySet, Request, Source, SourceKind, Subject, SubjectKind, decide};

use crate::Setting;
use crate::table::{Aim, Row, Value};

/// A user's home folder, as the IAM user guide has it.
const HOME: &str = r#"{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Action":["s3:ListAllMyBuckets","s3:GetBucketLocation"],"Resource":"*"},
  {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::bucket",
   "Condition":{"StringLike":{"s3:prefix":["","home/","home/${aws:username}/*"]}}},
  {"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],
   "Resource":["arn:aws:s3:::bucket/home/${aws:username}","arn:aws:s3:::bucket/home/${aws:username}/*"]}]}"#;
/// Nothing without a second factor.
const FACTOR: &str = r#"{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Action":["iam:GetUser","iam:ListMFADevices"],"Resource":"arn:aws:iam::*:user/${aws:username}"},
  {"Effect":"Allow","Action":"iam:ListVirtualMFADevices","Resource":"*"},
  {"Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:EnableMFADevice","iam:GetUser"],"Resource":"*",
   "Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]}"#;
/// One's own instances, in two regions, from known networks.
const OWN: &str = r#"{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"},
  {"Effect":"Allow","Action":["ec2:StartInstances","ec2:StopInstances"],"Resource":"arn:aws:ec2:*:*:instance/*",
   "Condition":{"StringEquals":{"aws:ResourceTag/Owner":"${aws:username}"}}},
  {"Effect":"Deny","Action":"ec2:*","Resource":"*",
   "Condition":{"StringNotEquals":{"aws:RequestedRegion":["us-east-1","eu-west-1"]}}},
  {"Effect":"Deny","Action":"*","Resource":"*",
   "Condition":{"Bool":{"aws:SecureTransport":"false"},"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.0/24"]}}}]}"#;

/// Times of decisions, decisions a second, times of reading.
///
/// # Errors
/// If a decision is not what it must be, which is a defect.
pub fn decisions(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let rounds = if setting.quick { 20 } else { 1000 };
    let context = known();
    let typical = [attached(HOME)?, attached(FACTOR)?, attached(OWN)?];
    ensure!(is_allowed(&typical, &context), "the home folder is its user's");
    let took = quickest(rounds, 50, || is_allowed(&typical, &context));
    rows.push(row("decide, 3 policies of 10 statements", Value::Time(took), Aim::AtMost(micros(5))));
    rows.push(row("decisions a second, 3 policies of 10 statements", rate(took), Aim::None));
    for (count, aim) in [(100, Aim::None), (1000, Aim::AtMost(micros(100)))] {
        for (kind, statement) in [("of one service", of_one as fn(usize) -> String), ("of 40 services", of_many)] {
            let policies = [attached(&document(count, statement))?];
            ensure!(!is_allowed(&policies, &context), "nobody was allowed this");
            let took = quickest(rounds, 5, || is_allowed(&policies, &context));
            rows.push(row(&format!("decide, {count} statements {kind}"), Value::Time(took), aim));
            rows.push(row(&format!("decisions a second, {count} statements {kind}"), rate(took), Aim::None));
        }
    }
    let large = document(1000, of_one);
    for (what, text) in [("of 4 statements", OWN), ("of 1000 statements", &large)] {
        let took = quickest(rounds.min(100), 1, || Policy::parse(black_box(text), Kind::Identity).is_ok());
        rows.push(row(&format!("read a policy {what}"), Value::Time(took), Aim::None));
    }
    Ok(())
}

fn row(figure: &str, ours: Value, aim: Aim) -> Row {
    Row { figure: figure.to_owned(), ours, peer: None, aim }
}

fn micros(count: u64) -> Value {
    Value::Time(Duration::from_micros(count))
}

fn rate(took: Duration) -> Value {
    Value::Rate(1.0 / took.as_secs_f64())
}

/// All are about the action that is asked for, on another bucket, with a variable and conditions.
fn of_one(number: usize) -> String {
    format!(
        r#"{{"Effect":"Allow","Action":["s3:GetObject","s3:Put*"],"Resource":"arn:aws:s3:::bucket-{number}/${{aws:username}}/*",
            "Condition":{{"Bool":{{"aws:SecureTransport":"true"}}}}}}"#
    )
}

fn of_many(number: usize) -> String {
    format!(
        r#"{{"Effect":"Allow","Action":["service{}:Get*","service{0}:Put*"],"Resource":"arn:aws:s3:::bucket-{number}/*"}}"#,
        number % 40
    )
}

fn document(count: usize, statement: fn(usize) -> String) -> String {
    let statements: Vec<String> = (0..count).map(statement).collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn attached(text: &str) -> Result<Attached> {
    let source = Source { kind: SourceKind::Managed, id: "policy".to_owned(), attached_to: String::new() };
    Ok(Attached { source: Arc::new(source), policy: Arc::new(Policy::parse(text, Kind::Identity)?) })
}

/// What is known of a call.
fn known() -> Context {
    let pairs = [
        ("aws:CurrentTime", "2026-11-22T08:00:00Z"),
        ("aws:EpochTime", "1795334400"),
        ("aws:MultiFactorAuthPresent", "true"),
        ("aws:PrincipalAccount", "123456789012"),
        ("aws:PrincipalArn", "arn:aws:iam::123456789012:user/bob"),
        ("aws:PrincipalType", "User"),
        ("aws:RequestedRegion", "us-east-1"),
        ("aws:ResourceAccount", "123456789012"),
        ("aws:SecureTransport", "true"),
        ("aws:SourceIp", "10.1.2.3"),
        ("aws:UserAgent", "Boto3/1.44"),
        ("aws:userid", "AIDACKCEVSQ6C2EXAMPLE"),
        ("aws:username", "bob"),
    ];
    let mut context = Context::new();
    pairs.into_iter().for_each(|(key, value)| context.set(key, value));
    context
}

fn is_allowed(policies: &[Attached], context: &Context) -> bool {
    let subject = Subject {
        kind: SubjectKind::User,
        account: Some("123456789012".to_owned()),
        arn: "arn:aws:iam::123456789012:user/bob".to_owned(),
        role_arn: None,
        service: None,
    };
    let resource = "arn:aws:s3:::bucket/home/bob/report.txt";
    let request = Request { subject: &subject, action: "s3:GetObject", resource, context };
    decide(black_box(&request), &PolicySet { identity: policies, ..PolicySet::default() }).is_allowed()
}

/// The mean of the quickest of many short runs: in a longer one the machine does something else in between.
fn quickest(rounds: u32, steps: u32, step: impl Fn() -> bool) -> Duration {
    let run = || {
        let started = Instant::now();
        for _ in 0..steps {
            black_box(step());
        }
        started.elapsed() / steps
    };
    (0..rounds).map(|_| run()).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{FACTOR, HOME, OWN, attached, document, is_allowed, known, of_many, of_one};

    #[test]
    fn what_is_measured_is_a_decision() {
        let typical = [attached(HOME).unwrap(), attached(FACTOR).unwrap(), attached(OWN).unwrap()];
        assert!(is_allowed(&typical, &known()));
        let mut without = known();
        without.set("aws:MultiFactorAuthPresent", "false");
        assert!(!is_allowed(&typical, &without));
        for statement in [of_one, of_many] {
            let policy = attached(&document(1000, statement)).unwrap();
            assert_eq!(policy.policy.statement_count(), 1000);
        }
    }
}
