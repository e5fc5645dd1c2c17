//! Lifecycle rules carried out, with the clock in our hand.

use std::collections::BTreeSet;

use api::s3::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, DeleteObjectRequest, LifecycleExpiration,
    LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration, PutBucketLifecycleConfigurationRequest, S3Api,
    Tag, Transition,
};
use jiff::{SignedDuration, Timestamp};
use service::Reconciler;
use store::{Changes, KeyPrefix, Record};

use super::fixture::{Fixture, object, our_account, ours};
use crate::lock::{LockMode, Retention};
use crate::objects::{Version, VersionRecord};
use crate::uploads::{Before, UploadRecord};
use crate::{BucketRecord, GarbagePartsRecord, ObjectRecord, ObjectTraits, Versioning};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn rule(prefix: &str) -> LifecycleRule {
    LifecycleRule {
        filter: Some(LifecycleRuleFilter { prefix: Some(prefix.to_owned()), ..LifecycleRuleFilter::default() }),
        status: "Enabled".to_owned(),
        ..LifecycleRule::default()
    }
}

fn expiring(prefix: &str, days: i32) -> LifecycleRule {
    let expiration = LifecycleExpiration { days: Some(days), ..LifecycleExpiration::default() };
    LifecycleRule { expiration: Some(expiration), ..rule(prefix) }
}

impl Fixture {
    async fn govern(&self, rules: Vec<LifecycleRule>) {
        let input = PutBucketLifecycleConfigurationRequest {
            bucket: "bucket".to_owned(),
            lifecycle_configuration: Some(BucketLifecycleConfiguration { rules }),
            ..PutBucketLifecycleConfigurationRequest::default()
        };
        self.s3.put_bucket_lifecycle_configuration(ours(), input).await.unwrap();
    }

    async fn give_versions(&self) {
        let mut bucket = self.store.view().unwrap().get::<BucketRecord>(&"bucket".to_owned()).unwrap().unwrap();
        bucket.versioning = Versioning::Enabled;
        self.write(&bucket).await;
    }

    async fn write<R: Record>(&self, record: &R) {
        let mut changes = Changes::new();
        changes.put(record).unwrap();
        self.store.commit(None, changes).await.unwrap();
    }

    async fn remove(&self, key: &str) {
        let input = DeleteObjectRequest { bucket: "bucket".into(), key: key.into(), ..DeleteObjectRequest::default() };
        self.s3.delete_object(ours(), input).await.unwrap();
    }

    fn keys(&self) -> BTreeSet<String> {
        let view = self.store.view().unwrap();
        let all = view.scan::<ObjectRecord>(&KeyPrefix::of("bucket"), None, 10_000).unwrap();
        all.into_iter().map(|object| object.key).collect()
    }

    /// The versions below the current objects, newest first: the bodies' lengths, or `none` for a delete marker.
    fn below(&self, key: &str) -> Vec<Option<u64>> {
        let view = self.store.view().unwrap();
        let all = view.scan::<VersionRecord>(&KeyPrefix::of(("bucket", key)), None, 10_000).unwrap();
        let length = |record: VersionRecord| match record.version {
            Version::Object(object) => Some(object.length),
            Version::Marker(_) => None,
        };
        all.into_iter().map(length).collect()
    }
}

