//! Copies: what goes along, what is refused, and who may.

use api::s3::{CopyObjectRequest, GetObjectRequest, HeadObjectRequest, PutObjectRequest, RestoreObjectRequest, S3Api};
use api::s3::{HeadObjectOutput, RestoreRequest};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use wire::{ByteStream, ServiceError};

use super::fixture::{Fixture, a_users, get, ours, put, theirs};

fn copy(source: &str, key: &str) -> CopyObjectRequest {
    CopyObjectRequest {
        bucket: "bucket".to_owned(),
        key: key.to_owned(),
        copy_source: source.to_owned(),
        ..CopyObjectRequest::default()
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

impl Fixture {
    async fn head(&self, key: &str) -> HeadObjectOutput {
        let input = HeadObjectRequest {
            bucket: "bucket".to_owned(),
            key: key.to_owned(),
            checksum_mode: text("ENABLED"),
            ..HeadObjectRequest::default()
        };
        self.s3.head_object(ours(), input).await.unwrap()
    }

    async fn check_copy(&self, input: CopyObjectRequest, code: &str) {
        let error = self.s3.copy_object(ours(), input).await.unwrap_err();
        assert_eq!(error.code, code, "{}", error.message);
    }
}

fn described(key: &str) -> PutObjectRequest {
    PutObjectRequest {
        content_type: text("text/plain"),
        metadata: Some([("colour".to_owned(), "blue".to_owned())].into()),
        tagging: text("a=1&b=2"),
        storage_class: text("STANDARD_IA"),
        website_redirect_location: text("/else"),
        checksum_sha256: text("FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ..put(key, "123456789")
    }
}

#[tokio::test]
async fn what_is_said_of_an_object_goes_along_unless_it_is_replaced() {
    let fixture = Fixture::with_bucket().await;
    fixture.s3.put_object(ours(), described("a b/é")).await.unwrap();
    let source = "/bucket/a%20b/%C3%A9";
    let output = fixture.s3.copy_object(ours(), copy(source, "copy")).await.unwrap();
    let result = output.copy_object_result.unwrap();
    assert_eq!(result.e_tag.as_deref(), Some("\"25f9e794323b453885f5181f1b624d0b\""));
    assert_eq!(result.checksum_sha256, text("FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="));
    let head = fixture.head("copy").await;
    assert_eq!((head.content_type, head.tag_count), (text("text/plain"), Some(2)));
    assert_eq!(head.metadata.unwrap()["colour"], "blue");
    assert_eq!((head.storage_class, head.website_redirect_location), (None, None));
    assert_eq!(fixture.get(get("copy")).await.unwrap().1, "123456789");

    let replacing = CopyObjectRequest {
        metadata_directive: text("REPLACE"),
        tagging_directive: text("REPLACE"),
        metadata: Some([("size".to_owned(), "xl".to_owned())].into()),
        storage_class: text("GLACIER_IR"),
        tagging: text("c=3"),
        checksum_algorithm: text("CRC32"),
        ..copy(source, "other")
    };
    let result = fixture.s3.copy_object(ours(), replacing).await.unwrap().copy_object_result.unwrap();
    assert_eq!((result.checksum_crc32, result.checksum_sha256), (text("y/Q5Jg=="), None));
    let head = fixture.head("other").await;
    assert_eq!((head.content_type, head.tag_count), (text("binary/octet-stream"), Some(1)));
    assert_eq!(head.metadata.unwrap(), [("size".to_owned(), "xl".to_owned())].into());
    assert_eq!(head.storage_class, text("GLACIER_IR"));

    fixture.put("empty", "").await;
    fixture.s3.copy_object(ours(), copy("bucket/empty", "copy")).await.unwrap();
    assert_eq!(fixture.get(get("copy")).await.unwrap().1, "");
}

#[tokio::test]
async fn a_copy_onto_itself_must_change_something() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "x").await;
    fixture.check_copy(copy("bucket/key", "key"), "InvalidRequest").await;
    let changing = CopyObjectRequest { metadata_directive: text("REPLACE"), ..copy("bucket/key", "key") };
    fixture.s3.copy_object(ours(), changing).await.unwrap();
    assert_eq!(fixture.get(get("key")).await.unwrap().1, "x");
    assert_eq!(fixture.blob_count().await, 2, "the old bytes are garbage, and not gone yet");
    fixture.reconcile_after(SignedDuration::from_secs(61)).await;
    assert_eq!(fixture.blob_count().await, 1);
}

#[tokio::test]
async fn what_cannot_be_copied_is_said() {
    let fixture = Fixture::with_bucket().await;
    let etag = fixture.put("key", "x").await.e_tag;
    fixture.check_copy(copy("bucket", "copy"), "InvalidArgument").await;
    fixture.check_copy(copy("bucket/absent", "copy"), "NoSuchKey").await;
    fixture.check_copy(copy("nowhere/key", "copy"), "NoSuchBucket").await;
    fixture.check_copy(copy("bucket/key?versionId=x", "copy"), "InvalidArgument").await;
    let unknown = CopyObjectRequest { metadata_directive: text("MERGE"), ..copy("bucket/key", "copy") };
    fixture.check_copy(unknown, "InvalidArgument").await;
    let from = || copy("bucket/key", "copy");
    let its_time = fixture.get(get("key")).await.unwrap().0.last_modified;
    for input in [
        CopyObjectRequest { copy_source_if_match: text("\"x\""), ..from() },
        CopyObjectRequest { copy_source_if_none_match: etag.clone(), ..from() },
        CopyObjectRequest { copy_source_if_modified_since: its_time, ..from() },
        CopyObjectRequest { copy_source_if_unmodified_since: Some(Timestamp::UNIX_EPOCH), ..from() },
    ] {
        fixture.check_copy(input, "PreconditionFailed").await;
    }
    let matching = CopyObjectRequest { copy_source_if_match: etag, ..from() };
    fixture.s3.copy_object(ours(), matching).await.unwrap();
    let new = CopyObjectRequest { if_none_match: text("*"), ..from() };
    fixture.check_copy(new, "PreconditionFailed").await;
    assert_eq!(fixture.blob_count().await, 2, "what was refused left no bytes");
}

#[tokio::test]
async fn versions_are_copied_by_their_id() {
    let fixture = Fixture::with_bucket().await;
    fixture.set_versioning("Enabled").await.unwrap();
    let first = fixture.put("key", "one").await.version_id.unwrap();
    fixture.put("key", "two").await;
    let source = format!("bucket/key?versionId={first}");
    let output = fixture.s3.copy_object(ours(), copy(&source, "key")).await.unwrap();
    assert_eq!(output.copy_source_version_id, Some(first));
    let (found, body) = fixture.get(get("key")).await.unwrap();
    assert_eq!((body, found.version_id), (Bytes::from_static(b"one"), output.version_id));
    let marker = fixture.delete("key", None).await.unwrap().0.unwrap();
    fixture.check_copy(copy("bucket/key", "copy"), "NoSuchKey").await;
    fixture.check_copy(copy(&format!("bucket/key?versionId={marker}"), "copy"), "InvalidRequest").await;
}

#[tokio::test]
async fn a_copy_needs_rights_on_both_sides() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "secret").await;
    for caller in [theirs(), a_users()] {
        let error = fixture.s3.copy_object(caller, copy("bucket/key", "copy")).await.unwrap_err();
        assert_eq!(error.status, 403);
    }
    let input = api::s3::CreateBucketRequest { bucket: "their-bucket".to_owned(), ..Default::default() };
    fixture.s3.create_bucket(theirs(), input).await.unwrap();
    let stealing = CopyObjectRequest { bucket: "their-bucket".to_owned(), ..copy("bucket/key", "copy") };
    let error: ServiceError = fixture.s3.copy_object(theirs(), stealing).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("AccessDenied", 403));
    let pushing = CopyObjectRequest { bucket: "their-bucket".to_owned(), ..copy("bucket/key", "copy") };
    assert_eq!(fixture.s3.copy_object(ours(), pushing).await.unwrap_err().status, 403);
}

