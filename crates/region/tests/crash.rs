//! `kill -9` of a process that puts, overwrites and deletes objects, makes backups and sweeps, all at once, at any
//! instant: every acknowledged object is there and whole, what was acknowledged as deleted is not, finished backups are
//! whole, and after a sweep there is no blob that no record names.
//!
//! Twenty cycles, or as many as `CRASH_CYCLES` says.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::s3::{
    CreateBucketRequest, DeleteObjectRequest, GetObjectRequest, ListObjectsV2Request, PutObjectRequest, S3Api,
};
use api::{Call, Caller};
use backup::{Item, Reader};
use blobs::{BlobStore, FolderBlobs, FolderLimits};
use iam::PolicyAuthorizer;
use jiff::{SignedDuration, Timestamp};
use region::backups::Backups;
use s3::{BlobReconciler, KeyRing, MasterKeys, S3};
use service::{Reconciler, RegionFacts, Runner, ZoneFacts};
use store::conformance::killed::{acknowledge, next_acknowledged, start_again};
use store::{Direction, KeyRange, Store};
use store_sqlite::Sqlite;
use testkit::FixedEffects;
use wire::{ByteStream, ServiceError};

/// Tells the process, which is this test started once more, to work in the folder it names until it is killed.
const FOLDER: &str = "REGION_CRASH_FOLDER";
const CYCLE: &str = "REGION_CRASH_CYCLE";
const TEST: &str = "nothing_acknowledged_is_lost_and_nothing_leaks_when_killed_at_any_instant";
const WRITERS: u64 = 3;
/// A new folder after so many cycles, as every check reads all.
const FRESH: u64 = 20;
const BUCKET: &str = "bucket";

