//! Whether a document makes sense, checked in the order in which AWS complains.
//! Not here: its syntax, and whether the actions, keys and principals it names exist.

use std::collections::HashSet;

use crate::Kind;
use crate::fault::Fault;
use crate::operator::{Operator, Test};
use crate::principal::{Class, Principal};
use crate::raw::{RawPolicy, RawStatement};
use crate::resource;
use crate::values::{Date, Network, Number};

/// The actions of STS that a trust policy may be about, in lower case.
const OF_TRUST: [&str; 8] = [
    "assumerole",
    "assumerolewithsaml",
    "assumerolewithwebidentity",
    "getfederationtoken",
    "getsessiontoken",
    "setcontext",
    "setsourceidentity",
    "tagsession",
];

/// Finds the first fault of a document.
pub(crate) fn check(policy: &RawPolicy<'_>, kind: Kind, is_any_version: bool) -> Result<(), Fault> {
    let statements = policy.statements.as_slice();
    each(statements, operators)?;
    if !is_any_version && !policy.is_2012 {
        return Err(Fault::OldVersion);
    }
    each(statements, |statement| effect(statement, kind))?;
    each(statements, |statement| principals(statement, kind))?;
    each(statements, legacy)?;
    let bad_resource = if kind == Kind::Trust { None } else { resources(statements, kind)? };
    sids(statements, kind)?;
    if statements.iter().any(|statement| values(&statement.action).is_empty()) {
        return Err(Fault::NoActions);
    }
    bad_resource.map_or(Ok(()), |text| Err(Fault::Resource(text)))?;
    if kind == Kind::Trust {
        return each(statements, trust);
    }
    if statements.iter().any(|statement| values(&statement.resource).is_empty()) {
        return Err(Fault::NoResources);
    }
    each(statements, |statement| values(&statement.action).iter().try_for_each(|text| action(text)))
}

fn each<'a>(
    statements: &[RawStatement<'a>],
    check: impl Fn(&RawStatement<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    statements.iter().try_for_each(check)
}

fn values<'a, 'b>(element: &'b Option<crate::raw::Either<Vec<&'a str>>>) -> &'b [&'a str] {
    element.as_ref().map(|element| element.value.as_slice()).unwrap_or_default()
}

fn operators(statement: &RawStatement<'_>) -> Result<(), Fault> {
    for condition in &statement.conditions {
        if Operator::named(condition.operator).is_none() {
            return Err(Fault::UnknownOperator(condition.operator.to_owned()));
        }
    }
    Ok(())
}

/// IAM's older reader wants effects as they are documented; the other readers are the only ones for their policies.
fn effect(statement: &RawStatement<'_>, kind: Kind) -> Result<(), Fault> {
    match (statement.effect, kind) {
        ("Allow" | "Deny", _) => Ok(()),
        (effect, Kind::Resource | Kind::Trust) => Err(Fault::UnknownEffect(effect.to_owned())),
        (_, Kind::Identity | Kind::ServiceControl) => Err(Fault::Legacy),
    }
}

fn principals(statement: &RawStatement<'_>, kind: Kind) -> Result<(), Fault> {
    let wants_principal = matches!(kind, Kind::Resource | Kind::Trust);
    let Some(principals) = &statement.principal else {
        return if wants_principal { Err(Fault::Missing("Principal")) } else { Ok(()) };
    };
    if !wants_principal {
        return Err(Fault::HasPrincipal);
    }
    if principals.is_not && statement.effect == "Allow" {
        return Err(Fault::AllowsNotPrincipal);
    }
    if principals.is_not && kind == Kind::Trust {
        return Err(Fault::HasNotPrincipal);
    }
    if principals.value.is_empty() {
        return Err(Fault::EmptyPrincipal);
    }
    for (class, name) in &principals.value {
        if *class == Class::Everyone && kind == Kind::Trust {
            return Err(Fault::PrincipalIsNotObject);
        }
        if Principal::new(*class, name).is_none() {
            return Err(Fault::Principal(class.name(), (*name).to_owned()));
        }
    }
    Ok(())
}

/// What IAM's older reader refuses besides: values that their operator cannot compare.
fn legacy(statement: &RawStatement<'_>) -> Result<(), Fault> {
    let mut is_fit = true;
    for condition in &statement.conditions {
        let can_read: fn(&str) -> bool = match Operator::named(condition.operator).map(|operator| operator.test) {
            Some(Test::Date(_)) => |text| Date::read(text).is_some(),
            Some(Test::Numeric(_)) => |text| Number::read(text).is_some(),
            Some(Test::Ip) => |text| Network::read(text).is_some(),
            _ => continue,
        };
        is_fit &= condition.values.iter().all(|value| can_read(value));
    }
    if is_fit { Ok(()) } else { Err(Fault::Legacy) }
}

/// The text for the first resource that is none. What the older reader refuses comes before it.
fn resources(statements: &[RawStatement<'_>], kind: Kind) -> Result<Option<String>, Fault> {
    let mut bad = None;
    for statement in statements {
        let texts = values(&statement.resource);
        bad = bad.or_else(|| texts.iter().find_map(|text| resource::fault(text, kind)));
        if bad.is_none() && !texts.iter().all(|text| resource::is_legacy(text)) {
            return Err(Fault::Legacy);
        }
    }
    Ok(bad)
}

fn sids(statements: &[RawStatement<'_>], kind: Kind) -> Result<(), Fault> {
    let sids = || statements.iter().filter_map(|statement| statement.sid).filter(|sid| !sid.is_empty());
    let is_free = matches!(kind, Kind::Resource | Kind::Trust);
    if !is_free && !sids().all(|sid| sid.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        return Err(Fault::SidIsNotAlphanumeric);
    }
    if sids().collect::<HashSet<_>>().len() < sids().count() { Err(Fault::SidIsNotUnique) } else { Ok(()) }
}

fn action(text: &str) -> Result<(), Fault> {
    let fault = |text: &str| Err(Fault::Action(text.to_owned()));
    let mut parts = text.split(':');
    let vendor = parts.next().unwrap_or_default();
    match parts.count() {
        0 if text == "*" => return Ok(()),
        0 => return fault("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        1 => {}
        _ => return fault("Actions/Condition can contain only one colon."),
    }
    let is_valid = vendor == "*" || vendor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    if is_valid { Ok(()) } else { fault(&format!("Vendor {vendor} is not valid")) }
}

fn trust(statement: &RawStatement<'_>) -> Result<(), Fault> {
    for text in values(&statement.action) {
        let lower = text.to_ascii_lowercase();
        let Some(name) = lower.strip_prefix("sts:") else { return Err(Fault::NotOfSts) };
        if !OF_TRUST.contains(&name) && !name.contains(['*', '?']) {
            return Err(Fault::NotOfTrust);
        }
    }
    match &statement.resource {
        None => Ok(()),
        Some(resources) if resources.is_not => Err(Fault::HasNotResource),
        Some(_) => Err(Fault::HasResource),
    }
}
