//! Shapes that the generated services do not have yet: lists with a `member` level, maps, unions, attributes, and a
//! recursive schema built at run time. A form written by a small encoder of our own decodes to the tree it was made of.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::sync::OnceLock;

use bytes::Bytes;
use common::values;
use proptest::prelude::{any, proptest};
use wire::{
    DecodeReason, Kind, Member, OperationShape, Protocol, RequestParts, ServiceShape, Shape, ShapeRef, Value, scalars,
};

static NAMES: Shape = Shape::list("Names", &scalars::STRING, None);
static NAMED: Shape = Shape::list("Named", &scalars::STRING, Some("Item"));
static COUNTS: Shape = Shape::map("Counts", &scalars::INTEGER, None, None);
static ATTRIBUTES: Shape = Shape::map("Attributes", &scalars::STRING, Some("Name"), Some("Value"));
static CHOICE: Shape =
    Shape::union("Choice", &[Member::new("Left", &scalars::STRING), Member::new("Right", &scalars::LONG)]);
static GRANTEE: Shape = Shape::structure(
    "Grantee",
    &[
        Member::new("ID", &scalars::STRING),
        Member::new("Type", &scalars::STRING).wire("xsi:type").attribute().required(),
    ],
);
static EVERYTHING: Shape = Shape::structure(
    "Everything",
    &[
        Member::new("Names", &NAMES),
        Member::new("Named", &NAMED),
        Member::new("Flat", &NAMES).wire("FlatName").flattened(),
        Member::new("Counts", &COUNTS),
        Member::new("Attributes", &ATTRIBUTES).wire("Attribute").flattened(),
        Member::new("Choice", &CHOICE),
        Member::new("Data", &scalars::BLOB),
        Member::new("Flag", &scalars::BOOLEAN),
        Member::new("Ratio", &scalars::DOUBLE),
        Member::new("Grantee", &GRANTEE).namespace("http://www.w3.org/2001/XMLSchema-instance", Some("xsi")),
    ],
);
static OPERATION: OperationShape = operation(&EVERYTHING);
static SERVICE: ServiceShape = ServiceShape {
    name: "test",
    service_id: "Test",
    endpoint_prefix: "test",
    signing_name: "test",
    protocols: &[Protocol::Query],
    api_version: "2026-11-21",
    xml_namespace: "urn:test",
    target_prefix: None,
    has_bare_errors: false,
    has_whole_seconds: false,
    is_query_compatible: false,
    errors: &[],
    operations: &[],
};

