//! Random policies and requests, of so few words that they often meet.

use std::sync::Arc;

use policy::{
    Attached, Context, Decision, Kind, Policy, PolicySet, Request, Source, SourceKind, Subject, SubjectKind, decide,
};
use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::{Just, Strategy, any};
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

pub(crate) const OWN: &str = "111111111111";
pub(crate) const FOREIGN: &str = "222222222222";

const OPERATORS: [&str; 27] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

/// A request and all that bears on it, as data.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) subject: Subject,
    pub(crate) action: &'static str,
    pub(crate) resource: &'static str,
    pub(crate) context: Vec<(&'static str, Vec<&'static str>)>,
    pub(crate) identity: Vec<Value>,
    pub(crate) boundary: Option<Value>,
    pub(crate) session: Option<Vec<Value>>,
    pub(crate) service_control: Vec<Vec<Value>>,
    pub(crate) policy_of_resource: Option<Value>,
    pub(crate) owner: Option<&'static str>,
    pub(crate) needs_resource_policy: bool,
}

impl Case {
    /// What the crate decides. Policies go through `read`.
    pub(crate) fn decide_through(&self, read: impl Fn(&Value, Kind) -> Policy) -> Decision {
        let attach = |document: &Value, kind| Attached {
            source: Arc::new(Source { kind: SourceKind::Inline, id: String::new(), attached_to: String::new() }),
            policy: Arc::new(read(document, kind)),
        };
        let all = |documents: &[Value]| -> Vec<Attached> {
            documents.iter().map(|document| attach(document, Kind::Identity)).collect()
        };
        let boundary = self.boundary.as_ref().map(|document| attach(document, Kind::Identity));
        let session = self.session.as_deref().map(all);
        let level = |documents: &Vec<Value>| documents.iter().map(|one| attach(one, Kind::ServiceControl)).collect();
        let service_control: Vec<Vec<Attached>> = self.service_control.iter().map(level).collect();
        let resource = self.policy_of_resource.as_ref().map(|document| attach(document, Kind::Resource));
        let set = PolicySet {
            identity: &all(&self.identity),
            boundary: boundary.as_ref(),
            session: session.as_deref(),
            service_control: &service_control,
            resource: resource.as_ref(),
            owner: self.owner,
            needs_resource_policy: self.needs_resource_policy,
            ..PolicySet::default()
        };
        let mut context = Context::new();
        for (key, values) in &self.context {
            context.set_all(*key, values.iter().map(|value| (*value).to_owned()).collect());
        }
        decide(
            &Request { subject: &self.subject, action: self.action, resource: self.resource, context: &context },
            &set,
        )
    }

    pub(crate) fn decide(&self) -> Decision {
        self.decide_through(read)
    }

    /// Every document, to change it.
    pub(crate) fn documents(&mut self) -> Vec<&mut Value> {
        let limits = self.boundary.iter_mut().chain(self.session.iter_mut().flatten());
        let of_others = self.service_control.iter_mut().flatten().chain(self.policy_of_resource.iter_mut());
        self.identity.iter_mut().chain(limits).chain(of_others).collect()
    }
}

pub(crate) fn read(document: &Value, kind: Kind) -> Policy {
    let text = document.to_string();
    Policy::parse(&text, kind).unwrap_or_else(|malformed| panic!("{malformed}: {text}"))
}

