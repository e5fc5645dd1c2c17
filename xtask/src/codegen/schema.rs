//! `shapes.rs`: the static schema of each structure, list and map.

use std::fmt::Write as _;

use anyhow::{Context, bail};

use super::model::{Reference, Shape, namespace};
use super::names;
use super::selection::Selection;

/// The text of `shapes.rs`.
pub fn shapes(selection: &Selection<'_>) -> anyhow::Result<String> {
    let mut body = String::new();
    for (name, shape) in &selection.shapes {
        let constant = names::screaming(selection.type_name(name));
        write!(body, "\npub static {constant}: Shape = ")?;
        match shape.kind.as_str() {
            "structure" => structure(selection, name, shape, &mut body)?,
            "list" => {
                let member = shape.member.as_ref().context("a list has a member")?;
                let schema = selection.schema(&member.shape)?;
                write!(body, "Shape::list({name:?}, &{schema}, {:?})", member.location_name)?;
            }
            _ => {
                let key = shape.key.as_ref().context("a map has a key")?;
                let value = shape.value.as_ref().context("a map has a value")?;
                let schema = selection.schema(&value.shape)?;
                write!(body, "Shape::map({name:?}, &{schema}, {:?}, {:?})", key.location_name, value.location_name)?;
            }
        }
        body.push_str(";\n");
    }
    let mut used = Vec::new();
    for item in ["Location", "Member", "Shape", "TimestampFormat"] {
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
    Ok(())
}

fn member(
    selection: &Selection<'_>,
    owner: &Shape,
    name: &str,
    reference: &Reference,
    out: &mut String,
) -> anyhow::Result<()> {
    let shape = selection.model.shape(&reference.shape)?;
    let is_ec2 = selection.model.metadata.protocol == "ec2";
    let is_flattened = !is_ec2 && (reference.flattened || shape.flattened);
    // The elements of a flattened list bear the name of the element if it has one.
    let element = shape.member.as_ref().filter(|_| is_flattened).and_then(|member| member.location_name.as_deref());
    let is_payload = owner.payload.as_deref() == Some(name);
    let wire = element.or(reference.location_name.as_deref()).unwrap_or(name);
    let query = match (&reference.query_name, &reference.location_name) {
        (Some(query), _) => query.clone(),
        (None, Some(location)) if is_ec2 => names::type_name(location),
        _ => wire.to_owned(),
    };
    write!(out, "Member::new({name:?}, &{})", selection.schema(&reference.shape)?)?;
    if wire != name {
        write!(out, ".wire({wire:?})")?;
    }
    if query != wire {
        write!(out, ".query({query:?})")?;
    }
    if let Some(location) = &reference.location {
        let location = match location.as_str() {
            "uri" => "Uri",
            "querystring" => "Query",
            "header" => "Header",
            "headers" => "Headers",
            "statusCode" => "StatusCode",
            other => bail!("location {other}"),
        };
        write!(out, ".at(Location::{location})")?;
    }
    let format = match reference.timestamp_format.as_deref() {
        None => None,
        Some("iso8601") => Some("Iso8601"),
        Some("rfc822") => Some("HttpDate"),
        Some("unixTimestamp") => Some("Unix"),
        Some(other) => bail!("timestamp format {other}"),
    };
    if let Some(format) = format {
        write!(out, ".timestamp(TimestampFormat::{format})")?;
    }
    let declared = reference.xml_namespace.as_ref().or(shape.xml_namespace.as_ref());
    if let Some((uri, prefix)) = declared.and_then(namespace) {
        write!(out, ".namespace({uri:?}, {prefix:?})")?;
    }
    let flags = [
        (is_payload, "payload"),
        (selection.is_stream(reference), "streaming"),
        (owner.required.iter().any(|required| required == name), "required"),
        (is_flattened, "flattened"),
        (reference.xml_attribute, "attribute"),
        (reference.idempotency_token, "token"),
        (shape.sensitive, "sensitive"),
    ];
    for (_, flag) in flags.iter().filter(|(is_set, _)| *is_set) {
        write!(out, ".{flag}()")?;
    }
    writeln!(out, ",")?;
    Ok(())
}
