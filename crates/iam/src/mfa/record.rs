//! What is stored of a virtual MFA device.

use std::fmt;

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{IndexEntry, Record, StoreError, View};

use crate::UserRecord;

/// A virtual MFA device, as stored. The seed is kept in clear, because a code is computed from it; the store's folder is
/// readable by its owner alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaDeviceRecord {
    /// Its account.
    pub account: AccountId,
    /// Its serial number, which is its ARN.
    pub serial: String,
    /// Its seed, in base 32.
    pub seed: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its tags, in the order in which they were given.
    pub tags: Vec<(String, String)>,
    /// Whose it is; nobody's until it is enabled.
    pub holder: Option<MfaHolder>,
    /// How many steps of 30 s its clock is ahead of ours.
    pub drift: i64,
    /// The step of the last code that was taken: neither it nor an earlier one is taken again.
    pub last_step: Option<i64>,
}

/// Whose an MFA device is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaHolder {
    /// The user's unique id; the account's, for its root user.
    pub user: String,
    /// Since when.
    pub enabled: Timestamp,
}

/// Most devices that one user has.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
pub(super) const MAX_OF_USER: usize = 8;

impl MfaDeviceRecord {
    /// The devices of a user.
    pub(crate) fn of_user(view: &View, user: &UserRecord) -> Result<Vec<Self>, StoreError> {
        Self::held_by(view, &user.account, &user.id)
    }

    /// The devices of whoever has this unique id in the account.
    pub(crate) fn held_by(view: &View, account: &AccountId, id: &str) -> Result<Vec<Self>, StoreError> {
        view.by_index::<Self>("user", (account.clone(), id.to_owned()), None, MAX_OF_USER)
    }

    /// Whether it belongs to whoever has this unique id.
    pub(super) fn is_held_by(&self, id: &str) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.user == id)
    }

    /// Whether it is of the account's root user.
    pub(crate) fn is_roots(&self) -> bool {
        self.is_held_by(self.account.as_str())
    }
}

impl Record for MfaDeviceRecord {
    // Not below `iam/`: the last step changes with every code, and no policy is any different for that.
    const TABLE: &'static str = "identity/mfa-device";
    const VERSION: u16 = 1;
    /// The account and the serial number.
    type Key = (AccountId, String);
    const INDEXES: &'static [&'static str] = &["user"];

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.serial.clone())
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        let entry = |holder: &MfaHolder| IndexEntry::new("user", (self.account.clone(), holder.user.clone()));
        self.holder.iter().map(entry).collect()
    }
}

impl fmt::Debug for MfaDeviceRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MfaDeviceRecord")
            .field("serial", &self.serial)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use store::conformance::check_shapes;

    use super::{MfaDeviceRecord, MfaHolder};

    #[test]
    fn stored_shapes() {
        let device = MfaDeviceRecord {
            account: "111111111111".parse().unwrap(),
            serial: "arn:aws:iam::111111111111:mfa/phone".into(),
            seed: "ABC".into(),
            created: Timestamp::constant(1_795_248_000, 0),
            tags: vec![("Team".into(), "blue".into())],
            holder: Some(MfaHolder { user: "AIDA1".into(), enabled: Timestamp::constant(1_795_248_000, 0) }),
            drift: -1,
            last_step: Some(59_841_600),
        };
        check_shapes(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes"), &[(1, device)]);
    }
}
