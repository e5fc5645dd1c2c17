//! What is configured on buckets, through the API.

use api::s3::{
    AbacStatus, AccelerateConfiguration, BucketLifecycleConfiguration, BucketLoggingStatus, CreateBucketConfiguration,
    CreateBucketRequest, DeleteBucketLifecycleRequest, DeleteBucketMetricsConfigurationRequest,
    DeleteBucketTaggingRequest, FilterRule, GetBucketAbacRequest, GetBucketAccelerateConfigurationRequest,
    GetBucketLifecycleConfigurationRequest, GetBucketLoggingRequest, GetBucketMetricsConfigurationRequest,
    GetBucketNotificationConfigurationRequest, GetBucketRequestPaymentRequest, GetBucketTaggingRequest,
    LifecycleExpiration, LifecycleRule, ListBucketMetricsConfigurationsRequest, LoggingEnabled, MetricsConfiguration,
    NotificationConfiguration, NotificationConfigurationFilter, PartitionedPrefix, PutBucketAbacRequest,
    PutBucketAccelerateConfigurationRequest, PutBucketLifecycleConfigurationRequest, PutBucketLoggingRequest,
    PutBucketMetricsConfigurationRequest, PutBucketNotificationConfigurationRequest, PutBucketRequestPaymentRequest,
    PutBucketTaggingRequest, QueueConfiguration, RequestPaymentConfiguration, S3Api, S3KeyFilter, Tag, Tagging,
    TargetObjectKeyFormat,
};

use super::fixture::{Fixture, get, ours, theirs};

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

#[tokio::test]
async fn several_configurations_of_a_kind_are_listed_by_page() {
    let fixture = Fixture::with_bucket().await;
    let put = |id: &str, inner: &str| PutBucketMetricsConfigurationRequest {
        bucket: "bucket".into(),
        id: id.to_owned(),
        metrics_configuration: MetricsConfiguration { id: inner.to_owned(), filter: None },
        ..Default::default()
    };
    let get = |id: &str| GetBucketMetricsConfigurationRequest {
        bucket: "bucket".into(),
        id: id.to_owned(),
        ..Default::default()
    };
    assert_eq!(
        fixture.s3.get_bucket_metrics_configuration(ours(), get("a")).await.unwrap_err().code,
        "NoSuchConfiguration"
    );
    let mismatch = fixture.s3.put_bucket_metrics_configuration(ours(), put("a", "b")).await.unwrap_err();
    assert_eq!(mismatch.code, "IdMismatch");
    for number in 0..201 {
        let id = format!("m{number:03}");
        fixture.s3.put_bucket_metrics_configuration(ours(), put(&id, &id)).await.unwrap();
    }
    let found = fixture.s3.get_bucket_metrics_configuration(ours(), get("m007")).await.unwrap();
    assert_eq!(found.metrics_configuration.unwrap().id, "m007");
    let (mut seen, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let list = ListBucketMetricsConfigurationsRequest {
            bucket: "bucket".into(),
            continuation_token: token,
            ..Default::default()
        };
        let page = fixture.s3.list_bucket_metrics_configurations(ours(), list).await.unwrap();
        seen.extend(page.metrics_configuration_list.unwrap().into_iter().map(|found| found.id));
        assert_eq!(page.is_truncated, Some(page.next_continuation_token.is_some()));
        (token, pages) = (page.next_continuation_token, pages + 1);
        if token.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), pages, &*seen[200]), (201, 3, "m200"));
    let delete = |id: &str| DeleteBucketMetricsConfigurationRequest {
        bucket: "bucket".into(),
        id: id.to_owned(),
        ..Default::default()
    };
    fixture.s3.delete_bucket_metrics_configuration(ours(), delete("m007")).await.unwrap();
    let gone = fixture.s3.delete_bucket_metrics_configuration(ours(), delete("m007")).await.unwrap_err();
    assert_eq!((&*gone.code, gone.status), ("NoSuchConfiguration", 404));
}

