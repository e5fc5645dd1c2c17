//! A region with S3 alone in it, and two accounts.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use api::s3::{
    CreateBucketRequest, DeletePublicAccessBlockRequest, GetObjectOutput, GetObjectRequest, OwnershipControls,
    OwnershipControlsRule, PutBucketOwnershipControlsRequest, PutObjectOutput, PutObjectRequest, S3Api,
};
use api::{Call, Caller, Principal};
use blobs::{BlobStore, MemoryBlobs};
use bytes::Bytes;
use iam::{AccountRecord, AccountStatus};
use ids::AccountId;
use jiff::{SignedDuration, Timestamp};
use service::{Effects, KeyAlgorithm, KeyMaterial, Pass, Reconciler, RegionFacts, Runner, ZoneFacts};
use store::{Changes, Store};
use wire::{ByteStream, ServiceError};

use crate::{BlobReconciler, Content, KeyRing, LifecycleReconciler, MasterKeys, ObjectRecord, ObjectTraits, S3};

/// A clock that stands still until it is moved.
struct Clock {
    seconds: AtomicI64,
    /// How often random bytes were asked for: they differ from call to call, as ids must.
    fills: AtomicU64,
}

impl Effects for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.seconds.load(Ordering::SeqCst)).unwrap()
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
        let count = self.fills.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let length = bytes.len().min(8);
        bytes[..length].copy_from_slice(&count[8 - length..]);
    }

    fn new_key(&self, _algorithm: KeyAlgorithm) -> Result<KeyMaterial, String> {
        Err("S3 makes no keys".to_owned())
    }
}

pub(super) struct Fixture {
    pub s3: S3,
    pub store: Store,
    pub blobs: Arc<MemoryBlobs>,
    pub reconciler: BlobReconciler,
    pub lifecycle: LifecycleReconciler,
    clock: Arc<Clock>,
}

impl Fixture {
    /// A region of this name.
    pub fn of_region(name: &str) -> Self {
        // Blobs carry the time of the real clock, so ours begins there too.
        let clock = Arc::new(Clock { seconds: AtomicI64::new(Timestamp::now().as_second()), fills: AtomicU64::new(0) });
        let region = RegionFacts {
            name: name.to_owned(),
            zones: vec![ZoneFacts { name: format!("{name}a"), id: "z1".to_owned() }],
            endpoint: "localhost:4566".to_owned(),
            public_pool: (std::net::Ipv4Addr::new(198, 51, 100, 0), 24),
        };
        let store = testkit::store();
        let blobs = Arc::new(MemoryBlobs::default());
        let region = Arc::new(region);
        let lifecycle = LifecycleReconciler::new(store.clone(), clock.clone(), Arc::clone(&region));
        let runner = Runner::new(
            store.clone(),
            region,
            clock.clone(),
            Arc::new(iam::PolicyAuthorizer::new(&store, clock.clone())),
        );
        let s3 = S3::new(runner, blobs.clone(), keys());
        let reconciler = BlobReconciler::new(store.clone(), blobs.clone(), clock.clone());
        Self { s3, store, blobs, reconciler, lifecycle, clock }
    }

    /// A region with the bucket `bucket` of the account [`ours`].
    pub async fn with_bucket() -> Self {
        let fixture = Self::of_region("us-east-1");
        let mut accounts = Changes::new();
        for call in [ours(), theirs()] {
            let id = call.caller.account.unwrap();
            let (name, created) = (id.to_string(), Timestamp::UNIX_EPOCH);
            accounts.put(&AccountRecord { id, name, status: AccountStatus::Active, created }).unwrap();
        }
        fixture.store.commit(None, accounts).await.unwrap();
        fixture.create("bucket").await.unwrap();
        fixture
    }

    /// The same, where lists count and nothing public is blocked; the region knows both accounts.
    pub async fn with_lists() -> Self {
        let fixture = Self::with_bucket().await;
        for (number, caller) in [(1, ours()), (2, theirs())] {
            let key = iam::NewAccessKey::from_random([number; 56]);
            let account = caller.caller.account.unwrap();
            let changes = iam::create_account(account, "a", &key, Timestamp::UNIX_EPOCH).unwrap();
            fixture.store.commit(None, changes).await.unwrap();
        }
        fixture.own("ObjectWriter").await.unwrap();
        let open = DeletePublicAccessBlockRequest { bucket: "bucket".to_owned(), expected_bucket_owner: None };
        fixture.s3.delete_public_access_block(ours(), open).await.unwrap();
        fixture
    }

    /// Says who owns the objects of `bucket`.
    pub async fn own(&self, object_ownership: &str) -> Result<(), ServiceError> {
        let rule = OwnershipControlsRule { object_ownership: object_ownership.to_owned() };
        let input = PutBucketOwnershipControlsRequest {
            bucket: "bucket".to_owned(),
            ownership_controls: OwnershipControls { rules: vec![rule] },
            ..PutBucketOwnershipControlsRequest::default()
        };
        self.s3.put_bucket_ownership_controls(ours(), input).await
    }

