//! Lists, ownership, and what both make of the needs of a call.

use api::s3::{
    AccessControlPolicy, CreateBucketRequest, DeleteBucketOwnershipControlsRequest, GetBucketAclRequest,
    GetBucketOwnershipControlsRequest, GetObjectAclRequest, Grant, Grantee, ListObjectsV2Request, Owner,
    PublicAccessBlockConfiguration, PutBucketAclRequest, PutBucketPolicyRequest, PutObjectAclRequest, PutObjectRequest,
    PutPublicAccessBlockRequest, S3Api,
};
use api::{Call, Caller};
use wire::ServiceError;

use crate::owner::canonical_id;

use super::fixture::{Fixture, a_users, call, get, our_account, ours, put, theirs};

const ALL: &str = "http://acs.amazonaws.com/groups/global/AllUsers";

fn nobody() -> Call {
    call(Caller::ANONYMOUS)
}

fn our_id() -> String {
    canonical_id(&our_account())
}

fn their_id() -> String {
    canonical_id(&theirs().caller.account.unwrap())
}

fn bucket_acl(acl: &str) -> PutBucketAclRequest {
    PutBucketAclRequest { bucket: "bucket".to_owned(), acl: Some(acl.to_owned()), ..PutBucketAclRequest::default() }
}

fn object_acl(acl: &str) -> PutObjectAclRequest {
    PutObjectAclRequest {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        acl: Some(acl.to_owned()),
        ..PutObjectAclRequest::default()
    }
}

fn put_with(acl: &str) -> PutObjectRequest {
    PutObjectRequest { acl: Some(acl.to_owned()), ..put("key", "bytes") }
}

fn code<T>(result: Result<T, ServiceError>) -> String {
    result.err().map_or_else(|| "ok".to_owned(), |error| error.code.into_owned())
}

/// Owner, and grants as `whom permission`, in order.
async fn acl_of_object(fixture: &Fixture, caller: Call) -> Result<(String, Vec<String>), ServiceError> {
    let input =
        GetObjectAclRequest { bucket: "bucket".to_owned(), key: "key".to_owned(), ..GetObjectAclRequest::default() };
    let output = fixture.s3.get_object_acl(caller, input).await?;
    Ok((name(output.owner.unwrap().id.unwrap()), output.grants.unwrap().into_iter().map(line).collect()))
}

async fn acl_of_bucket(fixture: &Fixture) -> Vec<String> {
    let input = GetBucketAclRequest { bucket: "bucket".to_owned(), ..GetBucketAclRequest::default() };
    let output = fixture.s3.get_bucket_acl(ours(), input).await.unwrap();
    assert_eq!(output.owner.unwrap().id, Some(our_id()));
    output.grants.unwrap().into_iter().map(line).collect()
}

fn line(grant: Grant) -> String {
    let grantee = grant.grantee.unwrap();
    let whom = match (&*grantee.r#type, grantee.id, grantee.uri) {
        ("CanonicalUser", Some(id), None) => name(id),
        ("Group", None, Some(uri)) => uri.rsplit('/').next().unwrap().to_owned(),
        other => panic!("{other:?}"),
    };
    format!("{whom} {}", grant.permission.unwrap())
}

fn name(id: String) -> String {
    match id {
        id if id == our_id() => "we".to_owned(),
        id if id == their_id() => "they".to_owned(),
        other => other,
    }
}

fn document(owner: &str, grants: &[(&str, &str, &str)]) -> AccessControlPolicy {
    let grant = |(kind, whom, permission): &(&str, &str, &str)| {
        let of = |wanted: &str| (*kind == wanted).then(|| (*whom).to_owned());
        let grantee = Grantee {
            display_name: None,
            email_address: of("AmazonCustomerByEmail"),
            id: of("CanonicalUser"),
            r#type: (*kind).to_owned(),
            uri: of("Group"),
        };
        Grant { grantee: Some(grantee), permission: Some((*permission).to_owned()) }
    };
    AccessControlPolicy {
        grants: Some(grants.iter().map(grant).collect()),
        owner: Some(Owner { display_name: None, id: Some(owner.to_owned()) }),
    }
}

