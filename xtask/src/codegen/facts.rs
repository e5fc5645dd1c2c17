//! What a model says of a member, a shape or a service, as `wire`'s schemas want it: the one place that reads the traits.
//! The generator writes it as text; the differential test of `crates/api` includes this file and builds schemas from it.

use anyhow::bail;

use super::model::{Metadata, Model, Operation, Reference, Shape, namespace};
use super::overrides;

/// What the model says of one member.
#[derive(Debug)]
pub struct MemberFacts<'a> {
    /// The name in XML, a header, the query string or the path.
    pub wire: &'a str,
    /// The name in forms.
    pub query: String,
    /// The name in JSON and CBOR.
    pub json: &'a str,
    /// Where it travels: the variant of `wire::Location`, none for the body. A header of an event is a header.
    pub location: Option<&'static str>,
    /// How a timestamp is written: the variant of `wire::TimestampFormat`.
    pub format: Option<&'static str>,
    /// The XML namespace it declares, with its prefix.
    pub namespace: Option<(&'a str, Option<&'a str>)>,
    /// What is true of it: the names of `wire::Member`'s methods.
    pub flags: Vec<&'static str>,
}

/// Reads member `name` of `owner`.
pub fn member<'a>(
    model: &'a Model,
    service: &str,
    owner: &'a Shape,
    name: &'a str,
    reference: &'a Reference,
) -> anyhow::Result<MemberFacts<'a>> {
    let shape = model.shape(&reference.shape)?;
    let is_ec2 = model.metadata.protocol == "ec2";
    let is_flattened = !is_ec2 && (reference.flattened || shape.flattened);
    // The elements of a flattened list bear the name of the element if it has one.
    let element = shape.member.as_ref().filter(|_| is_flattened).and_then(|member| location_name(model, member));
    let stated = overrides::query_name(service, &reference.shape);
    let json = location_name(model, reference).unwrap_or(name);
    let wire = stated.or(element).unwrap_or(json);
    let query = match (&reference.query_name, location_name(model, reference)) {
        (Some(query), _) => query.clone(),
        (None, Some(location)) if is_ec2 => super::names::type_name(location),
        _ => wire.to_owned(),
    };
    let location = match reference.location.as_deref() {
        None if reference.eventheader => Some("Header"),
        None => None,
        Some("uri") => Some("Uri"),
        Some("querystring") => Some("Query"),
        Some("header") => Some("Header"),
        Some("headers") => Some("Headers"),
        Some("statusCode") => Some("StatusCode"),
        Some(other) => bail!("location {other}"),
    };
    let declared = reference.xml_namespace.as_ref().or(shape.xml_namespace.as_ref());
    let flags = [
        (owner.payload.as_deref() == Some(name) || reference.eventpayload, "payload"),
        (is_stream(model, reference), "streaming"),
        (owner.required.iter().any(|required| required == name), "required"),
        (is_flattened, "flattened"),
        (reference.xml_attribute, "attribute"),
        (reference.idempotency_token, "token"),
        (shape.sensitive, "sensitive"),
        (reference.host_label, "host_label"),
    ];
    Ok(MemberFacts {
        wire,
        query,
        json,
        location,
        format: timestamp_format(reference.timestamp_format.as_deref())?,
        namespace: declared.and_then(namespace),
        flags: flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| *flag).collect(),
    })
}

/// The name that a use of a shape states, or else the shape itself.
pub fn location_name<'a>(model: &'a Model, reference: &'a Reference) -> Option<&'a str> {
    let of_shape = || model.shapes.get(&reference.shape).and_then(|shape| shape.location_name.as_deref());
    reference.location_name.as_deref().or_else(of_shape)
}

/// Whether `reference` is a byte stream beside the tree: botocore marks the member or the blob. Event streams are such
/// streams too; whoever answers frames the events with `wire::eventstream`.
pub fn is_stream(model: &Model, reference: &Reference) -> bool {
    let shape = model.shapes.get(&reference.shape);
    reference.streaming || shape.is_some_and(|shape| shape.streaming || shape.eventstream)
}

/// The variant of `wire::TimestampFormat` that the model calls `stated`.
pub fn timestamp_format(stated: Option<&str>) -> anyhow::Result<Option<&'static str>> {
    Ok(match stated {
        None => None,
        Some("iso8601") => Some("Iso8601"),
        Some("rfc822") => Some("HttpDate"),
        Some("unixTimestamp") => Some("Unix"),
        Some(other) => bail!("timestamp format {other}"),
    })
}

