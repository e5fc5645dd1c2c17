//! What a report is about: a user, a group, a role or a managed policy, the policies that count, and who may have used them.

use std::collections::HashSet;

use ids::AccountId;
use policy::{Kind, Policy};
use store::{StoreError, View};

use crate::policies::managed::Managed;
use crate::policies::owner::{Owner, OwnerKind};
use crate::simulate::{Named, named};
use crate::{AttachmentRecord, IamError, MembershipRecord};

/// Most users and roles that one report looks at.
const MAX_ENTITIES: usize = 5000;

/// What a report is about.
pub(super) enum Subject {
    /// A user, a group or a role.
    Entity(Named),
    /// A managed policy, by its ARN.
    Policy(Managed, String),
}

impl Subject {
    /// What an ARN names.
    ///
    /// # Errors
    /// `InvalidInput` for other ARNs, `NoSuchEntity` for what is not there, and the store's.
    pub(super) fn of(view: &View, account: &AccountId, arn: &str) -> Result<Self, IamError> {
        let is_policy = arn.parse::<ids::Arn>().is_ok_and(|arn| arn.resource().starts_with("policy/"));
        if is_policy {
            return Ok(Self::Policy(Managed::get(view, account, arn)?, arn.to_owned()));
        }
        named(view, account, arn).map(Self::Entity)
    }

    /// The policies that say which services it may use. Boundaries, and what resources and organizations say, do not count.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn policies(&self, view: &View) -> Result<Vec<Policy>, StoreError> {
        let documents = match self {
            Self::Entity(named) => named.policies(view)?.into_iter().map(|policy| policy.document).collect(),
            Self::Policy(policy, _) => vec![policy.document(view)?.into_owned()],
        };
        let read = |document: String| {
            let policy = Policy::parse(&document, Kind::Identity);
            policy.map_err(|fault| StoreError::Corrupt(format!("a policy that is none: {fault}")))
        };
        documents.into_iter().map(read).collect()
    }

    /// The users and roles whose uses count: itself, the members of a group, or all that a policy is attached to.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn entities(&self, view: &View, account: &AccountId) -> Result<Vec<Owner>, StoreError> {
        match self {
            Self::Entity(Named { owner, .. }) if owner.kind() != OwnerKind::Group => Ok(vec![owner.clone()]),
            Self::Entity(Named { owner, .. }) => members(view, account, owner.name()),
            Self::Policy(_, arn) => {
                let entry = (account.clone(), arn.clone());
                let attachments = view.by_index::<AttachmentRecord>("policy", entry, None, MAX_ENTITIES)?;
                let mut found = Vec::new();
                for attachment in attachments {
                    match OwnerKind::split(&attachment.owner) {
                        Some((OwnerKind::Group, name)) => found.extend(members(view, account, name)?),
                        Some((kind, name)) => found.extend(Owner::find(view, account, kind, name)?),
                        None => {}
                    }
                }
                let mut seen = HashSet::new();
                found.retain(|owner: &Owner| seen.insert(owner.id().to_owned()));
                found.truncate(MAX_ENTITIES);
                Ok(found)
            }
        }
    }
}

fn members(view: &View, account: &AccountId, group: &str) -> Result<Vec<Owner>, StoreError> {
    let entry = (account.clone(), crate::names::folded(group));
    let memberships = view.by_index::<MembershipRecord>("group", entry, None, MAX_ENTITIES)?;
    let mut found = Vec::new();
    for membership in memberships {
        found.extend(Owner::find(view, account, OwnerKind::User, &membership.user)?);
    }
    Ok(found)
}
