//! Multipart uploads and copies of what is encrypted: with whose key, and what S3 says of others.

use api::s3::{
    CompleteMultipartUploadRequest, CompletedMultipartUpload, CompletedPart, CopyObjectRequest,
    CreateMultipartUploadRequest, GetObjectAttributesRequest, GetObjectRequest, S3Api, UploadPartCopyRequest,
    UploadPartRequest,
};
use blobs::BlobStore;
use bytes::Bytes;
use wire::{ByteStream, ServiceError};

use super::fixture::{Fixture, get, ours, put};

const KEY: (&str, &str) = ("YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=", "Xsqb0+sHwAbNQ65I395/0w==");
const OTHER: (&str, &str) = ("YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=", "i0+eoW3kvPW7/A/x6iN5NA==");

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Sets the three headers of a customer's key.
macro_rules! with_key {
    ($input:expr, $key:expr) => {{
        let mut input = $input;
        if let Some((key, md5)) = $key {
            input.sse_customer_algorithm = text("AES256");
            input.sse_customer_key = text(key);
            input.sse_customer_key_md5 = text(md5);
        }
        input
    }};
}

type Key = Option<(&'static str, &'static str)>;

impl Fixture {
    async fn begin_under(&self, key: Key) -> String {
        let input = CreateMultipartUploadRequest { bucket: "bucket".into(), key: "key".into(), ..Default::default() };
        let output = self.s3.create_multipart_upload(ours(), with_key!(input, key)).await.unwrap();
        assert_eq!(output.server_side_encryption.as_deref(), key.is_none().then_some("AES256"));
        assert_eq!(output.sse_customer_key_md5.as_deref(), key.map(|key| key.1));
        output.upload_id.unwrap()
    }

    async fn part_with(&self, upload: &str, number: i32, body: &[u8], key: Key) -> Result<String, ServiceError> {
        let input = UploadPartRequest {
            bucket: "bucket".into(),
            key: "key".into(),
            upload_id: upload.to_owned(),
            part_number: number,
            body: Some(ByteStream::from_bytes(Bytes::copy_from_slice(body))),
            ..Default::default()
        };
        let output = self.s3.upload_part(ours(), with_key!(input, key)).await?;
        assert_eq!(output.server_side_encryption.as_deref(), key.is_none().then_some("AES256"));
        assert_eq!(output.sse_customer_key_md5.as_deref(), key.map(|key| key.1));
        Ok(output.e_tag.unwrap())
    }

    async fn complete_with(&self, upload: &str, tags: &[String], key: Key) -> Result<Option<String>, ServiceError> {
        let part = |(tag, number): (&String, i32)| CompletedPart {
            e_tag: Some(tag.clone()),
            part_number: Some(number),
            ..Default::default()
        };
        let input = CompleteMultipartUploadRequest {
            bucket: "bucket".into(),
            key: "key".into(),
            upload_id: upload.to_owned(),
            multipart_upload: Some(CompletedMultipartUpload { parts: Some(tags.iter().zip(1..).map(part).collect()) }),
            ..Default::default()
        };
        Ok(self.s3.complete_multipart_upload(ours(), with_key!(input, key)).await?.server_side_encryption)
    }

    async fn read_with(&self, range: Option<&str>, key: Key) -> Result<Bytes, ServiceError> {
        let input = GetObjectRequest { range: range.map(str::to_owned), ..get("key") };
        let output = self.s3.get_object(ours(), with_key!(input, key)).await?;
        Ok(output.body.unwrap().collect(16 << 20).await.unwrap())
    }
}

fn said(error: &ServiceError) -> String {
    format!("{} {}: {}", error.status, error.code, error.message)
}

