//! Whom policies name: the accounts, users and roles that there are.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>.

use ids::{AccountId, Arn};
use jiff::Timestamp;
use service::{Directory, Named};
use store::{Changes, KeyPrefix, StoreError, View};

use crate::accounts::MAX_ACCOUNTS;
use crate::mfa::check_code_of_root;
use crate::names::folded;
use crate::{AccountRecord, IamError, RoleRecord, UserRecord};

/// Whom the records of IAM know.
pub(crate) struct Principals;

impl Directory for Principals {
    fn named(&self, view: &View, name: &str) -> Result<Named, StoreError> {
        named(view, name)
    }

    fn arn_of(&self, view: &View, id: &str) -> Result<Option<String>, StoreError> {
        if id.starts_with("AROA") {
            let role = view.by_index::<RoleRecord>("id", id.to_owned(), None, 1)?.pop();
            return Ok(role.map(|role| role.arn()));
        }
        let user = view.by_index::<UserRecord>("id", id.to_owned(), None, 1)?.pop();
        Ok(user.map(|user| user.arn()))
    }

    fn accounts(&self, view: &View) -> Result<Vec<AccountId>, StoreError> {
        let accounts = view.scan::<AccountRecord>(&KeyPrefix::all(), None, MAX_ACCOUNTS)?;
        Ok(accounts.into_iter().map(|account| account.id).collect())
    }

    fn root_shows(
        &self,
        view: &View,
        changes: &mut Changes,
        account: &AccountId,
        device: (&str, &str),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match check_code_of_root(view, changes, account, device, now) {
            Ok(()) => Ok(true),
            Err(IamError::Store(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }
}

/// What `name` names as a principal of the class `AWS`.
pub(crate) fn named(view: &View, name: &str) -> Result<Named, StoreError> {
    if name == "*" {
        return Ok(Named::Fixed);
    }
    if let Ok(account) = name.parse::<AccountId>() {
        return fixed_if(view.contains::<AccountRecord>(&account)?);
    }
    let Ok(arn) = name.parse::<Arn>() else {
        let is_there = Principals.arn_of(view, name)?.is_some();
        return Ok(if is_there { Named::Entity(name.to_owned()) } else { Named::Nobody });
    };
    let Ok(account) = arn.account().parse::<AccountId>() else { return Ok(Named::Nobody) };
    let (kind, rest) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
    let last = rest.rsplit('/').next().unwrap_or_default();
    let key = |name: &str| (account.clone(), folded(name));
    match (arn.service(), kind) {
        ("iam", "root") | ("sts", "federated-user") => fixed_if(view.contains::<AccountRecord>(&account)?),
        ("iam", "user") => {
            let user = view.get::<UserRecord>(&key(last))?.filter(|user| user.arn() == name);
            Ok(user.map_or(Named::Nobody, |user| Named::Entity(user.id)))
        }
        ("iam", "role") => {
            let role = view.get::<RoleRecord>(&key(last))?.filter(|role| role.arn() == name);
            Ok(role.map_or(Named::Nobody, |role| Named::Entity(role.id)))
        }
        ("sts", "assumed-role") => {
            let role = rest.split('/').next().unwrap_or_default();
            fixed_if(view.contains::<RoleRecord>(&key(role))?)
        }
        _ => Ok(Named::Nobody),
    }
}

fn fixed_if(is_there: bool) -> Result<Named, StoreError> {
    Ok(if is_there { Named::Fixed } else { Named::Nobody })
}