#[tokio::test]
async fn a_bucket_of_today_has_no_lists() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "bytes").await;
    let (owner, grants) = acl_of_object(&fixture, ours()).await.unwrap();
    assert_eq!((&*owner, grants), ("we", vec!["we FULL_CONTROL".to_owned()]));
    assert_eq!(acl_of_bucket(&fixture).await, ["we FULL_CONTROL"]);
    fixture.s3.put_object(ours(), put_with("private")).await.unwrap();
    for acl in ["private", "public-read", "bucket-owner-read"] {
        if acl != "private" {
            assert_eq!(code(fixture.s3.put_object(ours(), put_with(acl)).await), "AccessControlListNotSupported");
        }
        assert_eq!(code(fixture.s3.put_object_acl(ours(), object_acl(acl)).await), "AccessControlListNotSupported");
        assert_eq!(code(fixture.s3.put_bucket_acl(ours(), bucket_acl(acl)).await), "AccessControlListNotSupported");
    }
    fixture.s3.put_object(ours(), put_with("bucket-owner-full-control")).await.unwrap();
    fixture.s3.put_object_acl(ours(), object_acl("bucket-owner-full-control")).await.unwrap();
    assert_eq!(code(fixture.s3.put_object(ours(), put_with("nonsense")).await), "InvalidArgument");
}

#[tokio::test]
async fn controls_are_put_found_and_taken_away() {
    let fixture = Fixture::with_lists().await;
    let get = || GetBucketOwnershipControlsRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
    let shown = fixture.s3.get_bucket_ownership_controls(ours(), get()).await.unwrap();
    assert_eq!(shown.ownership_controls.unwrap().rules[0].object_ownership, "ObjectWriter");
    assert_eq!(code(fixture.own("Nobody").await), "MalformedXML");
    fixture.s3.put_bucket_acl(ours(), bucket_acl("public-read")).await.unwrap();
    assert_eq!(code(fixture.own("BucketOwnerEnforced").await), "InvalidBucketAclWithObjectOwnership");
    let delete = DeleteBucketOwnershipControlsRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
    fixture.s3.delete_bucket_ownership_controls(ours(), delete).await.unwrap();
    let error = fixture.s3.get_bucket_ownership_controls(ours(), get()).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("OwnershipControlsNotFoundError", 404));
    // Without any, lists count.
    assert_eq!(acl_of_bucket(&fixture).await, ["we FULL_CONTROL", "AllUsers READ"]);
    fixture.s3.put_bucket_acl(ours(), bucket_acl("private")).await.unwrap();
    fixture.own("BucketOwnerEnforced").await.unwrap();
}

#[tokio::test]
async fn what_a_new_bucket_may_be_made_with() {
    let fixture = Fixture::with_bucket().await;
    let make = |acl: Option<&str>, ownership: Option<&str>| CreateBucketRequest {
        bucket: "another".to_owned(),
        acl: acl.map(str::to_owned),
        object_ownership: ownership.map(str::to_owned),
        ..CreateBucketRequest::default()
    };
    for (acl, ownership, expected) in [
        (Some("public-read"), None, "InvalidBucketAclWithObjectOwnership"),
        (Some("public-read"), Some("ObjectWriter"), "InvalidBucketAclWithBlockPublicAccessError"),
        (Some("nonsense"), Some("ObjectWriter"), "InvalidArgument"),
        (None, Some("nonsense"), "InvalidArgument"),
        (Some("log-delivery-write"), Some("BucketOwnerPreferred"), "ok"),
        (Some("private"), None, "ok"),
    ] {
        assert_eq!(code(fixture.s3.create_bucket(ours(), make(acl, ownership)).await), expected, "{acl:?}");
    }
}

