//! Versions: everything that can be done to them against a naive model.

use std::collections::BTreeMap;

use api::s3::{
    Delete, DeleteObjectRequest, DeleteObjectsRequest, GetObjectRequest, ListObjectVersionsOutput,
    ListObjectVersionsRequest, ListObjectsV2Request, ObjectIdentifier, PutBucketVersioningRequest, PutObjectRequest,
    S3Api, VersioningConfiguration,
};
use bytes::Bytes;
use jiff::SignedDuration;
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use wire::{ByteStream, ServiceError};

use super::fixture::{Fixture, get, ours, put};

impl Fixture {
    pub(super) async fn set_versioning(&self, status: &str) -> Result<(), ServiceError> {
        let status = Some(status.to_owned()).filter(|status| !status.is_empty());
        let input = PutBucketVersioningRequest {
            bucket: "bucket".to_owned(),
            versioning_configuration: VersioningConfiguration { mfa_delete: None, status },
            ..PutBucketVersioningRequest::default()
        };
        self.s3.put_bucket_versioning(ours(), input).await
    }

    async fn versions(&self, input: ListObjectVersionsRequest) -> Result<ListObjectVersionsOutput, ServiceError> {
        let input = ListObjectVersionsRequest { bucket: "bucket".to_owned(), ..input };
        self.s3.list_object_versions(ours(), input).await
    }

    pub(super) async fn delete(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Option<String>, bool), ServiceError> {
        let input = DeleteObjectRequest {
            bucket: "bucket".to_owned(),
            key: key.to_owned(),
            version_id: version.map(str::to_owned),
            ..DeleteObjectRequest::default()
        };
        let output = self.s3.delete_object(ours(), input).await?;
        Ok((output.version_id, output.delete_marker == Some(true)))
    }
}

/// What a test does.
#[derive(Debug, Clone)]
enum Step {
    Versioning(&'static str),
    Put {
        key: usize,
    },
    Delete {
        key: usize,
    },
    /// The version is the one of the model at this place, counted over all keys.
    DeleteVersion {
        place: usize,
    },
    DeleteNull {
        key: usize,
    },
    /// Several at once, each a key and perhaps one of its versions; keys and versions come repeatedly.
    DeleteMany {
        entries: Vec<(usize, Option<usize>)>,
    },
    /// Time goes on, or else all happens in one instant.
    Wait,
}

const KEYS: [&str; 4] = ["a", "a/b", "a/c", "é"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let entry = (0..KEYS.len(), prop::option::of(any::<usize>()));
    let step = prop_oneof![
        1 => Just(Step::Versioning("Enabled")),
        1 => Just(Step::Versioning("Suspended")),
        6 => (0..KEYS.len()).prop_map(|key| Step::Put { key }),
        3 => (0..KEYS.len()).prop_map(|key| Step::Delete { key }),
        3 => any::<usize>().prop_map(|place| Step::DeleteVersion { place }),
        1 => (0..KEYS.len()).prop_map(|key| Step::DeleteNull { key }),
        2 => prop::collection::vec(entry, 1..8).prop_map(|entries| Step::DeleteMany { entries }),
        2 => Just(Step::Wait),
    ];
    prop::collection::vec(step, 1..25)
}

/// The naive model: of each key all versions, the newest last; none is a delete marker.
#[derive(Debug, Default)]
struct Model {
    versioning: &'static str,
    keys: BTreeMap<&'static str, Vec<(String, Option<String>)>>,
    puts: usize,
}

impl Model {
    fn add(&mut self, key: &'static str, id: Option<String>, body: Option<String>) {
        let versions = self.keys.entry(key).or_default();
        let id = id.unwrap_or_else(|| "null".to_owned());
        if self.versioning != "Enabled" {
            assert_eq!(id, "null");
            versions.retain(|(id, _)| id != "null");
        }
        assert!(versions.iter().all(|(other, _)| *other != id), "ids are new");
        if self.versioning.is_empty() && body.is_none() {
            return;
        }
        versions.push((id, body));
    }

