//! What of a model is generated: the listed operations and all shapes they reach.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail, ensure};

use super::model::{Model, Operation, Reference, Shape};
use super::{facts, names, overrides, rules};

/// The listed operations of one service and the shapes they reach.
pub struct Selection<'a> {
    /// Our name for the service.
    pub service: &'a str,
    /// Its model.
    pub model: &'a Model,
    /// The listed operations by name, sorted.
    pub operations: BTreeMap<&'a str, &'a Operation>,
    /// The structures, lists and maps reached, by name, sorted.
    pub shapes: BTreeMap<&'a str, &'a Shape>,
    /// The structures, lists and maps that only errors reach, by name, sorted. They have schemas, and no types.
    pub error_shapes: BTreeMap<&'a str, &'a Shape>,
    /// The errors that the listed operations name, by name, sorted.
    pub errors: BTreeMap<&'a str, &'a Shape>,
    /// The scalars with rules, by name, sorted; of services that are checked.
    pub ruled: BTreeMap<&'a str, &'a Shape>,
    type_names: BTreeMap<&'a str, String>,
}

/// Types of Rust's that generated code uses by their bare names.
const TAKEN: [&str; 12] =
    ["Option", "Some", "None", "Vec", "String", "Box", "Result", "Ok", "Err", "Default", "Clone", "Send"];

impl<'a> Selection<'a> {
    /// The selection of `wanted` from `model`.
    pub fn new(service: &'a str, model: &'a Model, wanted: &[&str]) -> anyhow::Result<Self> {
        let mut operations = BTreeMap::new();
        let mut shapes = BTreeMap::new();
        for name in wanted {
            let operation = model.operations.get(name).with_context(|| format!("{service} has no operation {name}"))?;
            ensure!(
                operations.insert(operation.name.as_str(), operation).is_none(),
                "{service}: {name} is listed twice"
            );
            for reference in operation.input.iter().chain(&operation.output) {
                reach(model, &reference.shape, &mut shapes)?;
            }
        }
        let mut all = shapes.clone();
        let mut errors = BTreeMap::new();
        for reference in operations.values().flat_map(|operation| &operation.errors) {
            reach(model, &reference.shape, &mut all)?;
            errors.insert(reference.shape.as_str(), model.shape(&reference.shape)?);
        }
        let error_shapes: BTreeMap<_, _> = all.into_iter().filter(|(name, _)| !shapes.contains_key(name)).collect();
        let mut taken: BTreeSet<String> = operations.keys().copied().chain(TAKEN).map(str::to_owned).collect();
        let mut type_names = BTreeMap::new();
        let ruled = if overrides::rules_code(service).is_some() { ruled(model, &shapes) } else { BTreeMap::new() };
        for name in shapes.keys().chain(error_shapes.keys()).chain(ruled.keys()) {
            let mut type_name = names::type_name(name);
            while !taken.insert(type_name.clone()) {
                type_name.push_str("Shape");
            }
            type_names.insert(*name, type_name);
        }
        Ok(Self { service, model, operations, shapes, error_shapes, errors, ruled, type_names })
    }

    /// The Rust name of the structure `name`.
    pub fn type_name(&self, name: &str) -> &str {
        self.type_names.get(name).map_or("", String::as_str)
    }

    /// The path of the static schema of `name`, as seen from the service's shapes module.
    pub fn schema(&self, name: &str) -> anyhow::Result<String> {
        let shape = self.model.shape(name)?;
        Ok(match shape.kind.as_str() {
            "structure" if shape.document => "scalars::DOCUMENT".to_owned(),
            _ if self.ruled.contains_key(name) => names::screaming(self.type_name(name)),
            "structure" | "list" | "map" => names::screaming(self.type_name(name)),
            "timestamp" => match facts::timestamp_format(shape.timestamp_format.as_deref())? {
                None => "scalars::TIMESTAMP".to_owned(),
                Some(format) => format!("scalars::TIMESTAMP_{}", names::screaming(format)),
            },
            "character" => "scalars::STRING".to_owned(),
            "boolean" | "integer" | "long" | "float" | "double" | "string" | "blob" => {
                format!("scalars::{}", shape.kind.to_ascii_uppercase())
            }
            other => bail!("shape {name} is a {other}"),
        })
    }

