//! `types.rs`: a plain struct for each structure, and its conversion to and from a value.

use std::fmt::Write as _;

use super::model::Shape;
use super::names;
use super::selection::Selection;

/// The text of `types.rs`.
pub fn types(selection: &Selection<'_>) -> anyhow::Result<String> {
    let mut out = String::from(
        "//! The structures of the operations, named as in AWS's model.\n\n\
         use wire::{ByteStream, DecodeError, FieldReader, FieldWriter, Shape, Shaped, Typed, Value};\n\n\
         use super::shapes;\n",
    );
    let structures = selection.shapes.iter().filter(|(_, shape)| shape.kind == "structure");
    for (name, shape) in structures {
        structure(selection, name, shape, &mut out)?;
    }
    if !out.contains(": Option<ByteStream>") {
        out = out.replace("wire::{ByteStream, ", "wire::{");
    }
    if !out.contains("FieldReader::new") {
        out = out.replace("FieldReader, FieldWriter, ", "");
    }
    Ok(out)
}

fn structure(selection: &Selection<'_>, name: &str, shape: &Shape, out: &mut String) -> anyhow::Result<()> {
    let type_name = selection.type_name(name);
    let stream = shape.members.0.iter().find(|(_, member)| selection.is_stream(member));
    let mut has_secrets = false;
    let (mut fields, mut reads, mut writes, mut shown) = (String::new(), String::new(), String::new(), String::new());
    for (index, (member_name, member)) in shape.members.0.iter().enumerate() {
        let field = names::field(member_name);
        let is_secret = selection.model.shape(&member.shape)?.sensitive;
        has_secrets |= is_secret;
        let shown_value = if is_secret { "wire::Redacted".to_owned() } else { format!("self.{field}") };
        write!(shown, ".field({:?}, &{shown_value})", field.trim_start_matches("r#"))?;
        if selection.is_stream(member) {
            writeln!(fields, "pub {field}: Option<ByteStream>,")?;
            writeln!(reads, "{field}: None,")?;
            continue;
        }
        let mut rust_type = selection.rust_type(member)?;
        if selection.is_recursive(name, member) {
            rust_type = format!("Box<{rust_type}>");
        }
        let (rust_type, method) = if shape.required.contains(member_name) {
            (rust_type, "required")
        } else {
            (format!("Option<{rust_type}>"), "optional")
        };
        writeln!(fields, "pub {field}: {rust_type},")?;
        writeln!(reads, "{field}: fields.{method}({index})?,")?;
        writeln!(writes, "fields.{method}({index}, self.{field});")?;
    }
    let schema = names::screaming(type_name);
    let derives = match (stream.is_some(), has_secrets) {
        (true, true) => "Default",
        (true, false) => "Debug, Default",
        (false, true) => "Clone, Default, PartialEq",
        (false, false) => "Debug, Clone, Default, PartialEq",
    };
    writeln!(out, "\n/// AWS's `{name}`.\n#[derive({derives})]\npub struct {type_name} {{\n{fields}}}\n")?;
    if has_secrets {
        writeln!(out, "impl std::fmt::Debug for {type_name} {{")?;
        writeln!(out, "fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{")?;
        writeln!(out, "f.debug_struct({type_name:?}){shown}.finish()\n}}\n}}\n")?;
    }
    writeln!(out, "impl Shaped for {type_name} {{ const SHAPE: &'static Shape = &shapes::{schema}; }}\n")?;
    writeln!(out, "impl Typed for {type_name} {{")?;
    if reads.contains("fields") {
        writeln!(out, "fn from_value(value: Value) -> Result<Self, DecodeError> {{")?;
        writeln!(out, "let mut fields = FieldReader::new(value, Self::SHAPE)?;\nOk(Self {{\n{reads}}})\n}}\n")?;
        writeln!(out, "fn into_value(self) -> Value {{")?;
        writeln!(out, "let mut fields = FieldWriter::default();\n{writes}fields.finish()\n}}")?;
    } else {
        writeln!(out, "fn from_value(_value: Value) -> Result<Self, DecodeError> {{ Ok(Self {{ {reads} }}) }}\n")?;
        writeln!(out, "fn into_value(self) -> Value {{ Value::EMPTY }}")?;
    }
    if let Some((stream, _)) = stream {
        let field = names::field(stream);
        writeln!(out, "\nfn set_stream(&mut self, stream: ByteStream) {{ self.{field} = Some(stream); }}\n")?;
        writeln!(out, "fn take_stream(&mut self) -> Option<ByteStream> {{ self.{field}.take() }}")?;
    }
    writeln!(out, "}}")?;
    Ok(())
}
