//! `shapes.rs`: the static schema of each structure, list and map.

use std::fmt::Write as _;

use anyhow::Context;

use super::model::{Reference, Shape};
use super::selection::Selection;
use super::{facts, names, overrides, rules};

/// The text of `shapes.rs`.
pub fn shapes(selection: &Selection<'_>) -> anyhow::Result<String> {
    let mut body = String::new();
    let is_checked = overrides::rules_code(selection.service).is_some();
    let all = selection.shapes.iter().chain(&selection.error_shapes).chain(&selection.ruled);
    for (name, shape) in all {
        let constant = names::screaming(selection.type_name(name));
        write!(body, "\npub static {constant}: Shape = ")?;
        match shape.kind.as_str() {
            "structure" => structure(selection, name, shape, &mut body)?,
            "list" => {
                let member = shape.member.as_ref().context("a list has a member")?;
                let schema = selection.schema(&member.shape)?;
                write!(body, "Shape::list({name:?}, &{schema}, {:?})", facts::location_name(selection.model, member))?;
            }
            "string" | "integer" | "long" | "blob" => {
                let kind = names::type_name(&shape.kind);
                write!(body, "Shape::new({name:?}, Kind::{kind})")?;
            }
            _ => {
                let (key_name, value_name) = facts::pair_names(selection.model, selection.service, name, shape);
                let value = shape.value.as_ref().context("a map has a value")?;
                let schema = selection.schema(&value.shape)?;
                write!(body, "Shape::map({name:?}, &{schema}, {key_name:?}, {value_name:?})")?;
            }
        }
        if is_checked && rules::has_rule(shape) {
            let rule = rules::rule(shape)?;
            write!(body, ".ruled(&{constant}_RULE);\n\nstatic {constant}_RULE: Rule = {rule}")?;
        }
        body.push_str(";\n");
    }
    let mut used = Vec::new();
    for item in ["Kind", "Location", "Member", "Rule", "Shape", "TimestampFormat"] {
        let is_used = body.contains(&format!("{item}::"));
        if is_used {
            used.push(item);
        }
    }
    used.push("scalars");
    Ok(format!("//! The schemas of the structures.\n\nuse wire::{{{}}};\n{body}", used.join(", ")))
}

fn structure(selection: &Selection<'_>, name: &str, shape: &Shape, out: &mut String) -> anyhow::Result<()> {
    let function = if shape.union { "union" } else { "structure" };
    writeln!(out, "Shape::{function}({name:?}, &[")?;
    for (member_name, reference) in &shape.members.0 {
        member(selection, shape, member_name, reference, out)
            .with_context(|| format!("member {member_name} of {name}"))?;
    }
    write!(out, "])")?;
    if overrides::is_closed(selection.service, name) {
        write!(out, ".closed()")?;
    }
    Ok(())
}

fn member(
    selection: &Selection<'_>,
    owner: &Shape,
    name: &str,
    reference: &Reference,
    out: &mut String,
) -> anyhow::Result<()> {
    let facts = facts::member(selection.model, selection.service, owner, name, reference)?;
    write!(out, "Member::new({name:?}, &{})", selection.schema(&reference.shape)?)?;
    if facts.wire != name {
        write!(out, ".wire({:?})", facts.wire)?;
    }
    if facts.query != facts.wire {
        write!(out, ".query({:?})", facts.query)?;
    }
    if facts.json != facts.wire {
        write!(out, ".json({:?})", facts.json)?;
    }
    if let Some(location) = facts.location {
        write!(out, ".at(Location::{location})")?;
    }
    if let Some(format) = facts.format {
        write!(out, ".timestamp(TimestampFormat::{format})")?;
    }
    if let Some((uri, prefix)) = facts.namespace {
        write!(out, ".namespace({uri:?}, {prefix:?})")?;
    }
    for flag in &facts.flags {
        write!(out, ".{flag}()")?;
        if *flag == "required" && overrides::rules_code(selection.service).is_some() {
            write!(out, ".checked()")?;
        }
    }
    writeln!(out, ",")?;
    Ok(())
}
