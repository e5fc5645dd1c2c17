//! Uploads, what they leave behind, and what cleans up after them.

use std::ops::Range;
use std::sync::Arc;

use api::s3::{Delete, DeleteObjectRequest, DeleteObjectsRequest, ObjectIdentifier, PutObjectRequest, S3Api};
use async_trait::async_trait;
use blobs::{
    BlobError, BlobHold, BlobId, BlobListed, BlobReader, BlobStore, BlobWritten, ByteSource, Cipher, DigestKind,
    source_of,
};
use bytes::Bytes;
use futures_util::stream;
use jiff::SignedDuration;
use service::Service;
use store::{Changes, CommitError};
use wire::{ByteStream, StreamError};

use super::fixture::{Fixture, get, keys, ours, put, put_stream, with_trailer};
use crate::{BlobRefRecord, GarbageRecord, S3};

/// CRC-32 of `123456789`.
const CRC32: &str = "y/Q5Jg==";
/// SHA-256 of `123456789`.
const SHA256: &str = "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=";

async fn check_refused(input: PutObjectRequest, code: &str) {
    let fixture = Fixture::with_bucket().await;
    let error = fixture.s3.put_object(ours(), input).await.unwrap_err();
    assert_eq!(error.code, code, "{}", error.message);
    assert_eq!(fixture.blob_count().await, 0, "{code} leaves no bytes");
    assert_eq!(fixture.get(get("key")).await.unwrap_err().code, "NoSuchKey", "{code} leaves no object");
}

#[tokio::test]
async fn a_broken_promise_leaves_nothing() {
    let body = "123456789";
    let wrong = || Some("AAAAAQ==".to_owned());
    let md5 = |text: &str| PutObjectRequest { content_md5: Some(text.to_owned()), ..put("key", body) };
    check_refused(md5("1B2M2Y8AsgTpgAmY7PhCfg=="), "BadDigest").await;
    check_refused(md5("nonsense"), "InvalidDigest").await;
    check_refused(PutObjectRequest { checksum_crc32: wrong(), ..put("key", body) }, "BadDigest").await;
    check_refused(PutObjectRequest { checksum_crc32: wrong(), ..put("key", "") }, "BadDigest").await;
    check_refused(PutObjectRequest { checksum_sha1: wrong(), ..put("key", body) }, "InvalidRequest").await;
    check_refused(put_stream("key", with_trailer(body, "x-amz-checksum-crc32", "AAAAAA==")), "BadDigest").await;
    let sha256 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    check_refused(put_stream("key", with_trailer(body, "x-amz-checksum-sha256", sha256)), "BadDigest").await;
    let algorithm = Some("CRC32".to_owned());
    check_refused(PutObjectRequest { checksum_algorithm: algorithm, ..put("key", body) }, "InvalidRequest").await;
    let both = (Some(CRC32.to_owned()), Some(SHA256.to_owned()));
    check_refused(
        PutObjectRequest { checksum_crc32: both.0, checksum_sha256: both.1, ..put("key", body) },
        "InvalidRequest",
    )
    .await;
}

#[tokio::test]
async fn a_broken_stream_is_told_in_its_own_words() {
    let broken = |error: StreamError| {
        let pieces = vec![Ok(Bytes::from_static(b"123")), Err(error)];
        put_stream("key", ByteStream::new(stream::iter(pieces), Some(9)))
    };
    let invalid = |code| StreamError::Invalid { code, message: "text" };
    check_refused(broken(invalid("XAmzContentSHA256Mismatch")), "XAmzContentSHA256Mismatch").await;
    check_refused(broken(invalid("SignatureDoesNotMatch")), "SignatureDoesNotMatch").await;
    check_refused(broken(StreamError::WrongLength { announced: 9, seen: 3 }), "IncompleteBody").await;
    check_refused(broken(StreamError::Broken("gone".into())), "IncompleteBody").await;
}

#[tokio::test]
async fn what_is_not_taken_is_refused_before_any_byte() {
    let text = |text: &str| Some(text.to_owned());
    let empty = || put("key", "x");
    check_refused(PutObjectRequest { server_side_encryption: text("AES512"), ..empty() }, "InvalidArgument").await;
    check_refused(PutObjectRequest { tagging: text("a=b&a=c"), ..empty() }, "InvalidArgument").await;
    check_refused(PutObjectRequest { website_redirect_location: text("x"), ..empty() }, "InvalidRedirectLocation")
        .await;
    check_refused(PutObjectRequest { checksum_sha512: text("x"), ..empty() }, "InvalidRequest").await;
    check_refused(PutObjectRequest { acl: text("public-read"), ..empty() }, "AccessControlListNotSupported").await;
    check_refused(PutObjectRequest { storage_class: text("SNOW"), ..empty() }, "InvalidStorageClass").await;
    let metadata = [("n".to_owned(), "x".repeat(2048))].into();
    check_refused(PutObjectRequest { metadata: Some(metadata), ..empty() }, "MetadataTooLarge").await;
    let endless = |length| put_stream("key", ByteStream::new(stream::pending(), length));
    check_refused(endless(Some((5 << 30) + 1)), "EntityTooLarge").await;
    check_refused(endless(None), "MissingContentLength").await;
    let fixture = Fixture::with_bucket().await;
    let error = fixture.s3.put_object(ours(), put(&"k".repeat(1025), "x")).await.unwrap_err();
    assert_eq!(error.code, "KeyTooLongError");
    fixture.s3.put_object(ours(), put(&"é".repeat(512), "x")).await.unwrap();
}

