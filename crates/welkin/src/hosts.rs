//! The host that a region's node stands on, and how it goes down.

use std::sync::Arc;

use anyhow::Result;
use host::{Machines, Networks};
use host_linux::machine::{Config, LinuxMachines};
use host_linux::network::{LinuxNetworks, NetworkConfig};
use host_sim::{Faults, SimMachines, SimNetworks};

use crate::data_dir::{DataDir, Identity};
use crate::settings::HostKind;

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
        Ok(node::down(&self.machines, &*self.networks).await?)
    }
}
