//! Locks of objects.

use api::s3::{
    CreateBucketRequest, DefaultRetention, Delete, DeleteObjectRequest, DeleteObjectsRequest,
    GetObjectLegalHoldRequest, GetObjectLockConfigurationRequest, GetObjectRetentionRequest, HeadObjectRequest,
    ObjectIdentifier, ObjectLockConfiguration, ObjectLockLegalHold, ObjectLockRetention, ObjectLockRule,
    PutBucketPolicyRequest, PutObjectLegalHoldRequest, PutObjectLockConfigurationRequest, PutObjectRequest,
    PutObjectRetentionRequest, S3Api,
};
use jiff::{SignedDuration, Timestamp};
use wire::ServiceError;

use super::fixture::{Fixture, a_users, get, ours, put, theirs};

fn code<T>(result: Result<T, ServiceError>) -> String {
    result.err().map_or_else(|| "ok".to_owned(), |error| error.code.into_owned())
}

async fn locking() -> Fixture {
    let fixture = Fixture::of_region("us-east-1");
    let input = CreateBucketRequest {
        bucket: "bucket".to_owned(),
        object_lock_enabled_for_bucket: Some(true),
        ..CreateBucketRequest::default()
    };
    fixture.s3.create_bucket(ours(), input).await.unwrap();
    fixture
}

fn later(hours: i64) -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap() + SignedDuration::from_hours(hours)
}

fn retention(mode: Option<&str>, until: Option<Timestamp>) -> PutObjectRetentionRequest {
    PutObjectRetentionRequest {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        retention: Some(ObjectLockRetention {
            mode: mode.map(str::to_owned),
            retain_until_date: until,
            ..ObjectLockRetention::default()
        }),
        ..PutObjectRetentionRequest::default()
    }
}

fn hold(status: &str) -> PutObjectLegalHoldRequest {
    PutObjectLegalHoldRequest {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        legal_hold: Some(ObjectLockLegalHold { status: Some(status.to_owned()) }),
        ..PutObjectLegalHoldRequest::default()
    }
}

fn configuration(days: Option<i32>, years: Option<i32>, mode: &str) -> PutObjectLockConfigurationRequest {
    let default_retention =
        Some(DefaultRetention { mode: Some(mode.to_owned()), days, years, default_event_hold: None });
    PutObjectLockConfigurationRequest {
        bucket: "bucket".to_owned(),
        object_lock_configuration: Some(ObjectLockConfiguration {
            object_lock_enabled: Some("Enabled".to_owned()),
            rule: Some(ObjectLockRule { default_retention }),
        }),
        ..PutObjectLockConfigurationRequest::default()
    }
}

#[tokio::test]
async fn a_bucket_without_cannot_lock() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "bytes").await;
    let find = GetObjectLockConfigurationRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
    let error = fixture.s3.get_object_lock_configuration(ours(), find).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("ObjectLockConfigurationNotFoundError", 404));
    let put_lock = configuration(Some(1), None, "GOVERNANCE");
    let error = fixture.s3.put_object_lock_configuration(ours(), put_lock).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("InvalidBucketState", 409));
    assert_eq!(code(fixture.s3.put_object_legal_hold(ours(), hold("ON")).await), "InvalidRequest");
    let kept = retention(Some("GOVERNANCE"), Some(later(1)));
    assert_eq!(code(fixture.s3.put_object_retention(ours(), kept).await), "InvalidRequest");
    let input = PutObjectRequest {
        object_lock_legal_hold_status: Some("ON".to_owned()),
        checksum_algorithm: Some("CRC32".to_owned()),
        ..put("key", "x")
    };
    assert_eq!(code(fixture.s3.put_object(ours(), input).await), "InvalidRequest");
}

#[tokio::test]
async fn defaults_are_read_and_kept() {
    let fixture = locking().await;
    let find = || GetObjectLockConfigurationRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
    let shown = fixture.s3.get_object_lock_configuration(ours(), find()).await.unwrap();
    let shown = shown.object_lock_configuration.unwrap();
    assert_eq!((shown.object_lock_enabled.as_deref(), shown.rule), (Some("Enabled"), None));
    for (days, years, mode, expected) in [
        (Some(1), Some(1), "GOVERNANCE", "MalformedXML"),
        (None, None, "GOVERNANCE", "MalformedXML"),
        (Some(1), None, "governance", "MalformedXML"),
        (Some(0), None, "GOVERNANCE", "InvalidArgument"),
        (None, Some(-1), "GOVERNANCE", "InvalidArgument"),
        (Some(36_501), None, "GOVERNANCE", "InvalidArgument"),
        (None, Some(100), "COMPLIANCE", "ok"),
        (Some(1), None, "GOVERNANCE", "ok"),
    ] {
        let put = fixture.s3.put_object_lock_configuration(ours(), configuration(days, years, mode)).await;
        assert_eq!(code(put), expected, "{days:?} {years:?} {mode}");
    }
    assert_eq!(code(fixture.s3.put_object(ours(), put("key", "x")).await), "InvalidRequest", "without a checksum");
    let summed = PutObjectRequest { content_md5: Some("ndTkYSaMgDT1yFZOFVxnpg==".to_owned()), ..put("key", "x") };
    fixture.s3.put_object(ours(), summed).await.unwrap();
    let (shown, _) = fixture.get(get("key")).await.unwrap();
    assert_eq!(shown.object_lock_mode.as_deref(), Some("GOVERNANCE"));
    let until = shown.object_lock_retain_until_date.unwrap();
    assert!(until > later(23) && until < later(25), "{until}");
}