#[tokio::test]
async fn canned_lists_of_an_object() {
    let fixture = Fixture::with_lists().await;
    for (acl, expected) in [
        ("private", vec!["we FULL_CONTROL"]),
        ("public-read", vec!["we FULL_CONTROL", "AllUsers READ"]),
        ("public-read-write", vec!["we FULL_CONTROL", "AllUsers READ", "AllUsers WRITE"]),
        ("authenticated-read", vec!["we FULL_CONTROL", "AuthenticatedUsers READ"]),
        ("bucket-owner-read", vec!["we FULL_CONTROL"]),
        ("bucket-owner-full-control", vec!["we FULL_CONTROL"]),
    ] {
        fixture.s3.put_object(ours(), put_with(acl)).await.unwrap();
        assert_eq!(acl_of_object(&fixture, ours()).await.unwrap().1, expected, "{acl}");
        fixture.put("key", "bytes").await;
        assert_eq!(acl_of_object(&fixture, ours()).await.unwrap().1, ["we FULL_CONTROL"], "a new object, a new list");
        fixture.s3.put_object_acl(ours(), object_acl(acl)).await.unwrap();
        assert_eq!(acl_of_object(&fixture, ours()).await.unwrap().1, expected, "{acl}");
    }
    assert_eq!(code(fixture.s3.put_object(ours(), put_with("log-delivery-write")).await), "InvalidArgument");
}

#[tokio::test]
async fn lists_in_headers_and_documents() {
    let fixture = Fixture::with_lists().await;
    fixture.put("key", "bytes").await;
    let empty = || PutObjectAclRequest { acl: None, ..object_acl("") };
    let read = |header: String| PutObjectAclRequest { grant_read: Some(header), ..empty() };
    let in_document =
        |document: AccessControlPolicy| PutObjectAclRequest { access_control_policy: Some(document), ..empty() };
    let put = async |input: PutObjectAclRequest| code(fixture.s3.put_object_acl(ours(), input).await);

    assert_eq!(put(read(format!("id=\"{}\", uri=\"{ALL}\"", their_id()))).await, "ok");
    assert_eq!(acl_of_object(&fixture, ours()).await.unwrap().1, ["they READ", "AllUsers READ"]);
    assert_eq!(put(read("id=nobody".to_owned())).await, "InvalidArgument");
    assert_eq!(put(read("uri=http://example.com".to_owned())).await, "InvalidArgument");
    assert_eq!(put(read("nonsense".to_owned())).await, "InvalidArgument");
    assert_eq!(put(read("emailAddress=a@b.c".to_owned())).await, "UnresolvableGrantByEmailAddress");
    assert_eq!(put(empty()).await, "MissingSecurityHeader");
    assert_eq!(
        put(PutObjectAclRequest { acl: Some("private".to_owned()), ..read(ALL.to_owned()) }).await,
        "InvalidRequest"
    );
    let both = in_document(document(&our_id(), &[]));
    assert_eq!(put(PutObjectAclRequest { acl: Some("private".to_owned()), ..both }).await, "UnexpectedContent");

    let their_id = their_id();
    let grants = [("CanonicalUser", &*their_id, "WRITE_ACP"), ("Group", ALL, "READ_ACP")];
    assert_eq!(put(in_document(document(&our_id(), &grants))).await, "ok");
    assert_eq!(acl_of_object(&fixture, nobody()).await.unwrap().1, ["they WRITE_ACP", "AllUsers READ_ACP"]);
    assert_eq!(put(in_document(document(&their_id, &grants))).await, "AccessDenied");
    assert_eq!(put(in_document(document("nobody", &grants))).await, "InvalidArgument");
    assert_eq!(put(in_document(AccessControlPolicy { owner: None, grants: None })).await, "MalformedACLError");
    for (grant, expected) in [
        (("CanonicalUser", "nobody", "READ"), "InvalidArgument"),
        (("CanonicalUser", &*their_id, "FLY"), "MalformedACLError"),
        (("Club", &*their_id, "READ"), "MalformedACLError"),
        (("AmazonCustomerByEmail", "a@b.c", "READ"), "UnresolvableGrantByEmailAddress"),
    ] {
        assert_eq!(put(in_document(document(&our_id(), &[grant]))).await, expected, "{grant:?}");
    }
    let many = vec![("Group", ALL, "READ"); 101];
    assert_eq!(put(in_document(document(&our_id(), &many))).await, "MalformedACLError");
    // No grants at all: the owner's account still decides.
    assert_eq!(put(in_document(document(&our_id(), &[]))).await, "ok");
    assert_eq!(acl_of_object(&fixture, ours()).await.unwrap().1, Vec::<String>::new());
    fixture.get(get("key")).await.unwrap();
}

