//! Finding instances by the ids of a request, or all of an account.

use ids::{AccountId, InstanceId};
use store::{KeyPrefix, StoreError, View};

use super::record::InstanceRecord;
use crate::Ec2Error;
use crate::scan::scan_all;

/// The instances of these ids in the order of the ids, each once.
///
/// # Errors
/// `InvalidInstanceID.Malformed`, or `InvalidInstanceID.NotFound` for those that are not this account's.
pub(crate) fn by_ids(view: &View, account: &AccountId, texts: &[String]) -> Result<Vec<InstanceRecord>, Ec2Error> {
    let mut ids: Vec<InstanceId> = Vec::with_capacity(texts.len());
    for text in texts {
        let malformed = |_| Ec2Error::refused("InvalidInstanceID.Malformed", format!("Invalid id: \"{text}\""));
        ids.push(text.parse().map_err(malformed)?);
    }
    ids.sort_unstable();
    ids.dedup();
    let (mut found, mut missing) = (Vec::with_capacity(ids.len()), Vec::new());
    for id in ids {
        match view.get::<InstanceRecord>(&(account.clone(), id.clone()))? {
            Some(record) => found.push(record),
            None => missing.push(id.to_string()),
        }
    }
    let text = match missing.as_slice() {
        [] => return Ok(found),
        [one] => format!("The instance ID '{one}' does not exist"),
        many => format!("The instance IDs '{}' do not exist", many.join(", ")),
    };
    Err(Ec2Error::refused("InvalidInstanceID.NotFound", text))
}

/// All instances of an account, in the order of their ids.
///
/// # Errors
/// The store's.
pub(crate) fn all_of(view: &View, account: &AccountId) -> Result<Vec<InstanceRecord>, StoreError> {
    scan_all(view, &KeyPrefix::of(account))
}