/// The names of a map's keys and values in XML and forms.
pub fn pair_names<'a>(
    model: &'a Model,
    service: &str,
    name: &str,
    shape: &'a Shape,
) -> (Option<&'a str>, Option<&'a str>) {
    if let Some((key, value)) = overrides::query_pair(service, name) {
        return (Some(key), Some(value));
    }
    let stated = |reference: &'a Option<Reference>| reference.as_ref().and_then(|part| location_name(model, part));
    (stated(&shape.key), stated(&shape.value))
}

/// Code, status and fault of the error `name`: whether the sender is at fault.
pub fn error<'a>(service: &str, name: &'a str, shape: &'a Shape) -> (&'a str, u16, bool) {
    if let Some((code, status)) = overrides::query_error(service, name) {
        return (code, status, true);
    }
    let traits = shape.error.as_ref();
    let code = traits.and_then(|error| error.code.as_deref()).unwrap_or(name);
    let stated = traits.and_then(|error| error.http_status_code);
    let status = stated.unwrap_or(if shape.fault { 500 } else { 400 });
    (code, status, traits.and_then(|error| error.sender_fault).unwrap_or(status < 500))
}

/// Whether the request must carry a checksum.
pub fn requires_checksum(operation: &Operation) -> bool {
    operation.http_checksum_required
        || operation.http_checksum.as_ref().is_some_and(|checksum| checksum.request_checksum_required)
}

/// The protocols of a service, its favourite first: variants of `wire::Protocol`.
pub fn protocols(metadata: &Metadata) -> Vec<&'static str> {
    let stated =
        if metadata.protocols.is_empty() { vec![metadata.protocol.clone()] } else { metadata.protocols.clone() };
    let mut spoken: Vec<_> = stated
        .iter()
        .filter_map(|protocol| match protocol.as_str() {
            "ec2" => Some("Ec2"),
            "query" => Some("Query"),
            "rest-xml" => Some("RestXml"),
            "json" if metadata.json_version.as_deref() == Some("1.0") => Some("Json { version: JsonVersion::V1_0 }"),
            "json" => Some("Json { version: JsonVersion::V1_1 }"),
            "rest-json" => Some("RestJson"),
            "smithy-rpc-v2-cbor" => Some("Cbor"),
            _ => None,
        })
        .collect();
    // Old clients of such a service go on to speak query, though the model has forgotten it.
    if metadata.aws_query_compatible.is_some() && !spoken.contains(&"Query") {
        spoken.push("Query");
    }
    spoken
}

/// How HTTP finds an operation of a REST protocol.
#[derive(Debug)]
pub struct RouteFacts<'a> {
    /// The path, segment by segment.
    pub segments: Vec<SegmentFact<'a>>,
    /// Query parameters that are part of the route.
    pub query: Vec<(&'a str, Option<&'a str>)>,
    /// Query parameters that carry a required member.
    pub required_query: Vec<&'a str>,
    /// Headers that carry a required member, in lower case.
    pub required_headers: Vec<String>,
}

/// One segment: the variants of `wire::Segment`.
#[derive(Debug)]
pub enum SegmentFact<'a> {
    /// This very text.
    Literal(&'a str),
    /// One segment, bound to a member.
    Label(&'a str),
    /// All the rest, bound to a member.
    Rest(&'a str),
}

/// Reads the route of `operation`.
pub fn route<'a>(model: &'a Model, operation: &'a Operation) -> anyhow::Result<RouteFacts<'a>> {
    let (path, query) = operation.http.request_uri.split_once('?').unwrap_or((&operation.http.request_uri, ""));
    let mut segments = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let label = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        segments.push(match label {
            Some(label) => label.strip_suffix('+').map_or(SegmentFact::Label(label), SegmentFact::Rest),
            None if segment.contains('{') => bail!("{}: path segment {segment}", operation.name),
            None => SegmentFact::Literal(segment),
        });
    }
    let parts = query.split('&').filter(|part| !part.is_empty());
    let query = parts.map(|part| part.split_once('=').map_or((part, None), |(name, value)| (name, Some(value))));
    let mut facts =
        RouteFacts { segments, query: query.collect(), required_query: Vec::new(), required_headers: Vec::new() };
    if let Some(input) = &operation.input {
        let shape = model.shape(&input.shape)?;
        for (name, member) in shape.members.0.iter().filter(|(name, _)| shape.required.contains(name)) {
            let wire = location_name(model, member).unwrap_or(name);
            match member.location.as_deref() {
                Some("querystring") => facts.required_query.push(wire),
                Some("header") => facts.required_headers.push(wire.to_ascii_lowercase()),
                _ => {}
            }
        }
    }
    Ok(facts)
}