async fn read_by(fixture: &Fixture, caller: Call) -> String {
    code(fixture.s3.get_object(caller, get("key")).await)
}

async fn list_by(fixture: &Fixture, caller: Call) -> String {
    let input = ListObjectsV2Request { bucket: "bucket".to_owned(), ..ListObjectsV2Request::default() };
    code(fixture.s3.list_objects_v2(caller, input).await)
}

#[tokio::test]
async fn an_objects_list_lets_others_read_it_and_nothing_else() {
    let fixture = Fixture::with_lists().await;
    for (acl, by_nobody, by_them, by_a_user) in [
        ("private", "AccessDenied", "AccessDenied", "AccessDenied"),
        ("authenticated-read", "AccessDenied", "ok", "ok"),
        ("public-read", "ok", "ok", "ok"),
    ] {
        fixture.s3.put_object(ours(), put_with(acl)).await.unwrap();
        assert_eq!(read_by(&fixture, nobody()).await, by_nobody, "{acl}");
        assert_eq!(read_by(&fixture, theirs()).await, by_them, "{acl}");
        assert_eq!(read_by(&fixture, a_users()).await, by_a_user, "{acl}");
        for caller in [nobody(), theirs(), a_users()] {
            assert_eq!(code(fixture.s3.put_object(caller.clone(), put("key", "x")).await), "AccessDenied", "{acl}");
            assert_eq!(code(fixture.s3.put_object_acl(caller.clone(), object_acl(acl)).await), "AccessDenied", "{acl}");
            assert_eq!(code(acl_of_object(&fixture, caller.clone()).await), "AccessDenied", "{acl}");
            assert_eq!(list_by(&fixture, caller).await, "AccessDenied", "{acl}");
        }
    }
    // A denial beats every grant.
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]}"#;
    let input = PutBucketPolicyRequest {
        bucket: "bucket".to_owned(),
        policy: policy.to_owned(),
        ..PutBucketPolicyRequest::default()
    };
    fixture.s3.put_bucket_policy(ours(), input).await.unwrap();
    assert_eq!(read_by(&fixture, nobody()).await, "AccessDenied");
    assert_eq!(read_by(&fixture, ours()).await, "AccessDenied");
}

#[tokio::test]
async fn a_buckets_list_lets_others_list_and_write() {
    let fixture = Fixture::with_lists().await;
    fixture.put("key", "bytes").await;
    fixture.s3.put_bucket_acl(ours(), bucket_acl("public-read")).await.unwrap();
    assert_eq!(list_by(&fixture, nobody()).await, "ok");
    assert_eq!(read_by(&fixture, nobody()).await, "AccessDenied");
    // Who may list may know what is not there.
    assert_eq!(code(fixture.s3.get_object(nobody(), get("none")).await), "NoSuchKey");
    assert_eq!(code(fixture.s3.put_object(nobody(), put("new", "x")).await), "AccessDenied");
    fixture.s3.put_bucket_acl(ours(), bucket_acl("public-read-write")).await.unwrap();
    fixture.s3.put_object(nobody(), put("new", "x")).await.unwrap();
    fixture.get(get("new")).await.expect("what nobody puts is the bucket owner's");
    let read_acl = GetBucketAclRequest { bucket: "bucket".to_owned(), ..GetBucketAclRequest::default() };
    assert_eq!(code(fixture.s3.get_bucket_acl(theirs(), read_acl).await), "AccessDenied");
    assert_eq!(code(fixture.s3.put_bucket_acl(theirs(), bucket_acl("private")).await), "AccessDenied");
    let block = PutPublicAccessBlockRequest {
        bucket: "bucket".to_owned(),
        public_access_block_configuration: PublicAccessBlockConfiguration {
            ignore_public_acls: Some(true),
            ..PublicAccessBlockConfiguration::default()
        },
        ..PutPublicAccessBlockRequest::default()
    };
    fixture.s3.put_public_access_block(ours(), block).await.unwrap();
    assert_eq!(list_by(&fixture, nobody()).await, "AccessDenied");
    assert_eq!(list_by(&fixture, theirs()).await, "AccessDenied");
    fixture.s3.put_bucket_acl(ours(), bucket_acl("authenticated-read")).await.unwrap();
    assert_eq!(list_by(&fixture, theirs()).await, "AccessDenied", "that is public too");
}