    /// The Rust type of `reference`, required or not aside.
    pub fn rust_type(&self, reference: &Reference) -> anyhow::Result<String> {
        let shape = self.model.shape(&reference.shape)?;
        Ok(match shape.kind.as_str() {
            "structure" if shape.document => "wire::Document".to_owned(),
            "structure" => self.type_name(&reference.shape).to_owned(),
            "list" => format!("Vec<{}>", self.rust_type(shape.member.as_ref().context("a list has a member")?)?),
            "map" => {
                let value = shape.value.as_ref().context("a map has a value")?;
                format!("std::collections::BTreeMap<String, {}>", self.rust_type(value)?)
            }
            "boolean" => "bool".to_owned(),
            "integer" => "i32".to_owned(),
            "long" => "i64".to_owned(),
            "float" | "double" => "f64".to_owned(),
            "timestamp" => "jiff::Timestamp".to_owned(),
            "blob" => "bytes::Bytes".to_owned(),
            _ => "String".to_owned(),
        })
    }

    /// Whether a member `reference` of the structure `owner` needs a box, as `owner` would contain itself.
    pub fn is_recursive(&self, owner: &str, reference: &Reference) -> bool {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![reference.shape.as_str()];
        while let Some(name) = waiting.pop() {
            let Some(shape) = self.shapes.get(name).filter(|shape| shape.kind == "structure") else { continue };
            if name == owner {
                return true;
            }
            if seen.insert(name) {
                waiting.extend(shape.members.0.iter().map(|(_, member)| member.shape.as_str()));
            }
        }
        false
    }

    /// The Rust type of the operation's input or output.
    pub fn message_type(&self, reference: Option<&Reference>) -> String {
        reference.map_or("()".to_owned(), |reference| self.type_name(&reference.shape).to_owned())
    }

    /// Whether the shape behind `reference` has a streaming member.
    pub fn is_streaming(&self, reference: Option<&Reference>) -> bool {
        let shape = reference.and_then(|reference| self.shapes.get(reference.shape.as_str()));
        shape.is_some_and(|shape| shape.members.0.iter().any(|(_, member)| self.is_stream(member)))
    }

    /// Whether the shape behind `reference` has a member called `name`.
    pub fn has_member(&self, reference: Option<&Reference>, name: &str) -> bool {
        let shape = reference.and_then(|reference| self.shapes.get(reference.shape.as_str()));
        shape.is_some_and(|shape| shape.members.0.iter().any(|(key, _)| key == name))
    }

    /// Whether `member` is a byte stream.
    pub fn is_stream(&self, member: &Reference) -> bool {
        facts::is_stream(self.model, member)
    }
}

/// The scalars with rules that `shapes` are made of.
fn ruled<'a>(model: &'a Model, shapes: &BTreeMap<&'a str, &'a Shape>) -> BTreeMap<&'a str, &'a Shape> {
    let members = |shape: &'a Shape| shape.members.0.iter().map(|(_, member)| member);
    let used = shapes.values().flat_map(|shape| members(shape).chain(&shape.member).chain(&shape.value));
    let scalars = used.filter_map(|used| model.shapes.0.iter().find(|(name, _)| *name == used.shape));
    let scalars = scalars.filter(|(name, shape)| !shapes.contains_key(name.as_str()) && rules::has_rule(shape));
    scalars.map(|(name, shape)| (name.as_str(), shape)).collect()
}

fn reach<'a>(model: &'a Model, name: &str, shapes: &mut BTreeMap<&'a str, &'a Shape>) -> anyhow::Result<()> {
    let (name, shape) =
        model.shapes.0.iter().find(|(key, _)| key == name).with_context(|| format!("the model has no shape {name}"))?;
    if shape.kind == "structure" && shape.document {
        return Ok(());
    }
    if !matches!(shape.kind.as_str(), "structure" | "list" | "map") || shapes.insert(name, shape).is_some() {
        return Ok(());
    }
    let members = shape.members.0.iter().map(|(_, member)| member);
    for reference in members.chain(&shape.member).chain(&shape.key).chain(&shape.value) {
        reach(model, &reference.shape, shapes)?;
    }
    Ok(())
}
