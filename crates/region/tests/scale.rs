//! A page of a listing costs what is on it, however long the bucket is: the rows that are read for it are counted, in a
//! bucket of a thousand keys and in one of twenty thousand. `LIST_KEYS` says how many instead (`make soak`: ten millions), and
//! from a million on their times are compared too.
//! Not here: how fast that is, which `make bench` tells.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use api::s3::{CreateBucketRequest, ListObjectVersionsRequest, ListObjectsV2Request, PutObjectRequest, S3Api};
use api::{Call, Caller};
use blobs::MemoryBlobs;
use iam::PolicyAuthorizer;
use s3::{KeyRing, MasterKeys, ObjectRecord, S3};
use service::{RegionFacts, Runner, ZoneFacts};
use store::{
    BoxFuture, Changes, CommitError, Direction, Engine, KeyPrefix, KeyRange, OpenRead, Pair, Snapshot, Store,
    StoreError, Transaction, Version, Watch,
};
use store_sqlite::Sqlite;
use testkit::FixedEffects;

const SHORT: u64 = 1_000;
/// From so many keys on, times tell something.
const TIMED: u64 = 1_000_000;
/// Rows of one commit while a bucket is filled.
const BATCH: u64 = 5_000;

/// An engine that counts the rows that are read.
struct Counting {
    engine: Sqlite,
    rows: Arc<AtomicU64>,
}

struct CountingSnapshot {
    snapshot: Box<dyn Snapshot>,
    rows: Arc<AtomicU64>,
}

impl Engine for Counting {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(CountingSnapshot { snapshot: self.engine.snapshot()?, rows: Arc::clone(&self.rows) }))
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'static, Result<Version, CommitError>> {
        self.engine.commit(transaction)
    }

    fn watch(&self, prefix: &[u8]) -> Watch {
        self.engine.watch(prefix)
    }
}

impl Snapshot for CountingSnapshot {
    fn version(&self) -> Version {
        self.snapshot.version()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.rows.fetch_add(1, Ordering::Relaxed);
        self.snapshot.get(key)
    }

    fn scan(&self, range: KeyRange, direction: Direction, limit: usize) -> Result<Vec<Pair>, StoreError> {
        let found = self.snapshot.scan(range, direction, limit)?;
        self.rows.fetch_add(found.len() as u64, Ordering::Relaxed);
        Ok(found)
    }

    fn take_open_read(&mut self) -> Option<OpenRead> {
        self.snapshot.take_open_read()
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

/// The name of a key: a folder of each hundred.
fn key(number: u64) -> String {
    format!("{:06}/{:02}", number / 100, number % 100)
}

struct Region {
    s3: S3,
    store: Store,
    rows: Arc<AtomicU64>,
}

impl Region {
    fn open(folder: &std::path::Path) -> Self {
        let rows = Arc::new(AtomicU64::new(0));
        let store = Store::new(Counting { engine: Sqlite::open(folder).unwrap(), rows: Arc::clone(&rows) });
        let effects = Arc::new(FixedEffects::default());
        let facts = RegionFacts {
            name: "us-east-1".into(),
            zones: vec![ZoneFacts { name: "us-east-1a".into(), id: "z1".into() }],
            endpoint: "localhost:4566".into(),
            public_pool: (std::net::Ipv4Addr::new(198, 51, 100, 0), 24),
        };
        let authorizer = Arc::new(PolicyAuthorizer::new(&store, effects.clone()));
        let runner = Runner::new(store.clone(), Arc::new(facts), effects, authorizer);
        let keys = Arc::new(KeyRing::new(&MasterKeys::new([42; 32])).unwrap());
        Self { s3: S3::new(runner, Arc::new(MemoryBlobs::default()), keys), store, rows }
    }

    /// A bucket with so many keys: one is put, and its row is the others' pattern.
    async fn fill(&self, bucket: &str, keys: u64) {
        let made = CreateBucketRequest { bucket: bucket.into(), ..CreateBucketRequest::default() };
        self.s3.create_bucket(root(), made).await.unwrap();
        let put = PutObjectRequest { bucket: bucket.into(), key: key(0), ..PutObjectRequest::default() };
        self.s3.put_object(root(), put).await.unwrap();
        let prefix = KeyPrefix::of_text(bucket, "");
        let pattern = self.store.view().unwrap().scan::<ObjectRecord>(&prefix, None, 1).unwrap().remove(0);
        let mut number = 1;
        while number < keys {
            let end = keys.min(number + BATCH);
            let mut changes = Changes::new();
            for number in number..end {
                changes.put(&ObjectRecord { key: key(number), ..pattern.clone() }).unwrap();
            }
            self.store.commit(None, changes).await.unwrap();
            number = end;
        }
    }

    /// How many items a page has, how many rows were read for it, and how long it took.
    async fn page(&self, bucket: &str, kind: Kind, after: u64) -> (usize, u64, Duration) {
        let (rows, begun) = (self.rows.load(Ordering::Relaxed), Instant::now());
        let delimiter = matches!(kind, Kind::Folders).then(|| "/".to_owned());
        let items = if matches!(kind, Kind::Versions) {
            let input = ListObjectVersionsRequest {
                bucket: bucket.into(),
                key_marker: Some(key(after)),
                ..ListObjectVersionsRequest::default()
            };
            self.s3.list_object_versions(root(), input).await.unwrap().versions.unwrap_or_default().len()
        } else {
            let (bucket, start_after) = (bucket.to_owned(), Some(key(after)));
            let input = ListObjectsV2Request { bucket, delimiter, start_after, ..ListObjectsV2Request::default() };
            let page = self.s3.list_objects_v2(root(), input).await.unwrap();
            page.contents.unwrap_or_default().len() + page.common_prefixes.unwrap_or_default().len()
        };
        (items, self.rows.load(Ordering::Relaxed) - rows, begun.elapsed())
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Plain,
    Folders,
    Versions,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_long_bucket_costs_no_more_than_one_of_a_short() {
    let long = std::env::var("LIST_KEYS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let folder = tempfile::tempdir().unwrap();
    let region = Region::open(folder.path());
    region.fill("short", SHORT).await;
    region.fill("long", long).await;
    for kind in [Kind::Plain, Kind::Folders, Kind::Versions] {
        // Each page is full in the long bucket, wherever it begins; the short one has one of them.
        let (items, short_rows, _) = region.page("short", kind, 0).await;
        let mut short_times = Vec::new();
        let mut long_times = Vec::new();
        for step in 0..20 {
            short_times.push(region.page("short", kind, 0).await.2);
            let after = (long - SHORT) / 20 * step;
            let (found, rows, time) = region.page("long", kind, after).await;
            long_times.push(time);
            let (per_short, per_long) = (short_rows as f64 / items as f64, rows as f64 / found as f64);
            assert!(
                per_long < per_short * 1.5 + 1.0,
                "{kind:?} after {after}: {rows} rows for {found} items, where a short bucket has {short_rows} for {items}"
            );
        }
        short_times.sort_unstable();
        long_times.sort_unstable();
        println!("{kind:?}: {:?} in {SHORT} keys, {:?} in {long}", short_times[10], long_times[10]);
        if long >= TIMED && matches!(kind, Kind::Plain | Kind::Versions) {
            assert!(
                long_times[10] < short_times[10] * 3,
                "{kind:?}: {:?} beside {:?}",
                long_times[10],
                short_times[10]
            );
        }
    }
}
