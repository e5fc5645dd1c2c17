//! Networks in name only.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use host::{HostError, NetworkSpec, Networks};
use ids::VpcId;

use crate::Faults;
use crate::folder::Folder;

/// Simulated networks: remembers what was applied.
#[derive(Debug)]
pub struct SimNetworks {
    networks: Mutex<BTreeMap<VpcId, NetworkSpec>>,
    folder: Folder,
    faults: Faults,
}

impl SimNetworks {
    /// Networks that are forgotten with this value. `faults` is asked before each effect.
    pub fn in_memory(faults: Faults) -> Self {
        Self { networks: Mutex::default(), folder: Folder::default(), faults }
    }

    /// Networks kept in `folder`, which is made where it is missing. Fails if it cannot be read.
    pub fn open(folder: &Path, faults: Faults) -> Result<Self, HostError> {
        let folder = Folder::open(folder)?;
        let networks = folder.load::<NetworkSpec>()?.into_iter().map(|spec| (spec.vpc.clone(), spec));
        let networks = Mutex::new(networks.collect());
        Ok(Self { networks, folder, faults })
    }

    /// What was last applied to a VPC.
    pub fn applied(&self, vpc: &VpcId) -> Option<NetworkSpec> {
        self.lock().get(vpc).cloned()
    }

    /// True if there is no network at all.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<VpcId, NetworkSpec>> {
        self.networks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Networks for SimNetworks {
    async fn list(&self) -> Result<Vec<VpcId>, HostError> {
        Ok(self.lock().keys().cloned().collect())
    }

    async fn apply(&self, spec: &NetworkSpec) -> Result<(), HostError> {
        self.faults
            .run(&format!("apply network {}", spec.vpc), || {
                let mut networks = self.lock();
                self.folder.save(spec.vpc.as_str(), spec)?;
                networks.insert(spec.vpc.clone(), spec.clone());
                Ok(())
            })
            .await
    }

    async fn remove(&self, vpc: &VpcId) -> Result<(), HostError> {
        self.faults
            .run(&format!("remove network {vpc}"), || {
                let mut networks = self.lock();
                self.folder.remove(vpc.as_str())?;
                networks.remove(vpc);
                Ok(())
            })
            .await
    }

    async fn purge(&self) -> Result<(), HostError> {
        for vpc in self.list().await? {
            self.remove(&vpc).await?;
        }
        Ok(())
    }
}
