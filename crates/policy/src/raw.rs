//! A document as it is written: its elements found and of the right types. This is what AWS calls its syntax.
//! Rule: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.
//! Not here: whether what the elements say makes sense.

use std::borrow::Cow;

use crate::fault::Fault;
use crate::json::{Json, Node};
use crate::principal::Class;

/// An element that has a positive and a negative name.
#[derive(Debug)]
pub(crate) struct Either<T> {
    pub(crate) is_not: bool,
    pub(crate) value: T,
}

#[derive(Debug)]
pub(crate) struct RawPolicy<'a> {
    /// Whether it is said to be of the version with variables.
    pub(crate) is_2012: bool,
    pub(crate) id: Option<&'a str>,
    pub(crate) statements: Vec<RawStatement<'a>>,
}

#[derive(Debug)]
pub(crate) struct RawStatement<'a> {
    pub(crate) node: &'a Node,
    pub(crate) sid: Option<&'a str>,
    pub(crate) effect: &'a str,
    pub(crate) principal: Option<Either<Vec<(Class, &'a str)>>>,
    pub(crate) action: Option<Either<Vec<&'a str>>>,
    pub(crate) resource: Option<Either<Vec<&'a str>>>,
    pub(crate) conditions: Vec<RawCondition<'a>>,
}

#[derive(Debug)]
pub(crate) struct RawCondition<'a> {
    pub(crate) operator: &'a str,
    pub(crate) key: &'a str,
    pub(crate) values: Vec<Cow<'a, str>>,
}

pub(crate) fn policy(node: &Node) -> Result<RawPolicy<'_>, Fault> {
    let mut policy = RawPolicy { is_2012: false, id: None, statements: Vec::new() };
    let mut statements = None;
    for (name, node) in object(node)? {
        match name.as_str() {
            "Version" => {
                policy.is_2012 = match string(node)? {
                    "2012-10-17" => true,
                    "2008-10-17" => false,
                    _ => return Err(Fault::UnknownVersion),
                }
            }
            "Id" => policy.id = Some(string(node)?),
            "Statement" => statements = Some(node),
            _ => return Err(Fault::UnknownField(name.clone())),
        }
    }
    let statements = statements.ok_or(Fault::Missing("Statement"))?;
    policy.statements = match &statements.value {
        Json::List(list) if !list.is_empty() => list.iter().map(statement).collect::<Result<_, _>>()?,
        Json::Object(_) => vec![statement(statements)?],
        _ => return Err(Fault::NoStatements),
    };
    Ok(policy)
}

fn statement(node: &Node) -> Result<RawStatement<'_>, Fault> {
    let mut statement = RawStatement {
        node,
        sid: None,
        effect: "",
        principal: None,
        action: None,
        resource: None,
        conditions: Vec::new(),
    };
    for (name, node) in object(node)? {
        let is_not = name.starts_with("Not");
        match name.as_str() {
            "Sid" => statement.sid = Some(string(node)?),
            "Effect" => statement.effect = effect(node)?,
            "Principal" | "NotPrincipal" => once(&mut statement.principal, is_not, principals(node)?)?,
            "Action" | "NotAction" => once(&mut statement.action, is_not, strings(node, false)?)?,
            "Resource" | "NotResource" => once(&mut statement.resource, is_not, strings(node, true)?)?,
            "Condition" => statement.conditions = conditions(node)?,
            _ => return Err(Fault::UnknownField(name.clone())),
        }
    }
    if statement.effect.is_empty() { Err(Fault::Missing("Effect")) } else { Ok(statement) }
}

fn once<T>(element: &mut Option<Either<T>>, is_not: bool, value: T) -> Result<(), Fault> {
    match element.replace(Either { is_not, value }) {
        None => Ok(()),
        Some(_) => Err(Fault::Syntax),
    }
}

fn effect(node: &Node) -> Result<&str, Fault> {
    let effect = string(node)?;
    let is_known = effect.eq_ignore_ascii_case("Allow") || effect.eq_ignore_ascii_case("Deny");
    if is_known { Ok(effect) } else { Err(Fault::UnknownEffect(effect.to_owned())) }
}

fn object(node: &Node) -> Result<&[(String, Node)], Fault> {
    if let Json::Object(members) = &node.value { Ok(members) } else { Err(Fault::Syntax) }
}

fn string(node: &Node) -> Result<&str, Fault> {
    if let Json::String(text) = &node.value { Ok(text) } else { Err(Fault::Syntax) }
}

/// A text or several; nulls among them are nothing where AWS takes them.
fn strings(node: &Node, has_nulls: bool) -> Result<Vec<&str>, Fault> {
    match &node.value {
        Json::String(text) => Ok(vec![text]),
        Json::List(list) => {
            let is_there = |node: &&Node| !(has_nulls && node.value == Json::Null);
            list.iter().filter(is_there).map(string).collect()
        }
        _ => Err(Fault::Syntax),
    }
}

fn principals(node: &Node) -> Result<Vec<(Class, &str)>, Fault> {
    if let Json::String(text) = &node.value {
        return Ok(vec![(Class::Everyone, text)]);
    }
    let mut principals = Vec::new();
    for (name, node) in object(node)? {
        let class = Class::named(name).ok_or_else(|| Fault::PrincipalClass(name.clone()))?;
        principals.extend(strings(node, false)?.into_iter().map(|text| (class, text)));
    }
    Ok(principals)
}

fn conditions(node: &Node) -> Result<Vec<RawCondition<'_>>, Fault> {
    let mut conditions = Vec::new();
    for (operator, node) in object(node)? {
        for (key, node) in object(node)? {
            let values = match &node.value {
                Json::List(list) => list.iter().map(scalar).collect::<Result<_, _>>()?,
                _ => vec![scalar(node)?],
            };
            conditions.push(RawCondition { operator, key, values });
        }
    }
    Ok(conditions)
}

fn scalar(node: &Node) -> Result<Cow<'_, str>, Fault> {
    match &node.value {
        Json::String(text) | Json::Number(text) => Ok(Cow::Borrowed(text)),
        Json::Bool(value) => Ok(Cow::Borrowed(if *value { "true" } else { "false" })),
        Json::Null | Json::List(_) | Json::Object(_) => Err(Fault::Syntax),
    }
}
