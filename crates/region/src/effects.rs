//! The outside world for operations: this machine's clock, random source and key maker.

use jiff::Timestamp;
use service::{Effects, KeyAlgorithm, KeyMaterial};
use tokio::runtime::{Handle, RuntimeFlavor};

/// The real world.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEffects;

impl Effects for SystemEffects {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("Linux 3.17 and later always have a random source");
    }

    fn new_key(&self, algorithm: KeyAlgorithm) -> Result<KeyMaterial, String> {
        // RSA takes tens of milliseconds. The other calls on this thread go elsewhere meanwhile.
        match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(|| keys::new_key(algorithm)),
            _ => keys::new_key(algorithm),
        }
    }
}
