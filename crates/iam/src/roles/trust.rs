//! Whom a role trusts. A trust policy names users and roles by ARN; what is meant is the user or role that had the ARN when
//! the policy was written. So their unique ids are kept beside it: one that was renamed is still trusted, and one that was
//! made anew under the old name is not. Who is gone is shown by the id, as AWS does.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles>.

use ids::{AccountId, Arn};
use policy::{Kind, Policy};
use serde::{Deserialize, Serialize};
use store::{Changes, Record, StoreError, View};

use super::RoleRecord;
use crate::names::folded;
use crate::{AccountRecord, IamError, UserRecord, counts};

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
        let named = if class == "AWS" { resolve(view, name)? } else { Some(Named::Always) };
        match named {
            None => {
                let text = format!("Invalid principal in policy: \"{class}\":\"{name}\"");
                return Err(IamError::MalformedPolicyDocument(text));
            }
            Some(Named::Entity(id)) if !principals.iter().any(|(known, _)| known == name) => {
                principals.push((name.to_owned(), id));
            }
            Some(Named::Entity(_) | Named::Always) => {}
        }
    }
    // Names that are written with escapes could not be found again.
    let is_plain = principals.iter().all(|(name, _)| text.contains(&quoted(name)));
    role.trust = if is_plain { text.to_owned() } else { policy.to_string() };
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
    let mut text = role.trust.clone();
    let trusted = view.get::<TrustedRecord>(&(role.account.clone(), folded(&role.name)))?;
    for (name, id) in trusted.into_iter().flat_map(|trusted| trusted.principals) {
        let now = arn_of(view, &id)?.unwrap_or_else(|| id.clone());
        if now != name {
            text = text.replace(&quoted(&name), &quoted(&now));
        }
    }
    Ok(text)
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// What a principal of the class `AWS` names.
enum Named {
    /// A user or role, which has a unique id.
    Entity(String),
    /// Everyone, an account, or someone who has no id.
    Always,
}

/// What `name` names; none if that does not exist.
fn resolve(view: &View, name: &str) -> Result<Option<Named>, IamError> {
    if name == "*" {
        return Ok(Some(Named::Always));
    }
    if let Ok(account) = name.parse::<AccountId>() {
        return Ok(view.contains::<AccountRecord>(&account)?.then_some(Named::Always));
    }
    let Ok(arn) = name.parse::<Arn>() else {
        return Ok(arn_of(view, name)?.map(|_| Named::Entity(name.to_owned())));
    };
    let Ok(account) = arn.account().parse::<AccountId>() else { return Ok(None) };
    let (kind, rest) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
    let last = rest.rsplit('/').next().unwrap_or_default();
    let key = |name: &str| (account.clone(), folded(name));
    Ok(match (arn.service(), kind) {
        ("iam", "root") => view.contains::<AccountRecord>(&account)?.then_some(Named::Always),
        ("iam", "user") => {
            let user = view.get::<UserRecord>(&key(last))?;
            user.filter(|user| user.arn() == name).map(|user| Named::Entity(user.id))
        }
        ("iam", "role") => {
            let role = view.get::<RoleRecord>(&key(last))?;
            role.filter(|role| role.arn() == name).map(|role| Named::Entity(role.id))
        }
        ("sts", "assumed-role") => {
            let role = rest.split('/').next().unwrap_or_default();
            view.contains::<RoleRecord>(&key(role))?.then_some(Named::Always)
        }
        ("sts", "federated-user") => view.contains::<AccountRecord>(&account)?.then_some(Named::Always),
        _ => None,
    })
}

/// The ARN of the user or role with this unique id.
fn arn_of(view: &View, id: &str) -> Result<Option<String>, StoreError> {
    if id.starts_with("AROA") {
        let role = view.by_index::<RoleRecord>("id", id.to_owned(), None, 1)?.pop();
        return Ok(role.map(|role| role.arn()));
    }
    let user = view.by_index::<UserRecord>("id", id.to_owned(), None, 1)?.pop();
    Ok(user.map(|user| user.arn()))
}
