//! Managed policies, of an account or of AWS: found by ARN, counted, shown.

use std::borrow::Cow;

use api::iam::Policy;
use ids::{AccountId, Arn};
use service::{Need, Scope};
use store::{StoreError, View};

use crate::managed::{self, AwsPolicy};
use crate::names::folded;
use crate::needs::with_tags;
use crate::{AttachmentRecord, IamError, PolicyRecord, PolicyVersionRecord, RoleRecord, UserRecord, tags};

/// Records read at once while counting.
const CHUNK: usize = 500;

/// A managed policy.
#[derive(Debug, Clone)]
pub(crate) enum Managed {
    /// AWS's.
    Aws(&'static AwsPolicy),
    /// The account's own.
    Own(PolicyRecord),
}

impl Managed {
    /// The policy with this ARN that `account` can use: its own, or AWS's.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn find(view: &View, account: &AccountId, arn: &str) -> Result<Option<Self>, StoreError> {
        if let Some(policy) = managed::find(arn) {
            return Ok(Some(Self::Aws(policy)));
        }
        let Some((_, name)) = arn.rsplit_once('/') else { return Ok(None) };
        let found = view.get::<PolicyRecord>(&(account.clone(), folded(name)))?;
        Ok(found.filter(|policy| policy.arn() == arn).map(Self::Own))
    }

    /// As [`Managed::find`].
    ///
    /// # Errors
    /// `ValidationError` for what is no ARN, `NoSuchEntity`, and the store's.
    pub(crate) fn get(view: &View, account: &AccountId, arn: &str) -> Result<Self, IamError> {
        is_arn(arn)?;
        Self::find(view, account, arn)?.ok_or_else(|| not_there(arn))
    }

    /// As [`Managed::get`], for whoever would attach it.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn attachable(view: &View, account: &AccountId, arn: &str) -> Result<Self, IamError> {
        is_arn(arn)?;
        let missing = || IamError::NoSuchEntity(format!("Policy {arn} does not exist or is not attachable."));
        Self::find(view, account, arn)?.ok_or_else(missing)
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Aws(policy) => policy.name,
            Self::Own(policy) => &policy.name,
        }
    }

    /// Its path, with both slashes.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Aws(policy) => policy.path,
            Self::Own(policy) => &policy.path,
        }
    }

    /// Its ARN.
    pub(crate) fn arn(&self) -> String {
        match self {
            Self::Aws(policy) => policy.arn(),
            Self::Own(policy) => policy.arn(),
        }
    }

    /// The document in force.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn document(&self, view: &View) -> Result<Cow<'static, str>, StoreError> {
        match self {
            Self::Aws(policy) => Ok(Cow::Borrowed(policy.document)),
            Self::Own(policy) => {
                let key = (policy.account.clone(), folded(&policy.name), policy.default_version);
                let version = view.get::<PolicyVersionRecord>(&key)?;
                let version = version.ok_or_else(|| StoreError::Corrupt(format!("{} has no default", policy.arn())))?;
                Ok(Cow::Owned(version.document))
            }
        }
    }

    /// The policy as IAM lists it for `account`: without description and tags.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn listed(&self, view: &View, account: &AccountId) -> Result<Policy, StoreError> {
        let arn = self.arn();
        let (attached, bounding) = (attachment_count(view, account, &arn)?, boundary_count(view, account, &arn)?);
        let (id, version, created, updated) = match self {
            Self::Aws(policy) => (policy.id, policy.version, policy.created, policy.updated),
            Self::Own(policy) => (policy.id.as_str(), policy.default_version, policy.created, policy.updated),
        };
        Ok(Policy {
            policy_name: Some(self.name().to_owned()),
            policy_id: Some(id.to_owned()),
            arn: Some(arn),
            path: Some(self.path().to_owned()),
            default_version_id: Some(format!("v{version}")),
            attachment_count: Some(attached),
            permissions_boundary_usage_count: Some(bounding),
            is_attachable: Some(true),
            create_date: Some(created),
            update_date: Some(updated),
            ..Policy::default()
        })
    }

    /// What its maker says of it.
    pub(crate) fn description(&self) -> Option<String> {
        match self {
            Self::Aws(policy) => policy.description.map(str::to_owned),
            Self::Own(policy) => policy.description.clone(),
        }
    }

    /// Its tags.
    pub(crate) fn tags(&self) -> &[(String, String)] {
        match self {
            Self::Aws(_) => &[],
            Self::Own(policy) => &policy.tags,
        }
    }
}

