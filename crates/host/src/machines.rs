//! Virtual machines as a host sees them.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use ids::{InstanceId, NetworkInterfaceId, VpcId};
use serde::{Deserialize, Serialize};

use crate::HostError;

/// One machine as it is wanted. Written to the machine's folder when it is prepared, so that a later process of ours
/// can take the machine over without asking anyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineSpec {
    /// The instance that this machine is.
    pub id: InstanceId,
    /// Virtual processors, at least 1.
    pub vcpus: u16,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// What it boots.
    pub boot: BootSpec,
    /// Its network interfaces, in device order.
    pub nics: Vec<NicSpec>,
    /// Further disks, in device order after the root disk.
    pub disks: Vec<DiskSpec>,
}

/// What a machine boots. Files are read, never written: the root disk is a copy-on-write layer above `root`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootSpec {
    /// Kernel image (bzImage) for direct boot; without it the machine boots from its root disk.
    pub kernel: Option<PathBuf>,
    /// Initial RAM file system, with `kernel`.
    pub initrd: Option<PathBuf>,
    /// Kernel command line, with `kernel`.
    pub command_line: String,
    /// The image's root disk (raw), if it has one.
    pub root: Option<PathBuf>,
    /// Size of the machine's root disk in bytes; at least the image's.
    pub root_bytes: u64,
}

/// One network interface of a machine. The tap it is connected to belongs to the network, see [`crate::Networks`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicSpec {
    /// The elastic network interface.
    pub id: NetworkInterfaceId,
    /// The VPC whose namespace has the tap.
    pub vpc: VpcId,
    /// MAC address as `02:xx:xx:xx:xx:xx`.
    pub mac: String,
}

/// A disk besides the root disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpec {
    /// Names the disk within the machine; shown to the guest as its serial.
    pub serial: String,
    /// The file behind it (raw).
    pub path: PathBuf,
}

/// What a host knows of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenMachine {
    /// The instance.
    pub id: InstanceId,
    /// Where it is in its life.
    pub state: MachineState,
    /// The highest number that [`Machines::reset`] was called with, 0 before the first.
    pub resets: u64,
}

/// The life of a machine on its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MachineState {
    /// Its files are there; it has not been started since, or not since the host itself was started or went down.
    Prepared,
    /// Its process runs.
    Running,
    /// Its process has ended, wanted or not.
    Exited {
        /// True if the guest itself shut down or powered off; false if the process was killed or crashed.
        by_guest: bool,
        /// The cause as far as it is known, for the log and the state reason.
        reason: String,
    },
}

/// Effects on machines. Each is idempotent: asking for what is already so succeeds and changes nothing.
#[async_trait]
pub trait Machines: Send + Sync {
    /// Every machine of which this host has anything at all: files, a process, or both. Machines that an earlier
    /// process of ours started are found again here.
    async fn list(&self) -> Result<Vec<SeenMachine>, HostError>;

    /// Makes the machine's folder, root disk and saved specification. After a crash in the middle, calling it again
    /// completes it. A machine that runs is left as it is; one that does not run keeps its disk and takes over a
    /// changed specification.
    async fn prepare(&self, spec: &MachineSpec) -> Result<(), HostError>;

    /// Starts a prepared machine, or one that has exited, on the disk that it left. Its taps must exist (see
    /// [`crate::Networks::apply`]). A running machine is left alone. The machine outlives our process. Fails for a
    /// machine that was never prepared.
    async fn start(&self, id: &InstanceId) -> Result<(), HostError>;

    /// Asks the guest to shut down, and ends the process when it has not done so within `grace`
    /// (zero: at once). Returns when the process is gone. A machine that does not run, or is unknown, is left alone.
    async fn stop(&self, id: &InstanceId, grace: Duration) -> Result<(), HostError>;

    /// As [`Machines::stop`], after which the machine counts as never started: whatever still assigns it will have it
    /// started again, on its old disk. For a host that goes down in order and comes back.
    async fn park(&self, id: &InstanceId, grace: Duration) -> Result<(), HostError>;

    /// Resets a running machine, as the button does, unless it was called with this number or a higher one before.
    /// For a machine that does not run the number is only remembered: its next start is a reset already. The number is
    /// kept with the machine, so that an agent that starts anew neither repeats nor forgets a reboot. Fails for an
    /// unknown machine.
    async fn reset(&self, id: &InstanceId, number: u64) -> Result<(), HostError>;

    /// Ends the machine if it runs and removes all that the host has of it. Unknown machines are removed already.
    async fn remove(&self, id: &InstanceId) -> Result<(), HostError>;

    /// The last 64 KiB that the machine wrote to its serial console; empty if it has not written yet or is unknown.
    async fn console(&self, id: &InstanceId) -> Result<Vec<u8>, HostError>;

    /// Wakes whenever some machine's state may have changed without our doing, such as a process that died.
    fn changed(&self) -> tokio::sync::watch::Receiver<u64>;
}
