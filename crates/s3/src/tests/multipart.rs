//! Multipart uploads from their beginning to the object, and what becomes of their bytes.

use api::s3::{
    AbortMultipartUploadRequest, CompleteMultipartUploadOutput, CompleteMultipartUploadRequest,
    CompletedMultipartUpload, CompletedPart, CreateMultipartUploadRequest, DeleteBucketRequest, DeleteObjectRequest,
    GetObjectRequest, S3Api, UploadPartCopyRequest, UploadPartOutput, UploadPartRequest,
};
use bytes::Bytes;
use jiff::SignedDuration;
use wire::{ByteStream, ServiceError};

use super::fixture::{Fixture, get, ours, put};
use crate::uploads::renew;

/// The least bytes of a part that is not the last.
pub(super) const LEAST: usize = 5 << 20;

impl Fixture {
    pub(super) async fn begin(&self, key: &str) -> String {
        self.begin_with(CreateMultipartUploadRequest { key: key.to_owned(), ..CreateMultipartUploadRequest::default() })
            .await
            .unwrap()
    }

    pub(super) async fn begin_with(&self, input: CreateMultipartUploadRequest) -> Result<String, ServiceError> {
        let input = CreateMultipartUploadRequest { bucket: "bucket".to_owned(), ..input };
        Ok(self.s3.create_multipart_upload(ours(), input).await?.upload_id.unwrap())
    }

    pub(super) async fn part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        body: impl Into<Bytes>,
    ) -> Result<UploadPartOutput, ServiceError> {
        self.s3.upload_part(ours(), part(key, upload, number, body)).await
    }

    pub(super) async fn complete(
        &self,
        key: &str,
        upload: &str,
        parts: &[(i32, &str)],
    ) -> Result<CompleteMultipartUploadOutput, ServiceError> {
        self.s3.complete_multipart_upload(ours(), completion(key, upload, parts)).await
    }

    async fn abort(&self, key: &str, upload: &str) -> Result<(), ServiceError> {
        let input = AbortMultipartUploadRequest {
            bucket: "bucket".to_owned(),
            key: key.to_owned(),
            upload_id: upload.to_owned(),
            ..AbortMultipartUploadRequest::default()
        };
        self.s3.abort_multipart_upload(ours(), input).await.map(drop)
    }

    /// The bytes of an object, or of a range of it, by a reader that has no limit of size.
    async fn read(&self, key: &str, range: Option<&str>) -> Vec<u8> {
        let input = GetObjectRequest { range: range.map(str::to_owned), ..get(key) };
        let output = self.s3.get_object(ours(), input).await.unwrap();
        output.body.unwrap().collect(64 << 20).await.unwrap().to_vec()
    }

    /// Reconciles until nothing is left to be given up.
    pub(super) async fn settle(&self) {
        for _ in 0..4 {
            self.reconcile_after(SignedDuration::from_secs(61)).await;
        }
    }
}

async fn gone(fixture: &Fixture, key: &str) {
    let input =
        DeleteObjectRequest { bucket: "bucket".to_owned(), key: key.to_owned(), ..DeleteObjectRequest::default() };
    fixture.s3.delete_object(ours(), input).await.unwrap();
}

pub(super) fn part(key: &str, upload: &str, number: i32, body: impl Into<Bytes>) -> UploadPartRequest {
    UploadPartRequest {
        bucket: "bucket".to_owned(),
        key: key.to_owned(),
        upload_id: upload.to_owned(),
        part_number: number,
        body: Some(ByteStream::from_bytes(body.into())),
        ..UploadPartRequest::default()
    }
}

pub(super) fn completion(key: &str, upload: &str, parts: &[(i32, &str)]) -> CompleteMultipartUploadRequest {
    let part = |(number, etag): &(i32, &str)| CompletedPart {
        part_number: Some(*number),
        e_tag: Some((*etag).to_owned()),
        ..CompletedPart::default()
    };
    CompleteMultipartUploadRequest {
        bucket: "bucket".to_owned(),
        key: key.to_owned(),
        upload_id: upload.to_owned(),
        multipart_upload: Some(CompletedMultipartUpload { parts: Some(parts.iter().map(part).collect()) }),
        ..CompleteMultipartUploadRequest::default()
    }
}

