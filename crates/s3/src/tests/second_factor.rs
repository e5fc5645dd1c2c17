//! MFA delete, as far as it needs no codes: those that are right are tried in `tests/acceptance`, with an authenticator.

use api::s3::{BucketLifecycleConfiguration, LifecycleExpiration, LifecycleRule};
use std::sync::Arc;

use api::s3::{
    Delete, DeleteObjectRequest, DeleteObjectsRequest, GetBucketVersioningRequest, ObjectIdentifier,
    PutBucketLifecycleConfigurationRequest, PutBucketVersioningRequest, S3Api, VersioningConfiguration,
};
use api::{Call, Session};
use serde_json::json;
use store::Changes;
use wire::ServiceError;

use super::fixture::{Fixture, a_users, get, ours, theirs};
use crate::BucketConfigRecord;

fn refusal<T>(outcome: Result<T, ServiceError>) -> (String, String) {
    outcome.map_or_else(|error| (error.code.into_owned(), error.message), |_| ("ok".to_owned(), String::new()))
}

fn versioning(mfa: Option<&str>, status: &str, mfa_delete: Option<&str>) -> PutBucketVersioningRequest {
    PutBucketVersioningRequest {
        bucket: "bucket".to_owned(),
        mfa: mfa.map(str::to_owned),
        versioning_configuration: VersioningConfiguration {
            status: Some(status.to_owned()),
            mfa_delete: mfa_delete.map(str::to_owned),
        },
        ..PutBucketVersioningRequest::default()
    }
}

const NEEDED: &str = "Mfa Authentication must be used for this request";
const DEVICE: &str = "arn:aws:iam::123456789012:mfa/phone 123456";

/// A bucket with versions that go only with a device, and an object's version.
async fn guarded() -> (Fixture, String) {
    let fixture = Fixture::with_bucket().await;
    fixture.set_versioning("Enabled").await.unwrap();
    let version = fixture.put("key", "x").await.version_id.unwrap();
    let record = BucketConfigRecord {
        bucket: "bucket".to_owned(),
        kind: "mfa-delete".to_owned(),
        id: String::new(),
        value: json!({ "status": "Enabled" }),
    };
    let mut changes = Changes::new();
    changes.put(&record).unwrap();
    fixture.store.commit(None, changes).await.unwrap();
    (fixture, version)
}

#[tokio::test]
async fn nobody_switches_mfa_delete_on_without_the_owners_device() {
    let fixture = Fixture::with_bucket().await;
    let put = async |call: Call, mfa: Option<&str>| {
        refusal(fixture.s3.put_bucket_versioning(call, versioning(mfa, "Enabled", Some("Enabled"))).await)
    };
    let denied = |text: &str| ("AccessDenied".to_owned(), text.to_owned());
    assert_eq!(put(ours(), None).await, denied(NEEDED));
    let (code, text) = put(ours(), Some("123456")).await;
    assert_eq!(code, "InvalidArgument");
    assert!(text.starts_with("Mfa header is invalid -- "), "{text}");
    assert_eq!(put(ours(), Some(DEVICE)).await.0, "AccessDenied", "there is no such device");
    let mut open = ours();
    (open.is_secure, open.source_ip) = (false, Some("192.0.2.1".parse().unwrap()));
    assert_eq!(put(open, Some(DEVICE)).await.0, "InvalidRequest");
    let mut temporary = ours();
    temporary.caller.session = Some(Arc::new(Session::default()));
    let exclusive = "DevPay and Mfa are mutually exclusive authorization methods.";
    assert_eq!(put(temporary, Some(DEVICE)).await, ("InvalidRequest".to_owned(), exclusive.to_owned()));
    for call in [theirs(), a_users()] {
        assert_eq!(put(call, Some(DEVICE)).await.0, "AccessDenied");
    }
    fixture.s3.put_bucket_versioning(ours(), versioning(None, "Enabled", Some("Disabled"))).await.unwrap();
    let read = GetBucketVersioningRequest { bucket: "bucket".to_owned(), ..GetBucketVersioningRequest::default() };
    let shown = fixture.s3.get_bucket_versioning(ours(), read).await.unwrap();
    assert_eq!((shown.status.as_deref(), shown.mfa_delete.as_deref()), (Some("Enabled"), Some("Disabled")));
}

#[tokio::test]
async fn versions_stay_and_versioning_too_without_a_device() {
    let (fixture, version) = guarded().await;
    let denied = ("AccessDenied".to_owned(), NEEDED.to_owned());
    for status in ["Suspended", "Enabled"] {
        assert_eq!(refusal(fixture.s3.put_bucket_versioning(ours(), versioning(None, status, None)).await), denied);
    }
    let disable = versioning(None, "Enabled", Some("Disabled"));
    assert_eq!(refusal(fixture.s3.put_bucket_versioning(ours(), disable).await), denied);
    let delete = |mfa: Option<&str>| DeleteObjectRequest {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        version_id: Some(version.clone()),
        mfa: mfa.map(str::to_owned),
        ..DeleteObjectRequest::default()
    };
    assert_eq!(refusal(fixture.s3.delete_object(ours(), delete(None)).await), denied);
    assert_eq!(refusal(fixture.s3.delete_object(ours(), delete(Some(DEVICE))).await).0, "AccessDenied");
    let several = DeleteObjectsRequest {
        bucket: "bucket".to_owned(),
        delete: Delete {
            objects: vec![
                ObjectIdentifier { key: "other".to_owned(), ..ObjectIdentifier::default() },
                ObjectIdentifier {
                    key: "key".to_owned(),
                    version_id: Some(version.clone()),
                    ..ObjectIdentifier::default()
                },
            ],
            quiet: None,
        },
        ..DeleteObjectsRequest::default()
    };
    assert_eq!(refusal(fixture.s3.delete_objects(ours(), several).await), denied, "all of it");
    assert_eq!(fixture.get(get("key")).await.unwrap().1, "x");
    let rule = LifecycleRule {
        status: "Enabled".to_owned(),
        prefix: Some(String::new()),
        expiration: Some(LifecycleExpiration { days: Some(1), ..Default::default() }),
        ..LifecycleRule::default()
    };
    let lifecycle = PutBucketLifecycleConfigurationRequest {
        bucket: "bucket".to_owned(),
        lifecycle_configuration: Some(BucketLifecycleConfiguration { rules: vec![rule] }),
        ..PutBucketLifecycleConfigurationRequest::default()
    };
    let refused = refusal(fixture.s3.put_bucket_lifecycle_configuration(ours(), lifecycle).await);
    assert_eq!(refused.0, "InvalidBucketState");
    // A delete marker takes nothing away.
    let (_, is_marker) = fixture.delete("key", None).await.unwrap();
    assert!(is_marker);
}
