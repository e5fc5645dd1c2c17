//! What tests put in place of the outside world: a clock that moves only when told, bytes that repeat, engines, and
//! servers of PostgreSQL.
//! Not here: anything that the program itself uses.
#![forbid(unsafe_code)]

mod engines;
pub mod postgres;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use service::{Effects, KeyAlgorithm, KeyMaterial};

pub use engines::{database, engine, store};

/// Effects that repeat: the same seed gives the same bytes in the same order.
#[derive(Debug)]
pub struct FixedEffects {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    random: u64,
}

impl FixedEffects {
    /// A clock that stands at `now`, and bytes from `seed`.
    pub fn new(now: Timestamp, seed: u64) -> Self {
        Self { state: Mutex::new(State { now, random: seed }) }
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let mut state = self.lock();
        state.now += by;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for FixedEffects {
    /// The morning of 21 November 2026, 08:00 UTC.
    fn default() -> Self {
        Self::new(Timestamp::constant(1_795_248_000, 0), 1)
    }
}

impl Effects for FixedEffects {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.lock();
        for chunk in bytes.chunks_mut(8) {
            let next = splitmix(&mut state.random).to_le_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
    }

    /// A key pair that opens nothing: its parts have the right form, and differ from those of the one before.
    fn new_key(&self, algorithm: KeyAlgorithm) -> Result<KeyMaterial, String> {
        let number = splitmix(&mut self.lock().random);
        let (kind, label) = match algorithm {
            KeyAlgorithm::Rsa => ("ssh-rsa", "RSA PRIVATE KEY"),
            KeyAlgorithm::Ed25519 => ("ssh-ed25519", "OPENSSH PRIVATE KEY"),
        };
        Ok(KeyMaterial {
            private_pem: format!("-----BEGIN {label}-----\n{number:016x}\n-----END {label}-----\n"),
            public_openssh: format!("{kind} AAAA{number:016x}"),
            fingerprint: format!("{number:016x}"),
        })
    }
}

/// The next of a sequence of numbers. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators".
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
