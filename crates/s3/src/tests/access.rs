//! Who may do what, and what becomes of buckets.

use api::Caller;
use api::s3::{
    CreateBucketConfiguration, CreateBucketRequest, DeleteBucketRequest, DeleteObjectRequest, GetBucketLocationRequest,
    HeadBucketRequest, HeadObjectRequest, ListBucketsRequest, ListObjectsRequest, ListObjectsV2Request, S3Api,
};
use api::{Call, s3};
use wire::ServiceError;

use super::fixture::{Fixture, a_users, call, get, ours, put, theirs};

/// What every operation on `bucket` and its object `key` answers to `caller`.
async fn everything(fixture: &Fixture, caller: fn() -> Call) -> Vec<(&'static str, Option<ServiceError>)> {
    let s3 = &fixture.s3;
    let bucket = || "bucket".to_owned();
    let delete = s3::Delete {
        objects: vec![s3::ObjectIdentifier { key: "key".to_owned(), ..s3::ObjectIdentifier::default() }],
        quiet: None,
    };
    let delete = s3::DeleteObjectsRequest { bucket: bucket(), delete, ..s3::DeleteObjectsRequest::default() };
    let head = HeadObjectRequest { bucket: bucket(), key: "key".to_owned(), ..HeadObjectRequest::default() };
    let remove = DeleteObjectRequest { bucket: bucket(), key: "key".to_owned(), ..DeleteObjectRequest::default() };
    let list = ListObjectsRequest { bucket: bucket(), ..ListObjectsRequest::default() };
    let list_v2 = ListObjectsV2Request { bucket: bucket(), ..ListObjectsV2Request::default() };
    let head_bucket = HeadBucketRequest { bucket: bucket(), expected_bucket_owner: None };
    let location = GetBucketLocationRequest { bucket: bucket(), expected_bucket_owner: None };
    let delete_bucket = DeleteBucketRequest { bucket: bucket(), expected_bucket_owner: None };
    vec![
        ("PutObject", s3.put_object(caller(), put("key", "stolen")).await.err()),
        ("GetObject", s3.get_object(caller(), get("key")).await.err()),
        ("HeadObject", s3.head_object(caller(), head).await.err()),
        ("DeleteObject", s3.delete_object(caller(), remove).await.err()),
        ("DeleteObjects", s3.delete_objects(caller(), delete).await.map_or_else(Some, of_the_only_key)),
        ("ListObjects", s3.list_objects(caller(), list).await.err()),
        ("ListObjectsV2", s3.list_objects_v2(caller(), list_v2).await.err()),
        ("HeadBucket", s3.head_bucket(caller(), head_bucket).await.err()),
        ("GetBucketLocation", s3.get_bucket_location(caller(), location).await.err()),
        ("DeleteBucket", s3.delete_bucket(caller(), delete_bucket).await.err()),
    ]
}

/// What became of the only key of a `DeleteObjects`, whose keys are refused one by one.
fn of_the_only_key(output: s3::DeleteObjectsOutput) -> Option<ServiceError> {
    let error = output.errors?.pop()?;
    Some(ServiceError::sender(error.code?, 403, error.message?))
}

async fn check_refused(caller: fn() -> Call, text: &str) {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "mine").await;
    for (operation, error) in everything(&fixture, caller).await {
        let error = error.unwrap_or_else(|| panic!("{operation} was permitted"));
        assert_eq!((&*error.code, error.status), ("AccessDenied", 403), "{operation}");
        assert!(error.message.contains(text), "{operation}: {}", error.message);
    }
    let (_, body) = fixture.get(get("key")).await.unwrap();
    assert_eq!(body, "mine");
    assert_eq!(fixture.blob_count().await, 1);
}

#[tokio::test]
async fn another_account_sees_and_changes_nothing() {
    check_refused(theirs, "Access Denied").await;
}

#[tokio::test]
async fn a_user_without_policy_is_told_what_is_missing() {
    check_refused(a_users, "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: s3:").await;
}

#[tokio::test]
async fn nobody_is_nobody() {
    check_refused(|| call(Caller::ANONYMOUS), "Access Denied").await;
}

#[tokio::test]
async fn of_several_keys_those_that_may_be_deleted_are() {
    let fixture = Fixture::with_bucket().await;
    for key in ["a/1", "b/2", "a/3"] {
        fixture.put(key, "mine").await;
    }
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"210987654321"},"Action":"s3:DeleteObject","Resource":"arn:aws:s3:::bucket/a/*"}]}"#;
    let put = s3::PutBucketPolicyRequest {
        bucket: "bucket".to_owned(),
        policy: policy.to_owned(),
        ..s3::PutBucketPolicyRequest::default()
    };
    fixture.s3.put_bucket_policy(ours(), put).await.unwrap();
    let object = |key: &str| s3::ObjectIdentifier { key: key.to_owned(), ..s3::ObjectIdentifier::default() };
    let delete = s3::Delete { objects: ["a/1", "b/2", "a/3", "b/none"].map(object).to_vec(), quiet: None };
    let input = s3::DeleteObjectsRequest { bucket: "bucket".to_owned(), delete, ..Default::default() };
    let output = fixture.s3.delete_objects(theirs(), input).await.unwrap();
    let keys: Vec<_> = output.deleted.unwrap().into_iter().filter_map(|object| object.key).collect();
    assert_eq!(keys, ["a/1", "a/3"]);
    let errors: Vec<_> =
        output.errors.unwrap().into_iter().map(|error| (error.key.unwrap(), error.code.unwrap())).collect();
    assert_eq!(errors, ["b/2", "b/none"].map(|key| (key.to_owned(), "AccessDenied".to_owned())));
    assert!(fixture.get(get("a/1")).await.is_err());
    assert!(fixture.get(get("b/2")).await.is_ok());
}