const fn operation(shape: &'static Shape) -> OperationShape {
    OperationShape {
        name: "Do",
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

fn decode(protocol: Protocol, operation: &OperationShape, body: &str) -> Result<Value, wire::DecodeError> {
    let parts = RequestParts { body: Bytes::copy_from_slice(body.as_bytes()), ..RequestParts::default() };
    wire::decode_request(protocol, operation, &parts)
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// The test's own encoder of the query protocol.
fn encode(shape: &Shape, is_flattened: bool, prefix: &str, value: &Value, out: &mut Vec<String>) {
    let join = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
    let level = |name: &str| if is_flattened { prefix.to_owned() } else { join(name) };
    match (&shape.kind, value) {
        (Kind::Structure { members, .. }, Value::Structure(fields)) => {
            for (index, field) in fields {
                let member = &members[usize::from(*index)];
                encode(&member.shape, member.is_flattened, &join(member.query_name), field, out);
            }
        }
        (_, Value::List(items)) if items.is_empty() => out.push(format!("{prefix}=")),
        (_, Value::Map(pairs)) if pairs.is_empty() => out.push(format!("{prefix}=")),
        (Kind::List { member, member_name }, Value::List(items)) => {
            let level = level(member_name.unwrap_or("member"));
            for (index, item) in (1..).zip(items) {
                encode(member, false, &format!("{level}.{index}"), item, out);
            }
        }
        (Kind::Map { value: shape, key_name, value_name }, Value::Map(pairs)) => {
            let level = level("entry");
            for (index, (key, inner)) in (1..).zip(pairs) {
                let key_name = format!("{level}.{index}.{}", key_name.unwrap_or("key"));
                encode(&scalars::STRING, false, &key_name, &text(key), out);
                encode(shape, false, &format!("{level}.{index}.{}", value_name.unwrap_or("value")), inner, out);
            }
        }
        (_, scalar) => {
            let plain = match scalar {
                Value::String(inner) => inner.bytes().map(|byte| format!("%{byte:02X}")).collect(),
                Value::Integer(inner) => inner.to_string(),
                Value::Float(inner) => inner.to_string(),
                Value::Bool(inner) => inner.to_string(),
                other => panic!("{other:?}"),
            };
            out.push(format!("{prefix}={plain}"));
        }
    }
}

/// Where the encoder wrote base64 text, the decoder gives bytes.
fn with_blobs(value: Value) -> Value {
    let Value::Structure(fields) = value else { return value };
    let data = Value::Blob(Bytes::from_static(b"hi"));
    Value::Structure(
        fields.into_iter().map(|(index, inner)| (index, if index == 6 { data.clone() } else { inner })).collect(),
    )
}

proptest! {
    #[test]
    fn a_form_decodes_to_the_tree_it_was_made_of(value in values(&EVERYTHING, true), seed in any::<usize>()) {
        let mut form = Vec::new();
        encode(&EVERYTHING, false, "", &value, &mut form);
        // Parameters come in any order.
        let middle = seed % form.len();
        form.rotate_left(middle);
        let decoded = decode(Protocol::Query, &OPERATION, &form.join("&"));
        assert_eq!(decoded.unwrap(), with_blobs(value));
    }
}

#[test]
fn query_lists_have_a_level_and_may_be_empty() {
    let names =
        |items: &[&str]| Value::Structure(vec![(0, Value::List(items.iter().map(|item| text(item)).collect()))]);
    let rows = [
        ("Names.member.1=a&Names.member.2=b", Ok(names(&["a", "b"]))),
        ("Names=", Ok(names(&[]))),
        ("Unknown=passed-over", Ok(Value::EMPTY)),
        ("Names.1=a", Err(DecodeReason::BadIndex)),
        ("Names.member.1=a&Names.other.1=b", Err(DecodeReason::BadIndex)),
        ("Names.member.1.x=a", Err(DecodeReason::Malformed { expected: "a single value", text: String::new() })),
        ("Names=a", Err(DecodeReason::Malformed { expected: "a list", text: "a".into() })),
        ("Counts.entry.1.value=1", Err(DecodeReason::Missing)),
        (
            "Counts.entry.1.key=k&Counts.entry.1.value=1&Counts.entry.2.key=k&Counts.entry.2.value=2",
            Err(DecodeReason::Duplicate),
        ),
        (
            "Choice.Left=a&Choice.Right=1",
            Err(DecodeReason::Malformed { expected: "exactly one member of a union", text: String::new() }),
        ),
    ];
    for (form, expected) in rows {
        assert_eq!(decode(Protocol::Query, &OPERATION, form).map_err(|error| error.reason), expected, "{form}");
    }
}

/// What `rest-xml` writes as an answer it also reads as a request.
#[test]
fn xml_has_wrappers_attributes_and_namespaces() {
    let pair = |key: &str, value: Value| (key.to_owned(), value);
    let value = Value::Structure(vec![
        (0, Value::List(vec![text("a"), text(" b ")])),
        (1, Value::List(vec![text("c")])),
        (2, Value::List(vec![text("d"), text("")])),
        (3, Value::Map(vec![pair("one", Value::Integer(1))])),
        (4, Value::Map(vec![pair("x", text("y")), pair("z", text("<\u{e9}>"))])),
        (5, Value::Structure(vec![(1, Value::Integer(i64::MIN))])),
        (6, Value::Blob(Bytes::from_static(b"hi"))),
        (7, Value::Bool(true)),
        (8, Value::Float(0.5)),
        (9, Value::Structure(vec![(0, text("me")), (1, text("CanonicalUser"))])),
    ]);
    let answer = wire::encode_response(Protocol::RestXml, &SERVICE, &OPERATION, &value, "req-1");
    let body = std::str::from_utf8(&answer.body).unwrap();
    assert_eq!(
        body,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Everything xmlns=\"urn:test\">\
         <Names><member>a</member><member> b </member></Names><Named><Item>c</Item></Named>\
         <FlatName>d</FlatName><FlatName/><Counts><entry><key>one</key><value>1</value></entry></Counts>\
         <Attribute><Name>x</Name><Value>y</Value></Attribute><Attribute><Name>z</Name><Value>&lt;é&gt;</Value></Attribute>\
         <Choice><Right>-9223372036854775808</Right></Choice><Data>aGk=</Data><Flag>true</Flag><Ratio>0.5</Ratio>\
         <Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>me</ID></Grantee>\
         </Everything>"
    );
    assert_eq!(decode(Protocol::RestXml, &OPERATION, body).unwrap(), value);
    let error =
        decode(Protocol::RestXml, &OPERATION, "<Everything><Grantee><ID>me</ID></Grantee></Everything>").unwrap_err();
    assert_eq!((error.path.as_str(), error.reason), ("Grantee.xsi:type", DecodeReason::Missing));
}

#[test]
fn a_recursive_schema_can_be_built_at_run_time_and_ends_at_the_limit() {
    let cell: &'static OnceLock<Shape> = Box::leak(Box::default());
    let mut member = Member::new("Inner", &scalars::STRING);
    member.shape = ShapeRef::Late(cell);
    let members: &'static [Member] = Vec::leak(vec![member, Member::new("Name", &scalars::STRING)]);
    let shape = cell.get_or_init(|| Shape::structure("Nested", members));
    let operation = operation(shape);
    let nested = |depth: usize| format!("{}Name=x", "Inner.".repeat(depth));
    let mut value = decode(Protocol::Ec2, &operation, &nested(wire::MAX_DEPTH - 1)).unwrap();
    let mut depth = 0;
    while let Some(inner) = value.member(0) {
        value = inner.clone();
        depth += 1;
    }
    assert_eq!((depth, value.member(1)), (wire::MAX_DEPTH - 1, Some(&text("x"))));
    let error = decode(Protocol::Ec2, &operation, &nested(wire::MAX_DEPTH)).unwrap_err();
    assert_eq!(error.reason, DecodeReason::TooDeep);
}
