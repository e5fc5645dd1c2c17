//! What lies on disk, who can read it, and what S3 says of keys.

use std::sync::Arc;

use api::Call;
use api::s3::{
    BlockedEncryptionTypes, DeleteBucketEncryptionRequest, GetBucketEncryptionRequest, GetObjectRequest,
    HeadObjectRequest, PutBucketEncryptionRequest, PutObjectRequest, S3Api, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use blobs::{BlobId, BlobStore, source_of};
use service::Service;
use store::Changes;
use wire::ServiceError;

use super::fixture::{Fixture, get, ours, put};
use crate::{Content, Encryption, KeyRing, MasterKeys, ObjectRecord, S3};

const TEXT: &str = "the quick brown fox jumps over the lazy dog";
/// 32 bytes `a`, and their MD5.
const KEY: (&str, &str) = ("YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=", "Xsqb0+sHwAbNQ65I395/0w==");
/// 32 bytes `b`, and their MD5.
const OTHER: (&str, &str) = ("YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=", "i0+eoW3kvPW7/A/x6iN5NA==");
/// `bar`, and its MD5.
const SHORT: (&str, &str) = ("YmFy", "N7UdGUp1E+RbVvZSTy1R8g==");

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn put_with(key: (&str, &str)) -> PutObjectRequest {
    PutObjectRequest {
        sse_customer_algorithm: text("AES256"),
        sse_customer_key: text(key.0),
        sse_customer_key_md5: text(key.1),
        ..put("key", TEXT)
    }
}

fn get_with(key: (&str, &str)) -> GetObjectRequest {
    GetObjectRequest {
        sse_customer_algorithm: text("AES256"),
        sse_customer_key: text(key.0),
        sse_customer_key_md5: text(key.1),
        ..get("key")
    }
}

fn object(fixture: &Fixture) -> ObjectRecord {
    let view = fixture.store.view().unwrap();
    view.get::<ObjectRecord>(&("bucket".to_owned(), "key".to_owned())).unwrap().unwrap()
}

fn blob(fixture: &Fixture) -> BlobId {
    match object(fixture).content {
        Content::Blob(blob) => blob,
        other => panic!("{other:?} is no blob"),
    }
}

async fn stored(fixture: &Fixture) -> Vec<u8> {
    fixture.blobs.open(&blob(fixture), None).await.unwrap().collect(1 << 20).await.unwrap()
}

async fn change(fixture: &Fixture, record: &ObjectRecord) {
    let mut changes = Changes::new();
    changes.put(record).unwrap();
    fixture.store.commit(None, changes).await.unwrap();
}

fn said(error: &ServiceError) -> String {
    format!("{} {}: {}", error.status, error.code, error.message)
}

#[tokio::test]
async fn what_lies_on_disk_is_not_what_was_put() {
    let fixture = Fixture::with_bucket().await;
    let output = fixture.put("key", TEXT).await;
    assert_eq!(output.server_side_encryption.as_deref(), Some("AES256"));
    assert_eq!(output.e_tag.as_deref(), Some("\"77add1d5f41223d5582fca736a5cb335\""), "the MD5 of what was put");
    let stored = stored(&fixture).await;
    assert_eq!(stored.len(), TEXT.len());
    assert!(stored.iter().zip(TEXT.bytes()).filter(|(one, other)| *one == other).count() < 8, "{stored:?}");

    let (output, body) = fixture.get(get("key")).await.unwrap();
    assert_eq!((output.server_side_encryption.as_deref(), &body[..]), (Some("AES256"), TEXT.as_bytes()));
    let head = HeadObjectRequest { bucket: "bucket".into(), key: "key".into(), ..HeadObjectRequest::default() };
    let head = fixture.s3.head_object(ours(), head).await.unwrap();
    assert_eq!(head.server_side_encryption.as_deref(), Some("AES256"));
    for (range, expected) in
        [("bytes=0-0", "t"), ("bytes=15-17", " fo"), ("bytes=-8", "lazy dog"), ("bytes=16-", &TEXT[16..])]
    {
        let input = GetObjectRequest { range: text(range), ..get("key") };
        assert_eq!(fixture.get(input).await.unwrap().1, expected, "{range}");
    }
}

#[tokio::test]
async fn objects_of_before_encryption_are_still_read() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", TEXT).await;
    let plain = fixture.blobs.put(source_of("of before"), 100, &[]).await.unwrap();
    let mut record = object(&fixture);
    (record.content, record.length, record.traits.encryption) = (Content::Blob(plain.id), 9, Encryption::None);
    change(&fixture, &record).await;
    let (output, body) = fixture.get(get("key")).await.unwrap();
    assert_eq!((output.server_side_encryption, &body[..]), (None, &b"of before"[..]));
    let error = fixture.get(get_with(KEY)).await.unwrap_err();
    assert_eq!(error.message, "The encryption parameters are not applicable to this object.");
}

