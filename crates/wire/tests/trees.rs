//! JSON and CBOR: what we write we read as it was, what is malformed gets AWS's error, and nothing a client sends costs
//! more than its size. Breadth against botocore is in `crates/api/tests/foreign.rs`.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use bytes::Bytes;
use common::values;
use proptest::prelude::{any, prop, proptest};
use wire::{
    ErrorContext, ErrorShape, JsonVersion, Location, Member, OperationShape, Protocol, RequestParts, ResponseParts,
    ServiceError, ServiceShape, Shape, TimestampFormat, Value, scalars,
};

const JSON_1_0: Protocol = Protocol::Json { version: JsonVersion::V1_0 };
const JSON_1_1: Protocol = Protocol::Json { version: JsonVersion::V1_1 };
const ALL: [Protocol; 4] = [JSON_1_0, JSON_1_1, Protocol::RestJson, Protocol::Cbor];

static NAMES: Shape = Shape::list("Names", &scalars::STRING, Some("Item"));
static TIMES: Shape = Shape::list("Times", &scalars::TIMESTAMP, None);
static COUNTS: Shape = Shape::map("Counts", &scalars::INTEGER, Some("Name"), None);
static CHOICE: Shape =
    Shape::union("Choice", &[Member::new("Left", &scalars::STRING), Member::new("Right", &scalars::LONG)]);
static INNER: Shape =
    Shape::structure("Inner", &[Member::new("Id", &scalars::STRING).required(), Member::new("Names", &NAMES)]);
