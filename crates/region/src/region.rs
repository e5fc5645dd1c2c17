//! Opens a region and runs it until it is told to stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use blobs::BlobStore;
use cloudtrail::CloudTrail;
use ec2::Ec2;
use edge::{BucketHosts, Edge, Limits, Mount, Phase, Server, ServerError};
use host::Node;
use iam::{Iam, Organizations, PolicyAuthorizer, Sts};
use ids::AccountId;
use jiff::Timestamp;
use s3::{AccessLogs, KeyRing, LogDelivery, NewBuckets, S3, S3Control};
use service::{Effects, ReconcileError, Reconciler, RegionFacts, Runner, ZoneFacts};
use store::{CommitError, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::info;

use crate::access_logs::{BucketLogs, LogKeeper};
use crate::accounts::AccountKeeper;
use crate::admin::{AdminSocket, Order, Prepare};
use crate::backups::Backups;
use crate::bootstrap::{BootstrapError, RootKey, first_account};
use crate::credentials::StoreCredentials;
use crate::dev;
use crate::images::{self, ImageReconciler};
use crate::lease::Duty;
use crate::logins::StoreLogins;
use crate::observe::RegionObserver;
use crate::providers::ProviderFetch;
use crate::reconciling::{Makers, Reconciling};
use crate::sessions::SessionKeeper;
use crate::space::SpaceKeeper;
use crate::trail::AuditTrail;
use crate::uses::UseKeeper;

/// What a region is.
#[derive(Debug, Clone)]
pub struct RegionConfig {
    /// Its name.
    pub name: String,
    /// Names of its zones, at least one.
    pub zones: Vec<String>,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The block of its public addresses.
    pub public_pool: (Ipv4Addr, u8),
    /// Where the admin socket goes; none for a region without one.
    pub admin_dir: Option<PathBuf>,
    /// Where machine images are built to; none for a region without any.
    pub image_dir: Option<PathBuf>,
    /// Whether machines are simulated, so that an image needs no bytes.
    pub is_simulated: bool,
    /// Whether everybody on this machine is believed without proof. Refused beyond loopback.
    pub is_dev: bool,
    /// How long a day is for lifecycle rules of buckets.
    pub lifecycle_day: Duration,
    /// What new buckets are like.
    pub new_buckets: NewBuckets,
    /// Host names that are buckets, beside those that S3's own names tell.
    pub bucket_hosts: BucketHosts,
}

impl RegionConfig {
    /// Whether the region may listen there.
    fn check_address(&self, address: SocketAddr) -> Result<(), RegionError> {
        let is_refused = self.is_dev && !address.ip().is_loopback();
        if is_refused { Err(RegionError::DevBeyondLoopback(address)) } else { Ok(()) }
    }
}

/// What a region stands on.
pub struct Parts {
    /// Every fact.
    pub store: Store,
    /// Every object's bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// What those bytes are encrypted under.
    pub keys: Arc<KeyRing>,
    /// The node that runs its machines.
    pub node: Arc<dyn Node>,
    /// The outside world.
    pub effects: Arc<dyn Effects>,
    /// What this process takes on with the lease where several share the store; none where it is the only one.
    pub duty: Option<Arc<dyn Duty>>,
}

/// Why a region does not open.
#[derive(Debug, thiserror::Error)]
pub enum RegionError {
    /// It cannot listen.
    #[error(transparent)]
    Listen(#[from] ServerError),
    /// Its tables could not be brought to the shapes of this program.
    #[error("the tables of the store")]
    Tables(#[source] CommitError),
    /// Its first account could not be made or found.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// Its admin socket cannot be made.
    #[error("cannot make the admin socket in {folder}: {cause}")]
    Admin {
        /// The folder.
        folder: PathBuf,
        /// What the kernel says.
        cause: std::io::Error,
    },
    /// Its images could not be registered.
    #[error("images: {0}")]
    Images(ReconcileError),
    /// Everybody would be believed, and not on this machine alone.
    #[error("development mode believes everybody, so it never listens beyond loopback: {0} is not a loopback address")]
    DevBeyondLoopback(SocketAddr),
}

/// The services of a region, for callers in the same process. Clones share what is behind them.
#[derive(Clone)]
pub struct Services {
    /// CloudTrail.
    pub cloudtrail: CloudTrail,
    /// EC2.
    pub ec2: Ec2,
    /// IAM.
    pub iam: Iam,
    /// Organizations.
    pub organizations: Organizations,
    /// STS.
    pub sts: Sts,
    /// S3.
    pub s3: S3,
}

impl Services {
    fn mounts(&self) -> Vec<Mount> {
        let Self { cloudtrail, ec2, iam, organizations, sts, s3 } = self.clone();
        let control = S3Control::new(&s3);
        vec![
            Mount::new(&api::cloudtrail::SERVICE, move |operation, call, request| {
                let cloudtrail = cloudtrail.clone();
                Box::pin(async move { api::cloudtrail::dispatch(&cloudtrail, operation, call, request).await })
            }),
            Mount::new(&api::ec2::SERVICE, move |operation, call, request| {
                let ec2 = ec2.clone();
                Box::pin(async move { api::ec2::dispatch(&ec2, operation, call, request).await })
            }),
            Mount::new(&api::iam::SERVICE, move |operation, call, request| {
                let iam = iam.clone();
                Box::pin(async move { api::iam::dispatch(&iam, operation, call, request).await })
            }),
            Mount::new(&api::organizations::SERVICE, move |operation, call, request| {
                let organizations = organizations.clone();
                Box::pin(async move { api::organizations::dispatch(&organizations, operation, call, request).await })
            }),
            Mount::new(&api::sts::SERVICE, move |operation, call, request| {
                let sts = sts.clone();
                Box::pin(async move { api::sts::dispatch(&sts, operation, call, request).await })
            }),
            Mount::new(&api::s3control::SERVICE, move |operation, call, request| {
                let control = control.clone();
                Box::pin(async move { api::s3control::dispatch(&control, operation, call, request).await })
            }),
            crate::web::mount(s3),
        ]
    }
}

/// An open region: it listens, and answers once it is [`Region::run`].
pub struct Region {
    server: Server,
    pub(crate) edge: Edge,
    pub(crate) trail: Arc<AuditTrail>,
    store: Store,
    folder: Option<PathBuf>,
    services: Services,
    reconciling: Reconciling,
    log_delivery: LogDelivery,
    uses: Arc<iam::LastUses>,
    admin: Option<AdminSocket>,
    root: RootKey,
}

impl Region {
    /// Opens a region: binds its address, brings its tables to the present shape, makes the first account if there is none, builds its services.
    ///
    /// # Errors
    /// See [`RegionError`]; nothing is left behind but what a first start made whole.
    pub async fn open(config: RegionConfig, parts: Parts) -> Result<Self, RegionError> {
        config.check_address(config.listen)?;
        let server = Server::bind(config.listen).await?;
        Self::open_on(server, config, parts).await
    }

    /// The same behind a server that is there already, whatever the configuration says of where to listen.
    ///
    /// # Errors
    /// As [`Region::open`].
    pub async fn open_on(server: Server, config: RegionConfig, parts: Parts) -> Result<Self, RegionError> {
        // A socket that was handed to us may listen elsewhere than the configuration says.
        config.check_address(server.address())?;
        let admin = match &config.admin_dir {
            Some(folder) => {
                Some(AdminSocket::bind(folder).map_err(|cause| RegionError::Admin { folder: folder.clone(), cause })?)
            }
            None => None,
        };
        let facts = Arc::new(RegionFacts {
            zones: zones(&config),
            name: config.name.clone(),
            endpoint: server.address().to_string(),
            public_pool: config.public_pool,
        });
        let Parts { store, blobs, keys, node, effects, duty } = parts;
        let backups = Backups::new(store.clone(), Arc::clone(&blobs), config.admin_dir.clone(), &config.name);
        let keeper = AccountKeeper::new(store.clone(), Arc::clone(&facts), Arc::clone(&effects));
        let sessions = SessionKeeper::new(store.clone(), Arc::clone(&effects));
        let space = SpaceKeeper::new(store.clone(), Arc::clone(&blobs));
        let admin = admin.map(|admin| admin.with_backups(backups).with_accounts(keeper).with_sessions(sessions));
        let admin = admin.map(|admin| admin.with_space(space.clone()));
        store.require_whole().map_err(CommitError::Store).map_err(RegionError::Tables)?;
        // All at once, so that a first start pays for one commit, not for one a table.
        tokio::try_join!(service::prepare(&store), iam::prepare(&store), ec2::prepare(&store), s3::prepare(&store))
            .map_err(RegionError::Tables)?;
        let root = first_account(&store, &facts, &*effects, config.is_dev.then(AccountId::zero)).await?;
        let trail = Arc::<AuditTrail>::default();
        let pages = service::page_key(&store, &*effects).await.map_err(RegionError::Tables)?;
        iam::make_message_key(&store, &*effects).await.map_err(RegionError::Tables)?;
        let authorizer = Arc::new(PolicyAuthorizer::new(&store, Arc::clone(&effects)));
        let uses = authorizer.uses();
        let runner = Runner::new(store.clone(), Arc::clone(&facts), Arc::clone(&effects), authorizer).with_pages(pages);
        let iam = Iam::new(runner.clone());
        let services = Services {
            cloudtrail: CloudTrail::new(runner.clone(), Arc::clone(&trail) as _),
            ec2: Ec2::new(runner.clone(), Arc::clone(&node), Arc::new(iam.clone())),
            iam,
            organizations: Organizations::new(runner.clone()),
            sts: Sts::new(runner.clone()).reaching(Arc::new(ProviderFetch::default())),
            s3: S3::new(runner, Arc::clone(&blobs), keys).with_new_buckets(config.new_buckets),
        };
        let credentials = Arc::new(StoreCredentials::new(store.clone()).noting(Arc::clone(&uses), &config.name));
        let logins = Arc::new(StoreLogins::new(store.clone(), Arc::clone(&effects)));
        let mut edge = Edge::new(services.mounts(), credentials, &config.name, Limits::default()).with_logins(logins);
        let access_logs = Arc::<AccessLogs>::default();
        let log_delivery = LogDelivery::new(services.s3.clone(), Arc::clone(&effects), Arc::clone(&access_logs));
        edge = edge.with_access_log(Arc::new(BucketLogs(access_logs)));
        edge = edge.with_bucket_hosts(config.bucket_hosts.clone());
        if config.is_dev {
            let accounts = dev::Accounts::new(store.clone(), Arc::clone(&facts), Arc::clone(&effects));
            edge = edge.with_dev(Arc::new(accounts));
        }
        let (folder, all) = (config.admin_dir.clone(), store.clone());
        if config.is_simulated {
            images::register(&store, &*effects, &images::simulated()).await.map_err(RegionError::Images)?;
        } else if let Some(folder) = &config.image_dir {
            // Once before the first request, so that nobody meets a region without the image that is there.
            let images = ImageReconciler::new(store.clone(), Arc::clone(&effects), folder.clone());
            images.activate().await.map_err(RegionError::Images)?;
        }
        let image_dir = config.image_dir.filter(|_| !config.is_simulated);
        let lifecycle_day = config.lifecycle_day;
        let makers = Makers { node, blobs, effects, facts, image_dir, lifecycle_day, space };
        let reconciling = Reconciling { store, duty, makers };
        let store = all;
        Ok(Self { server, edge, trail, store, folder, services, reconciling, log_delivery, uses, admin, root })
    }

    /// The same region with other bounds on what its clients may do than the usual ones.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.edge = self.edge.with_limits(limits);
        self
    }

    /// The same region, which can be told to restart as another program once that is prepared.
    #[must_use]
    pub fn with_restart(mut self, prepare: Prepare) -> Self {
        self.admin = self.admin.map(|admin| admin.with_restart(prepare));
        self
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Its services, for callers in this process: they answer without being asked who they are, so a caller says so
    /// truthfully.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// The root key of its first account.
    pub fn root_key(&self) -> &RootKey {
        &self.root
    }

    /// Answers requests and reconciles until `order` says otherwise; then drains and gives the order. Whoever brought
    /// the parts ends them.
    pub async fn run(self, order: watch::Sender<Order>) -> Order {
        let (phase, phases) = watch::channel(Phase::Serving);
        let is_dev = self.edge.is_dev();
        let reconcilers = self.reconciling.start();
        let logs = LogKeeper::start(self.log_delivery);
        let uses = UseKeeper::start(self.store.clone(), self.uses);
        if let Some(admin) = self.admin {
            tokio::spawn(admin.in_mode(is_dev).serve(reconcilers.watcher(), order.clone()));
        }
        let observer = RegionObserver {
            store: self.store,
            reconcilers: reconcilers.here(),
            folder: self.folder,
            log: self.trail.log.get().cloned(),
            started: Timestamp::now(),
            last: Default::default(),
        };
        let edge = self.edge.with_observer(Arc::new(observer));
        let serving = tokio::spawn(self.server.serve(Arc::new(edge), phases));
        let mut orders = order.subscribe();
        let given = orders.wait_for(|order| *order != Order::Run).await.map_or(Order::Stop, |order| *order);
        if given == Order::Restart {
            // While requests are still answered: the time in which new ones wait is what is left.
            reconcilers.stop().await;
            info!("restarting: new requests wait; open ones may end");
            end(serving, &phase, Phase::Parting).await;
        } else {
            info!("stopping: no new requests; open ones may end");
            end(serving, &phase, Phase::Draining).await;
            reconcilers.stop().await;
        }
        logs.stop().await;
        uses.stop().await;
        given
    }
}

async fn end(serving: JoinHandle<()>, phase: &watch::Sender<Phase>, last: Phase) {
    phase.send_replace(last);
    if serving.await.is_err() {
        tracing::error!("the server had panicked");
    }
}

/// Zone ids as AWS makes them: `us-east-1a` is `use1-az1`.
fn zones(config: &RegionConfig) -> Vec<ZoneFacts> {
    let parts: Vec<&str> = config.name.split('-').collect();
    let mut short = String::new();
    for (index, part) in parts.iter().enumerate() {
        let is_end = index == 0 || index + 1 == parts.len();
        short.push_str(if is_end { part } else { part.get(..1).unwrap_or_default() });
    }
    let name =
        |(index, zone): (usize, &String)| ZoneFacts { name: zone.clone(), id: format!("{short}-az{}", index + 1) };
    config.zones.iter().enumerate().map(name).collect()
}
