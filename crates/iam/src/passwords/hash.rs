//! Hashes of passwords: Argon2id, as many at a time as a machine can bear.
//! Source of the parameters: OWASP's password storage cheat sheet, 19 MiB, two passes, one lane.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::IamError;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const LENGTH: usize = 32;

/// Hashes that are computed at a time; each takes 19 MiB and some 30 ms of a core.
const MAX_AT_A_TIME: usize = 2;
/// Longest wait for one's turn.
const MAX_WAIT: Duration = Duration::from_secs(3);

static BUSY: Mutex<usize> = Mutex::new(0);
static DONE: Condvar = Condvar::new();

/// A hash in PHC's form: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`.
pub(crate) type Hashed = String;

/// The hash of a password under a salt that is random and used once. Takes its time, and waits for its turn.
///
/// # Errors
/// `Throttling` if its turn doesn't come.
pub(crate) fn hash(password: &str, salt: [u8; 16]) -> Result<Hashed, IamError> {
    let hash = compute(password, &salt, (MEMORY_KIB, PASSES, LANES))?;
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    Ok(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}"))
}

/// Whether `hashed` is the hash of `password`. Takes the same time whether it is or not.
///
/// # Errors
/// As [`hash`].
pub(crate) fn is_hash_of(hashed: &str, password: &str) -> Result<bool, IamError> {
    let Some((costs, salt, expected)) = read(hashed) else { return Ok(false) };
    let hash = compute(password, &salt, costs)?;
    Ok(aws_lc_rs::constant_time::verify_slices_are_equal(&hash, &expected).is_ok())
}

/// A hash of no password that anybody has: it takes as long to compare with as any other.
pub(crate) fn nobody() -> Hashed {
    let (salt, hash) = (STANDARD_NO_PAD.encode([0; 16]), STANDARD_NO_PAD.encode([0; LENGTH]));
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}")
}

type Costs = (u32, u32, u32);

fn read(hashed: &str) -> Option<(Costs, Vec<u8>, Vec<u8>)> {
    let mut parts = hashed.strip_prefix("$argon2id$v=19$")?.split('$');
    let mut costs = parts.next()?.split(',').zip(["m=", "t=", "p="]).map(|(part, name)| {
        let number = part.strip_prefix(name)?;
        number.parse::<u32>().ok()
    });
    let costs = (costs.next()??, costs.next()??, costs.next()??);
    let mut decoded = parts.map(|part| STANDARD_NO_PAD.decode(part).ok());
    Some((costs, decoded.next()??, decoded.next()??))
}

fn compute(password: &str, salt: &[u8], (memory, passes, lanes): Costs) -> Result<[u8; LENGTH], IamError> {
    let broken = |error: argon2::Error| IamError::refused("ServiceFailure", 500, format!("a stored hash: {error}"));
    let params = Params::new(memory, passes, lanes, Some(LENGTH)).map_err(broken)?;
    let _turn = Turn::wait()?;
    let mut hash = [0; LENGTH];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut hash)
        .map_err(broken)?;
    Ok(hash)
}

/// One's turn to compute.
struct Turn;

impl Turn {
    fn wait() -> Result<Self, IamError> {
        let busy = BUSY.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut busy, waited) = DONE
            .wait_timeout_while(busy, MAX_WAIT, |busy| *busy >= MAX_AT_A_TIME)
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(IamError::refused("Throttling", 400, "Rate exceeded"));
        }
        *busy += 1;
        Ok(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *BUSY.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        DONE.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::{hash, is_hash_of, nobody};

    #[test]
    fn a_hash_is_that_of_one_password() {
        let hashed = hash("correct horse", [7; 16]).unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert_eq!(hashed, hash("correct horse", [7; 16]).unwrap());
        assert_ne!(hashed, hash("correct horse", [8; 16]).unwrap());
        for (hashed, password, is) in [
            (hashed.as_str(), "correct horse", true),
            (&hashed, "correct horsf", false),
            (&hashed, "", false),
            (&nobody(), "", false),
            ("", "x", false),
            ("$argon2id$v=19$m=8,t=x,p=1$AA$AA", "x", false),
        ] {
            assert_eq!(is_hash_of(hashed, password).unwrap(), is, "{hashed} {password}");
        }
    }

    /// A vector of the reference implementation's tests (phc-winner-argon2, `src/test.c`); its costs differ from ours.
    #[test]
    fn hashes_of_other_costs_are_read() {
        let hashed = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(is_hash_of(hashed, "password").unwrap());
        assert!(!is_hash_of(hashed, "passwore").unwrap());
    }
}