#[tokio::test]
async fn retentions_grow_and_do_not_shrink() {
    let fixture = locking().await;
    fixture.put("key", "bytes").await;
    let find = || GetObjectRetentionRequest {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        ..GetObjectRetentionRequest::default()
    };
    let error = fixture.s3.get_object_retention(ours(), find()).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("NoSuchObjectLockConfiguration", 404));
    let bypassing = |input| PutObjectRetentionRequest { bypass_governance_retention: Some(true), ..input };
    let (two, one) = (later(2), later(1));
    for (input, expected) in [
        (retention(Some("GOVERNANCE"), None), "MalformedXML"),
        (retention(Some("nonsense"), Some(two)), "MalformedXML"),
        (retention(Some("GOVERNANCE"), Some(later(-1))), "InvalidArgument"),
        (retention(Some("GOVERNANCE"), Some(two)), "ok"),
        (retention(Some("GOVERNANCE"), Some(one)), "AccessDenied"),
        (retention(None, None), "AccessDenied"),
        (bypassing(retention(Some("GOVERNANCE"), Some(one))), "ok"),
        (bypassing(retention(None, None)), "ok"),
        (retention(Some("COMPLIANCE"), Some(one)), "ok"),
        (bypassing(retention(Some("GOVERNANCE"), Some(two))), "AccessDenied"),
        (bypassing(retention(None, None)), "AccessDenied"),
        (retention(Some("COMPLIANCE"), Some(two)), "ok"),
    ] {
        assert_eq!(code(fixture.s3.put_object_retention(ours(), input.clone()).await), expected, "{input:?}");
    }
    let shown = fixture.s3.get_object_retention(ours(), find()).await.unwrap().retention.unwrap();
    assert_eq!((shown.mode.as_deref(), shown.retain_until_date), (Some("COMPLIANCE"), Some(two)));
    for caller in [theirs, a_users] {
        assert_eq!(code(fixture.s3.get_object_retention(caller(), find()).await), "AccessDenied");
        let input = retention(Some("COMPLIANCE"), Some(later(3)));
        assert_eq!(code(fixture.s3.put_object_retention(caller(), input).await), "AccessDenied");
    }
}

#[tokio::test]
async fn a_hold_is_put_on_and_taken_off() {
    let fixture = locking().await;
    fixture.put("key", "bytes").await;
    let find = || GetObjectLegalHoldRequest {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        ..GetObjectLegalHoldRequest::default()
    };
    assert_eq!(code(fixture.s3.get_object_legal_hold(ours(), find()).await), "NoSuchObjectLockConfiguration");
    assert_eq!(code(fixture.s3.put_object_legal_hold(ours(), hold("on")).await), "MalformedXML");
    for status in ["ON", "OFF"] {
        fixture.s3.put_object_legal_hold(ours(), hold(status)).await.unwrap();
        let shown = fixture.s3.get_object_legal_hold(ours(), find()).await.unwrap();
        assert_eq!(shown.legal_hold.unwrap().status.as_deref(), Some(status));
    }
    let none = PutObjectLegalHoldRequest { key: "none".to_owned(), ..hold("ON") };
    assert_eq!(code(fixture.s3.put_object_legal_hold(ours(), none).await), "NoSuchKey");
    assert_eq!(code(fixture.s3.put_object_legal_hold(a_users(), hold("ON")).await), "AccessDenied");
}

