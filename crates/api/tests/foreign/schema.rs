//! Schemas of a whole model, built at run time by the rules of the generator, whose files this test includes.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use wire::{
    ErrorShape, JsonVersion, Kind, Location, Member, OperationEntry, OperationShape, Protocol, Route, Segment,
    ServiceShape, Shape, ShapeRef, TimestampFormat, XmlNamespace,
};

use crate::codegen::facts::{self, SegmentFact};
use crate::codegen::model::{Model, Operation, Reference};
use crate::codegen::overrides;

/// The schema of `model`, all of whose operations count as implemented. It lives as long as the process.
pub fn service(model: &'static Model, name: &'static str) -> ServiceShape {
    let builder = Builder { model, service: name, cells: cells(model) };
    for (shape, cell) in &builder.cells {
        let built = cell.set(builder.shape(shape));
        assert!(built.is_ok(), "each shape is built once");
    }
    let metadata = &model.metadata;
    let mut operations: Vec<_> = model.operations.0.iter().map(|(_, operation)| builder.entry(operation)).collect();
    operations.sort_by_key(|entry| entry.name);
    let listed = model.operations.0.iter().flat_map(|(_, operation)| &operation.errors);
    let names: BTreeSet<_> = listed.map(|error| error.shape.as_str()).collect();
    let errors = names.into_iter().map(|name| {
        let (code, status, is_sender_fault) = facts::error(builder.service, name, model.shape(name).unwrap());
        ErrorShape { name, code, status, is_sender_fault, shape: Some(builder.now(name)) }
    });
    let errors: Vec<_> = errors.collect();
    ServiceShape {
        name,
        service_id: &metadata.service_id,
        endpoint_prefix: &metadata.endpoint_prefix,
        signing_name: metadata.signing_name.as_deref().unwrap_or(&metadata.endpoint_prefix),
        protocols: facts::protocols(metadata).iter().map(|name| protocol(name)).collect::<Vec<_>>().leak(),
        api_version: &metadata.api_version,
        xml_namespace: overrides::xml_namespace(name, &metadata.xml_namespace),
        target_prefix: metadata.target_prefix.as_deref(),
        has_bare_errors: overrides::has_bare_errors(name),
        // What goes in comes out: the oracle compares the fractions too.
        has_whole_seconds: false,
        is_query_compatible: metadata.aws_query_compatible.is_some(),
        errors: errors.leak(),
        operations: operations.leak(),
    }
}

/// A variant that the generator would write as text.
fn protocol(name: &str) -> Protocol {
    match name {
        "Ec2" => Protocol::Ec2,
        "Query" => Protocol::Query,
        "RestXml" => Protocol::RestXml,
        "RestJson" => Protocol::RestJson,
        "Cbor" => Protocol::Cbor,
        "Json { version: JsonVersion::V1_0 }" => Protocol::Json { version: JsonVersion::V1_0 },
        "Json { version: JsonVersion::V1_1 }" => Protocol::Json { version: JsonVersion::V1_1 },
        other => panic!("{other}"),
    }
}

fn timestamp(name: &str) -> TimestampFormat {
    match name {
        "Iso8601" => TimestampFormat::Iso8601,
        "HttpDate" => TimestampFormat::HttpDate,
        "Unix" => TimestampFormat::Unix,
        other => panic!("{other}"),
    }
}

fn location(name: &str) -> Location {
    match name {
        "Uri" => Location::Uri,
        "Query" => Location::Query,
        "Header" => Location::Header,
        "Headers" => Location::Headers,
        "StatusCode" => Location::StatusCode,
        other => panic!("{other}"),
    }
}

type Cells = HashMap<&'static str, &'static OnceLock<Shape>>;

fn cells(model: &'static Model) -> Cells {
    let names = model.shapes.0.iter().map(|(name, _)| name.as_str());
    names.map(|name| (name, &*Box::leak(Box::<OnceLock<Shape>>::default()))).collect()
}

struct Builder {
    model: &'static Model,
    service: &'static str,
    cells: Cells,
}

impl Builder {
    fn late(&self, reference: &Reference) -> ShapeRef {
        ShapeRef::Late(self.cells[reference.shape.as_str()])
    }

