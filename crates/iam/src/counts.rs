//! How many users, groups, roles, instance profiles and policies an account has: counted as they come and go, so that a quota costs
//! one record to read however many there are.
//! Source of the quotas: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.

use ids::AccountId;
use serde::{Deserialize, Serialize};
use store::{Changes, Record, View};

use crate::IamError;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Users,
    Groups,
    Roles,
    InstanceProfiles,
    Policies,
}

impl Counted {
    /// Its name, as in `GetAccountSummary`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Users => "Users",
            Self::Groups => "Groups",
            Self::Roles => "Roles",
            Self::InstanceProfiles => "InstanceProfiles",
            Self::Policies => "Policies",
        }
    }

    /// The quota's name, as in `GetAccountSummary`.
    pub fn quota_name(self) -> &'static str {
        match self {
            Self::Users => "UsersQuota",
            Self::Groups => "GroupsQuota",
            Self::Roles => "RolesQuota",
            Self::InstanceProfiles => "InstanceProfilesQuota",
            Self::Policies => "PoliciesQuota",
        }
    }

    /// How many an account may have.
    pub fn quota(self) -> u64 {
        match self {
            Self::Users => 5000,
            Self::Groups => 300,
            Self::Roles | Self::InstanceProfiles => 1000,
            Self::Policies => 1500,
        }
    }
}

/// How many of a kind an account has, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountRecord {
    /// The account.
    pub account: AccountId,
    /// What is counted, such as `Users`.
    pub kind: String,
    /// How many there are.
    pub count: u64,
}

impl Record for CountRecord {
    const TABLE: &'static str = "identity/count";
    const VERSION: u16 = 1;
    /// The account and the kind.
    type Key = (AccountId, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.kind.clone())
    }
}

/// How many of a kind the account has.
///
/// # Errors
/// The store's.
pub(crate) fn count(view: &View, account: &AccountId, kind: Counted) -> Result<u64, IamError> {
    let found = view.get::<CountRecord>(&(account.clone(), kind.name().to_owned()))?;
    Ok(found.map_or(0, |found| found.count))
}

/// Counts one more.
///
/// # Errors
/// `LimitExceeded` where the account may not have one more, and the store's.
pub(crate) fn one_more(view: &View, changes: &mut Changes, account: &AccountId, kind: Counted) -> Result<(), IamError> {
    let (count, quota) = (count(view, account, kind)?, kind.quota());
    if count >= quota {
        return Err(over(&format!("{}PerAccount", kind.name()), quota));
    }
    set(changes, account, kind, count + 1)
}

/// Counts one less.
///
/// # Errors
/// The store's.
pub(crate) fn one_less(view: &View, changes: &mut Changes, account: &AccountId, kind: Counted) -> Result<(), IamError> {
    let count = count(view, account, kind)?.saturating_sub(1);
    set(changes, account, kind, count)
}

/// `LimitExceeded` in AWS's words.
pub(crate) fn over(quota: &str, limit: u64) -> IamError {
    IamError::LimitExceeded(format!("Cannot exceed quota for {quota}: {limit}"))
}

fn set(changes: &mut Changes, account: &AccountId, kind: Counted, count: u64) -> Result<(), IamError> {
    changes.put(&CountRecord { account: account.clone(), kind: kind.name().to_owned(), count })?;
    Ok(())
}
