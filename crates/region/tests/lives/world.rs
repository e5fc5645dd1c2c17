//! What outlives a process (the store, the host), and a process: a whole region with its agent on a runtime of its own,
//! which can be ended at any instant as `kill -9` ends it.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::ec2::{
    DescribeImagesRequest, DescribeInstancesRequest, Ec2Api, Instance, RebootInstancesRequest, RunInstancesRequest,
    TerminateInstancesRequest,
};
use api::{Call, Caller};
use blobs::MemoryBlobs;
use host::{MachineState, Machines, Networks};
use host_sim::{Faults, SimMachines, SimNetworks};
use ids::{AccountId, InstanceId};
use node::Agent;
use region::admin::{self, Answer, Order, Request};
use region::{KeyRing, MasterKeys, Parts, ReconcilerStatus, Region, RegionConfig, Services};
use store::{Direction, Engine, KeyRange, Memory, Store};
use store_sqlite::Sqlite;
use tempfile::TempDir;
use testkit::FixedEffects;
use testkit::postgres::Database;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use wire::ServiceError;

/// How long anything may take, on the clock of the process: far above what it does take, on any machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the facts are kept from process to process.
enum Kept {
    InMemory(Arc<Memory>),
    OnDisk,
    InDatabase(Database<'static>),
}

/// What outlives a process.
pub struct World {
    folder: TempDir,
    facts: Kept,
    effects: Arc<FixedEffects>,
}

impl World {
    /// A world whose facts are in memory, so that its processes need no real time: their clocks jump over every wait.
    pub fn in_memory() -> Self {
        Self::of(Kept::InMemory(Arc::new(Memory::new())))
    }

    /// A world whose facts are in SQLite, or in PostgreSQL where the environment says so.
    pub fn on_disk() -> Self {
        Self::of(testkit::database().map_or(Kept::OnDisk, Kept::InDatabase))
    }

    fn of(facts: Kept) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), facts, effects: Arc::new(FixedEffects::default()) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The host as it is between two processes. It must be dropped before the next one.
    pub fn host(&self, faults: &Faults) -> (Arc<SimMachines>, Arc<SimNetworks>) {
        let machines = SimMachines::open(&self.path("machines"), faults.clone()).unwrap();
        let networks = SimNetworks::open(&self.path("networks"), faults.clone()).unwrap();
        (Arc::new(machines), Arc::new(networks))
    }

    /// Starts a process: the region is open and at work.
    pub fn start(&self) -> Process {
        let has_paused_clock = matches!(self.facts, Kept::InMemory(_));
        let runtime = Builder::new_current_thread().enable_all().start_paused(has_paused_clock).build().unwrap();
        let engine: Arc<dyn Engine> = match &self.facts {
            Kept::InMemory(engine) => engine.clone(),
            Kept::OnDisk => Arc::new(Sqlite::open(self.path("store")).unwrap()),
            Kept::InDatabase(database) => Arc::new(database.open()),
        };
        let faults = Faults::default();
        let (machines, networks) = self.host(&faults);
        let folder = self.folder.path().to_owned();
        let order = watch::Sender::new(Order::Run);
        let (services, account, agent) = runtime.block_on(async {
            let agent = Arc::new(Agent::new(machines.clone(), networks.clone()));
            let config = RegionConfig {
                name: "us-east-1".into(),
                zones: vec!["us-east-1a".into(), "us-east-1b".into()],
                listen: SocketAddr::from(([127, 0, 0, 1], 0)),
                public_pool: (Ipv4Addr::new(203, 0, 113, 0), 24),
                admin_dir: Some(folder.clone()),
                image_dir: None,
                is_simulated: true,
                is_dev: false,
                lifecycle_day: std::time::Duration::from_secs(86_400),
                new_buckets: Default::default(),
                bucket_hosts: Default::default(),
            };
            let parts = Parts {
                store: Store::shared(engine.clone()),
                blobs: Arc::new(MemoryBlobs::default()),
                keys: Arc::new(KeyRing::new(&MasterKeys::new([42; 32])).unwrap()),
                node: agent.clone(),
                effects: self.effects.clone(),
                duty: None,
            };
            let region = Region::open(config, parts).await.unwrap();
            let (services, account) = (region.services().clone(), region.root_key().account.clone());
            tokio::spawn(region.run(order.clone()));
            (services, account, agent)
        });
        let image = Cell::new(None);
        Process {
            runtime,
            services,
            account,
            machines,
            networks,
            faults,
            engine,
            folder,
            order,
            agent,
            image,
            has_paused_clock,
        }
    }
}