    /// Gives whether it was a delete marker.
    fn remove(&mut self, key: &str, id: &str) -> bool {
        let Some(versions) = self.keys.get_mut(key) else { return false };
        let found = versions.iter().position(|(other, _)| other == id);
        found.is_some_and(|at| versions.remove(at).1.is_none())
    }

    fn all(&self) -> Vec<(&'static str, String)> {
        let of = |(key, versions): (&&'static str, &Vec<(String, _)>)| -> Vec<_> {
            versions.iter().map(|(id, _)| (*key, id.clone())).collect()
        };
        self.keys.iter().flat_map(of).collect()
    }

    /// As a listing shows them: key, id, whether it is a marker, whether it is the newest.
    fn listed(&self) -> Vec<(String, String, bool, bool)> {
        let mut listed = Vec::new();
        for (key, versions) in &self.keys {
            for (at, (id, body)) in versions.iter().enumerate().rev() {
                listed.push(((*key).to_owned(), id.clone(), body.is_none(), at + 1 == versions.len()));
            }
        }
        listed
    }
}

async fn take(fixture: &Fixture, model: &mut Model, step: &Step) {
    match step {
        Step::Versioning(status) => {
            fixture.set_versioning(status).await.unwrap();
            model.versioning = status;
        }
        Step::Put { key } => {
            model.puts += 1;
            let body = format!("body {}", model.puts);
            let stream = ByteStream::from_bytes(Bytes::from(body.clone()));
            let input = PutObjectRequest { body: Some(stream), ..put(KEYS[*key], "") };
            let output = fixture.s3.put_object(ours(), input).await.unwrap();
            assert_eq!(output.version_id.is_some(), model.versioning == "Enabled");
            model.add(KEYS[*key], output.version_id, Some(body));
        }
        Step::Delete { key } => {
            let (id, is_marker) = fixture.delete(KEYS[*key], None).await.unwrap();
            assert_eq!((id.is_some(), is_marker), (!model.versioning.is_empty(), !model.versioning.is_empty()));
            model.add(KEYS[*key], id, None);
        }
        Step::DeleteVersion { place } => {
            let all = model.all();
            let Some((key, id)) = all.get(place % all.len().max(1)) else { return };
            let (shown, is_marker) = fixture.delete(key, Some(id)).await.unwrap();
            assert_eq!(shown, Some(id.clone()).filter(|_| !model.versioning.is_empty()));
            assert_eq!(model.remove(key, id), is_marker);
        }
        Step::DeleteNull { key } => {
            let (_, is_marker) = fixture.delete(KEYS[*key], Some("null")).await.unwrap();
            assert_eq!(model.remove(KEYS[*key], "null"), is_marker);
        }
        Step::DeleteMany { entries } => delete_many(fixture, model, entries).await,
        Step::Wait => {
            fixture.reconcile_after(SignedDuration::from_secs(1)).await;
        }
    }
}

async fn delete_many(fixture: &Fixture, model: &mut Model, entries: &[(usize, Option<usize>)]) {
    let named = |(key, place): &(usize, Option<usize>)| {
        let versions = model.keys.get(KEYS[*key]).map(Vec::as_slice).unwrap_or_default();
        let version = place.and_then(|place| versions.get(place % versions.len().max(1)));
        ObjectIdentifier {
            key: KEYS[*key].to_owned(),
            version_id: version.map(|(id, _)| id.clone()),
            ..ObjectIdentifier::default()
        }
    };
    let objects: Vec<ObjectIdentifier> = entries.iter().map(named).collect();
    let delete = Delete { objects: objects.clone(), quiet: None };
    let input = DeleteObjectsRequest { bucket: "bucket".to_owned(), delete, ..DeleteObjectsRequest::default() };
    let output = fixture.s3.delete_objects(ours(), input).await.unwrap();
    assert_eq!(output.errors, None);
    for ((object, (key, _)), deleted) in objects.iter().zip(entries).zip(output.deleted.unwrap()) {
        assert_eq!((&deleted.key.unwrap(), &deleted.version_id), (&object.key, &object.version_id));
        let is_marker = match &object.version_id {
            Some(id) => model.remove(KEYS[*key], id),
            None => {
                model.add(KEYS[*key], deleted.delete_marker_version_id.clone(), None);
                !model.versioning.is_empty()
            }
        };
        assert_eq!(deleted.delete_marker == Some(true), is_marker);
    }
}

async fn compare(fixture: &Fixture, model: &Model) {
    let mut present = Vec::new();
    for key in KEYS {
        let versions = model.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        let newest = fixture.get(get(key)).await;
        match versions.last() {
            Some((id, Some(body))) => {
                present.push(key.to_owned());
                let (output, found) = newest.unwrap();
                assert_eq!(&found, body);
                assert_eq!(output.version_id, Some(id.clone()).filter(|_| !model.versioning.is_empty()));
            }
            Some((id, None)) => {
                let error = newest.unwrap_err();
                assert_eq!((&*error.code, error.status), ("NoSuchKey", 404));
                let headers = [("x-amz-delete-marker", "true".to_owned()), ("x-amz-version-id", id.clone())];
                assert_eq!(error.headers, headers);
            }
            None => assert_eq!(newest.unwrap_err().code, "NoSuchKey"),
        }
        for (id, body) in versions {
            let of_version = GetObjectRequest { version_id: Some(id.clone()), ..get(key) };
            match (fixture.get(of_version).await, body) {
                (Ok((_, found)), Some(body)) => assert_eq!(&found, body),
                (Err(error), None) => assert_eq!((&*error.code, error.status), ("MethodNotAllowed", 405)),
                (found, _) => panic!("{key} {id}: {found:?}"),
            }
        }
    }
    let input = ListObjectsV2Request { bucket: "bucket".to_owned(), ..ListObjectsV2Request::default() };
    let contents = fixture.s3.list_objects_v2(ours(), input).await.unwrap().contents.unwrap_or_default();
    let keys: Vec<String> = contents.into_iter().filter_map(|object| object.key).collect();
    assert_eq!(keys, present);
    for page_size in [1, 3, 1000] {
        check_pages(fixture, page_size, &model.listed()).await;
    }
}

/// Each page must be the next piece of the whole, in its order.
async fn check_pages(fixture: &Fixture, page_size: i32, expected: &[(String, String, bool, bool)]) {
    let (mut seen, mut next) = (0, (None, None));
    loop {
        let input = ListObjectVersionsRequest {
            max_keys: Some(page_size),
            key_marker: next.0,
            version_id_marker: next.1,
            ..ListObjectVersionsRequest::default()
        };
        let page = fixture.versions(input).await.unwrap();
        let entries =
            page.entries.unwrap_or_default().into_iter().map(|entry| match (entry.version, entry.delete_marker) {
                (Some(it), None) => (it.key.unwrap(), it.version_id.unwrap(), false, it.is_latest.unwrap()),
                (None, Some(it)) => (it.key.unwrap(), it.version_id.unwrap(), true, it.is_latest.unwrap()),
                other => panic!("an entry is one or the other: {other:?}"),
            });
        let entries: Vec<_> = entries.collect();
        assert!(entries.len() <= page_size as usize);
        assert_eq!(entries, expected[seen..seen + entries.len()], "pages of {page_size}");
        seen += entries.len();
        next = (page.next_key_marker, page.next_version_id_marker);
        assert_eq!(page.is_truncated, Some(next.0.is_some()));
        if next.0.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected.len());
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_is_done_the_versions_are_those_of_the_model(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::with_bucket().await;
            let mut model = Model::default();
            for step in &steps {
                take(&fixture, &mut model, step).await;
                compare(&fixture, &model).await;
            }
        });
    }
}
