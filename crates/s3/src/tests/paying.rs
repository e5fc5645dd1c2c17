//! Buckets whose readers pay: everything that is asked of one by another account must say that it pays, and is told so.

use api::Call;
use api::s3::{
    AbortMultipartUploadRequest, CompleteMultipartUploadRequest, CompletedMultipartUpload, CompletedPart,
    CopyObjectRequest, CreateMultipartUploadRequest, GetObjectAclRequest, ListMultipartUploadsRequest,
    ListPartsRequest, PutBucketPolicyRequest, PutBucketRequestPaymentRequest, RequestPaymentConfiguration, S3Api,
    UploadPartCopyRequest, UploadPartRequest,
};
use bytes::Bytes;
use wire::{ByteStream, ServiceError};

use super::fixture::{Fixture, ours, theirs};

const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"210987654321"},"Action":"s3:*","Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}]}"#;

/// A bucket whose readers pay, which lets the other account do everything.
async fn paid() -> Fixture {
    let fixture = Fixture::with_bucket().await;
    let policy = PutBucketPolicyRequest {
        bucket: "bucket".to_owned(),
        policy: EVERYTHING.to_owned(),
        ..PutBucketPolicyRequest::default()
    };
    fixture.s3.put_bucket_policy(ours(), policy).await.unwrap();
    let payment = PutBucketRequestPaymentRequest {
        bucket: "bucket".to_owned(),
        request_payment_configuration: RequestPaymentConfiguration { payer: "Requester".to_owned() },
        ..PutBucketRequestPaymentRequest::default()
    };
    fixture.s3.put_bucket_request_payment(ours(), payment).await.unwrap();
    fixture
}

/// One who calls, and says so or not.
#[derive(Clone)]
struct Asker {
    call: Call,
    payer: Option<String>,
}

/// What each is told: charged, not charged, or refused.
fn told(outcome: Result<Option<String>, ServiceError>) -> String {
    match outcome {
        Ok(charged) => charged.unwrap_or_else(|| "free".to_owned()),
        Err(error) => error.code.into_owned(),
    }
}

/// Everything that can be done with an upload, by one who asks and an upload that is there.
async fn upload(fixture: &Fixture, asker: &Asker) -> Vec<String> {
    let (s3, bucket, key) = (&fixture.s3, || "bucket".to_owned(), || "upload".to_owned());
    let (call, payer) = (|| asker.call.clone(), || asker.payer.clone());
    let id = fixture.begin("upload").await;
    let create = CreateMultipartUploadRequest {
        bucket: bucket(),
        key: key(),
        request_payer: payer(),
        ..CreateMultipartUploadRequest::default()
    };
    let part = UploadPartRequest {
        bucket: bucket(),
        key: key(),
        upload_id: id.clone(),
        part_number: 1,
        request_payer: payer(),
        body: Some(ByteStream::from_bytes(Bytes::from_static(b"bytes"))),
        ..UploadPartRequest::default()
    };
    let copy = UploadPartCopyRequest {
        bucket: bucket(),
        key: key(),
        upload_id: id.clone(),
        part_number: 1,
        copy_source: "bucket/source".to_owned(),
        request_payer: payer(),
        ..UploadPartCopyRequest::default()
    };
    let parts = ListPartsRequest {
        bucket: bucket(),
        key: key(),
        upload_id: id.clone(),
        request_payer: payer(),
        ..ListPartsRequest::default()
    };
    let uploads = ListMultipartUploadsRequest {
        bucket: bucket(),
        request_payer: payer(),
        ..ListMultipartUploadsRequest::default()
    };
    let mut all = vec![
        told(s3.create_multipart_upload(call(), create).await.map(|output| output.request_charged)),
        told(s3.upload_part(call(), part).await.map(|output| output.request_charged)),
        told(s3.upload_part_copy(call(), copy).await.map(|output| output.request_charged)),
        told(s3.list_parts(call(), parts).await.map(|output| output.request_charged)),
        told(s3.list_multipart_uploads(call(), uploads).await.map(|output| output.request_charged)),
    ];
    let tag = fixture.part("upload", &id, 1, "whole").await.unwrap().e_tag;
    let completed = CompletedPart { part_number: Some(1), e_tag: tag, ..CompletedPart::default() };
    let complete = CompleteMultipartUploadRequest {
        bucket: bucket(),
        key: key(),
        upload_id: id,
        multipart_upload: Some(CompletedMultipartUpload { parts: Some(vec![completed]) }),
        request_payer: payer(),
        ..CompleteMultipartUploadRequest::default()
    };
    all.push(told(s3.complete_multipart_upload(call(), complete).await.map(|output| output.request_charged)));
    let abort = AbortMultipartUploadRequest {
        bucket: bucket(),
        key: key(),
        upload_id: fixture.begin("upload").await,
        request_payer: payer(),
        ..AbortMultipartUploadRequest::default()
    };
    all.push(told(s3.abort_multipart_upload(call(), abort).await.map(|output| output.request_charged)));
    all
}

#[tokio::test]
async fn who_does_not_say_that_it_pays_can_neither_upload_nor_copy() {
    let fixture = paid().await;
    fixture.put("source", "x").await;
    fixture.create("open").await.unwrap();
    let payer = || Some("requester".to_owned());
    for (asker, expected) in [
        (Asker { call: theirs(), payer: None }, "AccessDenied"),
        (Asker { call: theirs(), payer: payer() }, "requester"),
        (Asker { call: ours(), payer: None }, "free"),
        (Asker { call: ours(), payer: payer() }, "free"),
    ] {
        assert_eq!(upload(&fixture, &asker).await, [expected; 7]);
        let Asker { call, payer } = asker;
        let acl = GetObjectAclRequest {
            bucket: "bucket".to_owned(),
            key: "source".to_owned(),
            request_payer: payer.clone(),
            ..GetObjectAclRequest::default()
        };
        let acl = fixture.s3.get_object_acl(call.clone(), acl).await;
        assert_eq!(told(acl.map(|output| output.request_charged)), expected);
        let copy = CopyObjectRequest {
            bucket: "bucket".to_owned(),
            key: "copy".to_owned(),
            copy_source: "bucket/source".to_owned(),
            request_payer: payer,
            ..CopyObjectRequest::default()
        };
        let copied = fixture.s3.copy_object(call, copy).await;
        assert_eq!(told(copied.map(|output| output.request_charged)), expected);
    }
}

#[tokio::test]
async fn a_copy_out_of_a_bucket_whose_readers_pay_is_paid_by_the_copier() {
    let fixture = paid().await;
    fixture.put("source", "x").await;
    let own = api::s3::CreateBucketRequest { bucket: "theirs".to_owned(), ..Default::default() };
    fixture.s3.create_bucket(theirs(), own).await.unwrap();
    let copy = |payer: Option<&str>| CopyObjectRequest {
        bucket: "theirs".to_owned(),
        key: "copy".to_owned(),
        copy_source: "bucket/source".to_owned(),
        request_payer: payer.map(str::to_owned),
        ..CopyObjectRequest::default()
    };
    let copied = async |payer| told(fixture.s3.copy_object(theirs(), copy(payer)).await.map(|it| it.request_charged));
    assert_eq!(copied(None).await, "AccessDenied");
    assert_eq!(copied(Some("requester")).await, "requester");
}