#[tokio::test]
async fn notifications_that_can_be_and_that_cannot() {
    let fixture = Fixture::with_bucket().await;
    let queue = |arn: &str, event: &str, prefix: Option<&str>| {
        let rule = |value: &str| FilterRule { name: Some("prefix".into()), value: Some(value.to_owned()) };
        let key = prefix.map(|prefix| S3KeyFilter { filter_rules: Some(vec![rule(prefix)]) });
        QueueConfiguration {
            id: None,
            queue_arn: arn.to_owned(),
            events: vec![event.to_owned()],
            filter: key.map(|key| NotificationConfigurationFilter { key: Some(key) }),
        }
    };
    let put = async |queues: Vec<QueueConfiguration>| {
        let notification_configuration =
            NotificationConfiguration { queue_configurations: Some(queues), ..Default::default() };
        let input = PutBucketNotificationConfigurationRequest {
            bucket: "bucket".into(),
            notification_configuration,
            ..Default::default()
        };
        fixture.s3.put_bucket_notification_configuration(ours(), input).await.err().map(|error| error.message)
    };
    let (arn, all) = ("arn:aws:sqs:us-east-1:123456789012:q", "s3:ObjectCreated:*");
    assert_eq!(put(vec![queue("arn:aws:sns:x", all, None)]).await.as_deref(), Some("The ARN could not be parsed"));
    let unknown = put(vec![queue(arn, "s3:Nothing", None)]).await;
    assert_eq!(unknown.as_deref(), Some("The event is not supported for notifications"));
    let twice = put(vec![queue(arn, all, None), queue(arn, "s3:ObjectCreated:Put", Some("a"))]).await;
    assert!(twice.unwrap().starts_with("Configurations overlap."));
    let nested = put(vec![queue(arn, all, Some("a")), queue(arn, all, Some("ab"))]).await;
    assert!(nested.unwrap().starts_with("Configuration is ambiguously defined."));
    assert_eq!(put(vec![queue(arn, all, Some("a")), queue(arn, all, Some("b"))]).await, None);
    let get = GetBucketNotificationConfigurationRequest { bucket: "bucket".into(), ..Default::default() };
    let found = fixture.s3.get_bucket_notification_configuration(ours(), get).await.unwrap();
    let queues = found.queue_configurations.unwrap();
    assert_eq!((queues.len(), queues[0].id.as_ref().map(String::len)), (2, Some(48)));
    let rules = queues[1].filter.clone().unwrap().key.unwrap().filter_rules.unwrap();
    assert_eq!(rules, [FilterRule { name: Some("Prefix".into()), value: Some("b".into()) }]);
}

#[tokio::test]
async fn answers_tell_when_an_object_expires_and_who_is_charged() {
    let fixture = Fixture::with_bucket().await;
    let rule = LifecycleRule {
        id: Some("week".to_owned()),
        prefix: Some("logs/".to_owned()),
        status: "Enabled".to_owned(),
        expiration: Some(LifecycleExpiration { days: Some(7), ..Default::default() }),
        ..Default::default()
    };
    let input = PutBucketLifecycleConfigurationRequest {
        bucket: "bucket".into(),
        lifecycle_configuration: Some(BucketLifecycleConfiguration { rules: vec![rule] }),
        ..Default::default()
    };
    fixture.s3.put_bucket_lifecycle_configuration(ours(), input).await.unwrap();
    assert_eq!(fixture.put("other", "x").await.expiration, None);
    let told = fixture.put("logs/a", "x").await.expiration.unwrap();
    assert!(told.starts_with("expiry-date=\"") && told.ends_with(" 00:00:00 GMT\", rule-id=\"week\""), "{told}");
    let (output, _) = fixture.get(get("logs/a")).await.unwrap();
    assert_eq!(output.expiration.as_ref(), Some(&told));
    assert_eq!(output.request_charged, None);
}
