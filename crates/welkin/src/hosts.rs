//! The host that a region's node stands on, and how it goes down.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use host::{Machines, Networks};
use host_linux::machine::{Config, LinuxMachines};
use host_linux::network::{LinuxNetworks, NetworkConfig};
use host_sim::{Faults, SimMachines, SimNetworks};

use crate::data_dir::{DataDir, Identity};
use crate::settings::HostKind;

/// How long guests have to shut down when everything goes down.
const GRACE: Duration = Duration::from_secs(10);
/// Machines that are stopped at a time.
const AT_A_TIME: usize = 16;

/// Machines and networks of one host.
#[derive(Clone)]
pub struct Hosts {
    /// Machines.
    pub machines: Arc<dyn Machines>,
    /// Networks.
    pub networks: Arc<dyn Networks>,
}

/// Opens the host of a data folder. Called within a tokio runtime.
///
/// # Errors
/// What is missing on this machine, and what gets it.
pub async fn open(kind: HostKind, data: &DataDir, identity: &Identity) -> Result<Hosts> {
    match kind {
        HostKind::Linux => {
            let networks = LinuxNetworks::open(NetworkConfig {
                tag: identity.tag.clone(),
                public_pool: identity.public_pool,
                dns_upstream: Vec::new(),
                token_key: identity.token_key,
            })?;
            let config = Config::new(data.machines(), identity.tag.clone());
            let machines = LinuxMachines::open(config).await?;
            Ok(Hosts { machines: Arc::new(machines), networks: Arc::new(networks) })
        }
        HostKind::Sim => {
            let folder = data.machines().join("simulated");
            let machines = SimMachines::open(&folder.join("machines"), Faults::default())?;
            let networks = SimNetworks::open(&folder.join("networks"), Faults::default())?;
            Ok(Hosts { machines: Arc::new(machines), networks: Arc::new(networks) })
        }
    }
}

impl Hosts {
    /// Stops every machine, so that the next start of the region starts it again, and removes every network.
    ///
    /// # Errors
    /// The first failure; the others are tried all the same.
    pub async fn down(&self) -> Result<()> {
        let machines = self.machines.list().await?;
        let mut outcome = Ok(());
        for part in machines.chunks(AT_A_TIME) {
            let mut tasks = tokio::task::JoinSet::new();
            for machine in part {
                let (machines, id) = (Arc::clone(&self.machines), machine.id.clone());
                tasks.spawn(async move { machines.park(&id, GRACE).await });
            }
            while let Some(ended) = tasks.join_next().await {
                outcome = outcome.and(ended.context("stopping a machine").and_then(|parked| Ok(parked?)));
            }
        }
        outcome.and(self.networks.purge().await.map_err(Into::into))
    }
}
