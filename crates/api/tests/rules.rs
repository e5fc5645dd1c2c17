//! What models say of values, as the generated schemas have it: every pattern compiles, inputs at the limits pass, and
//! those just beyond them are refused.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;

use futures_util::FutureExt;
use proptest::prelude::ProptestConfig;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use regex::Regex;
use wire::{Decoded, Kind, Rule, ServiceShape, Shape, Value};

const CHECKED: [&ServiceShape; 2] = [&api::iam::SERVICE, &api::sts::SERVICE];

/// The shapes with rules that the inputs of the service are made of.
fn ruled(service: &ServiceShape) -> Vec<(&'static Shape, &'static Rule)> {
    let mut waiting: Vec<&'static Shape> =
        service.operations.iter().filter_map(|entry| entry.shape).filter_map(|shape| shape.input).collect();
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    while let Some(shape) = waiting.pop() {
        if !seen.insert(shape.name) {
            continue;
        }
        found.extend(shape.rule.map(|rule| (shape, rule)));
        match &shape.kind {
            Kind::Structure { members, .. } => waiting.extend(members.iter().map(|member| now(&member.shape))),
            Kind::List { member, .. } => waiting.push(now(member)),
            Kind::Map { value, .. } => waiting.push(now(value)),
            _ => {}
        }
    }
    found
}

fn now(reference: &wire::ShapeRef) -> &'static Shape {
    match reference {
        wire::ShapeRef::Now(shape) => shape,
        wire::ShapeRef::Late(_) => panic!("generated schemas are whole"),
    }
}

#[test]
fn every_pattern_compiles_and_matches_something() {
    let mut runner = TestRunner::new(ProptestConfig::default());
    let mut patterns = 0;
    for service in CHECKED {
        for (shape, rule) in ruled(service) {
            let Some(pattern) = rule.regex() else { continue };
            let compiled = Regex::new(&format!(r"\A(?:{pattern})\z"));
            assert!(compiled.is_ok(), "{} of {}: {compiled:?}", shape.name, service.name);
            let text = proptest::string::string_regex(pattern).unwrap().new_tree(&mut runner).unwrap().current();
            assert!(compiled.unwrap().is_match(&text), "{} of {}: {text:?}", shape.name, service.name);
            patterns += 1;
        }
    }
    assert!(patterns > 0, "none was found");
}

/// The refusal of `iam:GetUser` for this name, if any.
fn refusal(name: &str) -> Option<String> {
    let value = Value::Structure(vec![(0, Value::String(name.to_owned()))]);
    let called = wire::call_checked::<api::iam::GetUser>("ValidationError", Decoded { value, body: None }, |_| {
        Box::pin(std::future::ready(Err(wire::ServiceError::bad_request("Called", ""))))
    });
    let error = called.now_or_never().unwrap().unwrap_err();
    (error.code != "Called").then_some(error.message)
}

#[test]
fn names_at_the_limits_pass() {
    for name in ["a", "Z9_+=,.@-", &"x".repeat(128)] {
        assert_eq!(refusal(name), None);
    }
    let beyond = refusal(&"x".repeat(129)).unwrap();
    assert!(beyond.ends_with("Member must have length less than or equal to 128"), "{beyond}");
    for name in ["a b", "é", "a/b", "a\n"] {
        let text = format!(
            r"1 validation error detected: Value '{name}' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+"
        );
        assert_eq!(refusal(name), Some(text));
    }
}

proptest::proptest! {
    #[test]
    fn whatever_the_model_allows_passes(name in r"[0-9A-Za-z_+=,.@-]{1,128}") {
        assert_eq!(refusal(&name), None);
    }
}
