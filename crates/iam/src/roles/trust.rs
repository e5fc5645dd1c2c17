//! Whom a role trusts. A trust policy names users and roles by ARN; what is meant is the user or role that had the ARN when
//! the policy was written. So their unique ids are kept beside it: one that was renamed is still trusted, and one that was
//! made anew under the old name is not. Who is gone is shown by the id, as AWS does.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles>.

use ids::AccountId;
use policy::{Kind, Policy};
use serde::{Deserialize, Serialize};
use service::{Directory, Named, has_plainly};
use store::{Changes, Record, StoreError, View};

use super::RoleRecord;
use crate::names::folded;
use crate::principals::{Principals, named};
use crate::{IamError, counts};

/// Most characters of a trust policy, blanks aside.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
const MAX_LENGTH: u64 = 2048;

/// The users and roles that a trust policy names, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedRecord {
    /// The role's account.
    pub account: AccountId,
    /// The role's name in lower case.
    pub role: String,
    /// As they are written in the policy, and their unique ids.
    pub principals: Vec<(String, String)>,
}

impl Record for TrustedRecord {
    const TABLE: &'static str = "iam/trusted";
    const VERSION: u16 = 1;
    /// The account and the role.
    type Key = (AccountId, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.role.clone())
    }
}

/// Puts `text` as the trust policy of the role, once it is checked.
///
/// # Errors
/// `MalformedPolicyDocument`, `LimitExceeded`, and the store's.
pub(super) fn set(view: &View, changes: &mut Changes, role: &mut RoleRecord, text: &str) -> Result<(), IamError> {
    let policy = Policy::parse(text, Kind::Trust).map_err(|error| IamError::MalformedPolicyDocument(error.message))?;
    let length = text.chars().filter(|letter| !letter.is_whitespace()).count();
    if u64::try_from(length).unwrap_or(u64::MAX) > MAX_LENGTH {
        return Err(counts::over("ACLSizePerRole", MAX_LENGTH));
    }
    let mut principals: Vec<(String, String)> = Vec::new();
    for (class, name) in policy.principals() {
        let named = if class == "AWS" { named(view, name)? } else { Named::Fixed };
        match named {
            Named::Nobody => {
                let text = format!("Invalid principal in policy: \"{class}\":\"{name}\"");
                return Err(IamError::MalformedPolicyDocument(text));
            }
            Named::Entity(id) if !principals.iter().any(|(known, _)| known == name) => {
                principals.push((name.to_owned(), id));
            }
            Named::Entity(_) | Named::Fixed => {}
        }
    }
    // Names that are written with escapes could not be found again.
    role.trust = if has_plainly(text, &principals) { text.to_owned() } else { policy.to_string() };
    let record = TrustedRecord { account: role.account.clone(), role: folded(&role.name), principals };
    if record.principals.is_empty() {
        changes.delete::<TrustedRecord>(&record.key());
    } else {
        changes.put(&record)?;
    }
    Ok(())
}

/// The trust policy of a role, with those that it names as they are called now.
///
/// # Errors
/// The store's.
pub(crate) fn in_force(view: &View, role: &RoleRecord) -> Result<String, StoreError> {
    let trusted = view.get::<TrustedRecord>(&(role.account.clone(), folded(&role.name)))?;
    let principals = trusted.map(|trusted| trusted.principals).unwrap_or_default();
    Principals.in_force(view, &role.trust, &principals)
}
