//! S3 Control: what an account blocks for all of its buckets, and the tags of buckets.

use api::Call;
use api::s3::{
    AbacStatus, GetBucketTaggingRequest, PutBucketAbacRequest, PutBucketPolicyRequest, PutBucketTaggingRequest,
    PutObjectAclRequest, S3Api, Tagging,
};
use api::s3control::{
    DeletePublicAccessBlockRequest, GetPublicAccessBlockRequest, ListTagsForResourceRequest,
    PublicAccessBlockConfiguration, PutPublicAccessBlockRequest, S3controlApi, Tag, TagResourceRequest,
    UntagResourceRequest,
};
use api::{Caller, s3};
use wire::ServiceError;

use super::fixture::{Fixture, a_users, call, get, our_account, ours, put, theirs};
use crate::S3Control;

const ARN: &str = "arn:aws:s3:::bucket";
const PUBLIC: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]}"#;

fn code<T>(outcome: Result<T, ServiceError>) -> (String, u16) {
    outcome.map_or_else(|error| (error.code.into_owned(), error.status), |_| (String::new(), 200))
}

fn refused(code: &str, status: u16) -> (String, u16) {
    (code.to_owned(), status)
}

fn account_id() -> String {
    our_account().to_string()
}

fn read() -> GetPublicAccessBlockRequest {
    GetPublicAccessBlockRequest { account_id: account_id() }
}

fn block(wanted: PublicAccessBlockConfiguration) -> PutPublicAccessBlockRequest {
    PutPublicAccessBlockRequest { account_id: account_id(), public_access_block_configuration: wanted }
}

fn anybody() -> Call {
    call(Caller::ANONYMOUS)
}

#[tokio::test]
async fn the_block_of_an_account_is_put_read_and_deleted_by_its_own() {
    let fixture = Fixture::with_bucket().await;
    let control = S3Control::new(&fixture.s3);
    let missing = control.get_public_access_block(ours(), read()).await.unwrap_err();
    assert_eq!((&*missing.code, missing.status), ("NoSuchPublicAccessBlockConfiguration", 404));
    assert_eq!(missing.fields, [("AccountId", account_id())]);
    let wanted = PublicAccessBlockConfiguration { block_public_acls: Some(true), ..Default::default() };
    for nobody in [theirs(), a_users(), anybody()] {
        assert_eq!(code(control.get_public_access_block(nobody.clone(), read()).await), refused("AccessDenied", 403));
        let answer = control.put_public_access_block(nobody.clone(), block(wanted.clone())).await;
        assert_eq!(code(answer), refused("AccessDenied", 403));
        let delete = DeletePublicAccessBlockRequest { account_id: account_id() };
        assert_eq!(code(control.delete_public_access_block(nobody, delete).await), refused("AccessDenied", 403));
    }
    control.put_public_access_block(ours(), block(wanted)).await.unwrap();
    let shown = control.get_public_access_block(ours(), read()).await.unwrap();
    let shown = shown.public_access_block_configuration.unwrap();
    let all =
        [shown.block_public_acls, shown.ignore_public_acls, shown.block_public_policy, shown.restrict_public_buckets];
    assert_eq!(all, [Some(true), Some(false), Some(false), Some(false)]);
    for _ in 0..2 {
        let delete = DeletePublicAccessBlockRequest { account_id: account_id() };
        control.delete_public_access_block(ours(), delete).await.unwrap();
    }
    assert_eq!(code(control.get_public_access_block(ours(), read()).await).1, 404);
    let nobodys = GetPublicAccessBlockRequest { account_id: "12".to_owned() };
    assert_eq!(code(control.get_public_access_block(ours(), nobodys).await), refused("InvalidRequest", 400));
}

#[tokio::test]
async fn what_an_account_blocks_is_blocked_for_a_bucket_that_blocks_nothing() {
    let fixture = Fixture::with_lists().await;
    let (s3, control) = (&fixture.s3, S3Control::new(&fixture.s3));
    let public = |key: &str| {
        let mut input = put(key, "x");
        input.acl = Some("public-read".to_owned());
        input
    };
    let policy = || PutBucketPolicyRequest {
        bucket: "bucket".to_owned(),
        policy: PUBLIC.to_owned(),
        ..PutBucketPolicyRequest::default()
    };
    let set = async |acls: bool, ignored: bool, policies: bool, restricted: bool| {
        let wanted = PublicAccessBlockConfiguration {
            block_public_acls: Some(acls),
            ignore_public_acls: Some(ignored),
            block_public_policy: Some(policies),
            restrict_public_buckets: Some(restricted),
        };
        control.put_public_access_block(ours(), block(wanted)).await.unwrap();
    };
    let denied = refused("AccessDenied", 403);
    s3.put_object(ours(), public("by-list")).await.unwrap();
    fixture.put("by-policy", "x").await;

    set(true, false, false, false).await;
    assert_eq!(code(s3.put_object(ours(), public("other")).await), denied);
    let acl = PutObjectAclRequest {
        bucket: "bucket".to_owned(),
        key: "by-policy".to_owned(),
        acl: Some("public-read".to_owned()),
        ..PutObjectAclRequest::default()
    };
    assert_eq!(code(s3.put_object_acl(ours(), acl).await), denied);
    assert_eq!(code(s3.get_object(anybody(), get("by-list")).await).1, 200, "what was there still counts");

    set(false, true, false, false).await;
    s3.put_object(ours(), public("other")).await.unwrap();
    assert_eq!(code(s3.get_object(anybody(), get("by-list")).await), denied);

    set(false, false, true, false).await;
    assert_eq!(code(s3.get_object(anybody(), get("by-list")).await).1, 200);
    assert_eq!(code(s3.put_bucket_policy(ours(), policy()).await), denied);

    set(false, false, false, true).await;
    s3.put_bucket_policy(ours(), policy()).await.unwrap();
    assert_eq!(code(s3.get_object(anybody(), get("by-policy")).await), denied);
    assert_eq!(code(s3.get_object(theirs(), get("by-policy")).await), denied);

    set(false, false, false, false).await;
    assert_eq!(code(s3.get_object(anybody(), get("by-policy")).await).1, 200);
}

