//! The reference: AWS's rules said once more, on the JSON of the documents, with no thought of speed.
//! Not here: documents of the version without variables, and malformed ones.

use std::net::IpAddr;

use policy::{Level, Outcome, SubjectKind};
use serde_json::Value;

use crate::generate::Case;

/// What is decided: the outcome, the level, and the level and number of each statement that applies.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) level: Level,
    pub(crate) matched: Vec<(Level, usize)>,
}

/// How the principal element of an Allow names the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grant {
    Directly,
    ByOrigin,
    ByAccount,
}

pub(crate) fn decide(case: &Case) -> Verdict {
    let exempt = match case.subject.kind {
        SubjectKind::Anonymous | SubjectKind::Service | SubjectKind::WebIdentity | SubjectKind::Saml => true,
        _ => case.subject.role_arn.as_ref().is_some_and(|role| role.contains(":role/aws-service-role/")),
    };
    let mut layers: Vec<(Level, Vec<&Value>)> = vec![(Level::Identity, case.identity.iter().collect())];
    layers.extend(case.boundary.iter().map(|one| (Level::Boundary, vec![one])));
    layers.extend(case.session.iter().map(|list| (Level::Session, list.iter().collect())));
    if !exempt {
        layers.extend(case.service_control.iter().map(|list| (Level::ServiceControl, list.iter().collect())));
    }
    layers.extend(case.policy_of_resource.iter().map(|one| (Level::Resource, vec![one])));

    let mut denies = Vec::new();
    let mut allows = Vec::new();
    let mut refusing = Vec::new();
    let mut grants = Vec::new();
    for (level, documents) in &layers {
        let before = allows.len();
        for document in documents {
            for (index, statement) in document["Statement"].as_array().into_iter().flatten().enumerate() {
                let Some(grant) = applies(statement, case) else { continue };
                if statement["Effect"] == "Deny" {
                    denies.push((*level, index));
                } else {
                    allows.push((*level, index));
                    if *level == Level::Resource {
                        grants.push(grant);
                    }
                }
            }
        }
        if allows.len() == before {
            refusing.push(*level);
        }
    }
    for level in [Level::ServiceControl, Level::Resource, Level::Identity, Level::Boundary, Level::Session] {
        if denies.iter().any(|(of, _)| *of == level) {
            return Verdict { outcome: Outcome::ExplicitDeny, level, matched: denies };
        }
    }
    let (outcome, level) = match granted(case, &refusing, &grants) {
        Ok(level) => (Outcome::Allowed, level),
        Err(level) => (Outcome::ImplicitDeny, level),
    };
    Verdict { outcome, level, matched: allows }
}

fn granted(case: &Case, refusing: &[Level], grants: &[Grant]) -> Result<Level, Level> {
    let kind = case.subject.kind;
    let mut refusing = refusing.to_vec();
    if kind == SubjectKind::FederatedUser && case.session.is_none() {
        refusing.push(Level::Session);
    }
    if kind == SubjectKind::Root {
        refusing.retain(|level| *level != Level::Identity);
    }
    let first_of = |levels: &[Level]| levels.iter().find(|level| refusing.contains(level)).copied();
    if let Some(level) = first_of(&[Level::ServiceControl]) {
        return Err(level);
    }
    let is_granted = !grants.is_empty();
    let has_identity =
        matches!(kind, SubjectKind::Root | SubjectKind::User | SubjectKind::Role | SubjectKind::FederatedUser);
    if !has_identity {
        return if is_granted { Ok(Level::Resource) } else { Err(Level::Resource) };
    }
    let own_side = first_of(&[Level::Identity, Level::Boundary, Level::Session]);
    let is_foreign = case.owner.is_some() && case.owner != case.subject.account.as_deref();
    if is_foreign {
        return match own_side {
            Some(level) => Err(level),
            None if is_granted => Ok(Level::Resource),
            None => Err(Level::Resource),
        };
    }
    if case.needs_resource_policy && !is_granted {
        return Err(Level::Resource);
    }
    if kind != SubjectKind::Root && grants.contains(&Grant::Directly) {
        return Ok(Level::Resource);
    }
    if grants.contains(&Grant::ByOrigin) {
        return first_of(&[Level::Boundary, Level::Session]).map_or(Ok(Level::Resource), Err);
    }
    own_side.map_or(Ok(Level::Identity), Err)
}