/// An upload of three parts of the least size, and a last one; the bytes of it all.
pub(super) async fn four_parts(fixture: &Fixture, key: &str) -> (String, Vec<String>, Vec<u8>) {
    let upload = fixture.begin(key).await;
    let (mut etags, mut all) = (Vec::new(), Vec::new());
    for (number, body) in [(1, vec![b'a'; LEAST]), (2, vec![b'b'; LEAST]), (5, vec![b'c'; LEAST]), (9, b"end".to_vec())]
    {
        all.extend_from_slice(&body);
        etags.push(fixture.part(key, &upload, number, body).await.unwrap().e_tag.unwrap());
    }
    (upload, etags, all)
}

pub(super) fn listed(etags: &[String]) -> Vec<(i32, &str)> {
    [1, 2, 5, 9].into_iter().zip(etags.iter().map(String::as_str)).collect()
}

#[tokio::test]
async fn parts_become_an_object_and_are_freed_with_it() {
    let fixture = Fixture::with_bucket().await;
    let (upload, etags, all) = four_parts(&fixture, "key").await;
    let first = fixture.complete("key", &upload, &listed(&etags)).await.unwrap();
    assert!(first.e_tag.as_deref().unwrap().ends_with("-4\""));
    assert_eq!(first.checksum_type.as_deref(), Some("FULL_OBJECT"));
    let object = fixture.s3.get_object(ours(), get("key")).await.unwrap();
    assert_eq!((object.content_length, &object.e_tag), (Some(all.len() as i64), &first.e_tag));
    assert!(fixture.read("key", None).await == all);
    let inner = format!("bytes={}-{}", LEAST - 2, 2 * LEAST + 1);
    assert!(fixture.read("key", Some(&inner)).await == all[LEAST - 2..2 * LEAST + 2]);
    assert_eq!(fixture.read("key", Some("bytes=-4")).await, b"cend");
    // Whoever lost the answer asks again; whoever asks for something else is told that the upload is over.
    assert_eq!(fixture.complete("key", &upload, &listed(&etags)).await.unwrap(), first);
    let error = fixture.complete("key", &upload, &listed(&etags)[..3]).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("NoSuchUpload", 404));
    assert_eq!(fixture.part("key", &upload, 1, "x").await.unwrap_err().code, "NoSuchUpload");
    // Who cleans up in any case may, and takes nothing away; what is another key's is no upload of this one.
    fixture.abort("key", &upload).await.unwrap();
    assert_eq!(fixture.abort("another", &upload).await.unwrap_err().code, "NoSuchUpload");
    fixture.settle().await;
    assert_eq!(fixture.blob_count().await, 4, "the parts are the object's bytes");
    gone(&fixture, "key").await;
    assert_eq!(fixture.complete("key", &upload, &listed(&etags)).await.unwrap_err().code, "NoSuchUpload");
    fixture.settle().await;
    assert_eq!(fixture.blob_count().await, 0);
}

