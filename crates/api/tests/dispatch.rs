//! From a request's tree through the generated trait to an answer's tree.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use api::cloudtrail::{self, CloudtrailApi};
use api::{Call, Caller, s3};
use bytes::Bytes;
use futures_util::FutureExt;
use wire::{BoxFuture, ByteStream, Decoded, OperationType, ServiceError, Value};

struct Fake;

impl CloudtrailApi for Fake {
    fn lookup_events(
        &self,
        call: Call,
        _input: cloudtrail::LookupEventsRequest,
    ) -> BoxFuture<'_, Result<cloudtrail::LookupEventsResponse, ServiceError>> {
        let refusal = || ServiceError::sender("AccessDenied", 403, "No");
        let arn = call.caller.arn().ok_or_else(refusal);
        Box::pin(async { Ok(cloudtrail::LookupEventsResponse { next_token: Some(arn?), ..Default::default() }) })
    }
}

fn call(caller: Caller) -> Call {
    Call {
        caller,
        request_id: "req-1".into(),
        source_ip: None,
        is_secure: true,
        user_agent: String::new(),
        manner: std::sync::Arc::default(),
        region: "us-east-1".into(),
        verdicts: api::Verdicts::default(),
    }
}

#[test]
fn a_request_reaches_the_service_and_its_answer_comes_back() {
    let request = || Decoded { value: Value::EMPTY, body: None };
    let ask = |caller| {
        let answer = cloudtrail::dispatch(&Fake, cloudtrail::LookupEvents::SHAPE, call(caller), request());
        answer.now_or_never().unwrap()
    };
    let root = Caller::root("123456789012".parse().unwrap(), "AKIA");
    let arn = Value::String("arn:aws:iam::123456789012:root".into());
    assert_eq!(ask(root).unwrap().value.member(1), Some(&arn));
    assert_eq!(ask(Caller::ANONYMOUS).unwrap_err().code, "AccessDenied");
    let stranger = cloudtrail::dispatch(&Fake, s3::GetObject::SHAPE, call(Caller::ANONYMOUS), request());
    assert_eq!(stranger.now_or_never().unwrap().unwrap_err().status, 500);
}

#[test]
fn streams_pass_beside_the_tree() {
    let value = Value::Structure(Vec::new());
    let body = Some(ByteStream::from_bytes(Bytes::from_static(b"hello")));
    let missing = wire::call::<s3::PutObject>(Decoded { value, body }, |_| Box::pin(async { Ok(Default::default()) }));
    let error = missing.now_or_never().unwrap().unwrap_err();
    assert_eq!(error.code, "InternalError", "decode_request() would have refused a tree without Bucket and Key");

    let members = s3::shapes::GET_OBJECT_REQUEST.members();
    let required = (0_u16..).zip(members).filter(|(_, member)| member.is_required);
    let value = Value::Structure(required.map(|(index, member)| (index, Value::String(member.name.into()))).collect());
    let answer = wire::call::<s3::GetObject>(Decoded { value, body: None }, |input| {
        assert_eq!((input.bucket.as_str(), input.key.as_str()), ("Bucket", "Key"));
        let body = Some(ByteStream::from_bytes(Bytes::from_static(b"hello")));
        Box::pin(async { Ok(s3::GetObjectOutput { body, content_length: Some(5), ..Default::default() }) })
    });
    let answer = answer.now_or_never().unwrap().unwrap();
    let bytes = answer.body.unwrap().collect(5).now_or_never().unwrap().unwrap();
    assert_eq!(bytes, "hello");
    let Value::Structure(fields) = answer.value else { panic!("a structure") };
    assert_eq!(fields.len(), 1, "the body is not in the tree");
}

#[test]
fn a_stream_longer_than_the_limit_is_refused() {
    let stream = || ByteStream::from_bytes(Bytes::from_static(b"hello"));
    assert_eq!(stream().length(), Some(5));
    assert!(stream().collect(4).now_or_never().unwrap().is_err());
    assert!(stream().collect(5).now_or_never().unwrap().is_ok());
}
