//! Real requests and the exact bytes of answers and errors, one by one. The breadth is in `oracle.rs`.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use api::{ec2, s3, sts};
use common::parts;
use wire::{ErrorContext, OperationType, Protocol, ServiceError, ServiceShape, Typed, encode_error};

fn decode<O: OperationType>(protocol: Protocol, parts: &wire::RequestParts) -> O::Input {
    let value = wire::decode_request(protocol, O::SHAPE, parts).unwrap();
    O::Input::from_value(value).unwrap()
}

fn refusal<O: OperationType>(protocol: Protocol, parts: &wire::RequestParts) -> (String, String) {
    let error = protocol.refusal(wire::decode_request(protocol, O::SHAPE, parts).unwrap_err());
    assert!(error.is_sender_fault && error.status == 400 && error.cause.is_some());
    (error.code.into_owned(), error.message)
}

fn body<O: OperationType>(service: &ServiceShape, output: O::Output) -> String {
    let answer = wire::encode_response(service.protocols[0], service, O::SHAPE, &output.into_value(), "req-1");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").map_or(text.clone(), str::to_owned)
}

/// The form of a typical `aws ec2 run-instances`: lists in lists, user data, a token.
#[test]
fn run_instances_as_the_cli_sends_it() {
    let form = "Action=RunInstances&Version=2016-11-15&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fxvda\
        &BlockDeviceMapping.1.Ebs.DeleteOnTermination=true&BlockDeviceMapping.1.Ebs.VolumeSize=20\
        &ClientToken=7c0a1d0e-3b1f-4f2a-9d53-6d0c6f2b8a11&ImageId=ami-0abcdef1234567890&InstanceType=t3.micro\
        &KeyName=ada&MaxCount=2&MinCount=1&SecurityGroupId.1=sg-1&SecurityGroupId.2=sg-2\
        &TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=web+1\
        &TagSpecification.1.Tag.2.Key=env&TagSpecification.1.Tag.2.Value=&UserData=IyEvYmluL3NoCmVjaG8gaGkK";
    let input = decode::<ec2::RunInstances>(Protocol::Ec2, &parts("POST", "", &[], form));
    assert_eq!((input.min_count, input.max_count), (1, 2));
    assert_eq!(input.security_group_ids.unwrap(), ["sg-1", "sg-2"]);
    assert_eq!(input.user_data.unwrap(), "IyEvYmluL3NoCmVjaG8gaGkK", "clients and not the protocol encode user data");
    let device = &input.block_device_mappings.unwrap()[0];
    assert_eq!(device.ebs.as_ref().unwrap().volume_size, Some(20));
    let tags = input.tag_specifications.unwrap().remove(0).tags.unwrap();
    assert_eq!(tags[0].value.as_deref(), Some("web 1"));
    assert_eq!(tags[1].value.as_deref(), Some(""));
}

#[test]
fn filters_decode_from_a_body_and_from_the_query_string_of_a_get() {
    let form =
        "Action=DescribeInstances&Filter.1.Name=tag%3AName&Filter.1.Value.2=b&Filter.1.Value.1=a&Version=2016-11-15";
    let signature = "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00";
    let post = parts("POST", "", &[], form);
    let get = parts("GET", &format!("{form}{signature}"), &[], "");
    for request in [post, get] {
        let filter = decode::<ec2::DescribeInstances>(Protocol::Ec2, &request).filters.unwrap().remove(0);
        assert_eq!(filter.name.as_deref(), Some("tag:Name"));
        assert_eq!(filter.values.unwrap(), ["a", "b"]);
    }
}

#[test]
fn ec2_refuses_forms_that_do_not_fit() {
    let rows = [
        ("MinCount=1", "MissingParameter", "The request must contain the parameter MaxCount"),
        ("MinCount=1&MaxCount=1&Colour=red", "UnknownParameter", "The parameter Colour is not recognized"),
        (
            "MinCount=1&MaxCount=99999999999",
            "InvalidParameterValue",
            "Value (99999999999) for parameter MaxCount is invalid. It must be a 32-bit integer",
        ),
        (
            "MinCount=1&MaxCount=1&TagSpecification.1.Tag.1.Colour=red",
            "UnknownParameter",
            "The parameter TagSpecification.1.Tag.1.Colour is not recognized",
        ),
        ("MinCount=1&MinCount=2&MaxCount=1", "InvalidQueryParameter", "The parameter MinCount is given twice"),
        (
            "MinCount=1&MaxCount=1&SecurityGroupId.1000000=sg-1",
            "InvalidQueryParameter",
            "The parameter SecurityGroupId has list indexes other than 1, 2, 3 and so on",
        ),
        ("MinCount=%zz", "MalformedQueryString", "The query string contains a syntax error"),
    ];
    for (form, code, message) in rows {
        let found = refusal::<ec2::RunInstances>(Protocol::Ec2, &parts("POST", "", &[], form));
        assert_eq!(found, (code.to_owned(), message.to_owned()), "{form}");
    }
}

