//! What is configured on buckets, through the API.

use api::s3::{
    AbacStatus, AccelerateConfiguration, BucketLifecycleConfiguration, BucketLoggingStatus, CreateBucketConfiguration,
    CreateBucketRequest, DeleteBucketLifecycleRequest, DeleteBucketTaggingRequest, GetBucketAbacRequest,
    GetBucketAccelerateConfigurationRequest, GetBucketLifecycleConfigurationRequest, GetBucketLoggingRequest,
    GetBucketRequestPaymentRequest, GetBucketTaggingRequest, LifecycleExpiration, LifecycleRule, LoggingEnabled,
    PartitionedPrefix, PutBucketAbacRequest, PutBucketAccelerateConfigurationRequest,
    PutBucketLifecycleConfigurationRequest, PutBucketLoggingRequest, PutBucketRequestPaymentRequest,
    PutBucketTaggingRequest, RequestPaymentConfiguration, S3Api, Tag, Tagging, TargetObjectKeyFormat,
};

use super::fixture::{Fixture, ours, theirs};

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.to_owned(), value: value.to_owned() }
}

fn tagging(tag_set: Vec<Tag>) -> PutBucketTaggingRequest {
    PutBucketTaggingRequest { bucket: "bucket".into(), tagging: Tagging { tag_set }, ..Default::default() }
}

#[tokio::test]
async fn tags_are_replaced_shown_and_deleted() {
    let fixture = Fixture::with_bucket().await;
    let get = || GetBucketTaggingRequest { bucket: "bucket".into(), ..Default::default() };
    let error = fixture.s3.get_bucket_tagging(ours(), get()).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("NoSuchTagSet", 404));
    assert_eq!(error.fields, [("BucketName", "bucket".to_owned())]);
    fixture.s3.put_bucket_tagging(ours(), tagging(vec![tag("z", "1"), tag("a", "2")])).await.unwrap();
    let found = fixture.s3.get_bucket_tagging(ours(), get()).await.unwrap();
    assert_eq!(found.tag_set, [tag("z", "1"), tag("a", "2")]);
    let many = (0..51).map(|number| tag(&number.to_string(), "")).collect();
    let error = fixture.s3.put_bucket_tagging(ours(), tagging(many)).await.unwrap_err();
    assert_eq!((&*error.code, &*error.message), ("BadRequest", "Bucket tag count cannot be greater than 50"));
    let error = fixture.s3.put_bucket_tagging(ours(), tagging(vec![tag("aws:x", "1")])).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("InvalidTag", 400));
    let delete = || DeleteBucketTaggingRequest { bucket: "bucket".into(), ..Default::default() };
    fixture.s3.delete_bucket_tagging(ours(), delete()).await.unwrap();
    fixture.s3.delete_bucket_tagging(ours(), delete()).await.unwrap();
    assert_eq!(fixture.s3.get_bucket_tagging(ours(), get()).await.unwrap_err().code, "NoSuchTagSet");
}

#[tokio::test]
async fn a_bucket_is_made_with_tags() {
    let fixture = Fixture::of_region("us-east-1");
    let create = |tags| CreateBucketRequest {
        bucket: "tagged".to_owned(),
        create_bucket_configuration: Some(CreateBucketConfiguration { tags: Some(tags), ..Default::default() }),
        ..CreateBucketRequest::default()
    };
    let error = fixture.s3.create_bucket(ours(), create(vec![tag("a", "1"), tag("a", "2")])).await.unwrap_err();
    assert_eq!(error.code, "InvalidTag");
    fixture.s3.create_bucket(ours(), create(vec![tag("a", "1")])).await.unwrap();
    let get = GetBucketTaggingRequest { bucket: "tagged".into(), ..Default::default() };
    assert_eq!(fixture.s3.get_bucket_tagging(ours(), get).await.unwrap().tag_set, [tag("a", "1")]);
}