#[tokio::test]
async fn without_the_masters_key_or_at_another_place_nothing_is_read() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", TEXT).await;
    let other = KeyRing::new(&MasterKeys::new([43; 32])).unwrap();
    let s3 = S3::new(fixture.s3.runner().clone(), fixture.blobs.clone(), Arc::new(other));
    let error = s3.get_object(ours(), get("key")).await.unwrap_err();
    assert_eq!(error.code, "InternalError");

    let rotated = KeyRing::new(&MasterKeys::new([42; 32]).with_next([43; 32])).unwrap();
    let s3 = S3::new(fixture.s3.runner().clone(), fixture.blobs.clone(), Arc::new(rotated));
    let body = s3.get_object(ours(), get("key")).await.unwrap().body.unwrap();
    assert_eq!(body.collect(100).await.unwrap(), TEXT, "the key before is kept");

    let moved = ObjectRecord { key: "public".to_owned(), ..object(&fixture) };
    change(&fixture, &moved).await;
    assert_eq!(fixture.get(get("public")).await.unwrap_err().code, "InternalError", "a record that was moved");
}

#[tokio::test]
async fn a_customers_key_opens_and_nothing_else_does() {
    let fixture = Fixture::with_bucket().await;
    let output = fixture.s3.put_object(ours(), put_with(KEY)).await.unwrap();
    assert_eq!(output.server_side_encryption, None);
    assert_eq!(output.sse_customer_algorithm.as_deref(), Some("AES256"));
    assert_eq!(output.sse_customer_key_md5.as_deref(), Some(KEY.1));
    assert_ne!(output.e_tag.as_deref(), Some("\"77add1d5f41223d5582fca736a5cb335\""), "not the MD5");
    assert_ne!(stored(&fixture).await, TEXT.as_bytes());
    let row = serde_json::to_string(&object(&fixture)).unwrap();
    assert!(!row.contains(KEY.0) && !row.contains(KEY.1), "{row}");

    let (output, body) = fixture.get(get_with(KEY)).await.unwrap();
    assert_eq!((output.sse_customer_key_md5.as_deref(), &body[..]), (Some(KEY.1), TEXT.as_bytes()));
    let key_missing = "400 InvalidRequest: The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.";
    let wrong_key = "403 AccessDenied: Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.";
    for (input, expected) in [(get("key"), key_missing), (get_with(OTHER), wrong_key), (get_with(SHORT), wrong_key)] {
        assert_eq!(said(&fixture.get(input).await.unwrap_err()), expected);
    }
    let head = HeadObjectRequest { bucket: "bucket".into(), key: "key".into(), ..HeadObjectRequest::default() };
    assert_eq!(fixture.s3.head_object(ours(), head).await.unwrap_err().status, 400);
}