static INNERS: Shape = Shape::list("Inners", &INNER, None);
static EVERYTHING: Shape = Shape::structure(
    "Everything",
    &[
        Member::new("Text", &scalars::STRING).wire("text").json("inJson"),
        Member::new("Flag", &scalars::BOOLEAN),
        Member::new("Small", &scalars::INTEGER),
        Member::new("Large", &scalars::LONG),
        Member::new("Single", &scalars::FLOAT),
        Member::new("Double", &scalars::DOUBLE),
        Member::new("Data", &scalars::BLOB),
        Member::new("Time", &scalars::TIMESTAMP),
        Member::new("Iso", &scalars::TIMESTAMP_ISO8601),
        Member::new("Date", &scalars::TIMESTAMP_HTTP_DATE),
        Member::new("Unix", &scalars::TIMESTAMP_UNIX),
        Member::new("Overruled", &scalars::TIMESTAMP).timestamp(TimestampFormat::Iso8601),
        Member::new("Names", &NAMES).flattened(),
        Member::new("Times", &TIMES),
        Member::new("Counts", &COUNTS).flattened(),
        Member::new("Choice", &CHOICE),
        Member::new("Inners", &INNERS),
        Member::new("Anything", &scalars::DOCUMENT),
    ],
);
static OPERATION: OperationShape = operation(&EVERYTHING);
static FAILURE: Shape = Shape::structure(
    "QueueDoesNotExist",
    &[
        Member::new("Message", &scalars::STRING),
        Member::new("retryAfter", &scalars::INTEGER).wire("Retry-After").at(Location::Header),
        Member::new("count", &scalars::INTEGER),
    ],
);
static SERVICE: ServiceShape = ServiceShape {
    name: "sqs",
    service_id: "SQS",
    endpoint_prefix: "sqs",
    signing_name: "sqs",
    protocols: &[JSON_1_0],
    api_version: "2012-11-05",
    xml_namespace: "",
    target_prefix: Some("AmazonSQS"),
    has_bare_errors: false,
    has_whole_seconds: false,
    is_query_compatible: true,
    errors: &[ErrorShape {
        name: "QueueDoesNotExist",
        code: "AWS.SimpleQueueService.NonExistentQueue",
        status: 404,
        is_sender_fault: true,
        shape: Some(&FAILURE),
    }],
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

fn decode(protocol: Protocol, body: impl Into<Bytes>) -> Result<Value, wire::DecodeError> {
    wire::decode_request(protocol, &OPERATION, &RequestParts { body: body.into(), ..RequestParts::default() })
}

fn encode(protocol: Protocol, value: &Value) -> ResponseParts {
    wire::encode_response(protocol, &SERVICE, &OPERATION, value, "req-1")
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_it_was(value in values(&EVERYTHING, false)) {
        for protocol in ALL {
            assert_eq!(decode(protocol, encode(protocol, &value).body).unwrap(), value, "{protocol:?}");
        }
    }

    #[test]
    fn any_bytes_end_in_a_value_or_an_error(body in prop::collection::vec(any::<u8>(), 0..64)) {
        for protocol in ALL {
            if let Err(error) = decode(protocol, body.clone()) {
                let refusal = protocol.refusal(error);
                assert!(["SerializationException", "ValidationException"].contains(&&*refusal.code), "{refusal}");
            }
        }
    }

    #[test]
    fn a_changed_byte_ends_in_a_value_or_an_error(
        value in values(&EVERYTHING, false), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        for protocol in ALL {
            let mut body = encode(protocol, &value).body.to_vec();
            let at = at.index(body.len());
            body[at] = byte;
            let _ = decode(protocol, body.clone());
            let _ = decode(protocol, body[..at].to_vec());
        }
    }
}

#[test]
fn json_answers_to_the_byte() {
    let time = |text: &str| Value::Timestamp(text.parse().unwrap());
    let value = Value::Structure(vec![
        (0, Value::String("a\"\u{1}é".into())),
        (3, Value::Integer(i64::MIN)),
        (4, Value::Float(f64::NAN)),
        (5, Value::Float(1e21)),
        (6, Value::Blob(Bytes::from_static(b"hi"))),
        (7, time("2026-11-21T08:09:10.5Z")),
        (8, time("2026-11-21T08:09:10Z")),
        (9, time("2026-11-21T08:09:10Z")),
        (10, time("1969-12-31T23:59:59.250Z")),
        (11, time("2026-11-21T08:09:10.250Z")),
        (12, Value::List(vec![])),
        (15, Value::Structure(vec![(1, Value::Integer(-1))])),
    ]);
    let answer = encode(JSON_1_0, &value);
    assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.0");
    assert_eq!(answer.headers["x-amzn-requestid"], "req-1");
    assert_eq!(
        std::str::from_utf8(&answer.body).unwrap(),
        "{\"inJson\":\"a\\\"\\u0001é\",\"Large\":-9223372036854775808,\"Single\":\"NaN\",\"Double\":1e21,\"Data\":\"aGk=\",\
         \"Time\":1795248550.500,\"Iso\":\"2026-11-21T08:09:10Z\",\"Date\":\"Sat, 21 Nov 2026 08:09:10 GMT\",\
         \"Unix\":-0.750,\"Overruled\":\"2026-11-21T08:09:10.250Z\",\"Names\":[],\"Choice\":{\"Right\":-1}}"
    );
    let empty = OperationShape { output: None, ..operation(&EVERYTHING) };
    let body = |protocol| wire::encode_response(protocol, &SERVICE, &empty, &Value::EMPTY, "req-1").body;
    assert_eq!((&body(JSON_1_0)[..], &body(JSON_1_1)[..], &body(Protocol::Cbor)[..]), (&b"{}"[..], &b""[..], &b""[..]));
}

#[test]
fn requests_may_lack_a_body_or_say_null_or_more_than_we_know() {
    for protocol in ALL {
        assert_eq!(decode(protocol, "").unwrap(), Value::EMPTY, "{protocol:?}");
    }
    let body = r#"{"inJson":null,"Colour":{"deep":[1,{"x":2}]},"Small":5.0,"__type":"x"}"#;
    assert_eq!(decode(JSON_1_1, body).unwrap(), Value::Structure(vec![(2, Value::Integer(5))]));
    let times = [
        "1795248550.123",
        "1.795248550123E9",
        "\"2026-11-21T08:09:10.123Z\"",
        "\"1795248550.123\"",
        "\"2026-11-21T09:09:10.123+01:00\"",
    ];
    for time in times {
        let expected = Value::Timestamp("2026-11-21T08:09:10.123Z".parse().unwrap());
        assert_eq!(decode(JSON_1_1, format!("{{\"Time\":{time}}}")).unwrap().member(7), Some(&expected), "{time}");
    }
}

fn refused(protocol: Protocol, body: impl Into<Bytes>) -> (String, String) {
    let refusal = protocol.refusal(decode(protocol, body).unwrap_err());
    assert_eq!((refusal.status, refusal.is_sender_fault), (400, true));
    (refusal.code.into_owned(), refusal.message)
}

#[test]
fn malformed_json_gets_the_error_of_aws() {
    let deep = format!("{{\"Anything\":{}", "[".repeat(100_000));
    let deep_unknown = format!("{{\"x\":{}", "{\"a\":".repeat(100_000));
    let many = format!("{{\"Anything\":[{}1]}}", "1,".repeat(600_000));
    let unparsable = "Unable to parse the request body";
    let rows = [
        ("{", unparsable),
        ("\u{feff}{}", unparsable),
        ("{\"Small\":1}x", unparsable),
        ("{\"Small\":1e999}", unparsable),
        ("[]", "Start of list found where not expected"),
        ("\"x\"", "STRING_VALUE cannot be converted to a structure"),
        ("{\"inJson\":5}", "NUMBER_VALUE cannot be converted to String"),
        ("{\"inJson\":{}}", "Start of structure or map found where not expected."),
        ("{\"Names\":\"x\"}", "STRING_VALUE cannot be converted to a list"),
        ("{\"Names\":[null]}", "NULL_VALUE cannot be converted to String"),
        ("{\"Small\":2147483648}", "NUMBER_VALUE cannot be converted to Integer"),
        ("{\"Small\":\"5\"}", "STRING_VALUE cannot be converted to Integer"),
        ("{\"Large\":9223372036854775808}", "DECIMAL_VALUE cannot be converted to Long"),
        ("{\"Large\":1.5}", "DECIMAL_VALUE cannot be converted to Long"),
        ("{\"Flag\":\"true\"}", "STRING_VALUE cannot be converted to Boolean"),
        ("{\"Double\":\"inf\"}", "STRING_VALUE cannot be converted to Double"),
        ("{\"Time\":1e300}", "DECIMAL_VALUE cannot be converted to Date"),
        ("{\"Time\":99999999999999}", "NUMBER_VALUE cannot be converted to Date"),
        ("{\"Data\":\"@\"}", "Data is not base64: \"@\""),
        ("{\"Choice\":{\"Left\":\"a\",\"Right\":1}}", "Choice is not exactly one member of a union: \"\""),
        ("{\"Small\":1,\"Small\":1}", "Small is given twice"),
        (&deep, "the request nests too deep"),
        (&deep_unknown, "the request nests too deep"),
        (&many, "the request has too many parts"),
    ];
    for (body, message) in rows {
        let shown: String = body.chars().take(80).collect();
        for protocol in [JSON_1_0, JSON_1_1, Protocol::RestJson] {
            let found = refused(protocol, body.to_owned());
            assert_eq!(found, ("SerializationException".to_owned(), message.to_owned()), "{shown}");
        }
    }
    let missing = "1 validation error detected: Value null at 'inners.1.Id' failed to satisfy constraint: Member must not be null";
    let found = refused(JSON_1_1, "{\"Inners\":[{}]}");
    assert_eq!(found, ("ValidationException".to_owned(), missing.to_owned()));
    assert_eq!(refused(JSON_1_1, &b"{\"inJson\":\"\xff\"}"[..]).1, unparsable);
}

#[test]
fn malformed_cbor_gets_the_error_of_aws() {
    let small = |item: &[u8]| [b"\xa1\x65Small", item].concat();
    for body in [
        small(b"\x61a"),
        small(b"\x1a\xff\xff\xff\xff"),
        small(b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
        small(b"\xfb\x3f\xf8\0\0\0\0\0\0"),
        small(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff"),
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\xa1\x7b\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\xa2\x65Small\x01\x65Small\x01".to_vec(),
        b"\xa1\x64Time\x61x".to_vec(),
        b"\xa1\x64Time\xc1\xfb\x7f\xf0\0\0\0\0\0\0".to_vec(),
        b"\x80".to_vec(),
        [b"\xa1\x61x".to_vec(), b"\x81".repeat(100_000)].concat(),
        [b"\xa1\x61x\x9f".to_vec(), b"\0".repeat(600_000), b"\xff".to_vec()].concat(),
    ] {
        let shown = body[..body.len().min(20)].to_vec();
        assert_eq!(refused(Protocol::Cbor, body).0, "SerializationException", "{shown:x?}");
    }
}

#[test]
fn errors_are_named_as_the_protocol_and_the_client_want() {
    let context = ErrorContext { request_id: "req-1", is_query_mode: true, ..ErrorContext::default() };
    let encode = |protocol, code: &'static str, context| {
        let error = ServiceError::bad_request(code, "No").with_field("count", "7").with_field("retryAfter", "3");
        let answer = wire::encode_error(protocol, &SERVICE, &error, context);
        let header = |name: &str| answer.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        (answer.status.as_u16(), text, header("x-amzn-query-error"), header("x-amzn-errortype"), header("retry-after"))
    };
    let code = "AWS.SimpleQueueService.NonExistentQueue";
    let query = format!("{code};Sender");
    // Known by its code or by its name, with the model's status.
    for given in [code, "QueueDoesNotExist"] {
        let found = encode(JSON_1_0, given, context);
        let body = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","Message":"No","count":7}"#;
        assert_eq!(found, (404, body.into(), query.clone(), String::new(), String::new()));
        let found = encode(JSON_1_1, given, ErrorContext::default());
        let body = r#"{"__type":"QueueDoesNotExist","Message":"No","count":7}"#;
        assert_eq!(found, (404, body.into(), String::new(), String::new(), String::new()));
        let found = encode(Protocol::RestJson, given, ErrorContext::default());
        let body = r#"{"Message":"No","count":7}"#;
        assert_eq!(found, (404, body.into(), String::new(), "QueueDoesNotExist".into(), "3".into()));
    }
    let found = encode(JSON_1_0, "ThrottlingException", context);
    let body =
        r#"{"__type":"com.amazon.coral.service#ThrottlingException","message":"No","count":"7","retryAfter":"3"}"#;
    assert_eq!((found.0, found.1.as_str(), found.2.as_str()), (400, body, "ThrottlingException;Sender"));
    let cbor = wire::encode_error(Protocol::Cbor, &SERVICE, &ServiceError::bad_request(code, "No"), context);
    assert_eq!(&cbor.body[..], b"\xa2\x66__type\x78\x23com.amazonaws.sqs#QueueDoesNotExist\x67Message\x62No");
    assert_eq!(
        (&cbor.headers["smithy-protocol"], &cbor.headers["x-amzn-query-error"]),
        (&"rpc-v2-cbor".parse().unwrap(), &query.parse().unwrap())
    );
}