#[tokio::test]
async fn where_tags_decide_they_are_not_put_this_way() {
    let fixture = Fixture::with_bucket().await;
    let get = || GetBucketAbacRequest { bucket: "bucket".into(), ..Default::default() };
    let put = |status: &str| PutBucketAbacRequest {
        bucket: "bucket".into(),
        abac_status: AbacStatus { status: Some(status.to_owned()) },
        ..Default::default()
    };
    let status = async || fixture.s3.get_bucket_abac(ours(), get()).await.unwrap().abac_status.unwrap().status.unwrap();
    assert_eq!(status().await, "Disabled");
    assert_eq!(fixture.s3.put_bucket_abac(ours(), put("On")).await.unwrap_err().code, "MalformedXML");
    fixture.s3.put_bucket_abac(ours(), put("Enabled")).await.unwrap();
    assert_eq!(status().await, "Enabled");
    let refused = fixture.s3.put_bucket_tagging(ours(), tagging(vec![tag("a", "1")])).await.unwrap_err();
    assert_eq!((&*refused.code, refused.status), ("InvalidRequest", 400));
    fixture.s3.put_bucket_abac(ours(), put("Disabled")).await.unwrap();
    fixture.s3.put_bucket_tagging(ours(), tagging(vec![tag("a", "1")])).await.unwrap();
}

#[tokio::test]
async fn who_pays_and_whether_it_is_fast() {
    let fixture = Fixture::with_bucket().await;
    let pay = |payer: &str| PutBucketRequestPaymentRequest {
        bucket: "bucket".into(),
        request_payment_configuration: RequestPaymentConfiguration { payer: payer.to_owned() },
        ..Default::default()
    };
    let payer = async || {
        let get = GetBucketRequestPaymentRequest { bucket: "bucket".into(), ..Default::default() };
        fixture.s3.get_bucket_request_payment(ours(), get).await.unwrap().payer.unwrap()
    };
    assert_eq!(payer().await, "BucketOwner");
    fixture.s3.put_bucket_request_payment(ours(), pay("Requester")).await.unwrap();
    assert_eq!(payer().await, "Requester");
    assert_eq!(fixture.s3.put_bucket_request_payment(ours(), pay("Nobody")).await.unwrap_err().code, "MalformedXML");

    let accelerate = |bucket: &str, status: &str| PutBucketAccelerateConfigurationRequest {
        bucket: bucket.to_owned(),
        accelerate_configuration: AccelerateConfiguration { status: Some(status.to_owned()) },
        ..Default::default()
    };
    let speed = async || {
        let get = GetBucketAccelerateConfigurationRequest { bucket: "bucket".into(), ..Default::default() };
        fixture.s3.get_bucket_accelerate_configuration(ours(), get).await.unwrap().status
    };
    assert_eq!(speed().await, None);
    fixture.s3.put_bucket_accelerate_configuration(ours(), accelerate("bucket", "Suspended")).await.unwrap();
    assert_eq!(speed().await.as_deref(), Some("Suspended"));
    let wrong = fixture.s3.put_bucket_accelerate_configuration(ours(), accelerate("bucket", "Fast")).await;
    assert_eq!(wrong.unwrap_err().code, "MalformedXML");
    fixture.create("with.dots").await.unwrap();
    let dotted = fixture.s3.put_bucket_accelerate_configuration(ours(), accelerate("with.dots", "Enabled")).await;
    assert_eq!(dotted.unwrap_err().code, "InvalidRequest");
}