fn set(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

#[tokio::test]
async fn objects_go_when_their_days_are_over() {
    let fixture = Fixture::with_bucket().await;
    for key in ["keep/a", "soon/a", "soon/b", "soon", "then/a"] {
        fixture.put(key, "bytes").await;
    }
    fixture.govern(vec![expiring("soon/", 1), expiring("then/", 5)]).await;
    assert_eq!(fixture.live_on(SignedDuration::ZERO).await.changed, 0);
    assert_eq!(fixture.live_on(DAY * 2).await.changed, 2);
    assert_eq!(fixture.keys(), set(&["keep/a", "soon", "then/a"]));
    assert_eq!(fixture.live_on(SignedDuration::from_secs(1)).await.examined, 0, "one walk a day");
    fixture.live_on(DAY * 4).await;
    assert_eq!(fixture.keys(), set(&["keep/a", "soon"]));
    fixture.reconcile_after(SignedDuration::from_hours(1)).await;
    assert_eq!(fixture.blob_count().await, 2, "and their bytes");
}

#[tokio::test]
async fn rules_are_carried_out_as_soon_as_they_are_put() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("old", "bytes").await;
    fixture.live_on(DAY * 3).await;
    let mut new = object("bucket", "new");
    new.last_modified = Timestamp::now() + DAY * 3;
    fixture.write(&new).await;
    fixture.govern(vec![expiring("", 2)]).await;
    fixture.live_on(SignedDuration::ZERO).await;
    assert_eq!(fixture.keys(), set(&["new"]));
    let past = LifecycleExpiration { date: Some(Timestamp::UNIX_EPOCH), ..LifecycleExpiration::default() };
    fixture.govern(vec![LifecycleRule { expiration: Some(past), ..rule("") }]).await;
    fixture.live_on(SignedDuration::ZERO).await;
    assert_eq!(fixture.keys(), set(&[]));
}

#[tokio::test]
async fn a_walk_over_much_goes_on_where_it_was() {
    let fixture = Fixture::with_bucket().await;
    let mut changes = Changes::new();
    for number in 0..1203 {
        changes.put(&object("bucket", &format!("k{number:04}"))).unwrap();
    }
    fixture.store.commit(None, changes).await.unwrap();
    fixture.govern(vec![expiring("k", 1)]).await;
    let pass = fixture.live_on(DAY * 2).await;
    assert_eq!((pass.changed, fixture.keys().len()), (1203, 0));
}

#[tokio::test]
async fn where_there_are_versions_a_marker_is_left() {
    let fixture = Fixture::with_bucket().await;
    fixture.give_versions().await;
    fixture.put("key", "1").await;
    fixture.govern(vec![expiring("", 1)]).await;
    fixture.live_on(DAY * 2).await;
    assert_eq!((fixture.keys(), fixture.below("key")), (set(&[]), vec![None, Some(1)]));
    // The marker stays as long as there is a version below it.
    fixture.live_on(DAY * 9).await;
    assert_eq!(fixture.below("key"), [None, Some(1)]);
    let gone = NoncurrentVersionExpiration { noncurrent_days: Some(1), newer_noncurrent_versions: None };
    let both = LifecycleRule { noncurrent_version_expiration: Some(gone), ..expiring("", 1) };
    fixture.govern(vec![both]).await;
    fixture.live_on(SignedDuration::ZERO).await;
    fixture.live_on(DAY).await;
    assert_eq!(fixture.below("key"), [], "and then goes too");
    fixture.reconcile_after(SignedDuration::from_hours(1)).await;
    assert_eq!(fixture.blob_count().await, 0);
}

#[tokio::test]
async fn the_newest_noncurrent_versions_stay() {
    let fixture = Fixture::with_bucket().await;
    fixture.give_versions().await;
    for body in ["1", "12", "123", "1234", "12345"] {
        fixture.put("key", body).await;
    }
    let gone = NoncurrentVersionExpiration { noncurrent_days: Some(1), newer_noncurrent_versions: Some(2) };
    fixture.govern(vec![LifecycleRule { noncurrent_version_expiration: Some(gone), ..rule("") }]).await;
    fixture.live_on(SignedDuration::ZERO).await;
    assert_eq!(fixture.below("key"), [Some(4), Some(3), Some(2), Some(1)]);
    fixture.live_on(DAY * 2).await;
    assert_eq!((fixture.keys(), fixture.below("key")), (set(&["key"]), vec![Some(4), Some(3)]));
    fixture.remove("key").await;
    fixture.live_on(DAY * 3).await;
    assert_eq!(fixture.below("key"), [None, Some(5), Some(4)]);
}

