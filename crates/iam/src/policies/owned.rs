//! What an owner's policies mean for the owner itself: they go with it when it is renamed, and must be gone before it goes.

use ids::AccountId;
use store::{Changes, KeyPrefix, Record, View};

use super::{AttachmentRecord, InlinePolicyRecord};
use crate::IamError;

/// More policies than an owner can have.
const MAX: usize = 1000;

/// What must be done with the policies of this owner before it can go, if anything.
///
/// # Errors
/// The store's.
pub(crate) fn left(view: &View, account: &AccountId, owner: &str) -> Result<Option<&'static str>, IamError> {
    let prefix = KeyPrefix::of((account.clone(), owner));
    if !view.scan::<AttachmentRecord>(&prefix, None, 1)?.is_empty() {
        return Ok(Some("detach all policies"));
    }
    if !view.scan::<InlinePolicyRecord>(&prefix, None, 1)?.is_empty() {
        return Ok(Some("delete policies"));
    }
    Ok(None)
}

/// Moves all policies from the owner `old` to the owner `new`.
///
/// # Errors
/// The store's.
pub(crate) fn move_owner(
    view: &View,
    changes: &mut Changes,
    account: &AccountId,
    old: &str,
    new: &str,
) -> Result<(), IamError> {
    let prefix = KeyPrefix::of((account.clone(), old));
    for attachment in view.scan::<AttachmentRecord>(&prefix, None, MAX)? {
        changes.delete::<AttachmentRecord>(&attachment.key());
        changes.put(&AttachmentRecord { owner: new.to_owned(), ..attachment })?;
    }
    for policy in view.scan::<InlinePolicyRecord>(&prefix, None, MAX)? {
        changes.delete::<InlinePolicyRecord>(&policy.key());
        changes.put(&InlinePolicyRecord { owner: new.to_owned(), ..policy })?;
    }
    Ok(())
}