#[test]
fn ec2_answers_to_the_byte() {
    let output = ec2::Reservation {
        reservation_id: Some("r-1".into()),
        groups: Some(vec![]),
        instances: Some(vec![ec2::Instance {
            instance_id: Some("i-1".into()),
            launch_time: Some("2026-11-21T08:09:10Z".parse().unwrap()),
            state: Some(ec2::InstanceState { code: Some(16), name: Some("running".into()) }),
            tags: Some(vec![ec2::Tag { key: Some("a&b".into()), value: Some(String::new()) }]),
            ebs_optimized: Some(false),
            ..Default::default()
        }]),
        ..Default::default()
    };
    let found = body::<ec2::RunInstances>(&ec2::SERVICE, output);
    assert!(found.starts_with(
        "<RunInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>req-1</requestId>\
         <reservationId>r-1</reservationId>"
    ));
    for part in [
        "<groupSet/>",
        "<instancesSet><item>",
        "<tagSet><item><key>a&amp;b</key><value/></item></tagSet>",
        "<launchTime>2026-11-21T08:09:10.000Z</launchTime>",
        "<instanceState><code>16</code><name>running</name></instanceState>",
        "<ebsOptimized>false</ebsOptimized>",
        "</item></instancesSet>",
    ] {
        assert!(found.contains(part), "{part} in {found}");
    }
    assert_eq!(
        body::<ec2::RebootInstances>(&ec2::SERVICE, ()),
        "<RebootInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>req-1</requestId>\
         <return>true</return></RebootInstancesResponse>"
    );
}

#[test]
fn sts_answers_to_the_byte() {
    let output = sts::GetCallerIdentityResponse {
        user_id: Some("1".into()),
        account: Some("012345678901".into()),
        arn: Some("arn:aws:iam::012345678901:root".into()),
    };
    assert_eq!(
        body::<sts::GetCallerIdentity>(&sts::SERVICE, output),
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <UserId>1</UserId><Account>012345678901</Account><Arn>arn:aws:iam::012345678901:root</Arn>\
         </GetCallerIdentityResult><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>"
    );
}

#[test]
fn s3_answers_to_the_byte() {
    let location = |name: Option<&str>| s3::GetBucketLocationOutput { location_constraint: name.map(str::to_owned) };
    let namespace = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
    assert_eq!(
        body::<s3::GetBucketLocation>(&s3::SERVICE, location(Some("us-west-2"))),
        format!("<LocationConstraint {namespace}>us-west-2</LocationConstraint>")
    );
    assert_eq!(
        body::<s3::GetBucketLocation>(&s3::SERVICE, location(None)),
        format!("<LocationConstraint {namespace}></LocationConstraint>"),
        "us-east-1"
    );
    let output = s3::ListObjectsV2Output {
        name: Some("b".into()),
        key_count: Some(1),
        is_truncated: Some(false),
        contents: Some(vec![s3::Object {
            key: Some("a\u{1}\r<".into()),
            last_modified: Some("2026-11-21T08:09:10Z".parse().unwrap()),
            e_tag: Some("\"00\"".into()),
            size: Some(5),
            ..Default::default()
        }]),
        common_prefixes: Some(vec![s3::CommonPrefix { prefix: Some("p/".into()) }]),
        ..Default::default()
    };
    assert_eq!(
        body::<s3::ListObjectsV2>(&s3::SERVICE, output),
        format!(
            "<ListBucketResult {namespace}><Name>b</Name><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated><Contents>\
             <Key>a&#x1;&#xd;&lt;</Key><LastModified>2026-11-21T08:09:10.000Z</LastModified><ETag>&quot;00&quot;</ETag>\
             <Size>5</Size></Contents><CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListBucketResult>"
        )
    );
}