#[tokio::test]
async fn a_locked_version_stays_until_its_lock_ends() {
    let fixture = Fixture::with_bucket().await;
    fixture.give_versions().await;
    fixture.put("key", "1").await;
    let mut locked =
        fixture.store.view().unwrap().get::<ObjectRecord>(&("bucket".into(), "key".into())).unwrap().unwrap();
    let until = locked.last_modified + DAY * 10;
    locked.traits.lock.retention = Some(Retention { mode: LockMode::Compliance, until });
    fixture.write(&locked).await;
    fixture.put("key", "12").await;
    let gone = NoncurrentVersionExpiration { noncurrent_days: Some(1), newer_noncurrent_versions: None };
    fixture.govern(vec![LifecycleRule { noncurrent_version_expiration: Some(gone), ..rule("") }]).await;
    fixture.live_on(DAY * 5).await;
    assert_eq!(fixture.below("key"), [Some(1)]);
    fixture.live_on(DAY * 6).await;
    assert_eq!(fixture.below("key"), []);
}

#[tokio::test]
async fn objects_move_by_tag_and_size() {
    let fixture = Fixture::with_bucket().await;
    for (key, tag, length) in [("a", "cold", 200_000), ("b", "cold", 10), ("c", "warm", 200_000)] {
        let mut it = object("bucket", key);
        it.length = length;
        it.traits.tags.insert("kind".to_owned(), tag.to_owned());
        fixture.write(&it).await;
    }
    let tag = Tag { key: "kind".to_owned(), value: "cold".to_owned() };
    let filter = LifecycleRuleFilter { tag: Some(tag), ..LifecycleRuleFilter::default() };
    let to = Transition { days: Some(0), date: None, storage_class: Some("GLACIER_IR".to_owned()) };
    fixture.govern(vec![LifecycleRule { filter: Some(filter), transitions: Some(vec![to]), ..rule("") }]).await;
    fixture.live_on(DAY).await;
    let view = fixture.store.view().unwrap();
    let classes: Vec<String> = view
        .scan::<ObjectRecord>(&KeyPrefix::of("bucket"), None, 10)
        .unwrap()
        .into_iter()
        .map(|object| object.traits.storage_class)
        .collect();
    assert_eq!(classes, ["GLACIER_IR", "STANDARD", "STANDARD"]);
}

#[tokio::test]
async fn uploads_that_nobody_completes_are_aborted() {
    let fixture = Fixture::with_bucket().await;
    let now = Timestamp::now();
    for (key, age) in [("logs/a", DAY * 3), ("logs/b", SignedDuration::ZERO), ("other", DAY * 3)] {
        let upload = UploadRecord {
            bucket: "bucket".to_owned(),
            key: key.to_owned(),
            id: format!("upload-{key}"),
            initiated: now - age,
            initiator: our_account(),
            initiator_arn: "arn".to_owned(),
            checksum: None,
            is_composite: false,
            before: Before::Unknown,
            traits: ObjectTraits::default(),
        };
        fixture.write(&upload).await;
    }
    let abortion = AbortIncompleteMultipartUpload { days_after_initiation: Some(1) };
    fixture.govern(vec![LifecycleRule { abort_incomplete_multipart_upload: Some(abortion), ..rule("logs/") }]).await;
    fixture.live_on(SignedDuration::ZERO).await;
    let view = fixture.store.view().unwrap();
    let left: Vec<String> = view
        .scan::<UploadRecord>(&KeyPrefix::of("bucket"), None, 10)
        .unwrap()
        .into_iter()
        .map(|upload| upload.key)
        .collect();
    assert_eq!(left, ["logs/b", "other"]);
    assert!(view.contains::<GarbagePartsRecord>(&"upload-logs/a".to_owned()).unwrap(), "its parts are given up");
}

#[tokio::test]
async fn other_configurations_cost_no_walk() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "bytes").await;
    fixture.govern(vec![expiring("", 9)]).await;
    assert!(fixture.live_on(SignedDuration::ZERO).await.examined > 0);
    let tagging = api::s3::Tagging { tag_set: vec![Tag { key: "k".to_owned(), value: "v".to_owned() }] };
    let input = api::s3::PutBucketTaggingRequest { bucket: "bucket".into(), tagging, ..Default::default() };
    fixture.s3.put_bucket_tagging(ours(), input).await.unwrap();
    assert_eq!(fixture.lifecycle.activate().await.unwrap().examined, 0);
}
