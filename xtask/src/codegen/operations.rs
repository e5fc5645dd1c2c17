//! `operations.rs` (types, trait, dispatch), `service.rs` (the table of all operations) and `mod.rs`.

use std::fmt::Write as _;

use anyhow::ensure;

use super::facts::SegmentFact;
use super::model::Operation;
use super::selection::Selection;
use super::{facts, names, overrides};

/// The name of the service's trait: `Ec2Api`.
pub fn trait_name(service: &str) -> String {
    format!("{}Api", names::type_name(service))
}

/// The text of `mod.rs`.
pub fn module(selection: &Selection<'_>) -> String {
    let metadata = &selection.model.metadata;
    format!(
        "//! {} {}: {} of {} operations.\n\nmod operations;\nmod service;\npub mod shapes;\nmod types;\n\n\
         pub use operations::*;\npub use service::SERVICE;\npub use types::*;\n",
        metadata.service_id,
        metadata.api_version,
        selection.operations.len(),
        selection.model.operations.0.len(),
    )
}

/// The text of `operations.rs`.
pub fn operations(selection: &Selection<'_>) -> anyhow::Result<String> {
    let mut out = String::from(
        "//! The operations, the trait that a service implements, and the dispatch from one to the other.\n\n\
         use wire::{BoxFuture, Decoded, Encoded, OperationShape, OperationType, ServiceError};\n\n\
         use crate::Call;\nuse super::{shapes, types};\n",
    );
    for operation in selection.operations.values() {
        one(selection, operation, &mut out)?;
    }
    let name = trait_name(selection.service);
    writeln!(out, "\n/// The operations of {}.", selection.model.metadata.service_id)?;
    writeln!(out, "pub trait {name}: Send + Sync {{")?;
    for operation in selection.operations.values() {
        let (method, input, output) = signature(selection, operation);
        writeln!(out, "/// `{}`.", operation.name)?;
        writeln!(
            out,
            "fn {method}(&self, call: Call, input: {input}) -> BoxFuture<'_, Result<{output}, ServiceError>>;\n"
        )?;
    }
    let refusal = overrides::rules_code(selection.service).map_or_else(String::new, |code| {
        let is_terse = overrides::has_terse_refusals(selection.service);
        format!("const REFUSAL: wire::Refusal = wire::Refusal {{ code: {code:?}, is_terse: {is_terse} }};\n")
    });
    writeln!(out, "}}\n\n/// Types the request, calls the operation and gives its answer as a tree.")?;
    writeln!(
        out,
        "pub fn dispatch<'a>(api: &'a dyn {name}, operation: &OperationShape, call: Call, request: Decoded) \
         -> BoxFuture<'a, Result<Encoded, ServiceError>> {{\n{refusal}match operation.name {{"
    )?;
    for operation in selection.operations.values() {
        let (method, ..) = signature(selection, operation);
        let name = &operation.name;
        let (call, code) = match overrides::rules_code(selection.service) {
            Some(_) => ("call_checked", "REFUSAL, ".to_owned()),
            None => ("call", String::new()),
        };
        writeln!(out, "{name:?} => wire::{call}::<{name}>({code}request, move |input| api.{method}(call, input)),")?;
    }
    writeln!(out, "other => {{ let cause = format!(\"no dispatch for {{other}}\");")?;
    writeln!(out, "Box::pin(async move {{ Err(ServiceError::internal(cause)) }}) }}\n}}\n}}")?;
    Ok(out)
}

/// Method, input and output of `operation`.
pub fn signature(selection: &Selection<'_>, operation: &Operation) -> (String, String, String) {
    let qualify = |name: String| if name == "()" { name } else { format!("types::{name}") };
    (
        names::field(&operation.name),
        qualify(selection.message_type(operation.input.as_ref())),
        qualify(selection.message_type(operation.output.as_ref())),
    )
}

fn one(selection: &Selection<'_>, operation: &Operation, out: &mut String) -> anyhow::Result<()> {
    let (_, input, output) = signature(selection, operation);
    let name = &operation.name;
    let schema = |reference: Option<&super::model::Reference>| -> String {
        reference.map_or("None".to_owned(), |reference| {
            format!("Some(&shapes::{})", names::screaming(selection.type_name(&reference.shape)))
        })
    };
    let output_name = operation.output.as_ref().map_or("", |reference| reference.shape.as_str());
    let requires_checksum = facts::requires_checksum(operation);
    let errors: Vec<&str> = operation.errors.iter().map(|error| error.shape.as_str()).collect();
    let dry_run = if selection.has_member(operation.input.as_ref(), "DryRun") {
        "\nfn is_dry_run(input: &Self::Input) -> bool {\ninput.dry_run == Some(true)\n}\n"
    } else {
        ""
    };
    writeln!(
        out,
        "\n/// `{name}`.\n#[derive(Debug, Clone, Copy)]\npub struct {name};\n\n\
         impl OperationType for {name} {{\ntype Input = {input};\ntype Output = {output};\n\
         const SHAPE: &'static OperationShape = &OperationShape {{\nname: {name:?},\ninput: {},\noutput: {},\n\
         status: {},\noutput_root: {:?},\nis_output_unwrapped: {},\nhas_streaming_input: {},\n\
         has_streaming_output: {},\nrequires_checksum: {requires_checksum},\n\
         host_prefix: {:?},\nerrors: &{errors:?},\n}};\n{dry_run}}}",
        schema(operation.input.as_ref()),
        schema(operation.output.as_ref()),
        overrides::status(selection.service, name).or(operation.http.response_code).unwrap_or(200),
        overrides::output_root(selection.service, name, output_name),
        overrides::is_output_unwrapped(selection.service, name),
        selection.is_streaming(operation.input.as_ref()),
        selection.is_streaming(operation.output.as_ref()),
        operation.endpoint.as_ref().and_then(|endpoint| endpoint.host_prefix.as_deref()).unwrap_or_default(),
    )?;
    Ok(())
}