#[tokio::test]
async fn parts_are_encrypted_each_for_itself_and_read_as_one() {
    let first: Vec<u8> = (0..5_242_883_u32).map(|at| (at % 251) as u8).collect();
    for key in [None, Some(KEY)] {
        let fixture = Fixture::with_bucket().await;
        let upload = fixture.begin_under(key).await;
        let tags = [
            fixture.part_with(&upload, 1, &first, key).await.unwrap(),
            fixture.part_with(&upload, 2, b"the end", key).await.unwrap(),
        ];
        for blob in fixture.blobs.list(None, 10).await.unwrap() {
            let stored = fixture.blobs.open(&blob.id, None).await.unwrap().collect(16 << 20).await.unwrap();
            assert!(stored != first && stored != b"the end");
        }
        let shown = fixture.complete_with(&upload, &tags, key).await.unwrap();
        assert_eq!(shown.as_deref(), key.is_none().then_some("AES256"));
        let whole = [&first[..], b"the end"].concat();
        assert_eq!(fixture.read_with(None, key).await.unwrap(), whole);
        for (from, to) in [(0, 0), (5_242_880, 5_242_885), (5_242_883, 5_242_889), (17, 33)] {
            let range = format!("bytes={from}-{to}");
            assert_eq!(fixture.read_with(Some(&range), key).await.unwrap(), whole[from..=to], "{range}");
        }
        let other = if key.is_some() { None } else { Some(KEY) };
        assert_eq!(fixture.read_with(None, other).await.unwrap_err().status, 400);
        if key.is_some() {
            assert_eq!(fixture.read_with(None, Some(OTHER)).await.unwrap_err().status, 403);
        }
    }
}

#[tokio::test]
async fn a_part_brings_the_key_of_its_upload() {
    let fixture = Fixture::with_bucket().await;
    let mismatch = "400 InvalidRequest: The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.";
    let wrong = "400 InvalidRequest: The provided encryption parameters did not match the ones used originally.";
    let (plain, theirs) = (fixture.begin_under(None).await, fixture.begin_under(Some(KEY)).await);
    for (upload, key, expected) in
        [(&plain, Some(KEY), mismatch), (&theirs, None, mismatch), (&theirs, Some(OTHER), wrong)]
    {
        assert_eq!(said(&fixture.part_with(upload, 1, b"x", key).await.unwrap_err()), expected);
    }
    assert_eq!(fixture.blob_count().await, 0);
    let tag = fixture.part_with(&theirs, 1, b"x", Some(KEY)).await.unwrap();
    assert_ne!(tag, "\"9dd4e461268c8034f5c8564e155c67a6\"", "not the MD5");
    assert_eq!(
        said(&fixture.complete_with(&theirs, std::slice::from_ref(&tag), Some(OTHER)).await.unwrap_err()),
        wrong
    );
    // Without a checksum that was chosen at the beginning, the key is not needed at the end.
    fixture.complete_with(&theirs, &[tag], None).await.unwrap();
    assert_eq!(fixture.read_with(None, Some(KEY)).await.unwrap(), "x");
}

#[tokio::test]
async fn who_has_chosen_a_checksum_need_not_bring_the_key_at_the_end() {
    let fixture = Fixture::with_bucket().await;
    let input = CreateMultipartUploadRequest {
        bucket: "bucket".into(),
        key: "key".into(),
        checksum_algorithm: text("CRC64NVME"),
        ..Default::default()
    };
    let output = fixture.s3.create_multipart_upload(ours(), with_key!(input, Some(KEY))).await.unwrap();
    let upload = output.upload_id.unwrap();
    let input = UploadPartRequest {
        bucket: "bucket".into(),
        key: "key".into(),
        upload_id: upload.clone(),
        part_number: 1,
        body: Some(ByteStream::from_bytes(Bytes::from_static(b"123456789"))),
        ..Default::default()
    };
    let tag = fixture.s3.upload_part(ours(), with_key!(input, Some(KEY))).await.unwrap().e_tag.unwrap();
    let error = fixture.complete_with(&upload, std::slice::from_ref(&tag), Some(OTHER)).await.unwrap_err();
    assert_eq!(error.status, 400);
    fixture.complete_with(&upload, &[tag], None).await.unwrap();
    assert_eq!(fixture.read_with(None, Some(KEY)).await.unwrap(), "123456789");
}