#[tokio::test]
async fn a_locked_version_stays() {
    let fixture = locking().await;
    let version = fixture.put("key", "bytes").await.version_id;
    fixture.s3.put_object_retention(ours(), retention(Some("GOVERNANCE"), Some(later(1)))).await.unwrap();
    let delete = |version: &Option<String>, bypass: bool| DeleteObjectRequest {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        version_id: version.clone(),
        bypass_governance_retention: Some(bypass),
        ..DeleteObjectRequest::default()
    };
    let error = fixture.s3.delete_object(ours(), delete(&version, false)).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("AccessDenied", 403));
    assert_eq!(error.message, "Access Denied because object protected by object lock.");
    let one = ObjectIdentifier { key: "key".to_owned(), version_id: version.clone(), ..ObjectIdentifier::default() };
    let all = DeleteObjectsRequest {
        bucket: "bucket".to_owned(),
        delete: Delete { objects: vec![one], quiet: None },
        ..DeleteObjectsRequest::default()
    };
    let errors = fixture.s3.delete_objects(ours(), all).await.unwrap().errors.unwrap();
    assert_eq!(errors[0].code.as_deref(), Some("AccessDenied"));
    // Without a version a marker is put on top, which no lock is about; then a hold stands in the way.
    fixture.s3.delete_object(ours(), delete(&None, false)).await.unwrap();
    let old = |status: &str| PutObjectLegalHoldRequest { version_id: version.clone(), ..hold(status) };
    fixture.s3.put_object_legal_hold(ours(), old("ON")).await.unwrap();
    assert_eq!(code(fixture.s3.delete_object(ours(), delete(&version, true)).await), "AccessDenied");
    fixture.s3.put_object_legal_hold(ours(), old("OFF")).await.unwrap();
    assert_eq!(code(fixture.s3.delete_object(a_users(), delete(&version, true)).await), "AccessDenied");
    fixture.s3.delete_object(ours(), delete(&version, true)).await.unwrap();
}

#[tokio::test]
async fn who_locks_what_it_puts_says_what_it_is() {
    let fixture = locking().await;
    let input = || PutObjectRequest { object_lock_legal_hold_status: Some("ON".to_owned()), ..put("key", "x") };
    assert_eq!(code(fixture.s3.put_object(ours(), input()).await), "InvalidRequest");
    let summed = PutObjectRequest { content_md5: Some("ndTkYSaMgDT1yFZOFVxnpg==".to_owned()), ..input() };
    fixture.s3.put_object(ours(), summed).await.unwrap();
    let (shown, _) = fixture.get(get("key")).await.unwrap();
    assert_eq!(shown.object_lock_legal_hold_status.as_deref(), Some("ON"));
}

/// What another account sees of a lock, which may do this.
async fn seen_with(fixture: &Fixture, actions: &str) -> (Option<String>, bool, Option<String>) {
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"210987654321"}},"Action":[{actions}],"Resource":"arn:aws:s3:::bucket/*"}}]}}"#
    );
    let policy =
        PutBucketPolicyRequest { bucket: "bucket".to_owned(), policy: document, ..PutBucketPolicyRequest::default() };
    fixture.s3.put_bucket_policy(ours(), policy).await.unwrap();
    let read = fixture.s3.get_object(theirs(), get("key")).await.unwrap();
    let head = HeadObjectRequest { bucket: "bucket".to_owned(), key: "key".to_owned(), ..HeadObjectRequest::default() };
    let head = fixture.s3.head_object(theirs(), head).await.unwrap();
    assert_eq!(
        (&read.object_lock_mode, &read.object_lock_retain_until_date, &read.object_lock_legal_hold_status),
        (&head.object_lock_mode, &head.object_lock_retain_until_date, &head.object_lock_legal_hold_status)
    );
    (head.object_lock_mode, head.object_lock_retain_until_date.is_some(), head.object_lock_legal_hold_status)
}

#[tokio::test]
async fn only_who_may_is_told_how_an_object_is_locked() {
    let fixture = Fixture::with_bucket().await;
    fixture.set_versioning("Enabled").await.unwrap();
    fixture.put("key", "x").await;
    fixture.s3.put_object_lock_configuration(ours(), configuration(Some(1), None, "GOVERNANCE")).await.unwrap();
    fixture.s3.put_object_retention(ours(), retention(Some("GOVERNANCE"), Some(later(24)))).await.unwrap();
    fixture.s3.put_object_legal_hold(ours(), hold("ON")).await.unwrap();
    let (mode, on) = (|| Some("GOVERNANCE".to_owned()), || Some("ON".to_owned()));
    assert_eq!(seen_with(&fixture, r#""s3:GetObject""#).await, (None, false, None));
    assert_eq!(seen_with(&fixture, r#""s3:GetObject","s3:GetObjectRetention""#).await, (mode(), true, None));
    assert_eq!(seen_with(&fixture, r#""s3:GetObject","s3:GetObjectLegalHold""#).await, (None, false, on()));
    assert_eq!(seen_with(&fixture, r#""s3:Get*""#).await, (mode(), true, on()));
    let (own, _) = fixture.get(get("key")).await.unwrap();
    assert_eq!((own.object_lock_mode, own.object_lock_legal_hold_status), (mode(), on()));
}
