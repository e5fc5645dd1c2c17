//! What is stored of a credential report: the table, packed, in parts that the store takes.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Changes, KeyPrefix, Record, View};

use crate::IamError;

/// A part of an account's last report, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialReportRecord {
    /// The account.
    pub account: AccountId,
    /// Which part, from 0.
    pub part: u32,
    /// When the report was made.
    pub generated: Timestamp,
    /// The bytes of the part, in base64.
    pub bytes: String,
}

/// Bytes of a part: with base64 and JSON well below what the store takes in one value.
const PART: usize = 1 << 20;
/// Most parts.
const MAX_PARTS: usize = 16;
/// The largest table that is unpacked.
const MAX_TABLE: u64 = 256 << 20;

impl Record for CredentialReportRecord {
    const TABLE: &'static str = "identity/credential-report";
    const VERSION: u16 = 1;
    /// The account and the part.
    type Key = (AccountId, u32);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.part)
    }
}

/// Stores a table in the place of the one before.
///
/// # Errors
/// `LimitExceeded` for an account with more users than anybody has.
pub(super) fn put(
    view: &View,
    changes: &mut Changes,
    account: &AccountId,
    generated: Timestamp,
    table: &str,
) -> Result<(), IamError> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
    let packed = packed.write_all(table.as_bytes()).and_then(|()| packed.finish());
    let failed = |_| IamError::refused("ServiceFailure", 500, "The report could not be packed.");
    let packed = packed.map_err(failed)?;
    if packed.len() > PART * MAX_PARTS {
        return Err(IamError::LimitExceeded("The report is too long.".to_owned()));
    }
    for old in parts(view, account)? {
        changes.delete::<CredentialReportRecord>(&old.key());
    }
    for (part, bytes) in (0..).zip(packed.chunks(PART)) {
        let bytes = STANDARD.encode(bytes);
        changes.put(&CredentialReportRecord { account: account.clone(), part, generated, bytes })?;
    }
    Ok(())
}

/// When the last report of an account was made, if there is one.
pub(super) fn generated(view: &View, account: &AccountId) -> Result<Option<Timestamp>, IamError> {
    Ok(view.get::<CredentialReportRecord>(&(account.clone(), 0))?.map(|first| first.generated))
}

/// The last report of an account.
pub(super) fn table(view: &View, account: &AccountId) -> Result<Vec<u8>, IamError> {
    let mut packed = Vec::new();
    let failed = || IamError::refused("ServiceFailure", 500, "The stored report cannot be read.");
    for part in parts(view, account)? {
        packed.extend(STANDARD.decode(&part.bytes).map_err(|_| failed())?);
    }
    let mut table = Vec::new();
    DeflateDecoder::new(packed.as_slice()).take(MAX_TABLE).read_to_end(&mut table).map_err(|_| failed())?;
    Ok(table)
}

fn parts(view: &View, account: &AccountId) -> Result<Vec<CredentialReportRecord>, IamError> {
    Ok(view.scan(&KeyPrefix::of(account.clone()), None, MAX_PARTS)?)
}