#[tokio::test]
async fn lifecycle_rules_come_back_as_they_were_put_and_with_ids() {
    let fixture = Fixture::with_bucket().await;
    let get = || GetBucketLifecycleConfigurationRequest { bucket: "bucket".into(), ..Default::default() };
    let error = fixture.s3.get_bucket_lifecycle_configuration(ours(), get()).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("NoSuchLifecycleConfiguration", 404));
    let rule = LifecycleRule {
        prefix: Some("logs/".to_owned()),
        status: "Enabled".to_owned(),
        expiration: Some(LifecycleExpiration { days: Some(3), ..Default::default() }),
        ..Default::default()
    };
    let put = |minimum: Option<&str>| PutBucketLifecycleConfigurationRequest {
        bucket: "bucket".into(),
        lifecycle_configuration: Some(BucketLifecycleConfiguration { rules: vec![rule.clone()] }),
        transition_default_minimum_object_size: minimum.map(str::to_owned),
        ..Default::default()
    };
    let refused = fixture.s3.put_bucket_lifecycle_configuration(ours(), put(Some("tiny"))).await.unwrap_err();
    assert_eq!(refused.message, "Invalid TransitionDefaultMinimumObjectSize found: tiny");
    let answer = fixture.s3.put_bucket_lifecycle_configuration(ours(), put(None)).await.unwrap();
    assert_eq!(answer.transition_default_minimum_object_size.as_deref(), Some("all_storage_classes_128K"));
    let found = fixture.s3.get_bucket_lifecycle_configuration(ours(), get()).await.unwrap();
    let found = found.rules.unwrap().remove(0);
    assert_eq!(found.id.as_deref().map(str::len), Some(48));
    assert_eq!(LifecycleRule { id: None, ..found }, rule);
    let delete = || DeleteBucketLifecycleRequest { bucket: "bucket".into(), ..Default::default() };
    fixture.s3.delete_bucket_lifecycle(ours(), delete()).await.unwrap();
    fixture.s3.delete_bucket_lifecycle(ours(), delete()).await.unwrap();
    assert!(fixture.s3.get_bucket_lifecycle_configuration(ours(), get()).await.is_err());
}

#[tokio::test]
async fn logs_go_to_a_bucket_of_the_same_owner() {
    let fixture = Fixture::with_bucket().await;
    fixture.create("logs").await.unwrap();
    let foreign = CreateBucketRequest { bucket: "foreign".into(), ..Default::default() };
    fixture.s3.create_bucket(theirs(), foreign).await.unwrap();
    let put = |logging_enabled| PutBucketLoggingRequest {
        bucket: "bucket".into(),
        bucket_logging_status: BucketLoggingStatus { logging_enabled },
        ..Default::default()
    };
    let to = |target: &str| LoggingEnabled {
        target_bucket: target.to_owned(),
        target_prefix: "log/".to_owned(),
        ..Default::default()
    };
    let get = async || {
        let get = GetBucketLoggingRequest { bucket: "bucket".into(), ..Default::default() };
        fixture.s3.get_bucket_logging(ours(), get).await.unwrap().logging_enabled
    };
    assert_eq!(get().await, None);
    for (target, text) in [
        ("nowhere", "The target bucket for logging does not exist"),
        ("foreign", "The owner for the bucket to be logged and the target bucket must be the same."),
    ] {
        let refused = fixture.s3.put_bucket_logging(ours(), put(Some(to(target)))).await.unwrap_err();
        assert_eq!((&*refused.code, &*refused.message), ("InvalidTargetBucketForLogging", text));
    }
    let source = PartitionedPrefix { partition_date_source: Some("EventTime".to_owned()) };
    let format = |partitioned| TargetObjectKeyFormat { simple_prefix: None, partitioned_prefix: partitioned };
    let wanted = LoggingEnabled { target_object_key_format: Some(format(Some(source))), ..to("logs") };
    fixture.s3.put_bucket_logging(ours(), put(Some(wanted.clone()))).await.unwrap();
    assert_eq!(get().await, Some(wanted));
    let neither = LoggingEnabled { target_object_key_format: Some(format(None)), ..to("logs") };
    assert_eq!(fixture.s3.put_bucket_logging(ours(), put(Some(neither))).await.unwrap_err().code, "MalformedXML");
    fixture.s3.put_bucket_logging(ours(), put(None)).await.unwrap();
    assert_eq!(get().await, None);
}
