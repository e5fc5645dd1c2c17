//! What is stored of passwords. None of it bears on what a policy decides, so none of it is below `iam/`.

use std::fmt;

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Record, StoreError, View};

use crate::UserRecord;

/// That a user has a password, as stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginProfileRecord {
    /// The user's account.
    pub account: AccountId,
    /// The user's unique id.
    pub user: String,
    /// The hash of the password, in PHC's form.
    pub hash: String,
    /// The hashes of those before it, the latest first; no more than a policy may ask about.
    pub previous: Vec<String>,
    /// When the profile was made.
    pub created: Timestamp,
    /// When the password was set.
    pub changed: Timestamp,
    /// Whether its holder must set another one at the next sign-in.
    pub reset_required: bool,
}

/// The most passwords that a policy keeps from being used again.
const MAX_PREVIOUS: usize = 24;

impl LoginProfileRecord {
    /// Sets another password.
    pub(crate) fn change(&mut self, hash: String, now: Timestamp) {
        self.previous.insert(0, std::mem::replace(&mut self.hash, hash));
        self.previous.truncate(MAX_PREVIOUS);
        self.changed = now;
        self.reset_required = false;
    }
}

impl Record for LoginProfileRecord {
    const TABLE: &'static str = "identity/login-profile";
    const VERSION: u16 = 1;
    /// The account and the user's unique id.
    type Key = (AccountId, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.user.clone())
    }
}

impl fmt::Debug for LoginProfileRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginProfileRecord")
            .field("account", &self.account)
            .field("user", &self.user)
            .field("changed", &self.changed)
            .finish_non_exhaustive()
    }
}

/// What an account demands of passwords, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordPolicyRecord {
    /// The account.
    pub account: AccountId,
    /// How long they are at least.
    pub min_length: u32,
    /// Whether there must be a character that is neither letter nor digit.
    pub symbols: bool,
    /// Whether there must be a digit.
    pub numbers: bool,
    /// Whether there must be a capital letter.
    pub uppercase: bool,
    /// Whether there must be a small letter.
    pub lowercase: bool,
    /// Whether every user may change the own password, whatever the policies say of it that don't deny.
    pub users_may_change: bool,
    /// After how many days they expire, if at all.
    pub max_age: Option<u32>,
    /// How many of the last ones may not be used again.
    pub reuse_prevention: Option<u32>,
    /// Whether an expired one can only be replaced by an administrator.
    pub hard_expiry: Option<bool>,
}

impl Record for PasswordPolicyRecord {
    const TABLE: &'static str = "identity/password-policy";
    const VERSION: u16 = 1;
    type Key = AccountId;

    fn key(&self) -> AccountId {
        self.account.clone()
    }
}

/// When a password was last used, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordUseRecord {
    /// The user's account.
    pub account: AccountId,
    /// The user's unique id.
    pub user: String,
    /// When.
    pub used: Timestamp,
}

impl Record for PasswordUseRecord {
    const TABLE: &'static str = "identity/password-use";
    const VERSION: u16 = 1;
    /// The account and the user's unique id.
    type Key = (AccountId, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.user.clone())
    }
}

/// The password of a user, if it has one.
pub(crate) fn profile_of(view: &View, user: &UserRecord) -> Result<Option<LoginProfileRecord>, StoreError> {
    view.get(&(user.account.clone(), user.id.clone()))
}

/// What the account demands, if it has said so.
pub(crate) fn policy_of(view: &View, account: &AccountId) -> Result<Option<PasswordPolicyRecord>, StoreError> {
    view.get(account)
}

/// When the user last signed in with its password.
pub(crate) fn last_used(view: &View, user: &UserRecord) -> Result<Option<Timestamp>, StoreError> {
    let record = view.get::<PasswordUseRecord>(&(user.account.clone(), user.id.clone()))?;
    Ok(record.map(|record| record.used))
}

#[cfg(test)]
mod tests {
    use ids::AccountId;
    use jiff::Timestamp;
    use store::conformance::check_shapes;

    use super::{LoginProfileRecord, PasswordPolicyRecord, PasswordUseRecord};

    #[test]
    fn stored_shapes() {
        let account: AccountId = "111111111111".parse().unwrap();
        let time = Timestamp::constant(1_795_248_000, 0);
        let profile = LoginProfileRecord {
            account: account.clone(),
            user: "AIDA1".into(),
            hash: "$argon2id$".into(),
            previous: vec!["$argon2id$".into()],
            created: time,
            changed: time,
            reset_required: true,
        };
        let policy = PasswordPolicyRecord {
            account: account.clone(),
            min_length: 6,
            symbols: true,
            numbers: true,
            uppercase: true,
            lowercase: true,
            users_may_change: true,
            max_age: Some(90),
            reuse_prevention: Some(24),
            hard_expiry: Some(false),
        };
        let used = PasswordUseRecord { account, user: "AIDA1".into(), used: time };
        let shapes = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes");
        check_shapes(shapes, &[(1, profile)]);
        check_shapes(shapes, &[(1, policy)]);
        check_shapes(shapes, &[(1, used)]);
    }
}