#[tokio::test]
async fn a_copy_of_parts_is_the_same() {
    let fixture = Fixture::with_bucket().await;
    let (upload, etags, all) = four_parts(&fixture, "from").await;
    fixture.complete("from", &upload, &listed(&etags)).await.unwrap();
    let upload = fixture.begin("to").await;
    let copy = |number, range: Option<String>| UploadPartCopyRequest {
        bucket: "bucket".to_owned(),
        key: "to".to_owned(),
        upload_id: upload.clone(),
        part_number: number,
        copy_source: "bucket/from".to_owned(),
        copy_source_range: range,
        ..UploadPartCopyRequest::default()
    };
    let mut etags = Vec::new();
    for (number, range) in [(1, None), (2, Some(format!("bytes=3-{}", LEAST * 2)))] {
        let output = fixture.s3.upload_part_copy(ours(), copy(number, range)).await.unwrap();
        etags.push(output.copy_part_result.unwrap().e_tag.unwrap());
    }
    fixture.complete("to", &upload, &[(1, &etags[0]), (2, &etags[1])]).await.unwrap();
    assert!(fixture.read("to", None).await == [&all[..], &all[3..=LEAST * 2]].concat());
    let upload = fixture.begin("other").await;
    let refused = |range: &str| UploadPartCopyRequest {
        key: "other".to_owned(),
        upload_id: upload.clone(),
        ..copy(1, Some(range.to_owned()))
    };
    for range in ["bytes=0", "bytes=0-99999999999"] {
        let error = fixture.s3.upload_part_copy(ours(), refused(range)).await.unwrap_err();
        assert_eq!(error.code, "InvalidArgument", "{range}");
    }
    let gone = UploadPartCopyRequest { copy_source: "bucket/none".to_owned(), ..refused("bytes=0-1") };
    assert_eq!(fixture.s3.upload_part_copy(ours(), gone).await.unwrap_err().code, "NoSuchKey");
    let unfit = UploadPartCopyRequest { copy_source_if_match: Some("x".to_owned()), ..refused("bytes=0-1") };
    assert_eq!(fixture.s3.upload_part_copy(ours(), unfit).await.unwrap_err().code, "PreconditionFailed");
    fixture.settle().await;
    assert_eq!(fixture.blob_count().await, 6, "what was refused leaves nothing");
}

#[tokio::test]
async fn a_part_that_comes_again_replaces_the_first() {
    let fixture = Fixture::with_bucket().await;
    let upload = fixture.begin("key").await;
    let first = fixture.part("key", &upload, 3, "first").await.unwrap().e_tag.unwrap();
    let second = fixture.part("key", &upload, 3, "second").await.unwrap().e_tag.unwrap();
    assert_eq!(fixture.complete("key", &upload, &[(3, &first)]).await.unwrap_err().code, "InvalidPart");
    fixture.complete("key", &upload, &[(3, &second)]).await.unwrap();
    fixture.settle().await;
    assert_eq!((fixture.read("key", None).await, fixture.blob_count().await), (b"second".to_vec(), 1));
}

#[tokio::test]
async fn spare_and_aborted_parts_are_freed() {
    let fixture = Fixture::with_bucket().await;
    let (upload, etags, all) = four_parts(&fixture, "key").await;
    let kept: Vec<_> = listed(&etags).into_iter().filter(|(number, _)| *number != 2).collect();
    fixture.complete("key", &upload, &kept).await.unwrap();
    let whole = [&all[..LEAST], &all[2 * LEAST..]].concat();
    assert!(fixture.read("key", None).await == whole, "before they are freed");
    fixture.settle().await;
    assert!(fixture.read("key", None).await == whole, "and after");
    assert_eq!(fixture.blob_count().await, 3);
    let (upload, ..) = four_parts(&fixture, "other").await;
    fixture.abort("other", &upload).await.unwrap();
    assert_eq!(fixture.abort("other", &upload).await.unwrap_err().code, "NoSuchUpload");
    assert_eq!(fixture.part("other", &upload, 1, "x").await.unwrap_err().code, "NoSuchUpload");
    fixture.settle().await;
    assert_eq!(fixture.blob_count().await, 3);
}

