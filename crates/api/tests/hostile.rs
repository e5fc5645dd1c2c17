//! Whatever a client sends, decoding ends with a value or an error, soon and without a panic.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use common::{SERVICES, parts};
use http::HeaderValue;
use proptest::prelude::{Strategy, any, prop, proptest};
use wire::{DecodeReason, OperationShape, Protocol, RequestParts};

fn operations() -> impl Iterator<Item = (Protocol, &'static OperationShape)> {
    SERVICES.into_iter().flat_map(|service| {
        let shapes = service.operations.iter().filter_map(|entry| entry.shape);
        shapes.map(|shape| (service.protocols[0], shape))
    })
}

fn decode_all(parts: &RequestParts) {
    for (protocol, operation) in operations() {
        if let Err(error) = wire::decode_request(protocol, operation, parts) {
            let refusal = protocol.refusal(error);
            assert!(refusal.is_sender_fault && refusal.message.len() < 10_000, "{refusal}");
        }
    }
}

/// Names that begin as real ones do, so that the decoders get past the first check.
fn names() -> impl Strategy<Value = String> {
    let segments = prop::sample::select(vec![
        "Filter",
        "1",
        "2",
        "Value",
        "Name",
        "MinCount",
        "MaxCount",
        "TagSpecification",
        "Tag",
        "Key",
        "DryRun",
        "BlockDeviceMapping",
        "Ebs",
        "VolumeSize",
        "",
        "0",
        "01",
        "99999999999999999999999",
        "-1",
        "%",
        "member",
    ]);
    prop::collection::vec(segments, 1..6).prop_map(|segments| segments.join("."))
}

fn forms() -> impl Strategy<Value = String> {
    let values = prop::sample::select(vec!["", "1", "true", "x", "%zz", "%ff", "a=b", "+", "2026-11-21T00:00:00Z"]);
    prop::collection::vec((names(), values), 0..12)
        .prop_map(|pairs| pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"))
}

fn documents() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<Delete>",
        "</Delete>",
        "<Object>",
        "</Object>",
        "<Key>",
        "</Key>",
        "<Key/>",
        "a",
        "&amp;",
        "&#x0;",
        "&#999999999;",
        "&e;",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<?xml version=\"1.0\"?>",
        "<?p?>",
        "<!DOCTYPE d>",
        " ",
        "<",
        ">",
        "\"",
        "<CreateBucketConfiguration>",
        "</CreateBucketConfiguration>",
        "<a b='c' b='d'>",
        "xmlns=\"",
        "<x:Delete>",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn forms_end_in_a_value_or_an_error(form in forms()) {
        decode_all(&parts("POST", "", &[], &form));
    }

    #[test]
    fn documents_end_in_a_value_or_an_error(document in documents()) {
        decode_all(&parts("POST", "delete", &[], &document));
    }

    #[test]
    fn bytes_end_in_a_value_or_an_error(
        body in prop::collection::vec(any::<u8>(), 0..200),
        header in prop::collection::vec(any::<u8>(), 0..20),
        label in any::<String>(),
    ) {
        let mut request = parts("PUT", "", &[], "");
        request.body = body.into();
        request.labels = vec![("Bucket", label.clone()), ("Key", label)];
        if let Ok(value) = HeaderValue::from_bytes(&header) {
            for name in ["x-amz-meta-a", "expires", "content-length", "x-amz-acl"] {
                request.headers.append(name, value.clone());
            }
        }
        decode_all(&request);
    }

    #[test]
    fn any_path_finds_a_route_or_an_error(path in "[/a%2Fb+.]{0,12}", query in "[a-z&=%+]{0,12}") {
        if let Ok(query) = wire::parse_query(&query) {
            for method in ["GET", "PUT", "POST", "DELETE", "HEAD"] {
                let _ = wire::route(&api::s3::SERVICE, &method.parse().unwrap(), &path, &query, &Default::default());
            }
        }
    }
}

fn reason(service: &wire::ServiceShape, operation: &str, body: &str) -> DecodeReason {
    let operation = service.resolve(operation).unwrap();
    let mut request = parts("POST", "", &[], body);
    request.labels = vec![("Bucket", "b".into())];
    wire::decode_request(service.protocols[0], operation, &request).unwrap_err().reason
}

#[test]
fn depth_count_and_indexes_are_bounded() {
    let deep = format!("Filter{}=x", ".1".repeat(10_000));
    assert_eq!(reason(&api::ec2::SERVICE, "DescribeInstances", &deep), DecodeReason::TooDeep);
    let many: String = (1..=60_000).map(|index| format!("InstanceId.{index}=i&")).collect();
    assert_eq!(reason(&api::ec2::SERVICE, "DescribeInstances", &many), DecodeReason::TooMany);
    for index in ["0", "2", "01", "-1", "x", "", "1000000", "4294967297", "18446744073709551617", "١"] {
        let form = format!("InstanceId.{index}=i");
        assert_eq!(reason(&api::ec2::SERVICE, "DescribeInstances", &form), DecodeReason::BadIndex, "{index}");
    }
    let deep = format!("<Delete>{}", "<Object>".repeat(10_000));
    assert_eq!(reason(&api::s3::SERVICE, "DeleteObjects", &deep), DecodeReason::TooDeep);
    let many = format!("<Delete>{}</Delete>", "<Object/>".repeat(200_000));
    assert_eq!(reason(&api::s3::SERVICE, "DeleteObjects", &many), DecodeReason::TooMany);
}

#[test]
fn a_thousand_of_anything_real_fits() {
    let many: String = (1..=1000).map(|index| format!("InstanceId.{index}=i&")).collect();
    let operation = api::ec2::SERVICE.resolve("DescribeInstances").unwrap();
    let value = wire::decode_request(Protocol::Ec2, operation, &parts("POST", "", &[], &many)).unwrap();
    let wire::Value::Structure(fields) = value else { panic!("a structure") };
    let wire::Value::List(ids) = &fields[0].1 else { panic!("a list") };
    assert_eq!(ids.len(), 1000);
}
