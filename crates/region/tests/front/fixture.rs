//! A region in memory with simulated machines, two accounts, and keys of every kind that must not work.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use blobs::{BlobStore, MemoryBlobs};
use host_sim::{Faults, SimMachines, SimNetworks};
use iam::{AccessKeyRecord, AccountRecord, AccountStatus, KeyOwner, KeyStatus, NewAccessKey, UserRecord};
use ids::AccountId;
use jiff::Timestamp;
use node::Agent;
use region::admin::Order;
use region::{KeyRing, Limits, MasterKeys, Parts, Region, RegionConfig, Server, SystemEffects};
use service::{RegionFacts, ZoneFacts};
use store::{Changes, Direction, Engine, KeyRange, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::client::{Answer, Key, PATIENCE, Request};

pub struct World {
    pub address: SocketAddr,
    pub blobs: Arc<MemoryBlobs>,
    /// The account that has things.
    pub account: AccountId,
    /// The root of the account that has things.
    pub owner: Key,
    /// The root of another account.
    pub stranger: Key,
    /// A user of the owner's account, without policies.
    pub user: Key,
    /// The root of a closed account.
    pub suspended: Key,
    /// A key of the owner's that was switched off.
    pub inactive: Key,
    engine: Arc<dyn Engine>,
    store: Store,
    order: watch::Sender<Order>,
    running: JoinHandle<Order>,
}

/// Things of the owner's.
#[derive(Debug, Default)]
pub struct Things {
    pub account: String,
    pub instance: String,
    pub image: String,
    pub key_pair: String,
    pub group: String,
    pub vpc: String,
    pub subnet: String,
}

pub const KEY_NAME: &str = "walk-key-pair";
pub const BUCKET: &str = "walk-bucket";
pub const OBJECT: &str = "walk-object";

fn new_key() -> Key {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Key { id: format!("AKIATEST{number:012}"), secret: format!("secret/{number:033}") }
}

fn account(number: u64) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

fn record(key: &Key, account: AccountId, owner: KeyOwner) -> AccessKeyRecord {
    let new = NewAccessKey { id: key.id.clone(), secret: key.secret.clone() };
    AccessKeyRecord::new(&new, account, owner, Timestamp::now())
}

impl World {
    pub async fn new() -> Self {
        Self::with_limits(Limits::default()).await
    }

    pub async fn with_limits(limits: Limits) -> Self {
        Self::behind(limits, |server| server).await
    }

    /// Behind a server with TLS, for example.
    pub async fn behind(limits: Limits, front: impl FnOnce(Server) -> Server) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::open(limits, listen, false, front).await.unwrap()
    }

    /// One that believes everybody.
    pub async fn in_dev() -> Self {
        Self::open_in_dev(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap()
    }

    /// The same at this address, or why it does not open.
    pub async fn open_in_dev(listen: SocketAddr) -> Result<Self, String> {
        Self::open(Limits::default(), listen, true, |server| server).await
    }

    async fn open(
        limits: Limits,
        listen: SocketAddr,
        is_dev: bool,
        front: impl FnOnce(Server) -> Server,
    ) -> Result<Self, String> {
        let engine: Arc<dyn Engine> = testkit::engine();
        let store = Store::shared(Arc::clone(&engine));
        let blobs = Arc::new(MemoryBlobs::default());
        let machines = Arc::new(SimMachines::in_memory(Faults::default()));
        let networks = Arc::new(SimNetworks::in_memory(Faults::default()));
        let public_pool = (Ipv4Addr::new(100, 64, 0, 0), 16);
        let config = RegionConfig {
            name: "us-east-1".to_owned(),
            zones: vec!["us-east-1a".to_owned()],
            listen,
            public_pool,
            admin_dir: None,
            image_dir: None,
            is_simulated: true,
            is_dev,
            lifecycle_day: std::time::Duration::from_secs(86_400),
            new_buckets: Default::default(),
            bucket_hosts: Default::default(),
        };
        let parts = Parts {
            store: store.clone(),
            blobs: Arc::<MemoryBlobs>::clone(&blobs),
            keys: Arc::new(KeyRing::new(&MasterKeys::new([42; 32])).unwrap()),
            node: Arc::new(Agent::new(machines, networks)),
            effects: Arc::new(SystemEffects),
            duty: None,
        };
        // What is refused is refused before anything is bound.
        let opened = if is_dev {
            Region::open(config, parts).await
        } else {
            let server = front(Server::bind(config.listen).await.map_err(|error| error.to_string())?);
            Region::open_on(server, config, parts).await
        };
        let region = opened.map_err(|error| error.to_string())?.with_limits(limits);
        let address = region.address();
        let root = region.root_key();
        let owner = Key { id: root.access_key.clone(), secret: root.secret.clone() };
        let facts = RegionFacts {
            name: "us-east-1".to_owned(),
            zones: vec![ZoneFacts { name: "us-east-1a".to_owned(), id: "use1-az1".to_owned() }],
            endpoint: address.to_string(),
            public_pool,
        };
        let [stranger, user, suspended, inactive] = [new_key(), new_key(), new_key(), new_key()];
        let mut changes = Changes::new();
        for (number, key, status) in [(2, &stranger, AccountStatus::Active), (3, &suspended, AccountStatus::Suspended)]
        {
            let new = NewAccessKey { id: key.id.clone(), secret: key.secret.clone() };
            changes.merge(iam::create_account(account(number), "another", &new, Timestamp::now()).unwrap());
            let mut random = || {
                static NEXT: AtomicU64 = AtomicU64::new(1);
                NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()
            };
            changes.merge(ec2::default_network(&account(number), &facts, &mut random).unwrap().0);
            let (id, name) = (account(number), "another".to_owned());
            changes.put(&AccountRecord { id, name, status, created: Timestamp::now() }).unwrap();
        }
        let root = root.account.clone();
        let ada = KeyOwner::User { name: "ada".to_owned(), id: "AIDAADA".to_owned() };
        changes.put(&record(&user, root.clone(), ada)).unwrap();
        let ada = UserRecord {
            account: root.clone(),
            name: "ada".to_owned(),
            path: "/".to_owned(),
            id: "AIDAADA".to_owned(),
            created: Timestamp::now(),
            boundary: None,
            tags: Vec::new(),
        };
        changes.put(&ada).unwrap();
        let off = AccessKeyRecord { status: KeyStatus::Inactive, ..record(&inactive, root.clone(), KeyOwner::Root) };
        changes.put(&off).unwrap();
        store.commit(None, changes).await.unwrap();
        let order = watch::Sender::new(Order::Run);
        let running = tokio::spawn(region.run(order.clone()));
        let account = root;
        Ok(Self { address, blobs, account, owner, stranger, user, suspended, inactive, engine, store, order, running })
    }

    /// Every row there is, but for what tells when keys and passwords were last used.
    pub fn rows(&self) -> Vec<store::Pair> {
        let rows = self.engine.snapshot().unwrap().scan(KeyRange::all(), Direction::Ascending, usize::MAX).unwrap();
        let is_use =
            |key: &[u8]| key.windows(4).any(|part| part == b"-use") && key.windows(9).any(|it| it == b"identity/");
        rows.into_iter().filter(|(key, _)| !is_use(key)).collect()
    }

    /// Whether nothing has changed since there were these rows, but for the policy of those who walk.
    pub fn settled(&self, before: &[store::Pair]) -> bool {
        let own = |rows: &[store::Pair]| -> Vec<store::Pair> {
            let has = |key: &[u8], part: &[u8]| key.windows(part.len()).any(|it| it == part);
            let is_own = |key: &[u8]| has(key, b"user/ada") || has(key, b"role/walker");
            rows.iter().filter(|(key, _)| !is_own(key)).cloned().collect()
        };
        own(&self.rows()) == own(before)
    }

    /// Puts something into the store, past all services.
    pub async fn commit(&self, changes: Changes) {
        self.store.commit(None, changes).await.unwrap();
    }

    /// How many objects' bytes there are.
    pub async fn blob_count(&self) -> usize {
        self.blobs.list(None, 1000).await.unwrap().len()
    }

    /// An EC2 call of the owner's that succeeds.
    pub async fn ec2(&self, form: &str) -> Answer {
        let answer =
            Request::form(&format!("{form}&Version=2016-11-15")).signed(&self.owner, "ec2").send(self.address).await;
        assert_eq!(answer.status, 200, "{form}: {}", answer.body);
        answer
    }

    /// An S3 call of the owner's.
    pub async fn s3(&self, method: &str, path: &str, body: &str) -> Answer {
        Request::new(method, path, "", body).signed(&self.owner, "s3").send(self.address).await
    }

    /// Gives the owner one of each kind, and waits until nothing moves.
    pub async fn furnish(&self) -> Things {
        let text = |answer: &Answer, name: &str| answer.element(name).expect(name).to_owned();
        let mut things = Things {
            account: self.account.to_string(),
            vpc: text(&self.ec2("Action=DescribeVpcs").await, "vpcId"),
            subnet: text(&self.ec2("Action=DescribeSubnets").await, "subnetId"),
            image: text(&self.ec2("Action=DescribeImages").await, "imageId"),
            key_pair: text(
                &self.ec2(&format!("Action=CreateKeyPair&KeyType=ed25519&KeyName={KEY_NAME}")).await,
                "keyPairId",
            ),
            group: text(&self.ec2("Action=CreateSecurityGroup&GroupName=walk&GroupDescription=walk").await, "groupId"),
            instance: String::new(),
        };
        let run = format!("Action=RunInstances&MinCount=1&MaxCount=1&ImageId={}", things.image);
        things.instance = text(&self.ec2(&run).await, "instanceId");
        let is_running = async {
            while !self.ec2("Action=DescribeInstances").await.body.contains("<name>running</name>") {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, is_running).await.expect("the instance runs");
        assert_eq!(self.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
        assert_eq!(self.s3("PUT", &format!("/{BUCKET}/{OBJECT}"), "its bytes").await.status, 200);
        things
    }

    /// Tells the region to make way for another program.
    pub fn restart(&self) {
        self.order.send_replace(Order::Restart);
    }

    /// Tells the region to stop.
    pub fn stop(&self) {
        self.order.send_replace(Order::Stop);
    }

    /// Waits until it has.
    pub async fn stopped(self) {
        let ended = tokio::time::timeout(PATIENCE, self.running).await.expect("it stops in time").unwrap();
        assert!(ended != Order::Run);
    }
}