/// The statements of a document that [`case`] made.
pub(crate) fn statements(document: &mut Value) -> &mut Vec<Value> {
    document["Statement"].as_array_mut().expect("documents are made with a list of statements")
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let asked = (
        subject(),
        select(vec!["s3:Get", "s3:Put", "S3:GET", "ec2:Get", "ec2:Run"]),
        select(vec!["arn:aws:s3:::b/bob", "arn:aws:s3:::b/eve:x", "arn:aws:s3:::c", "arn:aws:ec2:us-1:1:i/1", "*"]),
        known(),
    );
    let limits = (
        vec(document(false), 0..3),
        weighted(0.3, document(false)),
        weighted(0.4, vec(document(false), 1..3)),
        vec(vec(document(false), 1..3), 0..3),
        weighted(0.6, document(true)),
        select(vec![None, Some(OWN), Some(OWN), Some(FOREIGN)]),
        any::<bool>(),
    );
    (asked, limits).prop_map(|(asked, limits)| Case {
        subject: asked.0,
        action: asked.1,
        resource: asked.2,
        context: asked.3,
        identity: limits.0,
        boundary: limits.1,
        session: limits.2,
        service_control: limits.3,
        policy_of_resource: limits.4,
        owner: limits.5,
        needs_resource_policy: limits.6,
    })
}

fn subject() -> impl Strategy<Value = Subject> {
    let make = |kind, arn: &str, role: Option<&str>| Subject {
        kind,
        account: Some(OWN.to_owned()),
        arn: arn.to_owned(),
        role_arn: role.map(str::to_owned),
        service: None,
    };
    let none = |kind, name: &str| Subject { account: None, ..make(kind, name, None) };
    let session = "arn:aws:sts::111111111111:assumed-role/r/s";
    let bob = "arn:aws:iam::111111111111:user/bob";
    let linked = "arn:aws:iam::111111111111:role/aws-service-role/x/r";
    select(vec![
        make(SubjectKind::User, bob, None),
        make(SubjectKind::User, bob, None),
        make(SubjectKind::Root, "arn:aws:iam::111111111111:root", None),
        make(SubjectKind::Role, session, Some("arn:aws:iam::111111111111:role/r")),
        make(SubjectKind::Role, session, Some(linked)),
        make(SubjectKind::FederatedUser, "arn:aws:sts::111111111111:federated-user/f", Some(bob)),
        make(SubjectKind::WebIdentity, "arn:aws:iam::111111111111:oidc-provider/p", None),
        none(SubjectKind::Saml, "p"),
        none(SubjectKind::Anonymous, ""),
        Subject { service: Some("ec2.amazonaws.com".to_owned()), ..none(SubjectKind::Service, "ec2.amazonaws.com") },
    ])
}

fn principals() -> impl Strategy<Value = Value> {
    let aws = vec![
        "*",
        "111111111111",
        "222222222222",
        "arn:aws:iam::111111111111:root",
        "arn:aws:iam::111111111111:user/bob",
        "arn:aws:iam::111111111111:user/eve",
        "arn:aws:iam::111111111111:role/r",
        "arn:aws:sts::111111111111:assumed-role/r/s",
        "arn:aws:sts::111111111111:federated-user/f",
        "AIDAJQABLZS4A3QDU576Q",
    ];
    let classes = (
        subsequence(aws, 1..4),
        weighted(0.2, select(vec!["ec2.amazonaws.com", "s3.amazonaws.com", "*"])),
        weighted(0.2, select(vec!["p", "arn:aws:iam::111111111111:oidc-provider/p"])),
        any::<bool>(),
    );
    classes.prop_map(|(aws, service, federated, is_everyone)| {
        if is_everyone && aws.contains(&"*") {
            return json!("*");
        }
        let mut principals = Map::from_iter([("AWS".to_owned(), json!(aws))]);
        service.map(|service| principals.insert("Service".to_owned(), json!(service)));
        federated.map(|federated| principals.insert("Federated".to_owned(), json!([federated])));
        Value::Object(principals)
    })
}

const KEYS: [&str; 4] = ["aws:username", "K", "k2", "aws:federatedprovider"];

fn known() -> impl Strategy<Value = Vec<(&'static str, Vec<&'static str>)>> {
    let values =
        || vec(select(words().into_iter().chain(["p", "bob", "arn:aws:iam::1:a", "1.0"]).collect::<Vec<_>>()), 0..3);
    vec(of(values()), KEYS.len()).prop_map(|values| {
        KEYS.into_iter().zip(values).filter_map(|(key, values)| values.map(|values| (key, values))).collect()
    })
}

