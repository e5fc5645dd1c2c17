//! Inline policies: documents that belong to one user, group or role, and go with it.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html>.

mod delete;
mod get;
mod list;
mod put;

use ids::AccountId;
use service::Cx;
use store::{Changes, KeyPrefix, StoreError, View};

use super::owner::{Owner, OwnerKind};
use super::quotas;
use crate::paging::{Listed, Page};
use crate::{IamError, InlinePolicyRecord};

/// All inline policies of an owner.
///
/// # Errors
/// The store's.
pub(crate) fn all_of(view: &View, account: &AccountId, owner: &str) -> Result<Vec<InlinePolicyRecord>, StoreError> {
    // The quota on their size bounds their number.
    view.scan(&KeyPrefix::of((account.clone(), owner.to_owned())), None, usize::MAX)
}

/// Writes a policy, in place of one of the same name.
fn put(
    kind: OwnerKind,
    (owner, name, document): (&str, &str, &str),
    view: &View,
    cx: &Cx,
) -> Result<Changes, IamError> {
    let owner = Owner::get_to_change(view, &cx.account, kind, owner)?;
    quotas::read(document)?;
    let others = all_of(view, &cx.account, &owner.key())?.into_iter().filter(|other| other.name != name);
    let total: usize = others.map(|other| quotas::size(&other.document)).sum();
    quotas::check_inline(kind, owner.name(), total + quotas::size(document))?;
    let mut changes = Changes::new();
    changes.put(&InlinePolicyRecord {
        account: cx.account.clone(),
        owner: owner.key(),
        name: name.to_owned(),
        document: document.to_owned(),
    })?;
    Ok(changes)
}

/// The owner and its policy of this name.
fn find(
    kind: OwnerKind,
    owner: &str,
    name: &str,
    view: &View,
    cx: &Cx,
) -> Result<(Owner, InlinePolicyRecord), IamError> {
    let owner = Owner::get(view, &cx.account, kind, owner)?;
    let found = view.get::<InlinePolicyRecord>(&(cx.account.clone(), owner.key(), name.to_owned()))?;
    let policy = found.ok_or_else(|| IamError::not_found(policy_of(kind), name))?;
    Ok((owner, policy))
}

fn policy_of(kind: OwnerKind) -> &'static str {
    match kind {
        OwnerKind::User => "user policy",
        OwnerKind::Group => "group policy",
        OwnerKind::Role => "role policy",
    }
}

/// Takes a policy away.
fn delete(kind: OwnerKind, owner: &str, name: &str, view: &View, cx: &Cx) -> Result<Changes, IamError> {
    Owner::get_to_change(view, &cx.account, kind, owner)?;
    let (owner, policy) = find(kind, owner, name, view, cx)?;
    let mut changes = Changes::new();
    changes.delete::<InlinePolicyRecord>(&(policy.account, owner.key(), policy.name));
    Ok(changes)
}

/// The names of an owner's policies.
fn list(
    (list, kind): (&'static str, OwnerKind),
    owner: &str,
    (max_items, marker): (Option<i32>, Option<&str>),
    view: &View,
    cx: &Cx,
) -> Result<Listed<String>, IamError> {
    let owner = Owner::get(view, &cx.account, kind, owner)?;
    let key = owner.key();
    let page = Page::read(cx, list, &[&key], max_items, marker)?;
    let of_owner = (cx.account.clone(), key.clone());
    let listed = page.scan::<InlinePolicyRecord>(view, of_owner, |policy| policy.name.clone(), |_| true)?;
    Ok(listed.map(|policy| policy.name))
}
