//! The policies of buckets, what they make of the needs of a call, and what of public access is blocked.

use api::s3::{
    CreateBucketConfiguration, CreateBucketRequest, DeleteBucketPolicyRequest, DeleteObjectRequest,
    DeletePublicAccessBlockRequest, GetBucketPolicyRequest, GetBucketPolicyStatusRequest, GetObject, GetObjectRequest,
    GetPublicAccessBlockRequest, ListObjectsV2, ListObjectsV2Request, PublicAccessBlockConfiguration,
    PutBucketPolicyRequest, PutObject, PutObjectRequest, PutPublicAccessBlockRequest, S3Api, Tag,
};
use api::{Call, Caller};
use iam::UserRecord;
use service::{Need, Operation, Scope, Streaming};
use store::{Changes, Record};
use wire::ServiceError;

use super::fixture::{Fixture, call, our_account, ours, theirs};
use crate::{S3, S3Error};

const PUBLIC: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]}"#;
const PRIVATE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"210987654321"},"Action":["s3:GetObject","s3:GetBucketPolicy","s3:PutBucketPolicy"],"Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}]}"#;

fn put(policy: &str) -> PutBucketPolicyRequest {
    PutBucketPolicyRequest {
        bucket: "bucket".to_owned(),
        policy: policy.to_owned(),
        ..PutBucketPolicyRequest::default()
    }
}

fn scope(call: &Call) -> Scope {
    Scope {
        region: "us-east-1".to_owned(),
        account: call.caller.account.clone(),
        caller: call.caller.clone(),
        now: jiff::Timestamp::UNIX_EPOCH,
        despite: service::Despite::default(),
    }
}

async fn unblock(fixture: &Fixture, restricts: bool) {
    let wanted = PublicAccessBlockConfiguration { restrict_public_buckets: Some(restricts), ..Default::default() };
    let input = PutPublicAccessBlockRequest {
        bucket: "bucket".to_owned(),
        public_access_block_configuration: wanted,
        ..Default::default()
    };
    fixture.s3.put_public_access_block(ours(), input).await.unwrap();
}

fn code<T>(outcome: Result<T, ServiceError>) -> (String, u16) {
    outcome.map_or_else(|error| (error.code.into_owned(), error.status), |_| (String::new(), 200))
}

#[tokio::test]
async fn a_policy_is_put_read_replaced_and_deleted() {
    let fixture = Fixture::with_bucket().await;
    let s3 = &fixture.s3;
    let get = || GetBucketPolicyRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
    let status = || GetBucketPolicyStatusRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
    let delete = || DeleteBucketPolicyRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
    assert_eq!(code(s3.get_bucket_policy(ours(), get()).await), ("NoSuchBucketPolicy".to_owned(), 404));
    s3.put_bucket_policy(ours(), put(PRIVATE)).await.unwrap();
    assert_eq!(s3.get_bucket_policy(ours(), get()).await.unwrap().policy.as_deref(), Some(PRIVATE));
    let shown = s3.get_bucket_policy_status(ours(), status()).await.unwrap();
    assert_eq!(shown.policy_status.unwrap().is_public, Some(false));
    let error = s3.put_bucket_policy(ours(), put("[]")).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("MalformedPolicy", 400));
    let error = s3.put_bucket_policy(ours(), put(PUBLIC)).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("AccessDenied", 403));
    let text = "User: arn:aws:iam::123456789012:root is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::bucket\" because public policies are blocked by the BlockPublicPolicy block public access setting.";
    assert_eq!(error.message, text);
    assert_eq!(s3.get_bucket_policy(ours(), get()).await.unwrap().policy.as_deref(), Some(PRIVATE), "unchanged");
    unblock(&fixture, false).await;
    s3.put_bucket_policy(ours(), put(PUBLIC)).await.unwrap();
    let shown = s3.get_bucket_policy_status(ours(), status()).await.unwrap();
    assert_eq!(shown.policy_status.unwrap().is_public, Some(true));
    s3.delete_bucket_policy(ours(), delete()).await.unwrap();
    s3.delete_bucket_policy(ours(), delete()).await.unwrap();
    assert_eq!(code(s3.get_bucket_policy_status(ours(), status()).await), ("NoSuchBucketPolicy".to_owned(), 404));
}