#[test]
fn s3_objects_travel_in_headers_and_their_bytes_beside() {
    let headers = [
        ("x-amz-meta-colour", "red"),
        ("x-amz-meta-size", "9"),
        ("content-type", "text/plain"),
        ("expires", "Sat, 21 Nov 2026 08:09:10 GMT"),
        ("content-length", "5"),
    ];
    let mut request = parts("PUT", "x-id=PutObject", &headers, "");
    request.labels = vec![("Bucket", "b".into()), ("Key", "a/b".into())];
    let mut input = decode::<s3::PutObject>(Protocol::RestXml, &request);
    assert_eq!(input.metadata.as_ref().unwrap()["colour"], "red");
    assert_eq!((input.key.as_str(), input.content_length), ("a/b", Some(5)));
    assert!(input.body.is_none());
    input.set_stream(bytes::Bytes::from_static(b"hello").into());
    assert_eq!(input.body.unwrap().length(), Some(5));

    let mut output = s3::GetObjectOutput {
        body: Some(bytes::Bytes::from_static(b"ell").into()),
        content_range: Some("bytes 1-3/5".into()),
        last_modified: Some("2026-11-21T08:09:10Z".parse().unwrap()),
        metadata: Some([("colour".to_owned(), "red\r\nx-evil: 1".to_owned())].into()),
        e_tag: Some("\"00\"".into()),
        content_disposition: Some("attachment; filename=\"é\"".into()),
        ..Default::default()
    };
    output.metadata.as_mut().unwrap().insert("shape".into(), "é".into());
    assert_eq!(output.take_stream().unwrap().length(), Some(3));
    let answer =
        wire::encode_response(Protocol::RestXml, &s3::SERVICE, s3::GetObject::SHAPE, &output.into_value(), "req-1");
    assert_eq!(answer.status, 206);
    assert_eq!(answer.headers["last-modified"], "Sat, 21 Nov 2026 08:09:10 GMT");
    assert_eq!(answer.headers["etag"], "\"00\"");
    assert_eq!(answer.headers["x-amz-request-id"], "req-1");
    assert_eq!(answer.headers["x-amz-meta-shape"], "=?UTF-8?B?w6k=?=");
    assert_eq!(answer.headers["content-disposition"].as_bytes(), "attachment; filename=\"é\"".as_bytes());
    assert!(!answer.headers.contains_key("x-evil") && !answer.headers.contains_key("x-amz-meta-colour"));
    assert!(answer.body.is_empty());
}

#[test]
fn odd_headers_are_read_as_http_says() {
    let read = |headers: &[(&str, &str)]| {
        let mut request = parts("PUT", "", headers, "");
        request.labels = vec![("Bucket", "b".into()), ("Key", "k".into())];
        wire::decode_request(Protocol::RestXml, s3::PutObject::SHAPE, &request)
            .map(|value| s3::PutObjectRequest::from_value(value).unwrap())
    };
    assert_eq!(read(&[("expires", "never")]).unwrap().expires.as_deref(), Some("never"), "S3 keeps any text");
    let twice = read(&[("cache-control", "no-cache"), ("cache-control", "no-store")]).unwrap();
    assert_eq!(twice.cache_control.as_deref(), Some("no-cache, no-store"));
    for bad in [
        &[("x-amz-object-lock-retain-until-date", "never")][..],
        &[("content-length", "5"), ("content-length", "6")],
        &[("content-length", "-")],
    ] {
        let error = Protocol::RestXml.refusal(read(bad).unwrap_err());
        assert_eq!((error.code.as_ref(), error.fields[0].1.to_lowercase().as_str()), ("InvalidArgument", bad[0].0));
    }
    let mut request = parts("GET", "", &[("if-modified-since", "yesterday"), ("if-match", "\"0\"")], "");
    request.labels = vec![("Bucket", "b".into()), ("Key", "k".into())];
    let input = decode::<s3::GetObject>(Protocol::RestXml, &request);
    assert_eq!((input.if_modified_since, input.if_match.as_deref()), (None, Some("\"0\"")));
}

