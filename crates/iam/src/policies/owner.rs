//! What has policies: a user, a group or a role, as far as its policies are concerned.

use ids::{AccountId, Arn};
use service::{Need, Scope};
use store::{StoreError, View};

use crate::names::{arn, folded};
use crate::needs::with_tags;
use crate::{GroupRecord, IamError, RoleRecord, UserRecord, roles};

/// A kind of owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnerKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
}

impl OwnerKind {
    /// As in ARNs, keys and error texts.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    /// As in the names of quotas.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Role => "Role",
        }
    }

    /// The kind and the name in an owner as records have it, such as `user/ann`.
    pub(crate) fn split(owner: &str) -> Option<(Self, &str)> {
        let (word, name) = owner.split_once('/')?;
        let kind = [Self::User, Self::Group, Self::Role].into_iter().find(|kind| kind.word() == word)?;
        Some((kind, name))
    }
}

/// A user, a group or a role.
#[derive(Debug, Clone)]
pub(crate) enum Owner {
    /// A user.
    User(UserRecord),
    /// A group.
    Group(GroupRecord),
    /// A role.
    Role(RoleRecord),
}

impl Owner {
    /// The owner of this name, if there is one.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn find(
        view: &View,
        account: &AccountId,
        kind: OwnerKind,
        name: &str,
    ) -> Result<Option<Self>, StoreError> {
        let key = (account.clone(), folded(name));
        Ok(match kind {
            OwnerKind::User => view.get::<UserRecord>(&key)?.map(Self::User),
            OwnerKind::Group => view.get::<GroupRecord>(&key)?.map(Self::Group),
            OwnerKind::Role => view.get::<RoleRecord>(&key)?.map(Self::Role),
        })
    }

    /// The owner of this name.
    ///
    /// # Errors
    /// `NoSuchEntity`, and the store's.
    pub(crate) fn get(view: &View, account: &AccountId, kind: OwnerKind, name: &str) -> Result<Self, IamError> {
        Self::find(view, account, kind, name)?.ok_or_else(|| IamError::not_found(kind.word(), name))
    }

    /// As [`Owner::get`], for one whose policies shall change.
    ///
    /// # Errors
    /// As there, and `UnmodifiableEntity` for a role that belongs to a service.
    pub(crate) fn get_to_change(
        view: &View,
        account: &AccountId,
        kind: OwnerKind,
        name: &str,
    ) -> Result<Self, IamError> {
        let owner = Self::get(view, account, kind, name)?;
        if let Self::Role(role) = &owner {
            roles::check_own(role)?;
        }
        Ok(owner)
    }

    /// Which kind it is.
    pub(crate) fn kind(&self) -> OwnerKind {
        match self {
            Self::User(_) => OwnerKind::User,
            Self::Group(_) => OwnerKind::Group,
            Self::Role(_) => OwnerKind::Role,
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::User(user) => &user.name,
            Self::Group(group) => &group.name,
            Self::Role(role) => &role.name,
        }
    }

    /// Its path, with both slashes.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::User(user) => &user.path,
            Self::Group(group) => &group.path,
            Self::Role(role) => &role.path,
        }
    }

    /// Its unique id.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::User(user) => &user.id,
            Self::Group(group) => &group.id,
            Self::Role(role) => &role.id,
        }
    }

    /// What its policies are kept under.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::User(user) => user.owner(),
            Self::Group(group) => group.owner(),
            Self::Role(role) => role.owner(),
        }
    }

    /// Its ARN.
    pub(crate) fn arn(&self) -> String {
        match self {
            Self::User(user) => user.arn(),
            Self::Group(group) => group.arn(),
            Self::Role(role) => role.arn(),
        }
    }

    /// The ARN of the policy that bounds it.
    pub(crate) fn boundary(&self) -> Option<&str> {
        match self {
            Self::User(user) => user.boundary.as_deref(),
            Self::Group(_) => None,
            Self::Role(role) => role.boundary.as_deref(),
        }
    }

    fn tags(&self) -> &[(String, String)] {
        match self {
            Self::User(user) => &user.tags,
            Self::Group(_) => &[],
            Self::Role(role) => &role.tags,
        }
    }
}

/// What an action on an owner needs, with its tags.
///
/// # Errors
/// The store's.
pub(super) fn need(
    action: &'static str,
    kind: OwnerKind,
    name: &str,
    view: &View,
    scope: &Scope,
) -> Result<Need, IamError> {
    Ok(need_and_owner(action, kind, name, view, scope)?.0)
}

/// What a change of an owner's policies needs: as [`need`], with its boundary (`iam:PermissionsBoundary`), so that one
/// can be made to change the policies only of those who are bounded.
///
/// # Errors
/// The store's.
pub(super) fn need_to_change(
    action: &'static str,
    kind: OwnerKind,
    name: &str,
    view: &View,
    scope: &Scope,
) -> Result<Need, IamError> {
    let (need, owner) = need_and_owner(action, kind, name, view, scope)?;
    Ok(match owner.as_ref().and_then(Owner::boundary) {
        Some(boundary) => need.with("iam:PermissionsBoundary", boundary),
        None => need,
    })
}

fn need_and_owner(
    action: &'static str,
    kind: OwnerKind,
    name: &str,
    view: &View,
    scope: &Scope,
) -> Result<(Need, Option<Owner>), IamError> {
    let Some(account) = &scope.account else { return Ok((Need::any(action), None)) };
    let owner = Owner::find(view, account, kind, name)?;
    let arn = match &owner {
        Some(owner) => owner.arn(),
        None => arn(account, kind.word(), "/", name),
    };
    let need = arn.parse::<Arn>().map_or_else(|_| Need::any(action), |arn| Need::on(action, arn));
    let tags = owner.as_ref().map(Owner::tags).unwrap_or_default();
    Ok((with_tags(need, tags), owner))
}
