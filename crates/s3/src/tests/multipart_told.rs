//! What is told of the parts of objects and of uploads: one part, pages of them, and to whom.

use api::s3::{
    AbortMultipartUploadRequest, CompleteMultipartUploadRequest, CompletedMultipartUpload, CompletedPart,
    CreateMultipartUploadRequest, GetObjectAttributesRequest, GetObjectRequest, HeadObjectRequest,
    ListMultipartUploadsRequest, ListPartsRequest, S3Api, UploadPartRequest,
};
use jiff::SignedDuration;

use super::fixture::{Fixture, get, ours, theirs};
use super::multipart::{LEAST, completion, four_parts, listed, part};

#[tokio::test]
async fn reads_of_one_part_and_what_is_told_of_all() {
    let fixture = Fixture::with_bucket().await;
    let (upload, etags, all) = four_parts(&fixture, "key").await;
    fixture.complete("key", &upload, &listed(&etags)).await.unwrap();
    let of = |number| GetObjectRequest { part_number: Some(number), ..get("key") };
    // Parts 1, 2, 5 and 9 are the first to the fourth of the object.
    let output = fixture.s3.get_object(ours(), of(3)).await.unwrap();
    let range = format!("bytes {}-{}/{}", 2 * LEAST, 3 * LEAST - 1, all.len());
    assert_eq!((output.content_range, output.parts_count), (Some(range), Some(4)));
    assert!(output.body.unwrap().collect(64 << 20).await.unwrap() == all[2 * LEAST..3 * LEAST]);
    let error = fixture.s3.get_object(ours(), of(5)).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("InvalidPartNumber", 416));
    let head = HeadObjectRequest {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        part_number: Some(4),
        ..HeadObjectRequest::default()
    };
    let output = fixture.s3.head_object(ours(), head).await.unwrap();
    assert_eq!((output.content_length, output.parts_count), (Some(3), Some(4)));
    let attributes = |key: &str, marker, limit| GetObjectAttributesRequest {
        bucket: "bucket".to_owned(),
        key: key.to_owned(),
        object_attributes: vec!["ObjectParts".to_owned(), "Checksum".to_owned()],
        part_number_marker: marker,
        max_parts: limit,
        ..GetObjectAttributesRequest::default()
    };
    let output = fixture.s3.get_object_attributes(ours(), attributes("key", None, None)).await.unwrap();
    let parts = output.object_parts.unwrap();
    assert_eq!((parts.total_parts_count, parts.parts), (Some(4), None), "their checksums are not the object's");
    let begun = CreateMultipartUploadRequest {
        key: "sums".to_owned(),
        checksum_algorithm: Some("CRC32".to_owned()),
        ..CreateMultipartUploadRequest::default()
    };
    let upload = fixture.begin_with(begun).await.unwrap();
    let mut parts = Vec::new();
    for (number, body) in [(2, vec![b'a'; LEAST]), (4, b"123456789".to_vec())] {
        let mut hashers = blobs::Hashers::new(&[blobs::DigestKind::Crc32]);
        hashers.update(&body);
        let sum = crate::objects::computed(&hashers.finish().1, crate::ChecksumKind::Crc32).unwrap().value;
        let input = UploadPartRequest { checksum_crc32: Some(sum), ..part("sums", &upload, number, body) };
        let output = fixture.s3.upload_part(ours(), input).await.unwrap();
        parts.push(CompletedPart {
            part_number: Some(number),
            e_tag: output.e_tag,
            checksum_crc32: output.checksum_crc32,
            ..CompletedPart::default()
        });
    }
    let multipart_upload = Some(CompletedMultipartUpload { parts: Some(parts) });
    let input = CompleteMultipartUploadRequest { multipart_upload, ..completion("sums", &upload, &[]) };
    let whole = fixture.s3.complete_multipart_upload(ours(), input).await.unwrap().checksum_crc32.unwrap();
    let shown = |number| GetObjectRequest { checksum_mode: Some("ENABLED".to_owned()), ..of(number) };
    let second = GetObjectRequest { key: "sums".to_owned(), ..shown(2) };
    let output = fixture.s3.get_object(ours(), second).await.unwrap();
    assert_eq!(output.checksum_crc32.as_deref(), Some("y/Q5Jg=="), "a part has its own");
    let output = fixture.s3.get_object_attributes(ours(), attributes("sums", Some(1), Some(1))).await.unwrap();
    let shown = output.checksum.unwrap().checksum_crc32.unwrap();
    assert_eq!(format!("{shown}-2"), whole);
    let page = output.object_parts.unwrap();
    assert_eq!((page.is_truncated, page.next_part_number_marker), (Some(false), Some(2)));
    let parts = page.parts.unwrap();
    assert_eq!((parts[0].part_number, parts[0].size), (Some(2), Some(9)));
    assert_eq!(parts[0].checksum_crc32.as_deref(), Some("y/Q5Jg=="));
}

