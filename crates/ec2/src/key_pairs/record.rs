//! Key pairs, as stored: only the public half.

use ids::{AccountId, KeyPairId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, KeyBuf, Record};

/// A key pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPairRecord {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: String,
    /// Its id.
    pub id: KeyPairId,
    /// `rsa` or `ed25519`.
    pub key_type: String,
    /// The fingerprint as EC2 shows it.
    pub fingerprint: String,
    /// The public key, as a line of `authorized_keys`.
    pub public_openssh: String,
    /// When it was made.
    pub created: Timestamp,
}

impl Record for KeyPairRecord {
    const TABLE: &'static str = "ec2/key-pair";
    const VERSION: u16 = 1;
    type Key = (AccountId, String);
    const INDEXES: &'static [&'static str] = &["id"];

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.name.clone())
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("id", KeyBuf::from((self.account.clone(), self.id.clone())))]
    }
}