#[test]
fn s3_bodies_that_do_not_fit_are_refused() {
    let delete = |body: &str| {
        let mut request = parts("POST", "delete", &[], body);
        request.labels = vec![("Bucket", "b".into())];
        request
    };
    let good = "<Delete><!-- none --><Object><Key>a &amp; &#98;</Key></Object><Object><Key><![CDATA[<]]></Key></Object>\
                <Quiet>false</Quiet></Delete>";
    let input = decode::<s3::DeleteObjects>(Protocol::RestXml, &delete(good));
    let keys: Vec<_> = input.delete.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, ["a & b", "<"]);
    let deep = "<a>".repeat(100);
    let rows = [
        ("", "MissingRequestBodyError"),
        ("<Delete>", "MalformedXML"),
        ("<Delete><Object/></Delete>", "MalformedXML"),
        ("<Delete><Object><Key>a</Key></Object><Unknown/></Delete>", "MalformedXML"),
        ("<Delete><Object><Key>a</Key><Unknown/></Object></Delete>", "MalformedXML"),
        ("<Other><Object><Key>k</Key></Object></Other>", "MalformedXML"),
        ("<!DOCTYPE d [<!ENTITY e \"x\">]><Delete><Object><Key>&e;</Key></Object></Delete>", "MalformedXML"),
        ("<Delete><Object><Key>&nbsp;</Key></Object></Delete>", "MalformedXML"),
        ("<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>", "MalformedXML"),
        ("<Delete><Quiet>maybe</Quiet><Object><Key>a</Key></Object></Delete>", "MalformedXML"),
        ("<?php ?><Delete><Object><Key>a</Key></Object></Delete>", "MalformedXML"),
        (&deep, "MalformedXML"),
    ];
    for (body, code) in rows {
        assert_eq!(refusal::<s3::DeleteObjects>(Protocol::RestXml, &delete(body)).0, code, "{body}");
    }
}

#[test]
fn errors_to_the_byte() {
    let context = ErrorContext { request_id: "req-1", host_id: "host", ..ErrorContext::default() };
    let error = || ServiceError::sender("NoSuchThing", 404, "No <such> thing").with_field("BucketName", "b");
    let rows: [(&ServiceShape, &str); 3] = [
        (
            &ec2::SERVICE,
            "<Response><Errors><Error><Code>NoSuchThing</Code><Message>No &lt;such&gt; thing</Message>\
             <BucketName>b</BucketName></Error></Errors><RequestID>req-1</RequestID></Response>",
        ),
        (
            &sts::SERVICE,
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>NoSuchThing</Code><Message>No &lt;such&gt; thing</Message><BucketName>b</BucketName></Error>\
             <RequestId>req-1</RequestId></ErrorResponse>",
        ),
        (
            &s3::SERVICE,
            "<Error><Code>NoSuchThing</Code><Message>No &lt;such&gt; thing</Message><BucketName>b</BucketName>\
             <RequestId>req-1</RequestId><HostId>host</HostId></Error>",
        ),
    ];
    for (service, expected) in rows {
        let answer = encode_error(service.protocols[0], service, &error(), context);
        assert_eq!(answer.status, 404);
        assert_eq!(answer.body, format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{expected}"));
    }
    let head = ErrorContext { is_head: true, ..context };
    let answer = encode_error(Protocol::RestXml, &s3::SERVICE, &error(), head);
    assert!(answer.body.is_empty());
    assert_eq!(answer.headers["x-amz-id-2"], "host");
    let unchanged = ServiceError::sender("NotModified", 304, "Not Modified");
    assert!(encode_error(Protocol::RestXml, &s3::SERVICE, &unchanged, context).body.is_empty());
}

#[test]
fn names_that_are_not_implemented_are_told_from_names_that_do_not_exist() {
    let code = |service: &ServiceShape, name| service.resolve(name).unwrap_err().code.into_owned();
    assert_eq!(code(&ec2::SERVICE, "CreateTransitGateway"), "UnsupportedOperation");
    assert_eq!(code(&ec2::SERVICE, "MakeTea"), "InvalidAction");
    assert_eq!(code(&s3::SERVICE, "PutBucketReplication"), "NotImplemented");
    for service in common::SERVICES {
        assert!(service.operations.is_sorted_by_key(|entry| entry.name), "find() searches by halves");
    }
}

#[test]
fn secrets_do_not_show() {
    let key = ec2::KeyPair { key_material: Some("-----BEGIN".into()), ..Default::default() };
    assert!(!format!("{key:?}").contains("BEGIN"));
}
