//! GET, HEAD and listings.

use api::s3::{GetObjectRequest, HeadObjectRequest, ListObjectsRequest, ListObjectsV2Request, PutObjectRequest, S3Api};
use jiff::Timestamp;

use super::fixture::{Fixture, get, ours, put};

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let fixture = Fixture::with_bucket().await;
    let text = |text: &str| Some(text.to_owned());
    let input = PutObjectRequest {
        cache_control: text("no-store"),
        content_encoding: text("gzip"),
        expires: text("soon"),
        metadata: Some([("colour".to_owned(), "blue".to_owned())].into()),
        ..put("key", "123456789")
    };
    fixture.s3.put_object(ours(), input).await.unwrap();
    let (output, body) = fixture.get(get("key")).await.unwrap();
    assert_eq!(body, "123456789");
    assert_eq!(output.content_length, Some(9));
    assert_eq!(output.content_type.as_deref(), Some("binary/octet-stream"));
    assert_eq!(output.cache_control.as_deref(), Some("no-store"));
    assert_eq!(output.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(output.expires.as_deref(), Some("soon"));
    assert_eq!(output.metadata.unwrap()["colour"], "blue");
    assert_eq!((output.content_range, output.checksum_type), (None, None));

    let overriding = GetObjectRequest {
        response_content_type: text("text/plain"),
        response_expires: Some(Timestamp::UNIX_EPOCH),
        ..get("key")
    };
    let (output, _) = fixture.get(overriding).await.unwrap();
    assert_eq!(output.content_type.as_deref(), Some("text/plain"));
    assert_eq!(output.expires.as_deref(), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    assert_eq!(output.cache_control.as_deref(), Some("no-store"));
}

#[tokio::test]
async fn an_empty_object_needs_no_blob() {
    let fixture = Fixture::with_bucket().await;
    let output = fixture.put("empty", "").await;
    assert_eq!(output.e_tag.as_deref(), Some("\"d41d8cd98f00b204e9800998ecf8427e\""));
    let (output, body) = fixture.get(get("empty")).await.unwrap();
    assert_eq!((output.content_length, body.len(), fixture.blob_count().await), (Some(0), 0, 0));
    let ranged = GetObjectRequest { range: Some("bytes=0-0".to_owned()), ..get("empty") };
    assert_eq!(fixture.get(ranged).await.unwrap_err().status, 416);
}

#[tokio::test]
async fn ranges_and_checksums() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "123456789").await;
    let mode = Some("ENABLED".to_owned());
    let (output, _) = fixture.get(GetObjectRequest { checksum_mode: mode.clone(), ..get("key") }).await.unwrap();
    assert_eq!(output.checksum_crc64_nvme.as_deref(), Some("rosUhgp5mIg="));
    let ranged = GetObjectRequest { range: Some("bytes=2-4".to_owned()), checksum_mode: mode.clone(), ..get("key") };
    let (output, body) = fixture.get(ranged).await.unwrap();
    assert_eq!(body, "345");
    assert_eq!(output.content_range.as_deref(), Some("bytes 2-4/9"));
    assert_eq!(output.content_length, Some(3));
    assert_eq!((output.checksum_crc64_nvme, output.checksum_type), (None, None));
    let error = fixture.get(GetObjectRequest { range: Some("bytes=9-".to_owned()), ..get("key") }).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("InvalidRange", 416));
    let fields = [("RangeRequested", "bytes=9-".to_owned()), ("ActualObjectSize", "9".to_owned())];
    assert_eq!(error.fields, fields);

    let head = HeadObjectRequest {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        range: Some("bytes=-4".to_owned()),
        checksum_mode: mode,
        ..HeadObjectRequest::default()
    };
    let output = fixture.s3.head_object(ours(), head).await.unwrap();
    assert_eq!((output.content_length, output.content_range.as_deref()), (Some(4), Some("bytes 5-8/9")));
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let fixture = Fixture::with_bucket().await;
    let error = fixture.get(get("absent")).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("NoSuchKey", 404));
    assert_eq!(error.fields, [("Key", "absent".to_owned())]);
    let null = GetObjectRequest { version_id: Some("null".to_owned()), ..get("absent") };
    assert_eq!(fixture.get(null).await.unwrap_err().code, "NoSuchVersion", "also where there never were versions");
    let mode = GetObjectRequest { checksum_mode: Some("on".to_owned()), ..get("absent") };
    assert_eq!(fixture.get(mode).await.unwrap_err().code, "InvalidRequest");
    let elsewhere = GetObjectRequest { bucket: "nowhere".to_owned(), ..get("key") };
    assert_eq!(fixture.get(elsewhere).await.unwrap_err().code, "NoSuchBucket");
    fixture.put("key", "x").await;
    let unchanged = GetObjectRequest { if_none_match: Some("*".to_owned()), ..get("key") };
    assert_eq!(fixture.get(unchanged).await.unwrap_err().status, 304);
}

fn list(token: Option<String>) -> ListObjectsV2Request {
    ListObjectsV2Request {
        bucket: "bucket".to_owned(),
        delimiter: Some("/".to_owned()),
        max_keys: Some(2),
        continuation_token: token,
        encoding_type: Some("url".to_owned()),
        ..ListObjectsV2Request::default()
    }
}

#[tokio::test]
async fn pages_of_both_versions_cover_the_bucket_once() {
    let fixture = Fixture::with_bucket().await;
    for key in ["a b", "d/1", "d/2", "e", "f/1", "é"] {
        fixture.put(key, "x").await;
    }
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let page = fixture.s3.list_objects_v2(ours(), list(token)).await.unwrap();
        let keys = page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key);
        let before = seen.len();
        seen.extend(keys);
        seen.extend(page.common_prefixes.unwrap_or_default().into_iter().filter_map(|common| common.prefix));
        assert_eq!(page.key_count, Some((seen.len() - before) as i32));
        token = page.next_continuation_token;
        assert_eq!(page.is_truncated, Some(token.is_some()));
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["a%20b", "d/", "e", "f/", "%C3%A9"]);

    let input = |marker: Option<String>| ListObjectsRequest {
        bucket: "bucket".to_owned(),
        delimiter: Some("/".to_owned()),
        max_keys: Some(2),
        marker,
        ..ListObjectsRequest::default()
    };
    let page = fixture.s3.list_objects(ours(), input(None)).await.unwrap();
    assert_eq!(page.next_marker.as_deref(), Some("d/"));
    assert!(page.contents.unwrap()[0].owner.is_some());
    let page = fixture.s3.list_objects(ours(), input(page.next_marker)).await.unwrap();
    assert_eq!(page.contents.unwrap()[0].key.as_deref(), Some("e"));
}

#[tokio::test]
async fn a_token_of_another_bucket_is_refused() {
    let fixture = Fixture::with_bucket().await;
    fixture.create("other").await.unwrap();
    for key in ["a", "b", "c"] {
        fixture.put(key, "x").await;
    }
    let page = fixture.s3.list_objects_v2(ours(), list(None)).await.unwrap();
    let input = ListObjectsV2Request { bucket: "other".to_owned(), ..list(page.next_continuation_token) };
    let error = fixture.s3.list_objects_v2(ours(), input).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("InvalidArgument", 400));
}
