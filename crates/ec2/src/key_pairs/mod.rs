//! Key pairs: made here or imported, shown, deleted.
//! Not here: the private key, which is given once and never stored; how keys are generated (crate `keys`).

mod create;
mod delete;
mod describe;
mod import;
mod public_key;
pub(crate) mod record;

use ids::AccountId;
use store::{KeyPrefix, View};

use self::record::KeyPairRecord;
use crate::Ec2Error;

/// Longest name of a key pair. Source: the EC2 type `CreateKeyPairRequest`.
const MAX_NAME: usize = 255;
/// Key pairs of one account. Source: EC2's quota "Key pairs per Region".
const MAX_KEY_PAIRS: usize = 5000;

/// Refuses a name that a new key pair can't have.
///
/// # Errors
/// `InvalidParameterValue`, `InvalidKeyPair.Duplicate`, `KeyPairLimitExceeded`.
fn check_new_name(name: &str, view: &View, account: &AccountId) -> Result<(), Ec2Error> {
    let invalid =
        |why: &str| Err(Ec2Error::invalid_value(format!("Value ({name}) for parameter KeyName is invalid. {why}")));
    if name.is_empty() || name.trim() != name {
        return invalid("It can't be empty, nor begin or end with a space.");
    }
    if name.len() > MAX_NAME {
        return invalid("Length exceeds maximum of 255.");
    }
    if !name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return invalid("Character sets beyond ASCII are not supported.");
    }
    if view.contains::<KeyPairRecord>(&(account.clone(), name.to_owned()))? {
        let text = format!("The keypair '{name}' already exists.");
        return Err(Ec2Error::refused("InvalidKeyPair.Duplicate", text));
    }
    if view.scan::<KeyPairRecord>(&KeyPrefix::of(account), None, MAX_KEY_PAIRS)?.len() >= MAX_KEY_PAIRS {
        return Err(Ec2Error::refused("KeyPairLimitExceeded", "Maximum number of key pairs reached."));
    }
    Ok(())
}
