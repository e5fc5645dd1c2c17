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

const CHECKED: [&ServiceShape; 3] = [&api::iam::SERVICE, &api::organizations::SERVICE, &api::sts::SERVICE];

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

/// Texts that match the pattern, which are made without its anchors.
fn samples(pattern: &str, runner: &mut TestRunner, count: usize) -> Vec<String> {
    let plain = pattern.trim_start_matches('^').trim_end_matches('$').replace("(^", "(").replace("$)", ")");
    let strategy = proptest::string::string_regex(&plain).unwrap();
    (0..count).map(|_| strategy.new_tree(runner).unwrap().current()).collect()
}

#[test]
fn values_at_the_limits_pass_and_those_beyond_do_not() {
    let mut runner = TestRunner::new(ProptestConfig::default());
    let (mut texts, mut limits) = (0, 0);
    for (shape, rule) in CHECKED.iter().flat_map(|service| ruled(service)) {
        let (least, greatest) = (rule.least().unwrap_or(0), rule.greatest().unwrap_or(i64::from(i32::MAX)));
        if matches!(shape.kind, Kind::Integer | Kind::Long) {
            for (number, is_good) in [(least, true), (greatest, true), (least - 1, false), (greatest + 1, false)] {
                assert_eq!(rule.accepts(&Value::Integer(number)), is_good, "{}: {number}", shape.name);
            }
            continue;
        }
        if !matches!(shape.kind, Kind::String) {
            continue;
        }
        for word in rule.words() {
            assert!(rule.accepts(&Value::String((*word).to_owned())), "{}: {word}", shape.name);
        }
        if !rule.words().is_empty() {
            assert!(!rule.accepts(&Value::String("no such word".to_owned())), "{}", shape.name);
            continue;
        }
        for text in samples(rule.regex().unwrap_or("[a-z]{1,40}"), &mut runner, 64) {
            let length = i64::try_from(text.chars().count()).unwrap();
            let is_good = (least..=greatest).contains(&length);
            assert_eq!(rule.accepts(&Value::String(text.clone())), is_good, "{}: {text:?}", shape.name);
            texts += 1;
        }
        // A letter, or a path of letters, as long as may be.
        let filled = |length: i64| {
            let length = usize::try_from(length).unwrap();
            let path = format!("/{}/", "a".repeat(length.saturating_sub(2)));
            ["a".repeat(length), "1".repeat(length), path].into_iter().find(|text| {
                let pattern = rule.regex().unwrap_or("(?s:.*)");
                Regex::new(&format!(r"\A(?:{pattern})\z")).unwrap().is_match(text)
            })
        };
        if let Some(greatest) = rule.greatest().filter(|greatest| *greatest < 200_000)
            && let (Some(longest), Some(too_long)) = (filled(greatest), filled(greatest + 1))
        {
            assert!(rule.accepts(&Value::String(longest)), "{}", shape.name);
            assert!(!rule.accepts(&Value::String(too_long)), "{}", shape.name);
            limits += 1;
        }
    }
    assert!(texts > 1000 && limits > 20, "{texts} texts, {limits} limits");
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
            let text = samples(pattern, &mut runner, 1).remove(0);
            assert!(compiled.unwrap().is_match(&text), "{} of {}: {text:?}", shape.name, service.name);
            patterns += 1;
        }
    }
    assert!(patterns > 10, "{patterns} patterns");
}

/// As IAM refuses.
const REFUSAL: wire::Refusal = wire::Refusal { code: "ValidationError", is_terse: true };

/// The refusal of `iam:GetUser` for this name, if any.
fn refusal(name: &str) -> Option<String> {
    let value = Value::Structure(vec![(0, Value::String(name.to_owned()))]);
    let called = wire::call_checked::<api::iam::GetUser>(REFUSAL, Decoded { value, body: None }, |_| {
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
        let text = "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-";
        assert_eq!(refusal(name).as_deref(), Some(text));
    }
}

proptest::proptest! {
    #[test]
    fn whatever_the_model_allows_passes(name in r"[0-9A-Za-z_+=,.@-]{1,128}") {
        assert_eq!(refusal(&name), None);
    }
}
