//! Finding instances by the ids of a request, or all of an account; and their tags.

use std::collections::BTreeMap;

use ids::{AccountId, InstanceId};
use store::{KeyPrefix, Position, StoreError, View};

use super::record::InstanceRecord;
use crate::Ec2Error;
use crate::tags::record::TagRecord;

/// Records read at a time.
const CHUNK: usize = 1000;

/// The tags of one resource: key and value, in the order of their keys.
pub(crate) type Tags = Vec<(String, String)>;

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

/// All records of a table whose keys begin so.
///
/// # Errors
/// The store's.
pub(crate) fn scan_all<R: store::Record>(view: &View, prefix: &KeyPrefix) -> Result<Vec<R>, StoreError> {
    let mut records: Vec<R> = Vec::new();
    loop {
        let after = records.last().map(|last| Position::after(last.key()));
        let chunk = view.scan(prefix, after.as_ref(), CHUNK)?;
        let is_last = chunk.len() < CHUNK;
        records.extend(chunk);
        if is_last {
            return Ok(records);
        }
    }
}

/// The tags of one resource.
///
/// # Errors
/// The store's.
pub(crate) fn tags_of(view: &View, account: &AccountId, resource: &str) -> Result<Tags, StoreError> {
    let records = scan_all::<TagRecord>(view, &KeyPrefix::of((account, resource)))?;
    Ok(records.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// The tags of all instances of an account.
///
/// # Errors
/// The store's.
pub(crate) fn tags_of_all(view: &View, account: &AccountId) -> Result<BTreeMap<String, Tags>, StoreError> {
    let mut tags: BTreeMap<String, Tags> = BTreeMap::new();
    for tag in scan_all::<TagRecord>(view, &KeyPrefix::of_text(account, "i-"))? {
        tags.entry(tag.resource).or_default().push((tag.key, tag.value));
    }
    Ok(tags)
}