fn applies(statement: &Value, case: &Case) -> Option<Grant> {
    let action = case.action.to_lowercase();
    let is_action = |pattern: &String| {
        let tokens: Vec<Token> = pattern.to_lowercase().chars().map(plain).collect();
        glob(&tokens, &chars(&action), Scope::Text)
    };
    let is_meant = match statement.get("NotAction") {
        Some(excepted) => !texts(excepted).iter().any(is_action),
        None => texts(&statement["Action"]).iter().any(is_action),
    };
    if !is_meant {
        return None;
    }
    let grant = named(statement, case)?;
    let is_resource =
        |pattern: &String| tokens(pattern, case).map(|tokens| glob(&tokens, &chars(case.resource), Scope::Resource));
    let is_meant = match statement.get("NotResource") {
        Some(excepted) => texts(excepted).iter().all(|pattern| is_resource(pattern) == Some(false)),
        None => texts(&statement["Resource"]).iter().any(|pattern| is_resource(pattern) == Some(true)),
    };
    let conditions = statement.get("Condition").and_then(Value::as_object);
    let all_hold = conditions.into_iter().flatten().all(|(operator, keys)| {
        keys.as_object().into_iter().flatten().all(|(key, wanted)| holds(operator, key, &texts(wanted), case))
    });
    (is_meant && all_hold).then_some(grant)
}

fn named(statement: &Value, case: &Case) -> Option<Grant> {
    let is_deny = statement["Effect"] == "Deny";
    if let Some(principal) = statement.get("Principal") {
        return best(principal, case);
    }
    let Some(excepted) = statement.get("NotPrincipal") else { return Some(Grant::Directly) };
    let naming = best(excepted, case);
    let is_spared = if is_deny { naming == Some(Grant::Directly) && case.boundary.is_none() } else { naming.is_some() };
    (!is_spared).then_some(Grant::Directly)
}

fn best(principal: &Value, case: &Case) -> Option<Grant> {
    if principal == "*" {
        return Some(Grant::Directly);
    }
    let subject = &case.subject;
    let account = subject.account.clone().unwrap_or_default();
    let is_of_iam =
        matches!(subject.kind, SubjectKind::Root | SubjectKind::User | SubjectKind::Role | SubjectKind::FederatedUser);
    let mut grants = Vec::new();
    for name in texts(&principal["AWS"]) {
        let root = format!("arn:aws:iam::{account}:root");
        if name == "*" {
            grants.push(Grant::Directly);
        } else if is_of_iam && (name == account || name == root) {
            grants.push(if subject.kind == SubjectKind::Root { Grant::Directly } else { Grant::ByAccount });
        } else if is_of_iam && name == subject.arn {
            grants.push(Grant::Directly);
        } else if is_of_iam && Some(&name) == subject.role_arn.as_ref() {
            grants.push(Grant::ByOrigin);
        }
    }
    for name in texts(&principal["Service"]) {
        if subject.kind == SubjectKind::Service && (name == "*" || Some(&name) == subject.service.as_ref()) {
            grants.push(Grant::Directly);
        }
    }
    for name in texts(&principal["Federated"]) {
        match subject.kind {
            SubjectKind::WebIdentity | SubjectKind::Saml if name == subject.arn => grants.push(Grant::Directly),
            SubjectKind::Role if values(case, "aws:federatedprovider").is_some_and(|list| list.contains(&name)) => {
                grants.push(Grant::ByOrigin);
            }
            _ => {}
        }
    }
    [Grant::Directly, Grant::ByOrigin, Grant::ByAccount].into_iter().find(|grant| grants.contains(grant))
}

fn holds(operator: &str, key: &str, wanted: &[String], case: &Case) -> bool {
    let known = values(case, key);
    let list = known.clone().unwrap_or_default();
    if operator == "Null" {
        return wanted.iter().any(|wanted| (wanted == "true") == list.is_empty());
    }
    let (set, rest) = operator.split_once(':').unwrap_or(("", operator));
    let plain = rest.trim_end_matches("IfExists");
    let is_negated = plain.contains("Not");
    let positive = plain.replace("Not", "");
    let is_empty = list.is_empty() || (!set.is_empty() && list.iter().all(String::is_empty));
    if is_empty {
        return rest.ends_with("IfExists") || set == "ForAllValues" || (set.is_empty() && is_negated);
    }
    let has_variables = positive.starts_with("String") || positive.starts_with("Arn");
    if is_negated && has_variables && wanted.iter().any(|wanted| tokens(wanted, case).is_none()) {
        return false;
    }
    let is_one = |value: &String| wanted.iter().any(|wanted| compare(&positive, wanted, value, case));
    let count = list.iter().filter(|value| is_one(value) != is_negated).count();
    if set == "ForAllValues" || (set.is_empty() && is_negated) { count == list.len() } else { count > 0 }
}