#[tokio::test]
async fn checksums_are_kept_and_one_is_computed_when_none_is_sent() {
    let fixture = Fixture::with_bucket().await;
    let output = fixture.put("key", "123456789").await;
    assert_eq!(output.e_tag.as_deref(), Some("\"25f9e794323b453885f5181f1b624d0b\""));
    assert_eq!(output.checksum_crc64_nvme.as_deref(), Some("rosUhgp5mIg="));
    assert_eq!(output.checksum_type.as_deref(), Some("FULL_OBJECT"));
    let input = PutObjectRequest { checksum_crc32: Some(CRC32.to_owned()), ..put("key", "123456789") };
    let output = fixture.s3.put_object(ours(), input).await.unwrap();
    assert_eq!((output.checksum_crc32.as_deref(), output.checksum_crc64_nvme), (Some(CRC32), None));
    // A SHA-256 that no header announced has to be computed from what was written.
    let input = put_stream("key", with_trailer("123456789", "x-amz-checksum-sha256", SHA256));
    let output = fixture.s3.put_object(ours(), input).await.unwrap();
    assert_eq!(output.checksum_sha256.as_deref(), Some(SHA256));
}

#[tokio::test]
async fn conditional_writes() {
    let fixture = Fixture::with_bucket().await;
    let new = || PutObjectRequest { if_none_match: Some("*".to_owned()), ..put("key", "one") };
    let first = fixture.s3.put_object(ours(), new()).await.unwrap();
    let error = fixture.s3.put_object(ours(), new()).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("PreconditionFailed", 412));
    let over = |body| PutObjectRequest { if_match: first.e_tag.clone(), ..put("key", body) };
    fixture.s3.put_object(ours(), over("two")).await.unwrap();
    assert_eq!(fixture.s3.put_object(ours(), over("three")).await.unwrap_err().code, "PreconditionFailed");
    assert_eq!(fixture.get(get("key")).await.unwrap().1, "two");
}

#[tokio::test]
async fn overwritten_and_deleted_bytes_are_freed_after_their_grace() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "old").await;
    fixture.put("key", "new").await;
    fixture.put("gone", "bytes").await;
    let input =
        DeleteObjectRequest { bucket: "bucket".to_owned(), key: "gone".to_owned(), ..DeleteObjectRequest::default() };
    fixture.s3.delete_object(ours(), input.clone()).await.unwrap();
    fixture.s3.delete_object(ours(), input).await.expect("deleting what is not there succeeds");
    let pass = fixture.reconcile_after(SignedDuration::from_secs(30)).await;
    assert_eq!((pass.changed, pass.waiting, fixture.blob_count().await), (0, 2, 3));
    let pass = fixture.reconcile_after(SignedDuration::from_secs(31)).await;
    assert_eq!((pass.changed, fixture.blob_count().await), (2, 1));
    assert_eq!(fixture.get(get("key")).await.unwrap().1, "new");
    // Much later, what is named is still there.
    fixture.reconcile_after(SignedDuration::from_hours(48)).await;
    assert_eq!(fixture.get(get("key")).await.unwrap().1, "new");
}

#[tokio::test]
async fn a_reader_goes_on_when_its_object_is_deleted() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "bytes").await;
    let output = fixture.s3.get_object(ours(), get("key")).await.unwrap();
    fixture.put("key", "other").await;
    fixture.reconcile_after(SignedDuration::from_mins(2)).await;
    assert_eq!(fixture.blob_count().await, 1);
    assert_eq!(output.body.unwrap().collect(100).await.unwrap(), "bytes");
}

#[tokio::test]
async fn an_upload_cut_before_its_commit_is_swept() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "kept").await;
    // What a crash between stage and commit leaves.
    fixture.blobs.put(source_of("leftover"), 100, &[]).await.unwrap();
    fixture.reconcile_after(SignedDuration::from_mins(50)).await;
    assert_eq!(fixture.blob_count().await, 2, "it may yet be committed");
    fixture.reconcile_after(SignedDuration::from_mins(20)).await;
    fixture.reconcile_after(SignedDuration::from_mins(2)).await;
    assert_eq!(fixture.blob_count().await, 1);
    assert_eq!(fixture.get(get("key")).await.unwrap().1, "kept");
}

/// Blobs on a machine that sleeps for two hours after each upload; when it wakes, the sweep comes first.
struct Sleepy(Arc<Fixture>, u32);

