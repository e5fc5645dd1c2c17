//! Managed policies attached to users, groups and roles, up to ten to each.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_manage-attach-detach.html>.

mod attach;
mod detach;
mod list;

use api::iam::AttachedPolicy;
use ids::AccountId;
use service::Cx;
use store::{Changes, KeyPrefix, StoreError, View};

use super::managed::{Managed, is_arn, not_there};
use super::owner::{Owner, OwnerKind};
use super::quotas::ATTACHED;
use crate::paging::{Listed, Page};
use crate::{AttachmentRecord, IamError};

/// The ARNs of the managed policies attached to an owner.
///
/// # Errors
/// The store's.
pub(crate) fn all_of(view: &View, account: &AccountId, owner: &str) -> Result<Vec<String>, StoreError> {
    // The quota bounds their number.
    let all = KeyPrefix::of((account.clone(), owner.to_owned()));
    let found = view.scan::<AttachmentRecord>(&all, None, usize::MAX)?;
    Ok(found.into_iter().map(|attachment| attachment.policy_arn).collect())
}

/// A policy as lists of attached ones show it.
pub(crate) fn shown(arn: String) -> AttachedPolicy {
    let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
    AttachedPolicy { policy_name: Some(name), policy_arn: Some(arn) }
}

/// Attaches a policy; one that is attached already stays so.
fn attach(kind: OwnerKind, owner: &str, arn: &str, view: &View, cx: &Cx) -> Result<Changes, IamError> {
    let owner = Owner::get_to_change(view, &cx.account, kind, owner)?;
    let policy = Managed::attachable(view, &cx.account, arn)?;
    if policy.path().starts_with("/aws-service-role/") {
        let text = match kind {
            OwnerKind::Role => "Cannot attach a Service Role Policy to a Customer Role.",
            OwnerKind::User | OwnerKind::Group => "Cannot attach a Service Role Policy to a Customer User or Group.",
        };
        return Err(IamError::refused("PolicyNotAttachable", 400, text));
    }
    let present = all_of(view, &cx.account, &owner.key())?;
    let mut changes = Changes::new();
    if present.iter().any(|other| other == arn) {
        return Ok(changes);
    }
    if present.len() >= ATTACHED {
        let text = format!("Cannot exceed quota for PoliciesPer{}: {ATTACHED}", kind.title());
        return Err(IamError::LimitExceeded(text));
    }
    changes.put(&AttachmentRecord { account: cx.account.clone(), owner: owner.key(), policy_arn: arn.to_owned() })?;
    Ok(changes)
}

/// Detaches a policy.
fn detach(kind: OwnerKind, owner: &str, arn: &str, view: &View, cx: &Cx) -> Result<Changes, IamError> {
    let owner = Owner::get_to_change(view, &cx.account, kind, owner)?;
    is_arn(arn)?;
    let key = (cx.account.clone(), owner.key(), arn.to_owned());
    if !view.contains::<AttachmentRecord>(&key)? {
        return Err(not_there(arn));
    }
    let mut changes = Changes::new();
    changes.delete::<AttachmentRecord>(&key);
    Ok(changes)
}

/// The attached policies of an owner whose paths begin with `prefix`.
fn list(
    (list, kind): (&'static str, OwnerKind),
    (owner, prefix): (&str, Option<&str>),
    (max_items, marker): (Option<i32>, Option<&str>),
    view: &View,
    cx: &Cx,
) -> Result<Listed<AttachedPolicy>, IamError> {
    let owner = Owner::get(view, &cx.account, kind, owner)?;
    let (key, prefix) = (owner.key(), prefix.unwrap_or("/"));
    let page = Page::read(cx, list, &[&key, prefix], max_items, marker)?;
    let arns = all_of(view, &cx.account, &key)?.into_iter();
    let arns = arns.filter(|arn| path(arn).starts_with(prefix)).collect();
    Ok(page.of_list(arns, String::clone).map(shown))
}

/// The path in a policy's ARN, and its name after it.
fn path(arn: &str) -> &str {
    arn.split_once(":policy").map_or("/", |(_, rest)| rest)
}