fn compare(operator: &str, wanted: &str, value: &str, case: &Case) -> bool {
    let literal = || -> Option<String> {
        Some(
            tokens(wanted, case)?
                .iter()
                .map(|token| match token {
                    Token::Character(character) | Token::Value(character) => *character,
                    Token::Star => '*',
                    Token::One => '?',
                })
                .collect(),
        )
    };
    if let Some(order) = operator.strip_prefix("Numeric") {
        return value.parse().is_ok_and(|value: f64| ordered(order, value, wanted.parse().expect("a number")));
    }
    if let Some(order) = operator.strip_prefix("Date") {
        return seconds(value).is_some_and(|value| ordered(order, value, seconds(wanted).expect("a date")));
    }
    match operator {
        "StringEquals" => literal().as_deref() == Some(value),
        "StringEqualsIgnoreCase" => literal().map(|text| text.to_lowercase()) == Some(value.to_lowercase()),
        "Bool" => wanted.to_lowercase() == value.to_lowercase(),
        "BinaryEquals" => wanted.trim_end_matches('=') == value.trim_end_matches('='),
        "StringLike" => tokens(wanted, case).is_some_and(|tokens| glob(&tokens, &chars(value), Scope::Text)),
        "ArnLike" | "ArnEquals" => {
            wanted == "*" || tokens(wanted, case).is_some_and(|tokens| glob(&tokens, &chars(value), Scope::Parts))
        }
        "IpAddress" => value.parse().is_ok_and(|value: IpAddr| is_within(wanted, value)),
        _ => panic!("{operator}"),
    }
}

fn ordered(order: &str, value: f64, wanted: f64) -> bool {
    match order {
        "Equals" => value == wanted,
        "LessThan" => value < wanted,
        "LessThanEquals" => value <= wanted,
        "GreaterThan" => value > wanted,
        "GreaterThanEquals" => value >= wanted,
        _ => panic!("{order}"),
    }
}

/// Of the few dates that are generated.
fn seconds(text: &str) -> Option<f64> {
    match text {
        "2020-01-01" | "2020-01-01T00:00:00Z" => Some(1_577_836_800.0),
        _ => text.parse().ok(),
    }
}

fn is_within(range: &str, address: IpAddr) -> bool {
    let (network, prefix) = range.split_once('/').unwrap_or((range, if range.contains(':') { "128" } else { "32" }));
    let bits = |address: IpAddr| -> String {
        match address {
            IpAddr::V4(address) => address.octets().iter().map(|byte| format!("{byte:08b}")).collect(),
            IpAddr::V6(address) => address.octets().iter().map(|byte| format!("{byte:08b}")).collect(),
        }
    };
    let (network, address) = (bits(network.parse().expect("an address")), bits(address));
    network.len() == address.len() && network.starts_with(&address[..prefix.parse().expect("a length")])
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Character(char),
    /// Out of a variable: a character whatever it is.
    Value(char),
    Star,
    One,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Scope {
    Text,
    Resource,
    Parts,
}

fn plain(character: char) -> Token {
    match character {
        '*' => Token::Star,
        '?' => Token::One,
        other => Token::Character(other),
    }
}

/// None if a variable has no value.
fn tokens(text: &str, case: &Case) -> Option<Vec<Token>> {
    let Some((before, rest)) = text.split_once("${") else { return Some(text.chars().map(plain).collect()) };
    let (name, after) = rest.split_once('}').expect("an end");
    let value = match name.split_once(", ") {
        _ if name == "*" => "*".to_owned(),
        Some((name, default)) => match values(case, name) {
            None => default.trim_matches('\'').to_owned(),
            Some(list) => only(list)?,
        },
        None => only(values(case, name)?)?,
    };
    let mut all: Vec<Token> = before.chars().map(plain).collect();
    all.extend(value.chars().map(Token::Value));
    all.extend(tokens(after, case)?);
    Some(all)
}

fn only(list: Vec<String>) -> Option<String> {
    if list.len() == 1 { list.into_iter().next() } else { None }
}

fn glob(pattern: &[Token], text: &[char], scope: Scope) -> bool {
    glob_from(pattern, text, scope, 0)
}

fn glob_from(pattern: &[Token], text: &[char], scope: Scope, colons: usize) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return text.is_empty() };
    let in_part = colons < 5 && scope != Scope::Text;
    let is_last = rest.is_empty() || rest[0] == Token::Character(':');
    match first {
        Token::Star => (0..=text.len()).any(|taken| {
            let crosses = text[..taken].contains(&':');
            let may = !in_part || !crosses || (scope == Scope::Resource && is_last);
            may && glob_from(rest, &text[taken..], scope, colons)
        }),
        Token::One => match text.split_first() {
            Some((':', _)) if in_part => false,
            Some((_, after)) => glob_from(rest, after, scope, colons),
            None => false,
        },
        Token::Character(wanted) | Token::Value(wanted) => {
            let colons = colons + usize::from(*first == Token::Character(':'));
            text.split_first().is_some_and(|(is, after)| is == wanted && glob_from(rest, after, scope, colons))
        }
    }
}

fn values(case: &Case, key: &str) -> Option<Vec<String>> {
    let known = case.context.iter().find(|(known, _)| known.to_lowercase() == key.to_lowercase());
    known.map(|(_, values)| values.iter().map(|value| (*value).to_owned()).collect())
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}