#[tokio::test]
async fn headers_that_make_no_sense_are_refused_with_nothing_written() {
    let fixture = Fixture::with_bucket().await;
    let cases = [
        (
            PutObjectRequest { server_side_encryption: text("AES256"), ..put_with(KEY) },
            "400 InvalidArgument: Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        ),
        (
            PutObjectRequest { sse_customer_algorithm: text("AES128"), ..put_with(KEY) },
            "400 InvalidEncryptionAlgorithmError: The Encryption request you specified is not valid. Supported value: AES256.",
        ),
        (put_with(SHORT), "400 InvalidArgument: The secret key was invalid for the specified algorithm."),
        (
            put_with((KEY.0, OTHER.1)),
            "400 InvalidArgument: The calculated MD5 hash of the key did not match the hash that was provided.",
        ),
        (
            PutObjectRequest { server_side_encryption: text("aes:kms"), ..put("key", TEXT) },
            "400 InvalidArgument: The encryption method specified is not supported",
        ),
        (
            PutObjectRequest { server_side_encryption: text(""), ..put("key", TEXT) },
            "400 InvalidArgument: The encryption method specified is not supported",
        ),
        (
            PutObjectRequest { server_side_encryption: text("AES256"), ssekms_key_id: text("key"), ..put("key", TEXT) },
            "400 InvalidArgument: Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
        ),
        (
            PutObjectRequest { server_side_encryption: text("aws:kms"), ..put("key", TEXT) },
            "400 KMS.NotFoundException: Alias arn:aws:kms:us-east-1:123456789012:alias/aws/s3 is not found.",
        ),
        (
            PutObjectRequest {
                server_side_encryption: text("aws:kms"),
                ssekms_key_id: text("1234abcd-12ab-34cd-56ef-1234567890ab"),
                ..put("key", TEXT)
            },
            "400 KMS.NotFoundException: Key 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab' does not exist",
        ),
        (
            PutObjectRequest {
                server_side_encryption: text("aws:kms:dsse"),
                ssekms_key_id: text("arn:aws:kms:us-west-2:123456789012:key/1"),
                ..put("key", TEXT)
            },
            "400 KMS.NotFoundException: Invalid arn us-west-2",
        ),
        (
            PutObjectRequest {
                server_side_encryption: text("aws:kms"),
                ssekms_key_id: text("fake-key-id"),
                ..put("key", TEXT)
            },
            "400 KMS.NotFoundException: Invalid keyId 'fake-key-id'",
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(said(&fixture.s3.put_object(ours(), input).await.unwrap_err()), expected);
    }
    assert_eq!(fixture.blob_count().await, 0);
}

#[tokio::test]
async fn a_customers_key_does_not_come_over_a_wire_that_others_read() {
    let fixture = Fixture::with_bucket().await;
    let from = |address: &str, is_secure| Call { source_ip: Some(address.parse().unwrap()), is_secure, ..ours() };
    for (call, is_taken) in [
        (from("127.0.0.1", false), true),
        (from("::ffff:127.0.0.1", false), true),
        (from("192.0.2.1", true), true),
        (from("192.0.2.1", false), false),
    ] {
        let outcome = fixture.s3.put_object(call.clone(), put_with(KEY)).await;
        assert_eq!(outcome.is_ok(), is_taken, "{:?}", call.source_ip);
        assert_eq!(fixture.s3.get_object(call, get_with(KEY)).await.is_ok(), is_taken);
    }
}

fn rule(algorithm: Option<&str>, key: Option<&str>, blocked: Option<&str>) -> ServerSideEncryptionRule {
    ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: algorithm.map(|algorithm| ServerSideEncryptionByDefault {
            sse_algorithm: algorithm.to_owned(),
            kms_master_key_id: key.map(str::to_owned),
        }),
        bucket_key_enabled: None,
        blocked_encryption_types: blocked
            .map(|blocked| BlockedEncryptionTypes { encryption_type: Some(vec![blocked.to_owned()]) }),
    }
}

impl Fixture {
    async fn configure(&self, rules: Vec<ServerSideEncryptionRule>) -> Result<(), ServiceError> {
        let input = PutBucketEncryptionRequest {
            bucket: "bucket".to_owned(),
            server_side_encryption_configuration: ServerSideEncryptionConfiguration { rules },
            ..PutBucketEncryptionRequest::default()
        };
        self.s3.put_bucket_encryption(ours(), input).await
    }

    /// The default algorithm, its key, whether a bucket key is used, and what is blocked.
    async fn configuration(&self) -> (String, Option<String>, Option<bool>, Option<String>) {
        let input = GetBucketEncryptionRequest { bucket: "bucket".to_owned(), ..Default::default() };
        let output = self.s3.get_bucket_encryption(ours(), input).await.unwrap();
        let rule = output.server_side_encryption_configuration.unwrap().rules.remove(0);
        let default = rule.apply_server_side_encryption_by_default.unwrap();
        let blocked = rule.blocked_encryption_types.map(|blocked| blocked.encryption_type.unwrap().join(" "));
        (default.sse_algorithm, default.kms_master_key_id, rule.bucket_key_enabled, blocked)
    }
}

#[tokio::test]
async fn a_bucket_has_a_default_and_may_refuse_customers_keys() {
    let fixture = Fixture::with_bucket().await;
    let aes = || "AES256".to_owned();
    assert_eq!(fixture.configuration().await, (aes(), None, Some(false), None));
    fixture.configure(vec![rule(Some("aws:kms"), Some("a-key"), None)]).await.unwrap();
    assert_eq!(fixture.configuration().await, ("aws:kms".to_owned(), text("a-key"), Some(false), None));
    let error = fixture.s3.put_object(ours(), put("key", TEXT)).await.unwrap_err();
    assert_eq!(said(&error), "400 KMS.NotFoundException: Invalid keyId 'a-key'");
    let asks = PutObjectRequest { server_side_encryption: text("AES256"), ..put("key", TEXT) };
    fixture.s3.put_object(ours(), asks).await.unwrap();

    fixture.configure(vec![rule(Some("AES256"), None, Some("SSE-C"))]).await.unwrap();
    let blocked = (aes(), None, Some(false), text("SSE-C"));
    assert_eq!(fixture.configuration().await, blocked);
    let error = fixture.s3.put_object(ours(), put_with(KEY)).await.unwrap_err();
    let expected = r#"403 AccessDenied: User: arn:aws:iam::123456789012:root is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::bucket/key" because this bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please specify a different server-side encryption type"#;
    assert_eq!(said(&error), expected);
    fixture.configure(vec![rule(Some("AES256"), None, None)]).await.unwrap();
    assert_eq!(fixture.configuration().await, blocked, "a rule that doesn't know of blocks lifts none");
    for _ in 0..2 {
        let input = DeleteBucketEncryptionRequest { bucket: "bucket".to_owned(), ..Default::default() };
        fixture.s3.delete_bucket_encryption(ours(), input).await.unwrap();
        assert_eq!(fixture.configuration().await, blocked);
    }
    fixture.configure(vec![rule(None, None, Some("NONE"))]).await.unwrap();
    assert_eq!(fixture.configuration().await, (aes(), None, Some(false), text("NONE")));
    fixture.s3.put_object(ours(), put_with(KEY)).await.unwrap();
}

#[tokio::test]
async fn a_default_that_makes_no_sense_is_refused() {
    let fixture = Fixture::with_bucket().await;
    let not_well_formed =
        "400 MalformedXML: The XML you provided was not well-formed or did not validate against our published schema";
    let aes = || rule(Some("AES256"), None, None);
    for (rules, expected) in [
        (vec![], not_well_formed),
        (vec![aes(), aes()], not_well_formed),
        (vec![rule(Some("DES"), None, None)], not_well_formed),
        (vec![rule(Some("AES256"), None, Some("SSE-D"))], not_well_formed),
        (
            vec![rule(Some("AES256"), Some("key"), None)],
            "400 InvalidArgument: a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        ),
    ] {
        assert_eq!(said(&fixture.configure(rules).await.unwrap_err()), expected);
    }
}
