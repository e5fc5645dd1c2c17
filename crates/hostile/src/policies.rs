//! Documents of IAM's policy language.

use std::slice::from_ref;
use std::sync::Arc;

use policy::{
    Attached, Context, Decision, Kind, Policy, PolicySet, Request, Source, SourceKind, Subject, SubjectKind, decide,
};

use crate::input::Input;

const KINDS: [Kind; 4] = [Kind::Identity, Kind::Resource, Kind::Trust, Kind::ServiceControl];

/// See [`crate::TARGETS`]. An input is a byte that says the document's kind, a line of the action, a line of the resource,
/// a line of `key=value` that the request is known by, split at semicolons, and the document.
pub(crate) fn documents(bytes: &[u8]) {
    let mut input = Input(bytes);
    let kind = KINDS[usize::from(input.byte()) % KINDS.len()];
    let mut line = || std::str::from_utf8(input.line()).unwrap_or_default().to_owned();
    let (action, resource, known) = (line(), line(), line());
    let Ok(text) = std::str::from_utf8(input.0) else { return };
    let Ok(policy) = Policy::parse(text, kind) else { return };
    let mut context = Context::new();
    for (key, value) in known.split(';').filter_map(|pair| pair.split_once('=')) {
        context.set_all(key.to_owned(), value.split(',').map(str::to_owned).collect());
    }
    let printed = policy.to_string();
    let again = Policy::parse(&printed, kind).unwrap_or_else(|error| panic!("{error}: {printed}"));
    assert_eq!(again.to_string(), printed);
    assert_eq!(again.statement_count(), policy.statement_count());
    assert_eq!(again.context_keys(), policy.context_keys());
    assert_eq!(again.is_public(), policy.is_public());

    let ask = |policies: &[Policy]| asked(policies, &action, &resource, &context);
    let (one, other) = (ask(from_ref(&policy)), ask(from_ref(&again)));
    assert_eq!(one, other, "through {printed}");
    for key in &one.missing {
        assert!(context.get(key).is_none(), "{key} is there");
        assert!(policy.context_keys().iter().any(|asked| asked.eq_ignore_ascii_case(key)), "{key} is not asked for");
    }
    for matched in &one.matched {
        assert_eq!(policy.statement_effect(matched.index), Some(matched.effect));
        assert!(policy.statement_span(matched.index).is_some_and(|span| span.start < span.end));
    }
    let deny = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
    let deny = Policy::parse(deny, Kind::Identity).unwrap_or_else(|error| panic!("{error}"));
    assert!(!ask(&[policy, deny]).is_allowed());
}

/// What is decided with these policies as the identity's, and with the first as the resource's besides.
fn asked(policies: &[Policy], action: &str, resource: &str, context: &Context) -> Decision {
    let source = Arc::new(Source { kind: SourceKind::Inline, id: String::new(), attached_to: String::new() });
    let attach = |policy: &Policy| Attached { source: source.clone(), policy: Arc::new(policy.clone()) };
    let identity: Vec<Attached> = policies.iter().map(attach).collect();
    let subject = Subject {
        kind: SubjectKind::User,
        account: Some("123456789012".to_owned()),
        arn: "arn:aws:iam::123456789012:user/bob".to_owned(),
        role_arn: None,
        service: None,
    };
    let set = PolicySet { identity: &identity, resource: identity.first(), ..PolicySet::default() };
    decide(&Request { subject: &subject, action, resource, context }, &set)
}