/// Values that most operators can compare with.
fn words() -> Vec<&'static str> {
    vec!["a", "b", "A", "", "1", "2", "true", "false", "10.0.0.1", "2020-01-01", "::1"]
}

fn wanted(operator: &'static str) -> impl Strategy<Value = Value> {
    let words = match operator {
        _ if operator.starts_with("Numeric") => vec!["1", "2", "1.0"],
        _ if operator.starts_with("Date") => vec!["1", "2", "2020-01-01", "2020-01-01T00:00:00Z", "1577836800"],
        _ if operator.ends_with("IpAddress") => vec!["10.0.0.0/8", "10.0.0.1", "::/0", "10.0.0.2"],
        "Bool" | "Null" => vec!["true", "false"],
        _ if operator.starts_with("Arn") => vec!["arn:aws:iam::1:a", "arn:*:iam::?:*", "*", "arn:aws:iam:*"],
        _ => [words(), vec!["*", "?", "a*", "${aws:username}", "${k2}", "${none}", "${none, 'a'}", "${*}"]].concat(),
    };
    vec(select(words), 0..3).prop_map(|list| if list.len() == 1 { json!(list[0]) } else { json!(list) })
}

fn conditions() -> impl Strategy<Value = Value> {
    let one = (select(OPERATORS.to_vec()), select(vec!["", "", "ForAllValues:", "ForAnyValue:"]), any::<bool>());
    let one = one.prop_flat_map(|(operator, set, if_exists)| {
        let name = match operator {
            "Null" => operator.to_owned(),
            _ => format!("{set}{operator}{}", if if_exists { "IfExists" } else { "" }),
        };
        (Just(name), select(vec!["aws:username", "k", "K2", "none"]), wanted(operator))
    });
    vec(one, 1..3).prop_map(|list| {
        let mut conditions = Map::new();
        for (name, key, wanted) in list {
            conditions.entry(name).or_insert_with(|| json!({}))[key] = wanted;
        }
        Value::Object(conditions)
    })
}

pub(crate) fn statement(has_principal: bool) -> impl Strategy<Value = Value> {
    let actions = vec!["*", "s3:*", "s3:G?t", "S3:get", "ec2:*", "*:*", "s3:*t", "ec2:Run"];
    let resources = vec![
        "*",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::b/${aws:username}",
        "arn:aws:s3:::b/${none, 'bob'}",
        "arn:aws:s3:::?/*b",
        if has_principal { "arn:aws:s3:*:*:*" } else { "arn:aws:s3:*" },
        "arn:aws:ec2:us-*:?:i/*",
        "arn:aws:ec2:us*1:1:i/1",
        "arn:aws:s3:::c",
        "arn:aws:s3:::b/${none}",
    ];
    let elements = (
        weighted(0.7, Just("Allow")),
        (weighted(0.85, Just("Action")), subsequence(actions, 1..3)),
        (weighted(0.85, Just("Resource")), subsequence(resources, 1..4)),
        weighted(0.35, conditions()),
        (weighted(0.6, Just("Principal")), principals()),
    );
    elements.prop_map(move |(effect, action, resource, conditions, principal)| {
        let mut statement = Map::new();
        statement.insert("Effect".to_owned(), json!(effect.unwrap_or("Deny")));
        statement.insert(action.0.unwrap_or("NotAction").to_owned(), json!(action.1));
        statement.insert(resource.0.unwrap_or("NotResource").to_owned(), json!(resource.1));
        conditions.map(|conditions| statement.insert("Condition".to_owned(), conditions));
        if has_principal {
            let element = if effect.is_none() { principal.0.unwrap_or("NotPrincipal") } else { "Principal" };
            statement.insert(element.to_owned(), principal.1);
        }
        Value::Object(statement)
    })
}

fn document(has_principal: bool) -> impl Strategy<Value = Value> {
    vec(statement(has_principal), 1..4).prop_map(|list| json!({"Version": "2012-10-17", "Statement": list}))
}
