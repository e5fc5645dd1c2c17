//! Encryption of objects at rest: every object, and every part, is encrypted under a key of its own, which is sealed under
//! a key of the region's or under its customer's. Why so: docs/adr/016-encryption-at-rest.md.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html>.
//! Not here: keys of KMS. A request that names one is told that there is none.

mod answer;
mod bucket;
mod customer;
mod data_key;
mod error;
mod keys;
mod record;
mod request;

pub(crate) use answer::{Shown, opening, reading};
pub(crate) use customer::{CopySource, CustomerHeaders, KeptHeaders};
pub(crate) use data_key::Place;
pub use error::EncryptionError;
pub use keys::{KeyRing, MasterKeys};
pub use record::{BucketEncryption, Encryption, SealedKey};
pub(crate) use request::{Sealing, Wanted};