/// A region at work.
pub struct Process {
    runtime: Runtime,
    pub services: Services,
    account: AccountId,
    pub machines: Arc<SimMachines>,
    pub networks: Arc<SimNetworks>,
    /// Faults of what this process does. The next process has its own: nothing that a dead one wants happens.
    pub faults: Faults,
    engine: Arc<dyn Engine>,
    folder: PathBuf,
    order: watch::Sender<Order>,
    agent: Arc<Agent>,
    image: Cell<Option<String>>,
    has_paused_clock: bool,
}

impl Process {
    /// Runs the process for as long as `work` takes.
    pub fn run<T>(&self, work: impl AsyncFnOnce(&Self) -> T) -> T {
        self.runtime.block_on(work(self))
    }

    /// Ends the process at once, whatever it was doing.
    pub fn kill(self) {
        let Self { runtime, .. } = self;
        // Waits only for reads that no one waits for any more, so that the store's file is free for the next process.
        runtime.shutdown_timeout(PATIENCE);
    }

    /// Ends the process as `welkin down` does, machines and networks too.
    pub fn down(self) {
        self.run(async |process| {
            process.order.send_replace(Order::Down);
            process.until("the region stops", async || Arc::strong_count(&process.agent) == 2).await;
        });
        let Self { runtime, services, machines, networks, agent, .. } = self;
        // What is left of the region are the handles of this test.
        drop((agent, services));
        let machines: Arc<dyn Machines> = machines;
        runtime.block_on(node::down(&machines, &*networks)).unwrap();
        runtime.shutdown_timeout(PATIENCE);
    }

    /// A call by the account's root.
    pub fn root(&self) -> Call {
        Call {
            caller: Caller::root(self.account.clone(), "AKIATEST"),
            request_id: "test".into(),
            source_ip: None,
            is_secure: true,
            user_agent: String::new(),
            manner: Arc::default(),
            region: "us-east-1".into(),
            verdicts: api::Verdicts::default(),
        }
    }

    /// A request for one of the smallest instances.
    pub async fn request(&self) -> RunInstancesRequest {
        let known = self.image.take();
        let image = match known {
            Some(image) => image,
            None => {
                let found = self.services.ec2.describe_images(self.root(), DescribeImagesRequest::default()).await;
                found.unwrap().images.unwrap().remove(0).image_id.unwrap()
            }
        };
        self.image.set(Some(image.clone()));
        RunInstancesRequest {
            image_id: Some(image),
            instance_type: Some("t3.nano".into()),
            min_count: 1,
            max_count: 1,
            ..RunInstancesRequest::default()
        }
    }

    /// Launches so many instances with one call.
    pub async fn launch(&self, count: i32) -> Vec<Instance> {
        let input = RunInstancesRequest { min_count: count, max_count: count, ..self.request().await };
        self.services.ec2.run_instances(self.root(), input).await.unwrap().instances.unwrap()
    }

    pub async fn terminate(&self, ids: &[String]) {
        let input = TerminateInstancesRequest { instance_ids: ids.to_vec(), ..Default::default() };
        self.services.ec2.terminate_instances(self.root(), input).await.unwrap();
    }

    pub async fn reboot(&self, ids: &[String]) -> Result<(), ServiceError> {
        let input = RebootInstancesRequest { instance_ids: ids.to_vec(), dry_run: None };
        self.services.ec2.reboot_instances(self.root(), input).await
    }

    /// All instances that the account sees, by id.
    pub async fn instances(&self) -> BTreeMap<String, Instance> {
        let input = DescribeInstancesRequest::default();
        let found = self.services.ec2.describe_instances(self.root(), input).await.unwrap();
        let instances = found.reservations.unwrap().into_iter().flat_map(|one| one.instances.unwrap());
        instances.map(|instance| (id(&instance), instance)).collect()
    }

    /// How the reconcilers do, as the operator's socket says it.
    pub async fn reconcilers(&self) -> Vec<ReconcilerStatus> {
        match admin::ask(&self.folder, Request::Reconcilers, PATIENCE).await.unwrap() {
            Answer::Reconcilers(statuses) => statuses,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until `is_so`.
    pub async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let found = self.find(async || if is_so().await { Ok(()) } else { Err(what.to_owned()) }).await;
        found.unwrap_or_else(|what| panic!("this does not come: {what}"));
    }

    /// Waits until `look` finds what it looks for; gives what was wrong at last if it never does.
    async fn find<T>(&self, look: impl AsyncFn() -> Result<T, String>) -> Result<T, String> {
        let begin = tokio::time::Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            match look().await {
                Err(wrong) if begin.elapsed() > PATIENCE => return Err(wrong),
                Err(_) => tokio::time::sleep(pause).await,
                found => return found,
            }
            // A clock that jumps reaches the agent's timers in few steps; one that does not is asked often.
            pause = if self.has_paused_clock { pause * 2 } else { pause };
        }
    }

