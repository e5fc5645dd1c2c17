//! Requests and policies in few words.

use std::sync::Arc;

use policy::{
    Attached, Context, Decision, Kind, Policy, PolicySet, Request, Source, SourceKind, Subject, SubjectKind, decide,
};

/// The account of everyone here.
pub(crate) const ACCOUNT: &str = "123456789012";

/// A policy of the version with variables, with these statements, members only: `"Effect": …`.
pub(crate) fn document(statements: &[&str]) -> String {
    let statements: Vec<String> = statements.iter().map(|statement| format!("{{{statement}}}")).collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

pub(crate) fn attached(kind: Kind, statements: &[&str]) -> Attached {
    attached_text(kind, &document(statements))
}

pub(crate) fn attached_text(kind: Kind, text: &str) -> Attached {
    let policy = Policy::parse(text, kind).unwrap_or_else(|malformed| panic!("{malformed}: {text}"));
    let source_kind = match kind {
        Kind::Identity => SourceKind::Inline,
        Kind::Resource | Kind::Trust => SourceKind::Resource,
        Kind::ServiceControl => SourceKind::ServiceControl,
    };
    let source = Source { kind: source_kind, id: "policy".to_owned(), attached_to: String::new() };
    Attached { source: Arc::new(source), policy: Arc::new(policy) }
}

pub(crate) fn user(name: &str) -> Subject {
    Subject {
        kind: SubjectKind::User,
        account: Some(ACCOUNT.to_owned()),
        arn: format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
        role_arn: None,
        service: None,
    }
}

pub(crate) fn session(role: &str) -> Subject {
    Subject {
        kind: SubjectKind::Role,
        arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/{}/session", role.rsplit('/').next().unwrap_or_default()),
        role_arn: Some(format!("arn:aws:iam::{ACCOUNT}:role/{role}")),
        ..user("")
    }
}

pub(crate) fn root() -> Subject {
    Subject { kind: SubjectKind::Root, arn: format!("arn:aws:iam::{ACCOUNT}:root"), ..user("") }
}

pub(crate) fn federated(name: &str, by: &str) -> Subject {
    Subject {
        kind: SubjectKind::FederatedUser,
        arn: format!("arn:aws:sts::{ACCOUNT}:federated-user/{name}"),
        role_arn: Some(user(by).arn),
        ..user("")
    }
}

pub(crate) fn without_account(kind: SubjectKind, name: &str) -> Subject {
    let service = (kind == SubjectKind::Service).then(|| name.to_owned());
    Subject { kind, account: None, arn: name.to_owned(), role_arn: None, service }
}

/// Decides on one identity's statements alone.
pub(crate) fn ask(statements: &[&str], action: &str, resource: &str, context: &Context) -> Decision {
    ask_text(&document(statements), action, resource, context)
}

pub(crate) fn ask_text(text: &str, action: &str, resource: &str, context: &Context) -> Decision {
    let identity = [attached_text(Kind::Identity, text)];
    let set = PolicySet { identity: &identity, ..PolicySet::default() };
    decide(&Request { subject: &user("bob"), action, resource, context }, &set)
}

pub(crate) fn context(keys: &[(&'static str, &[&str])]) -> Context {
    let mut context = Context::new();
    for (key, values) in keys {
        context.set_all(*key, values.iter().map(|value| (*value).to_owned()).collect());
    }
    context
}
