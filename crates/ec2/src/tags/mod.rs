//! Tags: the operations on them, and what other resources need to be tagged when they are made.
//! Not here: tags on instances that start to be wanted with `RunInstances` (that operation calls [`put_tags`]).

mod create_delete;
mod describe;
mod given;
pub(crate) mod record;
mod resource;

use std::collections::BTreeMap;

use api::ec2::Tag;
use ids::AccountId;
use store::{Changes, KeyPrefix, StoreError, View};

use self::record::TagRecord;
use crate::scan::scan_all;

pub(crate) use self::given::read_tag_specifications;

/// Most tags of one resource. Source: EC2's user guide, "Tag restrictions".
pub(crate) const MAX_TAGS: usize = 50;

/// More than any resource has: reserved tags are not counted among the fifty.
const ALL: usize = 4 * MAX_TAGS;

/// Keys and values, in the order of the keys.
pub(crate) type Tags = Vec<(String, String)>;

/// The tags of a resource.
///
/// # Errors
/// The store's.
pub(crate) fn tags_of(view: &View, account: &AccountId, resource: &str) -> Result<Tags, StoreError> {
    let tags = view.scan::<TagRecord>(&KeyPrefix::of((account, resource)), None, ALL)?;
    Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// The tags of all resources of an account whose ids begin with `prefix`, such as `i-`.
///
/// # Errors
/// The store's.
pub(crate) fn tags_of_all(
    view: &View,
    account: &AccountId,
    prefix: &str,
) -> Result<BTreeMap<String, Tags>, StoreError> {
    let mut tags: BTreeMap<String, Tags> = BTreeMap::new();
    for tag in scan_all::<TagRecord>(view, &KeyPrefix::of_text(account, prefix))? {
        tags.entry(tag.resource).or_default().push((tag.key, tag.value));
    }
    Ok(tags)
}

/// Puts tags on a resource. Whether they may be is checked before, by [`read_tag_specifications`].
///
/// # Errors
/// The store's.
pub(crate) fn put_tags(
    changes: &mut Changes,
    account: &AccountId,
    resource: &str,
    tags: &[(String, String)],
) -> Result<(), StoreError> {
    for (key, value) in tags {
        changes.put(&TagRecord {
            account: account.clone(),
            resource: resource.to_owned(),
            key: key.clone(),
            value: value.clone(),
        })?;
    }
    Ok(())
}

/// Takes all tags off a resource that is deleted.
///
/// # Errors
/// The store's.
pub(crate) fn delete_tags_of(
    view: &View,
    changes: &mut Changes,
    account: &AccountId,
    resource: &str,
) -> Result<(), StoreError> {
    for (key, _) in tags_of(view, account, resource)? {
        changes.delete::<TagRecord>(&(account.clone(), resource.to_owned(), key));
    }
    Ok(())
}

/// Tags as the API shows them; none where there are none, as AWS leaves the element out.
pub(crate) fn shown(tags: &[(String, String)]) -> Option<Vec<Tag>> {
    let tags: Vec<Tag> =
        tags.iter().map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect();
    (!tags.is_empty()).then_some(tags)
}