#[tokio::test]
async fn a_slow_reader_of_a_deleted_object_reads_on() {
    let fixture = Fixture::with_bucket().await;
    let (upload, etags, all) = four_parts(&fixture, "key").await;
    fixture.complete("key", &upload, &listed(&etags)).await.unwrap();
    let slow = fixture.s3.get_object(ours(), get("key")).await.unwrap().body.unwrap();
    gone(&fixture, "key").await;
    // A reader renews its lease three times a minute.
    for _ in 0..5 {
        renew(&fixture.s3, &upload).await.unwrap();
        fixture.reconcile_after(SignedDuration::from_mins(1)).await;
    }
    assert!(slow.collect(64 << 20).await.unwrap() == all);
    for _ in 0..6 {
        fixture.reconcile_after(SignedDuration::from_mins(1)).await;
    }
    assert_eq!(fixture.blob_count().await, 0);
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let fixture = Fixture::with_bucket().await;
    let upload = fixture.begin("key").await;
    let one = fixture.part("key", &upload, 1, "one").await.unwrap().e_tag.unwrap();
    let two = fixture.part("key", &upload, 2, "two").await.unwrap().e_tag.unwrap();
    for number in [0, -1, 10_001] {
        assert_eq!(fixture.part("key", &upload, number, "x").await.unwrap_err().code, "InvalidArgument", "{number}");
    }
    for (parts, code) in [
        (vec![], "MalformedXML"),
        (vec![(1, one.as_str()), (2, two.as_str())], "EntityTooSmall"),
        (vec![(2, two.as_str()), (1, one.as_str())], "InvalidPartOrder"),
        (vec![(1, one.as_str()), (1, one.as_str())], "InvalidPartOrder"),
        (vec![(3, one.as_str())], "InvalidPart"),
        (vec![(1, two.as_str())], "InvalidPart"),
        (vec![(0, one.as_str())], "InvalidArgument"),
    ] {
        let error = fixture.complete("key", &upload, &parts).await.unwrap_err();
        assert_eq!((&*error.code, error.status), (code, 400), "{parts:?}");
    }
    for key in ["other", "key"] {
        assert_eq!(fixture.complete(key, "none", &[(1, &one)]).await.unwrap_err().code, "NoSuchUpload");
    }
    let sized = |size| CompleteMultipartUploadRequest {
        mpu_object_size: Some(size),
        ..completion("key", &upload, &[(1, one.as_str())])
    };
    assert_eq!(fixture.s3.complete_multipart_upload(ours(), sized(4)).await.unwrap_err().code, "InvalidRequest");
    fixture.s3.put_object(ours(), put("key", "before")).await.unwrap();
    let new = CompleteMultipartUploadRequest { if_none_match: Some("*".to_owned()), ..sized(3) };
    assert_eq!(fixture.s3.complete_multipart_upload(ours(), new).await.unwrap_err().code, "PreconditionFailed");
    fixture.s3.complete_multipart_upload(ours(), sized(3)).await.unwrap();
    assert_eq!(fixture.read("key", None).await, b"one");
}