#[tokio::test]
async fn the_expected_owner_must_be_the_owner() {
    let fixture = Fixture::with_bucket().await;
    let input =
        |owner: &str| HeadBucketRequest { bucket: "bucket".to_owned(), expected_bucket_owner: Some(owner.to_owned()) };
    assert!(fixture.s3.head_bucket(ours(), input("123456789012")).await.is_ok());
    let error = fixture.s3.head_bucket(ours(), input("210987654321")).await.unwrap_err();
    assert_eq!(error.code, "AccessDenied");
    for none in ["0000", "0000000000020", "abcd"] {
        let error = fixture.s3.head_bucket(ours(), input(none)).await.unwrap_err();
        assert_eq!((&*error.code, error.status), ("InvalidBucketOwnerAWSAccountID", 400));
        assert!(error.message.ends_with(&format!("must be an AWS Account ID... [{none}]")), "{}", error.message);
    }
}

#[tokio::test]
async fn who_may_list_a_key_learns_that_it_is_not_there() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("public/there", "mine").await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"210987654321"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::bucket","Condition":{"StringLike":{"s3:prefix":"public/*"}}}]}"#;
    let put = s3::PutBucketPolicyRequest {
        bucket: "bucket".to_owned(),
        policy: policy.to_owned(),
        ..s3::PutBucketPolicyRequest::default()
    };
    fixture.s3.put_bucket_policy(ours(), put).await.unwrap();
    for (key, code) in
        [("public/none", "NoSuchKey"), ("public/there", "AccessDenied"), ("private/none", "AccessDenied")]
    {
        assert_eq!(fixture.s3.get_object(theirs(), get(key)).await.unwrap_err().code, code, "{key}");
    }
}

#[tokio::test]
async fn names_are_global_and_a_repetition_depends_on_the_region() {
    let first = Fixture::with_bucket().await;
    first.create("bucket").await.unwrap();
    let input = || CreateBucketRequest { bucket: "bucket".to_owned(), ..CreateBucketRequest::default() };
    let error = first.s3.create_bucket(theirs(), input()).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("BucketAlreadyExists", 409));
    assert_eq!(error.fields, [("BucketName", "bucket".to_owned())]);

    let second = Fixture::of_region("eu-central-1");
    assert_eq!(second.create("bucket").await.unwrap_err().code, "IllegalLocationConstraintException");
    let input = || CreateBucketRequest {
        create_bucket_configuration: Some(CreateBucketConfiguration {
            location_constraint: Some("eu-central-1".to_owned()),
            ..CreateBucketConfiguration::default()
        }),
        ..input()
    };
    second.s3.create_bucket(ours(), input()).await.unwrap();
    assert_eq!(second.s3.create_bucket(ours(), input()).await.unwrap_err().code, "BucketAlreadyOwnedByYou");
    let location = GetBucketLocationRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
    let location = second.s3.get_bucket_location(ours(), location).await.unwrap();
    assert_eq!(location.location_constraint.as_deref(), Some("eu-central-1"));
}

#[tokio::test]
async fn only_an_empty_bucket_is_deleted() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "bytes").await;
    let delete = || DeleteBucketRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
    let error = fixture.s3.delete_bucket(ours(), delete()).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("BucketNotEmpty", 409));
    let object =
        DeleteObjectRequest { bucket: "bucket".to_owned(), key: "key".to_owned(), ..DeleteObjectRequest::default() };
    fixture.s3.delete_object(ours(), object).await.unwrap();
    fixture.s3.delete_bucket(ours(), delete()).await.unwrap();
    assert_eq!(fixture.s3.delete_bucket(ours(), delete()).await.unwrap_err().code, "NoSuchBucket");
    assert_eq!(fixture.s3.put_object(ours(), put("key", "x")).await.unwrap_err().code, "NoSuchBucket");
    assert_eq!(fixture.create("No_Bucket").await.unwrap_err().code, "InvalidBucketName");
}

#[tokio::test]
async fn buckets_are_listed_by_page_for_their_owner_alone() {
    let fixture = Fixture::of_region("us-east-1");
    let names = ["a-1", "a-10", "a-2", "b-1", "b-2"];
    for name in names {
        fixture.create(name).await.unwrap();
    }
    let theirs_too = CreateBucketRequest { bucket: "a-3".to_owned(), ..CreateBucketRequest::default() };
    fixture.s3.create_bucket(theirs(), theirs_too).await.unwrap();
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let input =
            ListBucketsRequest { max_buckets: Some(2), continuation_token: token, ..ListBucketsRequest::default() };
        let page = fixture.s3.list_buckets(ours(), input).await.unwrap();
        seen.extend(page.buckets.unwrap().into_iter().filter_map(|bucket| bucket.name));
        token = page.continuation_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, names);
    let input = ListBucketsRequest { prefix: Some("a-1".to_owned()), ..ListBucketsRequest::default() };
    let page = fixture.s3.list_buckets(ours(), input).await.unwrap();
    assert_eq!(page.buckets.unwrap().len(), 2);
}
