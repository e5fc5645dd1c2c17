//! What a region stands on: the store that the settings name, the folder's blobs, and the machines of this host. Alone on
//! all of it, where the facts are in the folder; else beside other processes.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use blobs::BlobStore;
use node::Agent;
use region::admin::Order;
use region::{KeyRing, Parts, SystemEffects, claim_home};
use store::Store;
use store_postgres::{Postgres, Target};
use store_sqlite::Sqlite;
use tracing::{info, warn};

use crate::data_dir::{DataDir, Identity};
use crate::driver::Driver;
use crate::hosts::{self, Hosts};
use crate::processes::Slot;
use crate::settings::{Settings, StoreKind};
use crate::space;

/// Everything beneath a region of this process.
pub struct Standing {
    identity: Identity,
    store: Store,
    blobs: Arc<dyn BlobStore>,
    keys: Arc<KeyRing>,
    side: Side,
}

/// Who has the machines.
enum Side {
    /// This process, as long as it runs.
    Alone { hosts: Hosts, agent: Arc<Agent> },
    /// Whichever process has the lease.
    Beside { driver: Arc<Driver>, admin_dir: PathBuf, is_first: bool, process: String },
}

impl Standing {
    /// Opens all of it. Called within a tokio runtime.
    ///
    /// # Errors
    /// What is in use, missing or unreachable, in one line.
    pub async fn open(settings: &Settings, data: &DataDir) -> Result<Self> {
        match &settings.store {
            StoreKind::Sqlite => Self::alone(settings, data).await,
            StoreKind::Postgres(url) => Self::beside(settings, data, url).await,
        }
    }

    async fn alone(settings: &Settings, data: &DataDir) -> Result<Self> {
        if let Ok(database) = std::fs::read_to_string(data.database()) {
            return Err(elsewhere(data, &database));
        }
        let engine = Sqlite::open(data.store()).map_err(|error| explain(error, data.root()))?;
        let identity = data.identity_or_new(settings.public_pool)?;
        let keys = Arc::new(data.key_ring()?);
        let hosts = hosts::open(settings.host, data, &identity).await?;
        let blobs = space::open_blobs(settings, data, false)?;
        let agent = Arc::new(Agent::new(Arc::clone(&hosts.machines), Arc::clone(&hosts.networks)));
        Ok(Self { identity, store: Store::new(engine), blobs, keys, side: Side::Alone { hosts, agent } })
    }

    async fn beside(settings: &Settings, data: &DataDir, url: &str) -> Result<Self> {
        let target = Target::parse(url)?;
        if target.has_password_in_text() && std::env::args().any(|argument| argument.contains(url)) {
            warn!(
                "every user of this machine can see the password of the database among the arguments of this process: put it into PGPASSWORD, ~/.pgpass or the settings file"
            );
        }
        // The first start decides who the region is; another process waits until it has.
        let starting = File::create(data.root().join("starting.lock"))?;
        starting.lock().context("cannot lock the data folder")?;
        let has_own_store = data.store().join("store.db").exists();
        let identity = data.identity_or_new(settings.public_pool)?;
        let keys = Arc::new(data.key_ring()?);
        let blobs = space::open_blobs(settings, data, true)?;
        info!(database = %target, "opening the store in PostgreSQL");
        let engine = tokio::task::spawn_blocking({
            let target = target.clone();
            move || Postgres::open(&target)
        });
        let store = Store::new(engine.await??);
        let is_new = !has_own_store && !data.database().exists();
        let claimed = claim_home(&store, &identity.tag, is_new).await;
        claimed.with_context(|| format!("{} and PostgreSQL at {target}", data.root().display()))?;
        data.write_secret(&data.database(), format!("{target}\n").as_bytes())?;
        let slot = Slot::take(data.root())?;
        let (admin_dir, is_first, process) = (slot.folder(), slot.is_first(), slot.name());
        drop(starting);
        let driver = Arc::new(Driver::new(settings.host, data.clone(), identity.clone(), slot));
        Ok(Self { identity, store, blobs, keys, side: Side::Beside { driver, admin_dir, is_first, process } })
    }

    /// Who the region is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where this process's socket for the operator goes.
    pub fn admin_dir(&self, data: &DataDir) -> PathBuf {
        match &self.side {
            Side::Alone { .. } => data.root().to_owned(),
            Side::Beside { admin_dir, .. } => admin_dir.clone(),
        }
    }

    /// This process's name, if there may be others beside it.
    pub fn process(&self) -> Option<&str> {
        match &self.side {
            Side::Alone { .. } => None,
            Side::Beside { process, .. } => Some(process),
        }
    }

    /// What a region is opened with.
    pub fn parts(&self) -> Parts {
        let (store, blobs, effects) = (self.store.clone(), Arc::clone(&self.blobs), Arc::new(SystemEffects));
        let keys = Arc::clone(&self.keys);
        match &self.side {
            Side::Alone { agent, .. } => {
                let node = Arc::<Agent>::clone(agent);
                Parts { store, blobs, keys, node, effects, duty: None }
            }
            Side::Beside { driver, .. } => {
                let node = Arc::<Driver>::clone(driver);
                Parts { store, blobs, keys, node, effects, duty: Some(Arc::<Driver>::clone(driver)) }
            }
        }
    }

    /// Takes note of where the region listens; whether tools are to be pointed there.
    pub fn is_first(&self, address: SocketAddr) -> bool {
        match &self.side {
            Side::Alone { .. } => true,
            Side::Beside { driver, is_first, .. } => {
                driver.set_address(address);
                *is_first
            }
        }
    }

    /// Lets go, once the region has ended. Where there may be other processes, machines are left to them, or to
    /// `welkin down`, which ends all of them first.
    ///
    /// # Errors
    /// What could not be stopped.
    pub async fn end(self, order: Order) -> Result<()> {
        let Side::Alone { hosts, agent } = self.side else { return Ok(()) };
        // The agent must have let go before its machines are stopped, or it would start them again.
        agent.stop().await;
        if order == Order::Down {
            info!("stopping machines and networks");
            hosts.down().await?;
        }
        Ok(())
    }
}

/// The store of a region that does not run.
///
/// # Errors
/// It runs, or its store is elsewhere than the settings say.
pub fn open_stopped(settings: &Settings, data: &DataDir) -> Result<Store> {
    match (&settings.store, std::fs::read_to_string(data.database())) {
        (StoreKind::Postgres(url), _) => Ok(Store::new(Postgres::open(&Target::parse(url)?)?)),
        (StoreKind::Sqlite, Ok(database)) => Err(elsewhere(data, &database)),
        (StoreKind::Sqlite, Err(_)) => {
            Ok(Store::new(Sqlite::open(data.store()).map_err(|error| explain(error, data.root()))?))
        }
    }
}

fn elsewhere(data: &DataDir, database: &str) -> anyhow::Error {
    anyhow!(
        "the facts of {} are in PostgreSQL at {}: set `store` to it (--store, WELKIN_STORE or the settings file)",
        data.root().display(),
        database.trim()
    )
}

/// Says why a store does not open, and what to do.
pub fn explain(error: store_sqlite::OpenError, folder: &Path) -> anyhow::Error {
    match error {
        store_sqlite::OpenError::InUse { pid, .. } => {
            let by = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            anyhow!(
                "a region already runs on {}{by}; use its endpoint, or name another folder with --data-dir",
                folder.display()
            )
        }
        other => anyhow::Error::new(other).context(format!("cannot open the store in {}", folder.display())),
    }
}