#[tokio::test]
async fn checksums_of_parts_and_of_the_whole() {
    let fixture = Fixture::with_bucket().await;
    let begin = |algorithm: &str, kind: &str| CreateMultipartUploadRequest {
        key: "key".to_owned(),
        checksum_algorithm: Some(algorithm.to_owned()),
        checksum_type: Some(kind.to_owned()),
        ..CreateMultipartUploadRequest::default()
    };
    let upload = fixture.begin_with(begin("SHA256", "COMPOSITE")).await.unwrap();
    let sum = "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=";
    let with = |sha256: Option<&str>, crc32: Option<&str>| UploadPartRequest {
        checksum_sha256: sha256.map(str::to_owned),
        checksum_crc32: crc32.map(str::to_owned),
        ..part("key", &upload, 1, "123456789")
    };
    for (sha256, crc32, text) in [
        (None, None, "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: null"),
        (
            None,
            Some("y/Q5Jg=="),
            "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: crc32",
        ),
        (Some("y/Q5Jg=="), None, "Value for x-amz-checksum-sha256 header is invalid."),
    ] {
        let error = fixture.s3.upload_part(ours(), with(sha256, crc32)).await.unwrap_err();
        assert_eq!((&*error.code, error.message.as_str()), ("InvalidRequest", text));
    }
    assert_eq!(fixture.blob_count().await, 0);
    let done = fixture.s3.upload_part(ours(), with(Some(sum), None)).await.unwrap();
    assert_eq!(done.checksum_sha256.as_deref(), Some(sum));
    let etag = done.e_tag.unwrap();
    let complete = |part: Option<&str>, whole: Option<&str>, kind: Option<&str>| CompleteMultipartUploadRequest {
        checksum_sha256: whole.map(str::to_owned),
        checksum_type: kind.map(str::to_owned),
        multipart_upload: Some(CompletedMultipartUpload {
            parts: Some(vec![CompletedPart {
                part_number: Some(1),
                e_tag: Some(etag.clone()),
                checksum_sha256: part.map(str::to_owned),
                ..CompletedPart::default()
            }]),
        }),
        ..completion("key", &upload, &[])
    };
    let whole = "KSsNAHVmgy25S/rmic1w0at3KBH9RLn0nYVQ7p6mpJQ=";
    let other = "GeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=";
    let missing = "The upload was created using a sha256 checksum. The complete request must include the checksum for each part. It was missing for part 1 in the request.";
    for (input, code, text) in [
        (complete(None, None, None), "InvalidRequest", missing),
        (complete(Some("x"), None, None), "InvalidArgument", "Invalid Base64 or multiple checksums present in request"),
        (complete(Some(other), None, None), "InvalidPart", ""),
        (complete(Some(other), Some(whole), None), "BadDigest", ""),
        (
            complete(Some(sum), Some(other), None),
            "BadDigest",
            "The sha256 you specified did not match the calculated checksum.",
        ),
        (complete(Some(sum), Some(&format!("{whole}-2")), None), "BadDigest", ""),
        (complete(Some(sum), Some(&format!("{whole}-a")), None), "InvalidRequest", ""),
        (
            complete(Some(sum), None, Some("FULL_OBJECT")),
            "InvalidRequest",
            "The upload was created using the COMPOSITE checksum mode. The complete request must use the same checksum mode.",
        ),
    ] {
        let error = fixture.s3.complete_multipart_upload(ours(), input).await.unwrap_err();
        assert_eq!(&*error.code, code, "{}", error.message);
        assert!(text.is_empty() || error.message == text, "{}", error.message);
    }
    let input = complete(Some(sum), Some(whole), Some("COMPOSITE"));
    let output = fixture.s3.complete_multipart_upload(ours(), input).await.unwrap();
    assert_eq!(output.checksum_sha256, Some(format!("{whole}-1")));
    assert_eq!(output.checksum_type.as_deref(), Some("COMPOSITE"));
    for (algorithm, kind) in [("SHA1", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE"), ("MD4", "COMPOSITE")] {
        assert_eq!(fixture.begin_with(begin(algorithm, kind)).await.unwrap_err().code, "InvalidRequest");
    }
}

#[tokio::test]
async fn a_client_that_names_no_algorithm_may_bring_any() {
    let fixture = Fixture::with_bucket().await;
    let upload = fixture.begin("key").await;
    let input =
        UploadPartRequest { checksum_crc32: Some("y/Q5Jg==".to_owned()), ..part("key", &upload, 1, "123456789") };
    let output = fixture.s3.upload_part(ours(), input).await.unwrap();
    assert_eq!(output.checksum_crc32.as_deref(), Some("y/Q5Jg=="));
    let output = fixture.complete("key", &upload, &[(1, &output.e_tag.unwrap())]).await.unwrap();
    assert_eq!(output.checksum_crc64_nvme.as_deref(), Some("rosUhgp5mIg="));
}

#[tokio::test]
async fn a_bucket_goes_with_its_uploads() {
    let fixture = Fixture::with_bucket().await;
    let upload = fixture.begin("key").await;
    fixture.part("key", &upload, 1, "x").await.unwrap();
    let input = DeleteBucketRequest { bucket: "bucket".to_owned(), ..DeleteBucketRequest::default() };
    fixture.s3.delete_bucket(ours(), input).await.unwrap();
    fixture.settle().await;
    assert_eq!(fixture.blob_count().await, 0);
    fixture.create("bucket").await.unwrap();
    assert_eq!(fixture.part("key", &upload, 1, "x").await.unwrap_err().code, "NoSuchUpload");
}
