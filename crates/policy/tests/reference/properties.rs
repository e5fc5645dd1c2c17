//! What holds of any decision.

use policy::{Decision, Level, Outcome, Policy};
use proptest::prelude::{ProptestConfig, any};
use proptest::sample::Index;
use proptest::{prop_assert, prop_assert_eq, proptest};
use serde_json::json;

use crate::evaluator::{self, Verdict};
use crate::generate::{case, read, statement, statements};

fn verdict(decision: &Decision) -> Verdict {
    let matched = decision.matched.iter().map(|matched| (matched.level, matched.index)).collect();
    Verdict { outcome: decision.outcome, level: decision.because.level, matched }
}

fn what(decision: &Decision) -> (Outcome, Level, usize) {
    (decision.outcome, decision.because.level, decision.matched.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_reference_decides_alike(case in case()) {
        prop_assert_eq!(verdict(&case.decide()), evaluator::decide(&case));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_deny_more_never_allows(case in case(), where_to in any::<Index>(), with in (statement(false), statement(true))) {
        let before = case.decide();
        let mut after = case.clone();
        let mut documents = after.documents();
        if documents.is_empty() {
            return Ok(());
        }
        let index = where_to.index(documents.len());
        let list = statements(documents[index]);
        let is_of_resource = list[0].get("Principal").is_some() || list[0].get("NotPrincipal").is_some();
        let mut deny = if is_of_resource { with.1 } else { with.0 };
        deny["Effect"] = json!("Deny");
        list.push(deny);
        prop_assert!(before.is_allowed() || !after.decide().is_allowed());
    }

    #[test]
    fn one_allow_less_never_allows(case in case(), where_to in any::<Index>(), which in any::<Index>()) {
        let before = case.decide();
        let mut after = case.clone();
        let mut documents = after.documents();
        if documents.is_empty() {
            return Ok(());
        }
        let index = where_to.index(documents.len());
        let list = statements(documents[index]);
        let place = which.index(list.len());
        if list[place]["Effect"] == "Deny" {
            return Ok(());
        }
        // A document without statements is none.
        list[place]["Effect"] = json!("Deny");
        list[place].as_object_mut().unwrap().remove("NotAction");
        list[place]["Action"] = json!("nothing:Nothing");
        prop_assert!(before.is_allowed() || !after.decide().is_allowed());
    }

    #[test]
    fn order_never_matters(case in case()) {
        let mut other = case.clone();
        other.identity.reverse();
        other.service_control.reverse();
        other.service_control.iter_mut().for_each(|list| list.reverse());
        other.session.iter_mut().for_each(|list| list.reverse());
        other.documents().into_iter().for_each(|document| statements(document).reverse());
        let (one, other) = (case.decide(), other.decide());
        prop_assert_eq!(what(&one), what(&other));
        let sorted = |decision: &Decision| {
            let mut missing: Vec<String> = decision.missing.iter().map(|key| key.to_lowercase()).collect();
            missing.sort();
            missing
        };
        prop_assert_eq!(sorted(&one), sorted(&other));
    }

    #[test]
    fn what_is_printed_reads_back_to_the_same(case in case()) {
        let printed = case.decide_through(|document, kind| {
            let policy = read(document, kind);
            let text = policy.to_string();
            let again = Policy::parse(&text, kind).unwrap_or_else(|malformed| panic!("{malformed}: {text}"));
            assert_eq!(again.to_string(), text);
            again
        });
        let plain = case.decide();
        prop_assert_eq!(verdict(&printed), verdict(&plain));
        prop_assert_eq!(printed.missing, plain.missing);
    }

    #[test]
    fn nothing_is_missing_that_is_there(case in case()) {
        let known = |key: &String| case.context.iter().any(|(known, _)| known.eq_ignore_ascii_case(key));
        let missing = case.decide().missing;
        prop_assert!(!missing.iter().any(known));
        let mut keys: Vec<String> = missing.iter().map(|key| key.to_lowercase()).collect();
        keys.sort();
        keys.dedup();
        prop_assert_eq!(keys.len(), missing.len());
    }
}

/// The generator is worth nothing if hardly anything is allowed, or denied, or granted by the resource.
#[test]
fn every_outcome_is_reached() {
    use proptest::strategy::{Strategy, ValueTree};
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..3000 {
        let case = case().new_tree(&mut runner).unwrap().current();
        let decision = case.decide();
        *seen.entry(format!("{:?} {:?}", decision.outcome, decision.because.level)).or_insert(0) += 1;
    }
    for outcome in [
        "Allowed Identity",
        "Allowed Resource",
        "ImplicitDeny Session",
        "ImplicitDeny Boundary",
        "ExplicitDeny Resource",
    ] {
        assert!(seen.get(outcome).is_some_and(|count| *count > 20), "{outcome}: {seen:?}");
    }
}
