//! The policies of a user, a group or a role, with the names by which the simulator calls them.

use std::sync::Arc;

use ids::AccountId;
use policy::{Attached, Kind, Policy, Source, SourceKind};
use store::{KeyPrefix, StoreError, View};

use crate::names::folded;
use crate::organizations::service_control;
use crate::policies::managed::Managed;
use crate::policies::owner::{Owner, OwnerKind};
use crate::policies::{attached, inline};
use crate::{GroupRecord, IamError, MembershipRecord};

/// A user, a group or a role that an ARN names.
pub(crate) struct Named {
    /// Its account.
    pub(crate) account: AccountId,
    /// What it is.
    pub(crate) owner: Owner,
}

/// What an ARN of a user, a group or a role names.
///
/// # Errors
/// `InvalidInput` for other ARNs, `NoSuchEntity` for what is not there, and the store's.
pub(crate) fn named(view: &View, account: &AccountId, arn: &str) -> Result<Named, IamError> {
    let unclear =
        || IamError::InvalidInput(format!("Invalid Entity Arn: {arn} does not clearly define entity type and name."));
    let parsed: ids::Arn = arn.parse().map_err(|_| unclear())?;
    let (kind, name) = parsed.resource().split_once('/').ok_or_else(unclear)?;
    let (kind, _) = OwnerKind::split(&format!("{kind}/")).ok_or_else(unclear)?;
    if parsed.service() != "iam" || name.is_empty() {
        return Err(unclear());
    }
    let name = name.rsplit('/').next().unwrap_or_default();
    let owner = if parsed.account() == account.as_str() { Owner::find(view, account, kind, name)? } else { None };
    let owner = owner.filter(|owner| owner.arn() == arn);
    let owner = owner
        .ok_or_else(|| IamError::NoSuchEntity(format!("The {} with name {name} cannot be found.", kind.word())))?;
    Ok(Named { account: account.clone(), owner })
}

/// One policy of an entity, and where it comes from.
pub(crate) struct Gathered {
    /// Its name.
    pub(crate) name: String,
    /// Its ARN, if it is managed.
    pub(crate) arn: Option<String>,
    /// Who has it: the entity itself, or one of its groups.
    pub(crate) of: (OwnerKind, String),
    /// The document.
    pub(crate) document: String,
}

impl Gathered {
    /// The policy, called as the simulator calls it: managed ones by their names, inline ones with their owner's.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for what is no policy.
    pub(super) fn attached(&self) -> Result<Attached, StoreError> {
        let (kind, id) = match &self.arn {
            Some(_) => (SourceKind::Managed, self.name.clone()),
            None => (SourceKind::Inline, format!("{}_{}_{}", self.of.0.word(), self.of.1, self.name)),
        };
        stored(kind, id, &self.document, Kind::Identity)
    }
}

impl Named {
    /// Its policies, and those of its groups.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn policies(&self, view: &View) -> Result<Vec<Gathered>, StoreError> {
        let mut found = of_owner(view, &self.account, &self.owner)?;
        if let Owner::User(user) = &self.owner {
            let memberships = KeyPrefix::of((self.account.clone(), folded(&user.name)));
            // The quota on a user's groups bounds their number.
            for membership in view.scan::<MembershipRecord>(&memberships, None, usize::MAX)? {
                if let Some(group) = view.get::<GroupRecord>(&(self.account.clone(), membership.group))? {
                    found.extend(of_owner(view, &self.account, &Owner::Group(group))?);
                }
            }
        }
        Ok(found)
    }

    /// The policy that bounds it.
    ///
    /// # Errors
    /// The store's; [`StoreError::Corrupt`] for a boundary that is not there.
    pub(super) fn boundary(&self, view: &View) -> Result<Option<Attached>, StoreError> {
        let Some(arn) = self.owner.boundary() else { return Ok(None) };
        let gone = || StoreError::Corrupt(format!("the boundary {arn} is not there"));
        let policy = Managed::find(view, &self.account, arn)?.ok_or_else(gone)?;
        stored(SourceKind::Boundary, policy.name().to_owned(), &policy.document(view)?, Kind::Identity).map(Some)
    }

    /// The service control policies that bind it, one list a level.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn service_control(&self, view: &View) -> Result<Vec<Vec<(String, String)>>, StoreError> {
        match &self.owner {
            Owner::Role(role) if role.linked_service.is_some() => Ok(Vec::new()),
            _ => service_control(view, &self.account),
        }
    }
}

fn of_owner(view: &View, account: &AccountId, owner: &Owner) -> Result<Vec<Gathered>, StoreError> {
    let (of, key) = ((owner.kind(), owner.name().to_owned()), owner.key());
    let mut found = Vec::new();
    for policy in inline::all_of(view, account, &key)? {
        found.push(Gathered { name: policy.name, arn: None, of: of.clone(), document: policy.document });
    }
    for arn in attached::all_of(view, account, &key)? {
        let gone = || StoreError::Corrupt(format!("the policy {arn} is attached to {key} and not there"));
        let policy = Managed::find(view, account, &arn)?.ok_or_else(gone)?;
        let document = policy.document(view)?.into_owned();
        found.push(Gathered { name: policy.name().to_owned(), arn: Some(arn), of: of.clone(), document });
    }
    Ok(found)
}

/// A stored document as a policy.
pub(super) fn stored(kind: SourceKind, id: String, document: &str, of: Kind) -> Result<Attached, StoreError> {
    let policy = Policy::parse(document, of);
    let policy = policy.map_err(|fault| StoreError::Corrupt(format!("{id} is no policy: {fault}")))?;
    let source = Arc::new(Source { kind, id, attached_to: String::new() });
    Ok(Attached { source, policy: Arc::new(policy) })
}