#[tokio::test]
async fn public_lists_can_be_blocked() {
    let fixture = Fixture::with_lists().await;
    fixture.put("key", "bytes").await;
    let block = PutPublicAccessBlockRequest {
        bucket: "bucket".to_owned(),
        public_access_block_configuration: PublicAccessBlockConfiguration {
            block_public_acls: Some(true),
            ..PublicAccessBlockConfiguration::default()
        },
        ..PutPublicAccessBlockRequest::default()
    };
    fixture.s3.put_public_access_block(ours(), block).await.unwrap();
    for acl in ["public-read", "public-read-write", "authenticated-read"] {
        assert_eq!(code(fixture.s3.put_object(ours(), put_with(acl)).await), "AccessDenied", "{acl}");
        assert_eq!(code(fixture.s3.put_object_acl(ours(), object_acl(acl)).await), "AccessDenied", "{acl}");
        let error = fixture.s3.put_bucket_acl(ours(), bucket_acl(acl)).await.unwrap_err();
        assert!(error.message.ends_with("blocked by the BlockPublicAcls block public access setting."), "{acl}");
    }
    fixture.s3.put_object(ours(), put_with("bucket-owner-read")).await.unwrap();
}

#[tokio::test]
async fn who_writes_an_object_owns_it() {
    let fixture = Fixture::with_lists().await;
    fixture.s3.put_bucket_acl(ours(), bucket_acl("public-read-write")).await.unwrap();
    fixture.s3.put_object(theirs(), put("key", "theirs")).await.unwrap();
    assert_eq!(acl_of_object(&fixture, theirs()).await.unwrap().0, "they");
    assert_eq!(read_by(&fixture, theirs()).await, "ok");
    assert_eq!(read_by(&fixture, ours()).await, "AccessDenied", "not even the bucket's owner");
    let list = ListObjectsV2Request { bucket: "bucket".to_owned(), fetch_owner: Some(true), ..Default::default() };
    let listed = fixture.s3.list_objects_v2(ours(), list).await.unwrap().contents.unwrap();
    assert_eq!(listed[0].owner.as_ref().unwrap().id, Some(their_id()));

    // The bucket's policy can't give away what is not the bucket owner's.
    let policy = |effect: &str| PutBucketPolicyRequest {
        bucket: "bucket".to_owned(),
        policy: format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}}]}}"#
        ),
        ..PutBucketPolicyRequest::default()
    };
    fixture.s3.put_bucket_policy(ours(), policy("Allow")).await.unwrap();
    assert_eq!(read_by(&fixture, nobody()).await, "AccessDenied");
    fixture.s3.put_bucket_policy(ours(), policy("Deny")).await.unwrap();
    assert_eq!(read_by(&fixture, theirs()).await, "AccessDenied", "but it can deny it");
    fixture.s3.put_bucket_policy(ours(), policy("Allow")).await.unwrap();

    fixture.s3.put_object_acl(theirs(), object_acl("bucket-owner-read")).await.unwrap();
    assert_eq!(acl_of_object(&fixture, theirs()).await.unwrap().1, ["they FULL_CONTROL", "we READ"]);
    assert_eq!(read_by(&fixture, ours()).await, "ok");
    assert_eq!(code(acl_of_object(&fixture, ours()).await), "AccessDenied");
    fixture.s3.put_object(theirs(), put_with("bucket-owner-full-control")).await.unwrap();
    assert_eq!(acl_of_object(&fixture, ours()).await.unwrap().1, ["they FULL_CONTROL", "we FULL_CONTROL"]);

    fixture.own("BucketOwnerPreferred").await.unwrap();
    fixture.s3.put_object(theirs(), put_with("bucket-owner-full-control")).await.unwrap();
    assert_eq!(acl_of_object(&fixture, ours()).await.unwrap(), ("we".to_owned(), vec!["we FULL_CONTROL".to_owned()]));
    assert_eq!(read_by(&fixture, nobody()).await, "ok", "by the policy");
    fixture.s3.put_object(theirs(), put("key", "theirs")).await.unwrap();
    assert_eq!(read_by(&fixture, ours()).await, "AccessDenied");
    // When lists count no more, all is the bucket owner's.
    fixture.s3.put_bucket_acl(ours(), bucket_acl("private")).await.unwrap();
    fixture.own("BucketOwnerEnforced").await.unwrap();
    assert_eq!(read_by(&fixture, ours()).await, "ok");
    assert_eq!(acl_of_object(&fixture, ours()).await.unwrap().0, "we");
}