    pub async fn create(&self, bucket: &str) -> Result<(), ServiceError> {
        let input = CreateBucketRequest { bucket: bucket.to_owned(), ..CreateBucketRequest::default() };
        self.s3.create_bucket(ours(), input).await.map(drop)
    }

    pub async fn put(&self, key: &str, body: &'static str) -> PutObjectOutput {
        self.s3.put_object(ours(), put(key, body)).await.unwrap()
    }

    /// The answer to a GET and its bytes.
    pub async fn get(&self, input: GetObjectRequest) -> Result<(GetObjectOutput, Bytes), ServiceError> {
        let mut output = self.s3.get_object(ours(), input).await?;
        let body = output.body.take().unwrap().collect(1 << 20).await.unwrap();
        Ok((output, body))
    }

    pub async fn blob_count(&self) -> usize {
        self.blobs.list(None, 1000).await.unwrap().len()
    }

    /// Lets time pass, and the lifecycle rules be carried out until there is nothing more to do.
    pub async fn live_on(&self, time: SignedDuration) -> Pass {
        self.clock.seconds.fetch_add(time.as_secs(), Ordering::SeqCst);
        let mut all = Pass::default();
        loop {
            let pass = self.lifecycle.activate().await.unwrap();
            all.examined += pass.examined;
            all.changed += pass.changed;
            if pass.changed + pass.waiting == 0 {
                return all;
            }
        }
    }

    pub async fn reconcile_after(&self, time: SignedDuration) -> Pass {
        self.clock.seconds.fetch_add(time.as_secs(), Ordering::SeqCst);
        self.reconciler.activate().await.unwrap()
    }
}

/// Keys that everybody knows.
pub(super) fn keys() -> Arc<KeyRing> {
    Arc::new(KeyRing::new(&MasterKeys::new([42; 32])).unwrap())
}

pub(super) fn put(key: &str, body: &'static str) -> PutObjectRequest {
    put_stream(key, ByteStream::from_bytes(Bytes::from_static(body.as_bytes())))
}

pub(super) fn put_stream(key: &str, body: ByteStream) -> PutObjectRequest {
    PutObjectRequest {
        bucket: "bucket".to_owned(),
        key: key.to_owned(),
        body: Some(body),
        ..PutObjectRequest::default()
    }
}

/// A body with a trailer, as the edge hands it over.
pub(super) fn with_trailer(body: &'static str, name: &str, value: &str) -> ByteStream {
    let trailers = Arc::new(OnceLock::new());
    let (name, value, setter) = (name.to_owned(), value.to_owned(), Arc::clone(&trailers));
    let pieces = futures_util::stream::unfold(false, move |is_done| {
        if is_done {
            let _ = setter.set(vec![(name.clone(), value.clone())]);
        }
        let piece = (!is_done).then(|| (Ok(Bytes::from_static(body.as_bytes())), true));
        futures_util::future::ready(piece)
    });
    ByteStream::new(pieces, Some(body.len() as u64)).with_trailers(trailers)
}

pub(super) fn get(key: &str) -> GetObjectRequest {
    GetObjectRequest { bucket: "bucket".to_owned(), key: key.to_owned(), ..GetObjectRequest::default() }
}

pub(super) fn call(caller: Caller) -> Call {
    Call {
        caller,
        request_id: "1".to_owned(),
        source_ip: None,
        is_secure: true,
        user_agent: String::new(),
        manner: Arc::default(),
        region: "us-east-1".to_owned(),
        verdicts: api::Verdicts::default(),
    }
}

pub(super) fn our_account() -> AccountId {
    "123456789012".parse().unwrap()
}

/// A call by the root of the account that owns `bucket`.
pub(super) fn ours() -> Call {
    call(Caller::root(our_account(), "AKIAOURS"))
}

/// A call by the root of another account.
pub(super) fn theirs() -> Call {
    call(Caller::root("210987654321".parse().unwrap(), "AKIATHEIRS"))
}

/// A call by a user of our account, to whom nobody gave a policy.
pub(super) fn a_users() -> Call {
    let principal = Principal::User { name: "ada".to_owned(), path: "/".into(), id: "AIDAADA".to_owned() };
    call(Caller { principal, ..Caller::root(our_account(), "AKIAADA") })
}

/// An object without anything in it.
pub(crate) fn object(bucket: &str, key: &str) -> ObjectRecord {
    ObjectRecord {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version: "null".to_owned(),
        order: 0,
        content: Content::Empty,
        length: 0,
        etag: String::new(),
        last_modified: Timestamp::UNIX_EPOCH,
        checksum: None,
        traits: ObjectTraits { storage_class: "STANDARD".to_owned(), ..ObjectTraits::default() },
        restored_until: None,
    }
}