fn cycles() -> u64 {
    std::env::var("CRASH_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// The parts of a region that keep objects.
struct Parts {
    s3: S3,
    store: Store,
    blobs: Arc<dyn BlobStore>,
    reconciler: BlobReconciler,
    effects: Arc<FixedEffects>,
}

impl Parts {
    fn open(folder: &Path) -> Self {
        // Blobs carry the time of the real clock, so ours begins there too.
        let effects = Arc::new(FixedEffects::new(Timestamp::now(), 7));
        let facts = RegionFacts {
            name: "us-east-1".into(),
            zones: vec![ZoneFacts { name: "us-east-1a".into(), id: "z1".into() }],
            endpoint: "localhost:4566".into(),
            public_pool: (std::net::Ipv4Addr::new(198, 51, 100, 0), 24),
        };
        let store = Store::new(Sqlite::open(folder.join("store")).unwrap());
        let blobs: Arc<dyn BlobStore> =
            Arc::new(FolderBlobs::open(folder.join("blobs"), FolderLimits::default()).unwrap());
        let authorizer = Arc::new(PolicyAuthorizer::new(&store, effects.clone()));
        let runner = Runner::new(store.clone(), Arc::new(facts), effects.clone(), authorizer);
        let keys = Arc::new(KeyRing::new(&MasterKeys::new([42; 32])).unwrap());
        let s3 = S3::new(runner, Arc::clone(&blobs), keys);
        let reconciler = BlobReconciler::new(store.clone(), Arc::clone(&blobs), effects.clone());
        Self { s3, store, blobs, reconciler, effects }
    }

    async fn put(&self, key: String, body: Vec<u8>) {
        let body = Some(ByteStream::from_bytes(body.into()));
        let input = PutObjectRequest { bucket: BUCKET.into(), key, body, ..PutObjectRequest::default() };
        self.s3.put_object(root(), input).await.unwrap();
    }

    async fn delete(&self, key: String) {
        let input = DeleteObjectRequest { bucket: BUCKET.into(), key, ..DeleteObjectRequest::default() };
        self.s3.delete_object(root(), input).await.unwrap();
    }

    async fn get(&self, key: &str) -> Result<Vec<u8>, ServiceError> {
        let input = GetObjectRequest { bucket: BUCKET.into(), key: key.into(), ..GetObjectRequest::default() };
        let output = self.s3.get_object(root(), input).await?;
        Ok(output.body.unwrap().collect(1 << 20).await.unwrap().to_vec())
    }

    async fn keys(&self) -> BTreeSet<String> {
        let (mut keys, mut after) = (BTreeSet::new(), None);
        loop {
            let input = ListObjectsV2Request {
                bucket: BUCKET.into(),
                start_after: after.take(),
                ..ListObjectsV2Request::default()
            };
            let page = self.s3.list_objects_v2(root(), input).await.unwrap().contents.unwrap_or_default();
            after = page.last().and_then(|last| last.key.clone());
            keys.extend(page.into_iter().filter_map(|entry| entry.key));
            if after.is_none() {
                return keys;
            }
        }
    }
}

fn root() -> Call {
    Call {
        caller: Caller::root("123456789012".parse().unwrap(), "AKIATEST"),
        request_id: "1".into(),
        source_ip: None,
        is_secure: true,
        user_agent: String::new(),
        manner: Arc::default(),
        region: "us-east-1".into(),
        verdicts: api::Verdicts::default(),
    }
}

/// The bytes of an object: its name tells them, and some take several frames of a blob.
fn content(name: &str) -> Vec<u8> {
    let hash = name.bytes().fold(7usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("{name}\n").bytes().cycle().take(name.len() + 1 + hash % 150_000).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn work_until_killed(folder: PathBuf, cycle: u64) {
    runtime().block_on(async {
        let parts = Arc::new(Parts::open(&folder));
        s3::prepare(&parts.store).await.unwrap();
        let bucket = CreateBucketRequest { bucket: BUCKET.into(), ..CreateBucketRequest::default() };
        // From the second cycle on it is there.
        let _ = parts.s3.create_bucket(root(), bucket).await;
        for writer in 0..WRITERS {
            let parts = Arc::clone(&parts);
            tokio::spawn(async move {
                for number in 0u64.. {
                    let key = format!("{cycle}/{writer}/{number}");
                    parts.put(key.clone(), content(&key)).await;
                    acknowledge(&format!("put {key}"));
                    parts.put(format!("same/{writer}"), content(&key)).await;
                    acknowledge(&format!("same {cycle} {writer} {number}"));
                    if number % 3 == 2 {
                        let old = format!("{cycle}/{writer}/{}", number - 2);
                        parts.delete(old.clone()).await;
                        acknowledge(&format!("deleted {old}"));
                    }
                }
            });
        }
        // A minute ahead of the writers: garbage is old enough at every pass, and what is being uploaded is no leftover.
        let ahead = Arc::new(FixedEffects::new(Timestamp::now() + SignedDuration::from_secs(61), 7));
        let reconciler = BlobReconciler::new(parts.store.clone(), Arc::clone(&parts.blobs), ahead);
        tokio::spawn(async move {
            loop {
                reconciler.activate().await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let backups = Backups::new(parts.store.clone(), Arc::clone(&parts.blobs), None, "us-east-1");
        tokio::task::spawn_blocking(move || {
            for number in 0u64.. {
                let part = folder.join("backup.part");
                backups.write(BufWriter::new(File::create(&part).unwrap())).unwrap();
                fs::rename(&part, folder.join("backup")).unwrap();
                acknowledge(&format!("backup {number}"));
            }
        })
        .await
        .unwrap();
    });
}

/// What the killed processes of one folder have acknowledged.
#[derive(Default)]
struct Acknowledged {
    put: BTreeSet<String>,
    deleted: BTreeSet<String>,
    /// The last cycle and number that each writer put under its one name.
    same: BTreeMap<u64, (u64, u64)>,
    backups: u64,
}

impl Acknowledged {
    fn take(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["put", key] => drop(self.put.insert((*key).to_owned())),
            ["deleted", key] => drop(self.deleted.insert((*key).to_owned())),
            ["same", cycle, writer, number] => {
                let value = (cycle.parse().unwrap(), number.parse().unwrap());
                self.same.insert(writer.parse().unwrap(), value);
            }
            ["backup", _] => self.backups += 1,
            other => panic!("{other:?}"),
        }
    }

    async fn check(&self, folder: &Path, cycle: u64) {
        let parts = Parts::open(folder);
        let there = parts.keys().await;
        for key in &there {
            let body = parts.get(key).await.unwrap();
            match key.strip_prefix("same/") {
                None => assert!(body == content(key), "{key} has other bytes"),
                Some(writer) => {
                    let name = String::from_utf8(body.split(|byte| *byte == b'\n').next().unwrap().to_vec()).unwrap();
                    assert!(body == content(&name), "{key} is torn");
                    let numbers: Vec<u64> = name.split('/').map(|part| part.parse().unwrap()).collect();
                    let last = self.same.get(&writer.parse().unwrap());
                    assert!(last.is_none_or(|last| (numbers[0], numbers[2]) >= *last), "{key} fell back to {name}");
                }
            }
        }
        let kept: BTreeSet<String> = self.put.difference(&self.deleted).cloned().collect();
        // One deletion of each writer may have been under way whenever its process was killed.
        let lost: Vec<_> = kept.difference(&there).collect();
        let killed: BTreeSet<&str> =
            lost.iter().filter_map(|key| key.rsplit_once('/')).map(|(writer, _)| writer).collect();
        assert!(lost.len() == killed.len() && lost.iter().all(|key| may_be_going(key)), "lost: {lost:?}");
        assert!(self.deleted.is_disjoint(&there), "what was deleted is back");
        if let Ok(file) = File::open(folder.join("backup")) {
            check_backup(file);
        } else {
            assert_eq!(self.backups, 0, "cycle {cycle}: an acknowledged backup is gone");
        }
        for _ in 0..2 {
            parts.effects.advance(Duration::from_secs(2 * 3600));
            parts.reconciler.activate().await.unwrap();
        }
        let blobs: BTreeSet<_> = parts.blobs.list(None, usize::MAX).await.unwrap().iter().map(|blob| blob.id).collect();
        let snapshot = parts.store.engine().snapshot().unwrap();
        let pairs = snapshot.scan(KeyRange::all(), Direction::Ascending, usize::MAX).unwrap();
        let named = pairs.iter().filter_map(|(key, value)| s3::named_blob(key, value).unwrap()).collect();
        assert_eq!(blobs, named, "cycle {cycle}: blobs on disk, and blobs that are named");
    }
}

/// Whether a writer deletes the object of this name some time.
fn may_be_going(key: &str) -> bool {
    key.rsplit('/').next().is_some_and(|number| number.parse::<u64>().is_ok_and(|number| number % 3 == 0))
}

fn check_backup(file: File) {
    let mut reader = Reader::begin(BufReader::new(file)).unwrap();
    loop {
        if let Item::End(summary) = reader.next().unwrap() {
            assert!(summary.lost.is_empty(), "{summary:?}");
            return;
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_leaks_when_killed_at_any_instant() {
    if let (Some(folder), Ok(cycle)) = (std::env::var_os(FOLDER), std::env::var(CYCLE)) {
        return work_until_killed(folder.into(), cycle.parse().unwrap());
    }
    let mut random = Timestamp::now().as_nanosecond() as u64;
    println!("seed {random}");
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 33
    };
    let mut folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Acknowledged::default();
    for cycle in 0..cycles() {
        if cycle % FRESH == 0 {
            folder = tempfile::tempdir().unwrap();
            acknowledged = Acknowledged::default();
        }
        let (mut child, lines) = {
            let folder = folder.path().to_str().unwrap();
            start_again(TEST, &[(FOLDER, folder), (CYCLE, &cycle.to_string())])
        };
        for _ in 0..1 + next() % 60 {
            acknowledged.take(&next_acknowledged(&lines));
        }
        // Not right after an acknowledgement, but at any instant between two.
        let instant = Instant::now() + Duration::from_micros(next() % 20_000);
        while let Ok(line) = lines.recv_timeout(instant.saturating_duration_since(Instant::now())) {
            acknowledged.take(&line);
        }
        child.kill().unwrap();
        lines.iter().for_each(|line| acknowledged.take(&line));
        assert!(!child.wait().unwrap().success(), "it was killed");
        runtime().block_on(acknowledged.check(folder.path(), cycle));
    }
}
