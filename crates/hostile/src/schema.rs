//! A schema with everything that a service's model may have, and that the services of today do not all have.

use std::sync::OnceLock;

use wire::{
    JsonVersion, Kind, Location, Member, OperationShape, Protocol, ServiceShape, Shape, ShapeRef, TimestampFormat,
    scalars,
};

static NAMES: Shape = Shape::list("Names", &scalars::STRING, None);
static NAMED: Shape = Shape::list("Named", &scalars::INTEGER, Some("Item"));
static COUNTS: Shape = Shape::map("Counts", &scalars::LONG, None, None);
static ATTRIBUTES: Shape = Shape::map("Attributes", &scalars::STRING, Some("Name"), Some("Value"));
static CHOICE: Shape =
    Shape::union("Choice", &[Member::new("Left", &scalars::STRING), Member::new("Right", &scalars::DOUBLE)]);
static GRANTEE: Shape = Shape::structure(
    "Grantee",
    &[
        Member::new("ID", &scalars::STRING).required(),
        Member::new("Type", &scalars::STRING).wire("xsi:type").attribute(),
    ],
);
static TREE: OnceLock<Shape> = OnceLock::new();
static TREES: Shape = Shape::new("Trees", Kind::List { member: ShapeRef::Late(&TREE), member_name: None });
static TREE_MEMBERS: [Member; 2] = [Member::new("Leaf", &scalars::STRING), Member::new("Branches", &TREES)];

static BODY: [Member; 15] = [
    Member::new("Names", &NAMES),
    Member::new("Named", &NAMED),
    Member::new("Flat", &NAMES).wire("FlatName").flattened(),
    Member::new("Counts", &COUNTS),
    Member::new("Attributes", &ATTRIBUTES).wire("Attribute").flattened(),
    Member::new("Choice", &CHOICE),
    Member::new("Data", &scalars::BLOB),
    Member::new("Flag", &scalars::BOOLEAN),
    Member::new("Ratio", &scalars::DOUBLE),
    Member::new("Float", &scalars::FLOAT),
    Member::new("When", &scalars::TIMESTAMP),
    Member::new("Second", &scalars::TIMESTAMP).timestamp(TimestampFormat::Unix),
    Member::new("Grantee", &GRANTEE).namespace("http://www.w3.org/2001/XMLSchema-instance", Some("xsi")),
    Member::new("Trees", &TREES),
    Member::new("Document", &scalars::DOCUMENT),
];
static EVERYTHING: Shape = Shape::structure("Everything", &BODY);

static EVENTS: Shape =
    Shape::union("Events", &[Member::new("Everything", &EVERYTHING), Member::new("Choice", &CHOICE)]);

/// One scalar of each kind, each in a header of its own.
static SCALARS: Shape = Shape::structure(
    "Scalars",
    &[
        Member::new("a", &scalars::BOOLEAN).wire("x-amz-a").at(Location::Header),
        Member::new("b", &scalars::INTEGER).wire("x-amz-b").at(Location::Header),
        Member::new("c", &scalars::LONG).wire("x-amz-c").at(Location::Header),
        Member::new("d", &scalars::DOUBLE).wire("x-amz-d").at(Location::Header),
        Member::new("e", &scalars::BLOB).wire("x-amz-e").at(Location::Header),
        Member::new("f", &scalars::TIMESTAMP_ISO8601).wire("x-amz-f").at(Location::Header),
        Member::new("g", &scalars::TIMESTAMP_HTTP_DATE).wire("x-amz-g").at(Location::Header),
        Member::new("h", &scalars::TIMESTAMP_UNIX).wire("x-amz-h").at(Location::Header),
        Member::new("i", &scalars::STRING).wire("x-amz-i").at(Location::Header),
    ],
);

const fn operation(name: &'static str, shape: &'static Shape) -> OperationShape {
    OperationShape {
        name,
        input: Some(shape),
        output: Some(shape),
        status: 200,
        output_root: "Everything",
        is_output_unwrapped: false,
        has_streaming_input: false,
        has_streaming_output: false,
        requires_checksum: false,
        host_prefix: "",
        errors: &[],
    }
}

static DO_EVERYTHING: OperationShape = operation("DoEverything", &EVERYTHING);
static DO_SCALARS: OperationShape = operation("DoScalars", &SCALARS);

/// The service of these operations.
pub(crate) static SERVICE: ServiceShape = ServiceShape {
    name: "hostile",
    service_id: "Hostile",
    endpoint_prefix: "hostile",
    signing_name: "hostile",
    protocols: &[Protocol::Cbor, Protocol::Json { version: JsonVersion::V1_0 }, Protocol::Query, Protocol::RestJson],
    api_version: "2026-11-21",
    xml_namespace: "urn:hostile",
    target_prefix: Some("Hostile"),
    has_bare_errors: false,
    has_whole_seconds: false,
    is_query_compatible: true,
    errors: &[],
    operations: &[],
};

/// An operation that takes and gives everything.
pub(crate) fn everything() -> &'static OperationShape {
    TREE.get_or_init(|| Shape::structure("Tree", &TREE_MEMBERS));
    &DO_EVERYTHING
}

/// A stream of events.
pub(crate) fn events() -> &'static Shape {
    everything();
    &EVENTS
}

/// An operation that takes and gives one scalar of each kind.
pub(crate) fn scalars() -> &'static OperationShape {
    &DO_SCALARS
}