fn naming(class: &str, name: &str) -> String {
    PRIVATE.replace(r#""AWS":"210987654321""#, &format!(r#""{class}":"{name}""#))
}

async fn kept(fixture: &Fixture) -> String {
    let get = GetBucketPolicyRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
    fixture.s3.get_bucket_policy(ours(), get).await.unwrap().policy.unwrap()
}

fn ada(id: &str) -> UserRecord {
    UserRecord {
        account: "210987654321".parse().unwrap(),
        name: "ada".to_owned(),
        path: "/".to_owned(),
        id: id.to_owned(),
        created: jiff::Timestamp::UNIX_EPOCH,
        boundary: None,
        tags: Vec::new(),
    }
}

async fn commit(fixture: &Fixture, changes: Changes) {
    fixture.store.commit(None, changes).await.unwrap();
}

const ADA: &str = "arn:aws:iam::210987654321:user/ada";

#[tokio::test]
async fn only_those_who_exist_are_named() {
    let fixture = Fixture::with_bucket().await;
    for (class, name) in [
        ("AWS", "333333333333"),
        ("AWS", "arn:aws:iam::333333333333:root"),
        ("AWS", ADA),
        ("AWS", "arn:aws:iam::123456789012:role/none"),
        ("AWS", "AIDAADAADAADAADAADA"),
        ("CanonicalUser", "c2b6"),
        ("Service", "s3"),
    ] {
        let error = fixture.s3.put_bucket_policy(ours(), put(&naming(class, name))).await.unwrap_err();
        let expected = ("MalformedPolicy", "Invalid principal in policy");
        assert_eq!((&*error.code, &*error.message), expected, "{class} {name}");
    }
    let mut changes = Changes::new();
    changes.put(&ada("AIDAONE")).unwrap();
    commit(&fixture, changes).await;
    for (class, name) in [
        ("AWS", "210987654321"),
        ("AWS", "arn:aws:iam::123456789012:root"),
        ("AWS", ADA),
        ("AWS", "arn:aws:iam::127311923021:root"),
        ("Service", "cloudtrail.amazonaws.com"),
    ] {
        let text = naming(class, name);
        fixture.s3.put_bucket_policy(ours(), put(&text)).await.unwrap();
        assert_eq!(kept(&fixture).await, text);
    }
    let canonical = crate::owner::canonical_id(&theirs().caller.account.unwrap());
    fixture.s3.put_bucket_policy(ours(), put(&naming("CanonicalUser", &canonical))).await.unwrap();
    assert!(kept(&fixture).await.contains(r#""Principal":{"AWS":"arn:aws:iam::210987654321:root"}"#));
    fixture.put("key", "bytes").await;
    let get = GetObjectRequest { bucket: "bucket".to_owned(), key: "key".to_owned(), ..Default::default() };
    assert!(fixture.s3.get_object(theirs(), get).await.is_ok(), "the root of the account with that id");
}

#[tokio::test]
async fn who_is_named_stays_so_and_a_successor_is_not() {
    let fixture = Fixture::with_bucket().await;
    let mut changes = Changes::new();
    changes.put(&ada("AIDAONE")).unwrap();
    commit(&fixture, changes).await;
    fixture.s3.put_bucket_policy(ours(), put(&naming("AWS", ADA))).await.unwrap();
    let document = |name: &str| naming("AWS", name);
    assert_eq!(kept(&fixture).await, document(ADA));
    let needs = reading(&fixture, &theirs(), "key").unwrap();
    let named = needs[0].policy.as_ref().unwrap().principals.clone();
    assert_eq!(named, [(ADA.to_owned(), "AIDAONE".to_owned())]);

    let mut changes = Changes::new();
    changes.delete::<UserRecord>(&ada("AIDAONE").key());
    changes.put(&UserRecord { name: "bea".to_owned(), ..ada("AIDAONE") }).unwrap();
    commit(&fixture, changes).await;
    assert_eq!(kept(&fixture).await, document("arn:aws:iam::210987654321:user/bea"));
    let mut changes = Changes::new();
    changes.delete::<UserRecord>(&UserRecord { name: "bea".to_owned(), ..ada("AIDAONE") }.key());
    changes.put(&ada("AIDATWO")).unwrap();
    commit(&fixture, changes).await;
    assert_eq!(kept(&fixture).await, document("AIDAONE"), "a new ada is another one");
}

/// S3 takes it without being told that it is meant.
#[tokio::test]
async fn a_policy_may_lock_everyone_out_but_the_root_user() {
    let fixture = Fixture::with_bucket().await;
    let shut = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}]}"#;
    for confirmed in [None, Some(true), Some(false)] {
        let input = PutBucketPolicyRequest { confirm_remove_self_bucket_access: confirmed, ..put(shut) };
        fixture.s3.put_bucket_policy(ours(), input).await.unwrap();
        assert_eq!(kept(&fixture).await, shut);
        let get = GetObjectRequest { bucket: "bucket".to_owned(), key: "key".to_owned(), ..Default::default() };
        assert_eq!(code(fixture.s3.get_object(ours(), get).await).1, 403);
    }
}