#[tokio::test]
async fn lists_of_parts_and_of_uploads() {
    let fixture = Fixture::with_bucket().await;
    let mut ids = Vec::new();
    for key in ["b", "c d", "a/2", "b", "a/1"] {
        ids.push(fixture.begin(key).await);
        fixture.reconcile_after(SignedDuration::from_secs(1)).await;
    }
    let [b1, cd, a2, b2, a1] = [0, 1, 2, 3, 4].map(|at| ids[at].as_str());
    let some = |text: &str| Some(text.to_owned());
    let all = ListMultipartUploadsRequest { bucket: "bucket".to_owned(), ..ListMultipartUploadsRequest::default() };
    let from = |key: &str, upload: &str| ListMultipartUploadsRequest {
        key_marker: some(key),
        upload_id_marker: Some(upload.to_owned()).filter(|id| !id.is_empty()),
        ..all.clone()
    };
    let limited = |limit| ListMultipartUploadsRequest { max_uploads: Some(limit), ..all.clone() };
    let by_folder = ListMultipartUploadsRequest { delimiter: some("/"), ..all.clone() };
    for (input, expected, prefixes, next, is_truncated) in [
        (all.clone(), vec![a1, a2, b1, b2, cd], 0, ("c d", cd), false),
        (limited(3), vec![a1, a2, b1], 0, ("b", b1), true),
        (limited(0), vec![], 0, ("", ""), false),
        (from("b", b1), vec![b2, cd], 0, ("c d", cd), false),
        (from("b", ""), vec![cd], 0, ("c d", cd), false),
        (by_folder.clone(), vec![b1, b2, cd], 1, ("c d", cd), false),
        (ListMultipartUploadsRequest { max_uploads: Some(1), ..by_folder.clone() }, vec![], 1, ("a/", ""), true),
        (ListMultipartUploadsRequest { key_marker: some("a/"), ..by_folder }, vec![b1, b2, cd], 0, ("c d", cd), false),
        (ListMultipartUploadsRequest { prefix: some("a/"), ..all.clone() }, vec![a1, a2], 0, ("a/2", a2), false),
    ] {
        let output = fixture.s3.list_multipart_uploads(ours(), input.clone()).await.unwrap();
        let seen: Vec<_> = output.uploads.iter().flatten().map(|upload| upload.upload_id.as_deref().unwrap()).collect();
        assert_eq!(seen, expected, "{input:?}");
        assert_eq!(output.common_prefixes.map_or(0, |prefixes| prefixes.len()), prefixes);
        let markers = (output.next_key_marker.as_deref().unwrap(), output.next_upload_id_marker.as_deref().unwrap());
        assert_eq!((markers, output.is_truncated), (next, Some(is_truncated)), "{input:?}");
    }
    for number in [8, 1, 5, 3] {
        fixture.part("b", b1, number, "x").await.unwrap();
    }
    let list = |marker, limit| ListPartsRequest {
        bucket: "bucket".to_owned(),
        key: "b".to_owned(),
        upload_id: b1.to_owned(),
        part_number_marker: Some(marker),
        max_parts: Some(limit),
        ..ListPartsRequest::default()
    };
    for (marker, limit, expected, next, is_truncated) in [
        (0, 2, vec![1, 3], 3, true),
        (3, 2, vec![5, 8], 8, false),
        (8, 2, vec![], 0, false),
        (3, 0, vec![], 0, false),
        (0, 5000, vec![1, 3, 5, 8], 8, false),
    ] {
        let output = fixture.s3.list_parts(ours(), list(marker, limit)).await.unwrap();
        let seen: Vec<_> = output.parts.iter().flatten().map(|part| part.part_number.unwrap()).collect();
        assert_eq!((seen, output.next_part_number_marker), (expected, Some(next)));
        assert_eq!(output.is_truncated, Some(is_truncated));
    }
    let none = ListPartsRequest { upload_id: "none".to_owned(), ..list(0, 1) };
    assert_eq!(fixture.s3.list_parts(ours(), none).await.unwrap_err().code, "NoSuchUpload");
    assert_eq!(fixture.s3.list_parts(ours(), list(-1, 1)).await.unwrap_err().code, "InvalidArgument");
}

#[tokio::test]
async fn who_began_an_upload_may_abort_it_without_a_policy() {
    let fixture = Fixture::with_bucket().await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*"}]}"#;
    let open = api::s3::PutPublicAccessBlockRequest {
        bucket: "bucket".to_owned(),
        public_access_block_configuration: api::s3::PublicAccessBlockConfiguration::default(),
        ..api::s3::PutPublicAccessBlockRequest::default()
    };
    fixture.s3.put_public_access_block(ours(), open).await.unwrap();
    let input = api::s3::PutBucketPolicyRequest {
        bucket: "bucket".to_owned(),
        policy: policy.to_owned(),
        ..api::s3::PutBucketPolicyRequest::default()
    };
    fixture.s3.put_bucket_policy(ours(), input).await.unwrap();
    let begin = || CreateMultipartUploadRequest {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        ..CreateMultipartUploadRequest::default()
    };
    let theirs_begun = fixture.s3.create_multipart_upload(theirs(), begin()).await.unwrap().upload_id.unwrap();
    let ours_begun = fixture.begin("key").await;
    let abort = |id: &str| AbortMultipartUploadRequest {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        upload_id: id.to_owned(),
        ..AbortMultipartUploadRequest::default()
    };
    let error = fixture.s3.abort_multipart_upload(theirs(), abort(&ours_begun)).await.unwrap_err();
    assert_eq!(error.code, "AccessDenied");
    fixture.s3.abort_multipart_upload(theirs(), abort(&theirs_begun)).await.unwrap();
}
