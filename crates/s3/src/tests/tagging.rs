//! Tags and attributes of objects and of their versions.

use std::collections::BTreeMap;

use api::s3::{
    DeleteObjectTaggingRequest, GetObjectAttributesRequest, GetObjectTaggingRequest, PutObjectRequest,
    PutObjectTaggingRequest, S3Api, Tag, Tagging,
};

use super::fixture::{Fixture, get, ours, put};

fn tagging(key: &str, version: Option<&str>, tags: &[(&str, &str)]) -> PutObjectTaggingRequest {
    let tag = |(key, value): &(&str, &str)| Tag { key: (*key).to_owned(), value: (*value).to_owned() };
    PutObjectTaggingRequest {
        bucket: "bucket".to_owned(),
        key: key.to_owned(),
        version_id: version.map(str::to_owned),
        tagging: Tagging { tag_set: tags.iter().map(tag).collect() },
        ..PutObjectTaggingRequest::default()
    }
}

impl Fixture {
    async fn tags(&self, key: &str, version: Option<&str>) -> Vec<(String, String)> {
        let input = GetObjectTaggingRequest {
            bucket: "bucket".to_owned(),
            key: key.to_owned(),
            version_id: version.map(str::to_owned),
            ..GetObjectTaggingRequest::default()
        };
        let output = self.s3.get_object_tagging(ours(), input).await.unwrap();
        output.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()
    }
}

fn pairs(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn tags_are_put_read_replaced_and_deleted() {
    let fixture = Fixture::with_bucket().await;
    let tagged = PutObjectRequest { tagging: Some("a=1".to_owned()), ..put("key", "x") };
    fixture.s3.put_object(ours(), tagged).await.unwrap();
    assert_eq!(fixture.tags("key", None).await, pairs(&[("a", "1")]));
    fixture.s3.put_object_tagging(ours(), tagging("key", None, &[("c", "3"), ("b", "")])).await.unwrap();
    assert_eq!(fixture.tags("key", None).await, pairs(&[("b", ""), ("c", "3")]));
    assert_eq!(fixture.get(get("key")).await.unwrap().0.tag_count, Some(2));
    for (tags, code) in
        [(&[("a", "1"), ("a", "2")][..], "InvalidTag"), (&[("aws:a", "1")], "InvalidTag"), (&[("", "1")], "InvalidTag")]
    {
        let error = fixture.s3.put_object_tagging(ours(), tagging("key", None, tags)).await.unwrap_err();
        assert_eq!(error.code, code);
    }
    let error = fixture.s3.put_object_tagging(ours(), tagging("absent", None, &[])).await.unwrap_err();
    assert_eq!(error.code, "NoSuchKey");
    let input = DeleteObjectTaggingRequest { bucket: "bucket".to_owned(), key: "key".to_owned(), ..Default::default() };
    fixture.s3.delete_object_tagging(ours(), input).await.unwrap();
    assert_eq!(fixture.tags("key", None).await, []);
    assert_eq!(fixture.get(get("key")).await.unwrap().0.tag_count, None);
}

#[tokio::test]
async fn each_version_has_tags_of_its_own() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "zero").await;
    fixture.set_versioning("Enabled").await.unwrap();
    let one = fixture.put("key", "one").await.version_id.unwrap();
    for (version, value) in [(Some("null"), "0"), (None, "1")] {
        let output = fixture.s3.put_object_tagging(ours(), tagging("key", version, &[("v", value)])).await.unwrap();
        assert_eq!(output.version_id.as_deref(), Some(version.unwrap_or(&one)));
    }
    assert_eq!(fixture.tags("key", Some("null")).await, pairs(&[("v", "0")]));
    assert_eq!(fixture.tags("key", Some(&one)).await, pairs(&[("v", "1")]));
    let marker = fixture.delete("key", None).await.unwrap().0.unwrap();
    let error = fixture.s3.put_object_tagging(ours(), tagging("key", Some(&marker), &[])).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("MethodNotAllowed", 405));
    fixture.delete("key", Some(&marker)).await.unwrap();
    assert_eq!(
        fixture.tags("key", None).await,
        pairs(&[("v", "1")]),
        "tags stay when a version becomes the current one"
    );
}

#[tokio::test]
async fn attributes_are_those_asked_for() {
    let fixture = Fixture::with_bucket().await;
    fixture.put("key", "123456789").await;
    let asking = |names: &[&str]| GetObjectAttributesRequest {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        object_attributes: names.iter().map(|name| (*name).to_owned()).collect(),
        ..GetObjectAttributesRequest::default()
    };
    let all = asking(&["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]);
    let output = fixture.s3.get_object_attributes(ours(), all).await.unwrap();
    assert_eq!(output.e_tag.as_deref(), Some("25f9e794323b453885f5181f1b624d0b"));
    assert_eq!(output.checksum.unwrap().checksum_crc64_nvme.as_deref(), Some("rosUhgp5mIg="));
    assert_eq!((output.object_size, output.storage_class.as_deref()), (Some(9), Some("STANDARD")));
    assert_eq!(output.object_parts, None);
    let output = fixture.s3.get_object_attributes(ours(), asking(&["ObjectSize"])).await.unwrap();
    assert_eq!((output.e_tag, output.checksum, output.storage_class), (None, None, None));
    let error = fixture.s3.get_object_attributes(ours(), asking(&["Colour"])).await.unwrap_err();
    assert_eq!(error.code, "InvalidArgument");
}

#[tokio::test]
async fn metadata_comes_back_with_lower_case_names_and_encoded_values() {
    let fixture = Fixture::with_bucket().await;
    let metadata = BTreeMap::from([("Colour".to_owned(), "blé".to_owned()), ("none".to_owned(), String::new())]);
    fixture.s3.put_object(ours(), PutObjectRequest { metadata: Some(metadata), ..put("key", "x") }).await.unwrap();
    let metadata = fixture.get(get("key")).await.unwrap().0.metadata.unwrap();
    assert_eq!(metadata.into_iter().collect::<Vec<_>>(), pairs(&[("colour", "=?UTF-8?B?YmzDqQ==?="), ("none", "")]));
}