    /// Waits until exactly these instances live, and everything else is as that requires; gives them.
    pub async fn settle(&self, expected: &BTreeSet<String>) -> BTreeMap<String, Instance> {
        let found = self.find(async || self.is_settled(expected).await).await;
        found.unwrap_or_else(|wrong| panic!("it does not settle: {wrong}; expected {expected:?}"))
    }

    async fn is_settled(&self, expected: &BTreeSet<String>) -> Result<BTreeMap<String, Instance>, String> {
        let mut instances = self.instances().await;
        instances.retain(|_, instance| state_of(instance) != "terminated");
        let states: BTreeMap<&str, &str> = instances.iter().map(|(id, one)| (id.as_str(), state_of(one))).collect();
        let running: BTreeMap<&str, &str> = expected.iter().map(|id| (id.as_str(), "running")).collect();
        is_equal("instances", &states, &running)?;

        let seen = self.machines.list().await.unwrap();
        let machines: BTreeMap<String, MachineState> =
            seen.into_iter().map(|seen| (seen.id.to_string(), seen.state)).collect();
        is_equal("machines", &machines, &expected.iter().map(|id| (id.clone(), MachineState::Running)).collect())?;

        let (mut private, mut public, mut wired) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for instance in instances.values() {
            let address = instance.private_ip_address.clone().ok_or("an instance has no address")?;
            wired.insert((id(instance), address.clone()));
            if !private.insert(address) || instance.public_ip_address.clone().is_some_and(|own| !public.insert(own)) {
                return Err(format!("an address is given twice: {instances:?}"));
            }
        }
        is_equal("private addresses", &self.addresses("private"), &private)?;
        is_equal("public addresses", &self.addresses("public"), &public)?;

        let mut interfaces = BTreeSet::new();
        let vpcs = self.networks.list().await.unwrap();
        for network in vpcs.iter().filter_map(|vpc| self.networks.applied(vpc)) {
            let own = network.interfaces.iter();
            interfaces.extend(own.map(|own| (own.metadata.instance.to_string(), own.private_ip.to_string())));
        }
        is_equal("interfaces", &interfaces, &wired)?;
        is_equal("networks", &vpcs.len(), &usize::from(!expected.is_empty()))?;
        Ok(instances)
    }

    /// The addresses in use according to the store.
    fn addresses(&self, kind: &str) -> BTreeSet<String> {
        let table = KeyRange::prefix(format!("t/ec2/{kind}-address\0").as_bytes());
        let rows = self.engine.snapshot().unwrap().scan(table, Direction::Ascending, 10_000).unwrap();
        let address = |(_, row): (Vec<u8>, Vec<u8>)| {
            let row: serde_json::Value = serde_json::from_slice(&row).unwrap();
            row["r"]["address"].as_str().unwrap().to_owned()
        };
        rows.into_iter().map(address).collect()
    }

    /// The last commit in the store.
    pub fn version(&self) -> u64 {
        self.engine.snapshot().unwrap().version()
    }

    /// The names of the tables that have rows (`t`), or that were brought to the present shape (`m`).
    pub fn tables(&self, kind: &str) -> BTreeSet<String> {
        let all = KeyRange::prefix(format!("{kind}/").as_bytes());
        let rows = self.engine.snapshot().unwrap().scan(all, Direction::Ascending, 10_000).unwrap();
        let name = |(key, _): (Vec<u8>, Vec<u8>)| {
            let name = key[2..].split(|byte| *byte == 0).next().unwrap();
            String::from_utf8(name.to_vec()).unwrap()
        };
        rows.into_iter().map(name).collect()
    }

    /// How often a machine was started and really reset.
    pub fn counts(&self, id: &str) -> (u64, u64) {
        self.machines.counts(&machine(id))
    }
}

fn is_equal<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what} are {found:?}, not {expected:?}")) }
}

pub fn id(instance: &Instance) -> String {
    instance.instance_id.clone().unwrap()
}

pub fn ids(instances: &[Instance]) -> BTreeSet<String> {
    instances.iter().map(id).collect()
}

pub fn machine(id: &str) -> InstanceId {
    id.parse().unwrap()
}

pub fn state_of(instance: &Instance) -> &str {
    instance.state.as_ref().unwrap().name.as_deref().unwrap()
}

/// Ids and addresses: what an instance keeps for life.
pub fn identities<'a>(instances: impl IntoIterator<Item = &'a Instance>) -> BTreeSet<[Option<String>; 3]> {
    let identity =
        |own: &Instance| [own.instance_id.clone(), own.private_ip_address.clone(), own.public_ip_address.clone()];
    instances.into_iter().map(identity).collect()
}
