//! Uploads with a condition on their end, for a key that others write to meanwhile.

use api::s3::{CompleteMultipartUploadRequest, DeleteObjectRequest, S3Api};
use wire::ServiceError;

use super::fixture::{Fixture, ours};
use super::multipart::completion;

/// Begins an upload to the key and puts its one part; gives what completes it.
async fn begun(fixture: &Fixture) -> CompleteMultipartUploadRequest {
    let upload = fixture.begin("key").await;
    let etag = fixture.part("key", &upload, 1, "part").await.unwrap().e_tag.unwrap();
    completion("key", &upload, &[(1, &etag)])
}

async fn delete(fixture: &Fixture) {
    let key = DeleteObjectRequest { bucket: "bucket".into(), key: "key".into(), ..DeleteObjectRequest::default() };
    fixture.s3.delete_object(ours(), key).await.unwrap();
}

fn told(error: ServiceError) -> (u16, String, Vec<(&'static str, String)>) {
    (error.status, error.code.into_owned(), error.fields)
}

fn conflict(condition: &str) -> (u16, String, Vec<(&'static str, String)>) {
    let fields = vec![("Condition", condition.to_owned()), ("Key", "key".to_owned())];
    (409, "ConditionalRequestConflict".to_owned(), fields)
}

#[tokio::test]
async fn a_tag_of_what_came_meanwhile_is_in_conflict() {
    for is_there_before in [true, false] {
        let fixture = Fixture::with_bucket().await;
        if is_there_before {
            fixture.put("key", "before").await;
        }
        let input = begun(&fixture).await;
        let etag = fixture.put("key", "meanwhile").await.e_tag;
        let input = CompleteMultipartUploadRequest { if_match: etag, ..input };
        let error = fixture.s3.complete_multipart_upload(ours(), input.clone()).await.unwrap_err();
        assert_eq!(told(error), conflict("If-Match"));
        // The upload is still there, and without a condition it becomes the object.
        let input = CompleteMultipartUploadRequest { if_match: None, ..input };
        fixture.s3.complete_multipart_upload(ours(), input).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_there_before_and_is_gone_is_in_conflict_with_there_being_nothing() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "before").await;
    let input = CompleteMultipartUploadRequest { if_none_match: Some("*".to_owned()), ..begun(&fixture).await };
    let error = fixture.s3.complete_multipart_upload(ours(), input.clone()).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("PreconditionFailed", 412));
    delete(&fixture).await;
    let error = fixture.s3.complete_multipart_upload(ours(), input).await.unwrap_err();
    assert_eq!(told(error), conflict("If-None-Match"));
}

#[tokio::test]
async fn what_nobody_touched_is_in_no_conflict() {
    let fixture = Fixture::with_bucket().await;
    let none = CompleteMultipartUploadRequest { if_none_match: Some("*".to_owned()), ..begun(&fixture).await };
    let etag = fixture.s3.complete_multipart_upload(ours(), none).await.unwrap().e_tag;
    let same = CompleteMultipartUploadRequest { if_match: etag, ..begun(&fixture).await };
    fixture.s3.complete_multipart_upload(ours(), same).await.unwrap();
}