/// The text of `service.rs`.
pub fn service(selection: &Selection<'_>) -> anyhow::Result<String> {
    let metadata = &selection.model.metadata;
    let protocols: Vec<_> = facts::protocols(metadata).iter().map(|protocol| format!("Protocol::{protocol}")).collect();
    ensure!(!protocols.is_empty(), "{}: we speak none of its protocols", selection.service);
    let has_routes = protocols.iter().any(|protocol| protocol.starts_with("Protocol::Rest"));
    let mut entries = String::new();
    let mut sorted: Vec<&Operation> = selection.model.operations.0.iter().map(|(_, operation)| operation).collect();
    sorted.sort_by_key(|operation| &operation.name);
    for operation in sorted {
        let name = &operation.name;
        write!(entries, "OperationEntry::new({name:?})")?;
        if has_routes {
            write!(entries, ".route({})", route(selection, operation)?)?;
        }
        if selection.operations.contains_key(name.as_str()) {
            write!(entries, ".shape(operations::{name}::SHAPE)")?;
        }
        if operation.authtype.as_deref() == Some("none") {
            write!(entries, ".unsigned()")?;
        }
        if operation.deprecated {
            write!(entries, ".deprecated()")?;
        }
        entries.push_str(",\n");
    }
    let mut errors = String::new();
    for (name, shape) in &selection.errors {
        let (code, status, is_sender_fault) = facts::error(selection.service, name, shape);
        let schema = names::screaming(selection.type_name(name));
        writeln!(
            errors,
            "ErrorShape {{ name: {name:?}, code: {code:?}, status: {status}, is_sender_fault: {is_sender_fault}, \
             shape: Some(&shapes::{schema}) }},"
        )?;
    }
    let mut imports = vec!["OperationEntry", "OperationType as _", "Protocol", "ServiceShape"];
    if has_routes {
        imports.extend(["Route", "Segment"]);
    }
    if protocols.iter().any(|protocol| protocol.contains("JsonVersion")) {
        imports.push("JsonVersion");
    }
    if !errors.is_empty() {
        imports.push("ErrorShape");
    }
    imports.sort_unstable();
    let (table, modules) = match errors.is_empty() {
        true => (String::new(), "operations"),
        false => {
            let table = format!("\n#[rustfmt::skip]\nconst ERRORS: &[ErrorShape] = &[\n{errors}];\n");
            (table, "{operations, shapes}")
        }
    };
    Ok(format!(
        "//! The service and all of its operations, implemented or not.\n\n\
         use wire::{{{}}};\n\nuse super::{modules};\n\n\
         /// {}.\npub static SERVICE: ServiceShape = ServiceShape {{\nname: {:?},\nservice_id: {:?},\n\
         endpoint_prefix: {:?},\nsigning_name: {:?},\nprotocols: &[{}],\napi_version: {:?},\nxml_namespace: {:?},\n\
         target_prefix: {:?},\nhas_bare_errors: {},\nhas_whole_seconds: {},\nis_query_compatible: {},\nerrors: {},\noperations: OPERATIONS,\n}};\n\n\
         #[rustfmt::skip]\nconst OPERATIONS: &[OperationEntry] = &[\n{entries}];\n{table}",
        imports.join(", "),
        metadata.service_id,
        selection.service,
        metadata.service_id,
        metadata.endpoint_prefix,
        metadata.signing_name.as_ref().unwrap_or(&metadata.endpoint_prefix),
        protocols.join(", "),
        metadata.api_version,
        overrides::xml_namespace(selection.service, &metadata.xml_namespace),
        metadata.target_prefix,
        overrides::has_bare_errors(selection.service),
        overrides::has_whole_seconds(selection.service),
        metadata.aws_query_compatible.is_some(),
        if selection.errors.is_empty() { "&[]" } else { "ERRORS" },
    ))
}

fn route(selection: &Selection<'_>, operation: &Operation) -> anyhow::Result<String> {
    let route = facts::route(selection.model, operation)?;
    let segments: Vec<String> = route
        .segments
        .iter()
        .map(|segment| match segment {
            SegmentFact::Literal(text) => format!("Segment::Literal({text:?})"),
            SegmentFact::Label(name) => format!("Segment::Label({name:?})"),
            SegmentFact::Rest(name) => format!("Segment::Rest({name:?})"),
        })
        .collect();
    Ok(format!(
        "Route {{ method: {:?}, path: &[{}], query: &{:?}, required_query: &{:?}, required_headers: &{:?} }}",
        operation.http.method,
        segments.join(", "),
        route.query,
        route.required_query,
        route.required_headers,
    ))
}