#[tokio::test]
async fn an_archived_object_is_read_once_it_is_restored_and_until_its_days_are_over() {
    let fixture = Fixture::with_bucket().await;
    let body = Some(ByteStream::from_bytes(Bytes::from_static(b"cold")));
    let input = PutObjectRequest { storage_class: text("GLACIER"), body, ..put("key", "") };
    fixture.s3.put_object(ours(), input).await.unwrap();
    let refused = fixture.get(get("key")).await.unwrap_err();
    assert_eq!((&*refused.code, refused.status), ("InvalidObjectState", 403));
    fixture.check_copy(copy("bucket/key", "copy"), "InvalidObjectState").await;
    assert_eq!(fixture.head("key").await.restore, None);
    let restore = |key: &str, days| RestoreObjectRequest {
        bucket: "bucket".to_owned(),
        key: key.to_owned(),
        restore_request: Some(RestoreRequest { days, ..RestoreRequest::default() }),
        ..RestoreObjectRequest::default()
    };
    assert_eq!(fixture.s3.restore_object(ours(), restore("key", None)).await.unwrap_err().code, "MalformedXML");
    fixture.s3.restore_object(ours(), restore("key", Some(1))).await.unwrap();
    let (output, body) = fixture.get(get("key")).await.unwrap();
    assert_eq!(body, "cold");
    assert!(output.restore.unwrap().starts_with("ongoing-request=\"false\", expiry-date=\""));
    fixture.s3.copy_object(ours(), copy("bucket/key", "copy")).await.unwrap();
    let error = fixture.s3.restore_object(ours(), restore("copy", Some(1))).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("InvalidObjectState", 403));
    fixture.reconcile_after(SignedDuration::from_hours(49)).await;
    let again = GetObjectRequest { ..get("key") };
    assert_eq!(fixture.get(again).await.unwrap_err().code, "InvalidObjectState");
    assert_eq!(fixture.head("key").await.restore, None);
}