#[tokio::test]
async fn a_policy_can_demand_that_others_give_the_owner_full_control() {
    let fixture = Fixture::with_lists().await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"210987654321"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}]}"#;
    let input = PutBucketPolicyRequest {
        bucket: "bucket".to_owned(),
        policy: policy.to_owned(),
        ..PutBucketPolicyRequest::default()
    };
    fixture.s3.put_bucket_policy(ours(), input).await.unwrap();
    for ownership in ["ObjectWriter", "BucketOwnerPreferred", "BucketOwnerEnforced"] {
        fixture.own(ownership).await.unwrap();
        for acl in ["private", "public-read", "bucket-owner-read"] {
            assert_eq!(code(fixture.s3.put_object(theirs(), put_with(acl)).await), "AccessDenied", "{acl}");
        }
        assert_eq!(code(fixture.s3.put_object(theirs(), put("key", "x")).await), "AccessDenied", "{ownership}");
        fixture.s3.put_object(theirs(), put_with("bucket-owner-full-control")).await.unwrap();
        assert_eq!(read_by(&fixture, ours()).await, "ok", "{ownership}");
    }
}

#[tokio::test]
async fn many_may_say_the_same_at_once() {
    let fixture = Fixture::with_lists().await;
    let all = (0..50).map(|_| fixture.s3.put_bucket_acl(ours(), bucket_acl("public-read")));
    for done in futures_util::future::join_all(all).await {
        done.unwrap();
    }
    assert_eq!(acl_of_bucket(&fixture).await, ["we FULL_CONTROL", "AllUsers READ"]);
}

#[tokio::test]
async fn a_bucket_that_is_made_again_has_the_list_of_the_last_time() {
    let fixture = Fixture::with_lists().await;
    fixture.s3.put_bucket_acl(ours(), bucket_acl("public-read")).await.unwrap();
    fixture.create("bucket").await.unwrap();
    assert_eq!(acl_of_bucket(&fixture).await, ["we FULL_CONTROL"]);
}

#[tokio::test]
async fn another_account_that_is_granted_something_must_allow_it_too() {
    let fixture = Fixture::with_lists().await;
    let input = PutObjectRequest { grant_read: Some(format!("id={}", their_id())), ..put("key", "bytes") };
    fixture.s3.put_object(ours(), input).await.unwrap();
    assert_eq!(read_by(&fixture, theirs()).await, "ok");
    let principal = api::Principal::User { name: "una".to_owned(), path: "/".into(), id: "AIDAUNA".to_owned() };
    let una = call(Caller { principal, ..Caller::root(theirs().caller.account.unwrap(), "AKIAUNA") });
    assert_eq!(read_by(&fixture, una).await, "AccessDenied");
    assert_eq!(read_by(&fixture, nobody()).await, "AccessDenied");
}
