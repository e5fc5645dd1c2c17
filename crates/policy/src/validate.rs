//! Whether a document makes sense, checked in the order in which AWS complains.
//! Not here: its syntax, and whether the actions, keys and principals it names exist.

use std::collections::HashSet;

use crate::Kind;
use crate::fault::Fault;
use crate::operator::{Operator, Test};
use crate::principal::Principal;
use crate::raw::{RawPolicy, RawStatement};
use crate::resource;
use crate::values::{Date, Network, Number};

/// What a trust policy may be about, in lower case.
const OF_STS: [&str; 8] = [
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:getfederationtoken",
    "sts:getsessiontoken",
    "sts:setcontext",
    "sts:setsourceidentity",
    "sts:tagsession",
];

/// Finds the first fault of a document.
pub(crate) fn check(policy: &RawPolicy<'_>, kind: Kind) -> Result<(), Fault> {
    let statements = policy.statements.as_slice();
    each(statements, operators)?;
    let needs_2012 = matches!(kind, Kind::Identity | Kind::ServiceControl);
    if needs_2012 && !policy.is_2012 {
        return Err(Fault::OldVersion);
    }
    each(statements, |statement| principals(statement, kind))?;
    each(statements, legacy)?;
    let bad_resource = resources(statements, kind)?;
    if kind != Kind::Resource {
        sids(statements)?;
    }
    if statements.iter().any(|statement| statement.action.as_ref().is_none_or(|action| action.value.is_empty())) {
        return Err(Fault::NoActions);
    }
    bad_resource.map_or(Ok(()), |text| Err(Fault::Resource(text)))?;
    each(statements, |statement| values(&statement.action).iter().try_for_each(|text| action(text)))?;
    each(statements, |statement| match kind {
        Kind::Trust => trust(statement),
        Kind::Identity | Kind::Resource | Kind::ServiceControl if values(&statement.resource).is_empty() => {
            Err(Fault::NoResources)
        }
        Kind::Identity | Kind::Resource | Kind::ServiceControl => Ok(()),
    })
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

fn principals(statement: &RawStatement<'_>, kind: Kind) -> Result<(), Fault> {
    let wants_principal = matches!(kind, Kind::Resource | Kind::Trust);
    match &statement.principal {
        Some(_) if !wants_principal => Err(Fault::HasPrincipal),
        None if wants_principal => Err(Fault::Missing("Principal")),
        None => Ok(()),
        Some(principals) if principals.value.is_empty() => Err(Fault::Principal("AWS", String::new())),
        Some(principals) => {
            let bad = principals.value.iter().find(|(class, name)| Principal::new(*class, name).is_none());
            bad.map_or(Ok(()), |(class, name)| Err(Fault::Principal(class.name(), (*name).to_owned())))
        }
    }
}

/// What IAM's older reader refuses: effects in another case, and values that their operator cannot compare.
fn legacy(statement: &RawStatement<'_>) -> Result<(), Fault> {
    let mut is_fit = matches!(statement.effect, "Allow" | "Deny");
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

fn sids(statements: &[RawStatement<'_>]) -> Result<(), Fault> {
    let sids = || statements.iter().filter_map(|statement| statement.sid).filter(|sid| !sid.is_empty());
    if !sids().all(|sid| sid.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
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
    let is_of_sts = |text: &&str| {
        let lower = text.to_ascii_lowercase();
        OF_STS.contains(&lower.as_str()) || (lower.starts_with("sts:") && lower.contains(['*', '?']))
    };
    if !values(&statement.action).iter().all(is_of_sts) {
        return Err(Fault::NotOfSts);
    }
    if statement.resource.is_some() { Err(Fault::HasResource) } else { Ok(()) }
}