fn tags(pairs: &[(&str, &str)]) -> TagResourceRequest {
    let tag = |(key, value): &(&str, &str)| Tag { key: (*key).to_owned(), value: (*value).to_owned() };
    TagResourceRequest { account_id: account_id(), resource_arn: ARN.to_owned(), tags: pairs.iter().map(tag).collect() }
}

fn untag(keys: &[&str]) -> UntagResourceRequest {
    UntagResourceRequest {
        account_id: account_id(),
        resource_arn: ARN.to_owned(),
        tag_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
    }
}

fn list(arn: &str) -> ListTagsForResourceRequest {
    ListTagsForResourceRequest { account_id: account_id(), resource_arn: arn.to_owned() }
}

async fn listed(control: &S3Control) -> Vec<(String, String)> {
    let tags = control.list_tags_for_resource(ours(), list(ARN)).await.unwrap().tags.unwrap();
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

#[tokio::test]
async fn a_bucket_whose_tags_decide_is_tagged_by_adding_and_taking_away() {
    let fixture = Fixture::with_bucket().await;
    let control = S3Control::new(&fixture.s3);
    let abac = PutBucketAbacRequest {
        bucket: "bucket".to_owned(),
        abac_status: AbacStatus { status: Some("Enabled".to_owned()) },
        ..PutBucketAbacRequest::default()
    };
    fixture.s3.put_bucket_abac(ours(), abac).await.unwrap();
    let tagging = Tagging { tag_set: vec![s3::Tag { key: "a".to_owned(), value: "b".to_owned() }] };
    let other = PutBucketTaggingRequest { bucket: "bucket".to_owned(), tagging, ..PutBucketTaggingRequest::default() };
    assert_eq!(code(fixture.s3.put_bucket_tagging(ours(), other).await), refused("InvalidRequest", 400));
    assert_eq!(listed(&control).await, []);
    control.tag_resource(ours(), tags(&[("team", "red"), ("stage", "test")])).await.unwrap();
    control.tag_resource(ours(), tags(&[("team", "blue")])).await.unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(listed(&control).await, [pair("team", "blue"), pair("stage", "test")]);
    control.untag_resource(ours(), untag(&["stage", "never-there"])).await.unwrap();
    assert_eq!(listed(&control).await, [pair("team", "blue")]);
    let read = || GetBucketTaggingRequest { bucket: "bucket".to_owned(), ..GetBucketTaggingRequest::default() };
    assert_eq!(fixture.s3.get_bucket_tagging(ours(), read()).await.unwrap().tag_set.len(), 1);
    control.untag_resource(ours(), untag(&["team"])).await.unwrap();
    assert_eq!(code(fixture.s3.get_bucket_tagging(ours(), read()).await), refused("NoSuchTagSet", 404));
}

#[tokio::test]
async fn tags_of_buckets_are_refused_where_they_cannot_be() {
    let fixture = Fixture::with_bucket().await;
    let control = S3Control::new(&fixture.s3);
    let names: Vec<String> = (0..50).map(|number| format!("k{number}")).collect();
    let fifty: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    control.tag_resource(ours(), tags(&fifty)).await.unwrap();
    control.tag_resource(ours(), tags(&[("k0", "another")])).await.unwrap();
    assert_eq!(code(control.tag_resource(ours(), tags(&[("one-more", "v")])).await), refused("TooManyTags", 400));
    assert_eq!(code(control.tag_resource(ours(), tags(&[("aws:x", "v")])).await), refused("InvalidTag", 400));
    let twice = tags(&[("a", "1"), ("a", "2")]);
    assert_eq!(code(control.tag_resource(ours(), twice).await), refused("InvalidTag", 400));
    assert_eq!(listed(&control).await.len(), 50);
    for nobody in [theirs(), a_users(), anybody()] {
        let denied = refused("AccessDenied", 403);
        assert_eq!(code(control.tag_resource(nobody.clone(), tags(&[("a", "b")])).await), denied);
        assert_eq!(code(control.untag_resource(nobody.clone(), untag(&["k0"])).await), denied);
        assert_eq!(code(control.list_tags_for_resource(nobody, list(ARN)).await), denied);
    }
    let list = async |arn: &str| code(control.list_tags_for_resource(ours(), list(arn)).await);
    assert_eq!(list("arn:aws:s3:::no-bucket").await, refused("NoSuchResource", 404));
    assert_eq!(list("arn:aws:s3:us-east-1:123456789012:storage-lens-group/g").await, refused("NoSuchResource", 404));
    assert_eq!(list("arn:aws:sqs:us-east-1:123456789012:q").await, refused("InvalidRequest", 400));
    let of_another = ListTagsForResourceRequest { account_id: "210987654321".to_owned(), resource_arn: ARN.to_owned() };
    assert_eq!(code(control.list_tags_for_resource(ours(), of_another).await), refused("AccessDenied", 403));
}