#[tokio::test]
async fn copies_are_read_with_one_key_and_written_with_another() {
    let fixture = Fixture::with_bucket().await;
    fixture.s3.put_object(ours(), with_key!(put("theirs", "some text"), Some(KEY))).await.unwrap();
    let copy = |from: Key, to: Key| {
        let mut input = CopyObjectRequest {
            bucket: "bucket".into(),
            key: "key".into(),
            copy_source: "bucket/theirs".into(),
            ..Default::default()
        };
        if let Some((key, md5)) = from {
            input.copy_source_sse_customer_algorithm = text("AES256");
            input.copy_source_sse_customer_key = text(key);
            input.copy_source_sse_customer_key_md5 = text(md5);
        }
        fixture.s3.copy_object(ours(), with_key!(input, to))
    };
    assert_eq!(copy(None, None).await.unwrap_err().status, 400);
    assert_eq!(copy(Some(OTHER), None).await.unwrap_err().status, 403);

    let output = copy(Some(KEY), None).await.unwrap();
    assert_eq!(output.server_side_encryption.as_deref(), Some("AES256"));
    assert_eq!(output.copy_object_result.unwrap().e_tag.as_deref(), Some("\"552e21cd4cd9918678e3c1a0df491bc3\""));
    assert_eq!(fixture.read_with(None, None).await.unwrap(), "some text");

    let output = copy(Some(KEY), Some(OTHER)).await.unwrap();
    assert_eq!(output.sse_customer_key_md5.as_deref(), Some(OTHER.1));
    assert_eq!(fixture.read_with(None, Some(OTHER)).await.unwrap(), "some text");
    assert_eq!(fixture.read_with(None, Some(KEY)).await.unwrap_err().status, 403);

    let upload = fixture.begin_under(Some(OTHER)).await;
    let part = UploadPartCopyRequest {
        bucket: "bucket".into(),
        key: "key".into(),
        upload_id: upload.clone(),
        part_number: 1,
        copy_source: "bucket/theirs".into(),
        copy_source_range: text("bytes=5-8"),
        copy_source_sse_customer_algorithm: text("AES256"),
        copy_source_sse_customer_key: text(KEY.0),
        copy_source_sse_customer_key_md5: text(KEY.1),
        ..Default::default()
    };
    let output = fixture.s3.upload_part_copy(ours(), with_key!(part, Some(OTHER))).await.unwrap();
    assert_eq!(output.sse_customer_key_md5.as_deref(), Some(OTHER.1));
    let tag = output.copy_part_result.unwrap().e_tag.unwrap();
    fixture.complete_with(&upload, &[tag], Some(OTHER)).await.unwrap();
    assert_eq!(fixture.read_with(None, Some(OTHER)).await.unwrap(), "text");
}

#[tokio::test]
async fn a_copy_onto_itself_may_take_the_customers_key_off() {
    let fixture = Fixture::with_bucket().await;
    fixture.s3.put_object(ours(), with_key!(put("key", "some text"), Some(KEY))).await.unwrap();
    let input = CopyObjectRequest {
        bucket: "bucket".into(),
        key: "key".into(),
        copy_source: "bucket/key".into(),
        copy_source_sse_customer_algorithm: text("AES256"),
        copy_source_sse_customer_key: text(KEY.0),
        copy_source_sse_customer_key_md5: text(KEY.1),
        ..Default::default()
    };
    fixture.s3.copy_object(ours(), input).await.unwrap();
    assert_eq!(fixture.read_with(None, None).await.unwrap(), "some text");
}

#[tokio::test]
async fn attributes_take_the_key_too() {
    let fixture = Fixture::with_bucket().await;
    let output = fixture.s3.put_object(ours(), with_key!(put("key", "text"), Some(KEY))).await.unwrap();
    let ask = |key: Key| {
        let input = GetObjectAttributesRequest {
            bucket: "bucket".into(),
            key: "key".into(),
            object_attributes: vec!["ETag".into()],
            ..Default::default()
        };
        fixture.s3.get_object_attributes(ours(), with_key!(input, key))
    };
    assert_eq!(ask(None).await.unwrap_err().status, 400);
    assert_eq!(ask(Some(OTHER)).await.unwrap_err().status, 403);
    let tag = ask(Some(KEY)).await.unwrap().e_tag.unwrap();
    assert_eq!(Some(format!("\"{tag}\"")), output.e_tag);
}