#[tokio::test]
async fn a_new_bucket_blocks_public_access_until_it_is_told_otherwise() {
    let fixture = Fixture::with_bucket().await;
    let get = || GetPublicAccessBlockRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
    let block = |shown: api::s3::GetPublicAccessBlockOutput| {
        let shown = shown.public_access_block_configuration.unwrap();
        [shown.block_public_acls, shown.ignore_public_acls, shown.block_public_policy, shown.restrict_public_buckets]
    };
    assert_eq!(block(fixture.s3.get_public_access_block(ours(), get()).await.unwrap()), [Some(true); 4]);
    unblock(&fixture, true).await;
    let shown = block(fixture.s3.get_public_access_block(ours(), get()).await.unwrap());
    assert_eq!(shown, [Some(false), Some(false), Some(false), Some(true)]);
    let delete = DeletePublicAccessBlockRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
    fixture.s3.delete_public_access_block(ours(), delete).await.unwrap();
    let gone = code(fixture.s3.get_public_access_block(ours(), get()).await);
    assert_eq!(gone, ("NoSuchPublicAccessBlockConfiguration".to_owned(), 404));
}

/// What a GET of `key` needs of `caller`.
fn reading(fixture: &Fixture, caller: &Call, key: &str) -> Result<Vec<Need>, S3Error> {
    let input = GetObjectRequest { bucket: "bucket".to_owned(), key: key.to_owned(), ..GetObjectRequest::default() };
    <GetObject as Streaming<S3>>::needs(&input, &fixture.store.view().unwrap(), &scope(caller))
}

#[tokio::test]
async fn needs_carry_the_owner_and_the_policy() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "bytes").await;
    let needs = reading(&fixture, &theirs(), "key").unwrap();
    assert_eq!(needs.len(), 1);
    let need = &needs[0];
    assert_eq!((&*need.action, need.resource_text()), ("s3:GetObject", "arn:aws:s3:::bucket/key"));
    assert_eq!((need.owner.clone(), &need.policy), (Some(our_account()), &None));
    assert_eq!(need.context.get("s3:resourceaccount"), Some(&["123456789012".to_owned()][..]));
    fixture.s3.put_bucket_policy(ours(), put(PRIVATE)).await.unwrap();
    let needs = reading(&fixture, &theirs(), "none").unwrap();
    let actions: Vec<&str> = needs.iter().map(|need| &*need.action).collect();
    assert_eq!(actions, ["s3:GetObject", "s3:ListBucket"], "who may not list does not learn that it is not there");
    assert!(needs.iter().all(|need| need.policy.as_ref().is_some_and(|policy| policy.document == PRIVATE)));
    let input = GetObjectRequest { bucket: "nobodys".to_owned(), key: "key".to_owned(), ..Default::default() };
    let error = <GetObject as Streaming<S3>>::needs(&input, &fixture.store.view().unwrap(), &scope(&theirs()));
    assert!(matches!(error, Err(S3Error::NoSuchBucket(_))));
}