    fn now(&self, name: &str) -> &'static Shape {
        self.cells[name].get().unwrap()
    }

    fn shape(&self, name: &'static str) -> Shape {
        let shape = self.model.shape(name).unwrap();
        let kind = match shape.kind.as_str() {
            "structure" if shape.document => Kind::Document,
            "structure" => Kind::Structure {
                members: shape
                    .members
                    .0
                    .iter()
                    .map(|(member, reference)| self.member(shape, member, reference))
                    .collect::<Vec<_>>()
                    .leak(),
                is_union: shape.union,
            },
            "list" => {
                let member = shape.member.as_ref().unwrap();
                Kind::List { member: self.late(member), member_name: facts::location_name(self.model, member) }
            }
            "map" => {
                let (key_name, value_name) = facts::pair_names(self.model, self.service, name, shape);
                Kind::Map { value: self.late(shape.value.as_ref().unwrap()), key_name, value_name }
            }
            "boolean" => Kind::Boolean,
            "integer" => Kind::Integer,
            "long" => Kind::Long,
            "float" => Kind::Float,
            "double" => Kind::Double,
            "blob" => Kind::Blob,
            "timestamp" => {
                Kind::Timestamp(facts::timestamp_format(shape.timestamp_format.as_deref()).unwrap().map(timestamp))
            }
            "string" | "character" => Kind::String,
            other => panic!("{other}"),
        };
        Shape::new(name, kind)
    }

    fn member(
        &self,
        owner: &'static crate::codegen::model::Shape,
        name: &'static str,
        reference: &'static Reference,
    ) -> Member {
        let facts = facts::member(self.model, self.service, owner, name, reference).unwrap();
        let is = |flag: &str| facts.flags.contains(&flag);
        Member {
            name,
            wire_name: facts.wire,
            query_name: facts.query.clone().leak(),
            json_name: facts.json,
            location: facts.location.map_or(Location::Body, location),
            is_payload: is("payload"),
            is_streaming: is("streaming"),
            is_required: is("required"),
            is_checked: false,
            is_flattened: is("flattened"),
            is_attribute: is("attribute"),
            is_idempotency_token: is("token"),
            is_sensitive: is("sensitive"),
            is_host_label: is("host_label"),
            namespace: facts.namespace.map(|(uri, prefix)| XmlNamespace { uri, prefix }),
            timestamp_format: facts.format.map(timestamp),
            shape: self.late(reference),
        }
    }

    fn entry(&self, operation: &'static Operation) -> OperationEntry {
        let message = |reference: &Option<Reference>| reference.as_ref().map(|reference| self.now(&reference.shape));
        let streams =
            |shape: Option<&Shape>| shape.is_some_and(|shape| shape.members().iter().any(|member| member.is_streaming));
        let (input, output) = (message(&operation.input), message(&operation.output));
        let name = operation.name.as_str();
        let prefix = operation.endpoint.as_ref().and_then(|endpoint| endpoint.host_prefix.as_deref());
        let shape = OperationShape {
            name,
            input,
            output,
            status: operation.http.response_code.unwrap_or(200),
            output_root: overrides::output_root(self.service, name, output.map_or("", |shape| shape.name)),
            is_output_unwrapped: overrides::is_output_unwrapped(self.service, name),
            has_streaming_input: streams(input),
            has_streaming_output: streams(output),
            requires_checksum: facts::requires_checksum(operation),
            host_prefix: prefix.unwrap_or_default(),
            errors: &[],
        };
        let entry = OperationEntry::new(name).shape(Box::leak(Box::new(shape)));
        let entry = if operation.deprecated { entry.deprecated() } else { entry };
        match facts::protocols(&self.model.metadata).iter().any(|protocol| protocol.starts_with("Rest")) {
            true => entry.route(self.route(operation)),
            false => entry,
        }
    }

    fn route(&self, operation: &'static Operation) -> Route {
        let facts = facts::route(self.model, operation).unwrap();
        let segments = facts.segments.into_iter().map(|segment| match segment {
            SegmentFact::Literal(text) => Segment::Literal(text),
            SegmentFact::Label(name) => Segment::Label(name),
            SegmentFact::Rest(name) => Segment::Rest(name),
        });
        Route {
            method: &operation.http.method,
            path: segments.collect::<Vec<_>>().leak(),
            query: facts.query.leak(),
            required_query: facts.required_query.leak(),
            required_headers: facts.required_headers.into_iter().map(|name| &*name.leak()).collect::<Vec<_>>().leak(),
        }
    }
}