/// The account's own policy with this ARN, to change it.
///
/// # Errors
/// As [`Managed::get`], and `AccessDenied` for one of AWS's.
pub(super) fn own(view: &View, account: &AccountId, arn: &str) -> Result<PolicyRecord, IamError> {
    match Managed::get(view, account, arn)? {
        Managed::Own(policy) => Ok(policy),
        Managed::Aws(_) => {
            Err(IamError::AccessDenied(format!("Policy {arn} is managed by AWS and cannot be changed.")))
        }
    }
}

/// Refuses what is no ARN of a policy.
///
/// # Errors
/// `ValidationError`.
pub(crate) fn is_arn(arn: &str) -> Result<(), IamError> {
    let parsed = arn.parse::<Arn>();
    let is_policy = parsed.is_ok_and(|arn| arn.service() == "iam" && arn.resource().starts_with("policy/"));
    if is_policy { Ok(()) } else { Err(IamError::Validation(format!("ARN {arn} is not valid."))) }
}

/// That there is no such policy, for whoever would see it.
pub(super) fn not_there(arn: &str) -> IamError {
    IamError::NoSuchEntity(format!("Policy {arn} was not found."))
}

/// What an action on a policy needs, with its tags.
///
/// # Errors
/// The store's.
pub(super) fn need(action: &'static str, arn: &str, view: &View, scope: &Scope) -> Result<Need, IamError> {
    let Ok(resource) = arn.parse::<Arn>() else { return Ok(Need::any(action)) };
    let need = Need::on(action, resource);
    let found = match &scope.account {
        Some(account) => Managed::find(view, account, arn)?,
        None => None,
    };
    Ok(with_tags(need, found.as_ref().map(Managed::tags).unwrap_or_default()))
}

/// Whether anything has the policy attached, and whether anything is bounded by it.
///
/// # Errors
/// The store's.
pub(crate) fn uses(view: &View, account: &AccountId, arn: &str) -> Result<(bool, bool), StoreError> {
    let entry = || (account.clone(), arn.to_owned());
    let attached = !view.by_index::<AttachmentRecord>("policy", entry(), None, 1)?.is_empty();
    let bounding = !view.by_index::<UserRecord>("boundary", entry(), None, 1)?.is_empty()
        || !view.by_index::<RoleRecord>("boundary", entry(), None, 1)?.is_empty();
    Ok((attached, bounding))
}

fn attachment_count(view: &View, account: &AccountId, arn: &str) -> Result<i32, StoreError> {
    count::<AttachmentRecord>(view, "policy", account, arn)
}

fn boundary_count(view: &View, account: &AccountId, arn: &str) -> Result<i32, StoreError> {
    let users = count::<UserRecord>(view, "boundary", account, arn)?;
    Ok(users + count::<RoleRecord>(view, "boundary", account, arn)?)
}

fn count<R: store::Record>(view: &View, index: &str, account: &AccountId, arn: &str) -> Result<i32, StoreError> {
    let (mut total, mut after) = (0, None);
    loop {
        let chunk = view.by_index::<R>(index, (account.clone(), arn.to_owned()), after.as_ref(), CHUNK)?;
        total += chunk.len();
        if chunk.len() < CHUNK {
            return Ok(i32::try_from(total).unwrap_or(i32::MAX));
        }
        after = chunk.last().map(store::Record::key);
    }
}

/// A policy as IAM shows it alone: with its description and its tags.
///
/// # Errors
/// The store's.
pub(super) fn shown(policy: &Managed, view: &View, account: &AccountId) -> Result<Policy, StoreError> {
    let listed = policy.listed(view, account)?;
    Ok(Policy { description: policy.description(), tags: tags::all_shown(policy.tags()), ..listed })
}