#[tokio::test]
async fn a_public_policy_of_a_restricted_bucket_is_for_its_account_alone() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "bytes").await;
    unblock(&fixture, false).await;
    fixture.s3.put_bucket_policy(ours(), put(PUBLIC)).await.unwrap();
    let anonymous = call(Caller::ANONYMOUS);
    let has_policy = |caller: &Call| reading(&fixture, caller, "key").unwrap()[0].policy.is_some();
    assert_eq!([has_policy(&anonymous), has_policy(&theirs()), has_policy(&ours())], [true, true, true]);
    unblock(&fixture, true).await;
    assert_eq!([has_policy(&anonymous), has_policy(&theirs()), has_policy(&ours())], [false, false, true]);
}

#[tokio::test]
async fn conditions_learn_what_a_request_says() {
    let fixture = Fixture::with_bucket().await;
    let view = fixture.store.view().unwrap();
    let has = |need: &Need, key: &str| need.context.get(key).map(|values| values.join(","));
    let list = ListObjectsV2Request {
        bucket: "bucket".to_owned(),
        prefix: Some("home/".to_owned()),
        max_keys: Some(7),
        ..Default::default()
    };
    let need = <ListObjectsV2 as Operation<S3>>::needs(&list, &view, &scope(&ours())).unwrap().remove(0);
    let found = ["s3:prefix", "s3:max-keys", "s3:delimiter"].map(|key| has(&need, key));
    assert_eq!(found, [Some("home/".to_owned()), Some("7".to_owned()), None]);

    let put = PutObjectRequest {
        bucket: "bucket".to_owned(),
        key: "k".to_owned(),
        acl: Some("private".to_owned()),
        storage_class: Some("STANDARD".to_owned()),
        tagging: Some("team=blue&a=b".to_owned()),
        if_match: Some("\"x\"".to_owned()),
        ..Default::default()
    };
    let needs = <PutObject as Streaming<S3>>::needs(&put, &view, &scope(&ours())).unwrap();
    let actions: Vec<&str> = needs.iter().map(|need| &*need.action).collect();
    assert_eq!(actions, ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:GetObject"]);
    for (key, value) in [
        ("s3:x-amz-acl", "private"),
        ("s3:x-amz-storage-class", "STANDARD"),
        ("s3:RequestObjectTag/team", "blue"),
        ("s3:RequestObjectTagKeys", "team,a"),
        ("s3:if-match", "\"x\""),
    ] {
        assert_eq!(has(&needs[0], key).as_deref(), Some(value), "{key}");
    }

    let configuration = CreateBucketConfiguration {
        location_constraint: Some("eu-central-1".to_owned()),
        tags: Some(vec![Tag { key: "team".to_owned(), value: "blue".to_owned() }]),
        ..Default::default()
    };
    let create = CreateBucketRequest {
        bucket: "new".to_owned(),
        create_bucket_configuration: Some(configuration),
        object_ownership: Some("BucketOwnerEnforced".to_owned()),
        ..Default::default()
    };
    let needs = <api::s3::CreateBucket as Streaming<S3>>::needs(&create, &view, &scope(&ours())).unwrap();
    let actions: Vec<&str> = needs.iter().map(|need| &*need.action).collect();
    assert_eq!(actions, ["s3:CreateBucket", "s3:PutBucketOwnershipControls", "s3:TagResource"]);
    assert_eq!(has(&needs[0], "s3:locationconstraint").as_deref(), Some("eu-central-1"));
    assert_eq!(has(&needs[0], "aws:RequestTag/team").as_deref(), Some("blue"));

    let delete = DeleteObjectRequest {
        bucket: "bucket".to_owned(),
        key: "k".to_owned(),
        version_id: Some("null".to_owned()),
        ..Default::default()
    };
    let need = <api::s3::DeleteObject as Operation<S3>>::needs(&delete, &view, &scope(&ours())).unwrap().remove(0);
    assert_eq!((&*need.action, has(&need, "s3:versionid").as_deref()), ("s3:DeleteObjectVersion", Some("null")));
}