#[async_trait]
impl BlobStore for Sleepy {
    async fn put_with(
        &self,
        source: ByteSource,
        limit: u64,
        digests: &[DigestKind],
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<BlobWritten, BlobError> {
        let written = self.0.blobs.put_with(source, limit, digests, cipher).await;
        for _ in 0..self.1 {
            self.0.reconcile_after(SignedDuration::from_hours(2)).await;
        }
        written
    }

    async fn open_with(
        &self,
        id: &BlobId,
        range: Option<Range<u64>>,
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<BlobReader, BlobError> {
        self.0.blobs.open_with(id, range, cipher).await
    }

    async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        self.0.blobs.delete(id).await
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobListed>, BlobError> {
        self.0.blobs.list(after, limit).await
    }

    fn hold(&self) -> Result<BlobHold, BlobError> {
        self.0.blobs.hold()
    }
}

#[tokio::test]
async fn an_upload_that_was_taken_for_a_leftover_is_refused_and_not_lost() {
    // After two passes the bytes are gone, and after three nothing tells of them any more.
    for passes in 1..=3 {
        let fixture = Arc::new(Fixture::with_bucket().await);
        fixture.put("key", "kept").await;
        let s3 = S3::new(fixture.s3.runner().clone(), Arc::new(Sleepy(Arc::clone(&fixture), passes)), keys());
        let error = s3.put_object(ours(), put("key", "slow")).await.unwrap_err();
        assert_eq!((&*error.code, error.status), ("SlowDown", 503));
        fixture.reconcile_after(SignedDuration::from_mins(2)).await;
        assert_eq!(fixture.get(get("key")).await.unwrap().1, "kept");
        assert_eq!(fixture.blob_count().await, 1);
    }
}

/// The other order: the upload decides, the sweep comes, the upload commits.
#[tokio::test]
async fn a_sweep_between_decision_and_commit_is_a_conflict() {
    let fixture = Fixture::with_bucket().await;
    let written = fixture.blobs.put(source_of("slow"), 100, &[]).await.unwrap();
    let view = fixture.store.view().unwrap();
    assert!(!view.contains::<GarbageRecord>(&written.id.to_string()).unwrap());
    fixture.reconcile_after(SignedDuration::from_hours(2)).await;
    let mut changes = Changes::new();
    let named = BlobRefRecord { blob: written.id, bucket: "bucket".to_owned(), key: "key".to_owned() };
    changes.put(&named).unwrap();
    assert!(matches!(fixture.store.commit(Some(&view), changes).await, Err(CommitError::Conflict)));
}

#[tokio::test]
async fn many_are_deleted_at_once_and_each_is_answered() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("a", "1").await;
    fixture.put("b", "2").await;
    let object = |key: &str, tag: Option<&str>| ObjectIdentifier {
        key: key.to_owned(),
        e_tag: tag.map(str::to_owned),
        ..ObjectIdentifier::default()
    };
    let request = |objects, quiet| DeleteObjectsRequest {
        bucket: "bucket".to_owned(),
        delete: Delete { objects, quiet: Some(quiet) },
        ..DeleteObjectsRequest::default()
    };
    let objects = vec![object("a", None), object("absent", None), object("b", Some("\"wrong\""))];
    let output = fixture.s3.delete_objects(ours(), request(objects, false)).await.unwrap();
    let deleted: Vec<_> = output.deleted.unwrap().into_iter().filter_map(|it| it.key).collect();
    let errors: Vec<_> = output.errors.unwrap().into_iter().filter_map(|it| Some((it.key?, it.code?))).collect();
    assert_eq!(deleted, ["a", "absent"]);
    assert_eq!(errors, [("b".to_owned(), "PreconditionFailed".to_owned())]);
    let output = fixture.s3.delete_objects(ours(), request(vec![object("b", None)], true)).await.unwrap();
    assert_eq!((output.deleted, output.errors), (None, None));
    for count in [0, 1001] {
        let objects = (0..count).map(|number| object(&number.to_string(), None)).collect();
        assert_eq!(fixture.s3.delete_objects(ours(), request(objects, true)).await.unwrap_err().code, "MalformedXML");
    }
}

#[tokio::test]
async fn as_many_as_one_call_may_name_are_deleted_in_one_transaction() {
    let fixture = Fixture::with_bucket().await;
    let keys: Vec<String> = (0..1000).map(|number| format!("{number:04}")).collect();
    for key in &keys {
        fixture.put(key, "x").await;
    }
    let objects = keys.into_iter().map(|key| ObjectIdentifier { key, ..ObjectIdentifier::default() }).collect();
    let request = DeleteObjectsRequest {
        bucket: "bucket".to_owned(),
        delete: Delete { objects, quiet: None },
        ..DeleteObjectsRequest::default()
    };
    let output = fixture.s3.delete_objects(ours(), request).await.unwrap();
    assert_eq!((output.deleted.unwrap().len(), output.errors), (1000, None));
    let pass = fixture.reconcile_after(SignedDuration::from_mins(2)).await;
    assert_eq!((pass.changed, fixture.blob_count().await), (1000, 0));
}
