//! Deletions of many at once.

use api::Caller;
use api::s3::{Delete, DeleteObjectsRequest, ObjectIdentifier, PutBucketPolicyRequest, S3Api};

use super::fixture::{Fixture, call, get, ours, theirs};

#[tokio::test]
async fn of_many_keys_those_that_one_may_not_delete_stay() {
    let fixture = Fixture::with_bucket().await;
    let statement = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"210987654321"},
        "Action":"s3:DeleteObject","Resource":"arn:aws:s3:::bucket/theirs/*"}]}"#;
    let input =
        PutBucketPolicyRequest { bucket: "bucket".to_owned(), policy: statement.to_owned(), ..Default::default() };
    fixture.s3.put_bucket_policy(ours(), input).await.unwrap();
    for key in ["theirs/1", "ours/1", "theirs/2"] {
        fixture.put(key, "x").await;
    }
    let deleting = |keys: &[&str]| {
        let objects = keys.iter().map(|key| ObjectIdentifier { key: (*key).to_owned(), ..Default::default() });
        let delete = Delete { objects: objects.collect(), quiet: None };
        DeleteObjectsRequest { bucket: "bucket".to_owned(), delete, ..DeleteObjectsRequest::default() }
    };
    let output = fixture.s3.delete_objects(theirs(), deleting(&["theirs/1", "ours/1", "theirs/2"])).await.unwrap();
    assert_eq!(output.deleted.unwrap().len(), 2);
    let errors = output.errors.unwrap();
    assert_eq!((errors[0].key.as_deref(), errors[0].code.as_deref()), (Some("ours/1"), Some("AccessDenied")));
    assert_eq!(fixture.get(get("ours/1")).await.unwrap().1, "x");
    assert_eq!(fixture.get(get("theirs/1")).await.unwrap_err().code, "NoSuchKey");
    // Also who may delete none of them is told so key by key.
    for caller in [theirs(), call(Caller::ANONYMOUS)] {
        let output = fixture.s3.delete_objects(caller, deleting(&["ours/1", "ours/2"])).await.unwrap();
        let codes: Vec<Option<String>> = output.errors.unwrap().into_iter().map(|error| error.code).collect();
        assert_eq!((output.deleted, codes), (None, vec![Some("AccessDenied".to_owned()); 2]));
    }
    assert_eq!(fixture.get(get("ours/1")).await.unwrap().1, "x");
    let nameless = fixture.s3.delete_objects(ours(), deleting(&["ours/1", ""])).await.unwrap_err();
    assert_eq!((&*nameless.code, nameless.status), ("UserKeyMustBeSpecified", 400));
    assert_eq!(fixture.get(get("ours/1")).await.unwrap().1, "x");
    let nowhere = DeleteObjectsRequest { bucket: "nowhere".to_owned(), ..deleting(&["ours/1"]) };
    assert_eq!(fixture.s3.delete_objects(theirs(), nowhere).await.unwrap_err().code, "NoSuchBucket");
}
