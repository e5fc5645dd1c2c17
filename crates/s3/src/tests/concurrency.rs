//! Many callers at once: each finds what it wrote itself, and nobody finds what nobody wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use api::s3::{
    CopyObjectRequest, GetObjectRequest, ListObjectVersionsRequest, ListObjectsV2Request, PutObjectRequest, S3Api,
};
use bytes::Bytes;
use wire::{ByteStream, ServiceError};

use super::fixture::{Fixture, get, ours, put};

const CALLERS: usize = 6;
const STEPS: usize = 40;
const SHARED: [&str; 2] = ["shared/1", "shared/2"];

/// Which body each version was put with, by its key and id.
type Written = Arc<Mutex<BTreeMap<(String, String), String>>>;

/// A caller with a key that nobody else writes.
struct Caller {
    fixture: Arc<Fixture>,
    number: usize,
    written: Written,
    random: u64,
}

impl Caller {
    fn roll(&mut self, sides: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % sides
    }

    /// Puts until it is not told to come again: those who are in each other's way are.
    async fn put(&self, key: &str, body: &str) -> String {
        loop {
            let stream = ByteStream::from_bytes(Bytes::from(body.to_owned()));
            let input = PutObjectRequest { body: Some(stream), ..put(key, "") };
            match self.fixture.s3.put_object(ours(), input).await {
                Ok(output) => {
                    let id = output.version_id.unwrap();
                    let before = self.written.lock().unwrap().insert((key.to_owned(), id.clone()), body.to_owned());
                    assert_eq!(before, None, "no two versions have one id");
                    return id;
                }
                Err(error) => assert_eq!(error.status, 503, "{error:?}"),
            }
        }
    }

    async fn delete(&self, key: &str) {
        while let Err(error) = self.fixture.delete(key, None).await {
            assert_eq!(error.status, 503, "{error:?}");
        }
    }

    async fn body(&self, key: &str) -> Result<String, ServiceError> {
        let (_, body) = self.fixture.get(get(key)).await?;
        Ok(String::from_utf8(body.to_vec()).unwrap())
    }

    async fn listed(&self, key: &str) -> bool {
        let input = ListObjectsV2Request { bucket: "bucket".to_owned(), ..ListObjectsV2Request::default() };
        let contents = self.fixture.s3.list_objects_v2(ours(), input).await.unwrap().contents.unwrap_or_default();
        let keys: Vec<String> = contents.into_iter().filter_map(|object| object.key).collect();
        assert!(keys.is_sorted() && keys.iter().collect::<BTreeSet<_>>().len() == keys.len());
        keys.iter().any(|listed| listed == key)
    }

    async fn run(mut self) {
        let own = format!("own/{}", self.number);
        let mut model: Option<String> = None;
        for step in 0..STEPS {
            let body = format!("{} {step}", self.number);
            let shared = SHARED[self.roll(2) as usize];
            match self.roll(6) {
                0 | 1 => {
                    self.put(&own, &body).await;
                    model = Some(body);
                }
                2 => {
                    self.delete(&own).await;
                    model = None;
                }
                3 => drop(self.put(shared, &body).await),
                4 => self.delete(shared).await,
                _ => self.copy(shared).await,
            }
            assert_eq!(self.body(&own).await.ok(), model, "what was acknowledged is read");
            assert_eq!(self.listed(&own).await, model.is_some(), "and listed");
        }
    }

    /// Copies a key that others write, to one that they write too.
    async fn copy(&self, from: &str) {
        let input = CopyObjectRequest {
            bucket: "bucket".to_owned(),
            key: "shared/copy".to_owned(),
            copy_source: format!("bucket/{from}"),
            ..CopyObjectRequest::default()
        };
        match self.fixture.s3.copy_object(ours(), input).await {
            Ok(output) => {
                let source = output.copy_source_version_id.unwrap();
                let of_copy = GetObjectRequest { version_id: output.version_id.clone(), ..get("shared/copy") };
                let (_, body) = self.fixture.get(of_copy).await.unwrap();
                let of_source = GetObjectRequest { version_id: Some(source), ..get(from) };
                assert_eq!(
                    self.fixture.get(of_source).await.unwrap().1,
                    body,
                    "a copy is of the version that it names"
                );
                let body = String::from_utf8(body.to_vec()).unwrap();
                let place = ("shared/copy".to_owned(), output.version_id.unwrap());
                self.written.lock().unwrap().insert(place, body);
            }
            Err(error) => assert!(error.code == "NoSuchKey" || error.status == 503, "{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_writes_at_once_nothing_is_lost_and_everyone_reads_what_they_wrote() {
    let fixture = Arc::new(Fixture::with_bucket().await);
    fixture.set_versioning("Enabled").await.unwrap();
    let written = Written::default();
    let callers = (0..CALLERS).map(|number| {
        let (fixture, written) = (Arc::clone(&fixture), Arc::clone(&written));
        tokio::spawn(Caller { fixture, number, written, random: 77 + number as u64 }.run())
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    let input = ListObjectVersionsRequest { bucket: "bucket".to_owned(), ..ListObjectVersionsRequest::default() };
    let page = fixture.s3.list_object_versions(ours(), input).await.unwrap();
    assert_eq!(page.is_truncated, Some(false));
    let written = written.lock().unwrap().clone();
    let mut listed = BTreeMap::new();
    for version in page.entries.unwrap().into_iter().filter_map(|entry| entry.version) {
        let (key, id) = (version.key.unwrap(), version.version_id.unwrap());
        let of_version = GetObjectRequest { version_id: Some(id.clone()), ..get(&key) };
        let (_, body) = fixture.get(of_version).await.unwrap();
        listed.insert((key, id), String::from_utf8(body.to_vec()).unwrap());
    }
    assert_eq!(listed, written, "every version that was acknowledged is there, with its bytes");
}
