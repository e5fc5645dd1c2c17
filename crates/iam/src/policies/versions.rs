//! `iam:CreatePolicyVersion`, `GetPolicyVersion`, `ListPolicyVersions`, `DeletePolicyVersion`, `SetDefaultPolicyVersion`: up
//! to five documents of a managed policy, one of which is in force. A number is never given again.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>.

use api::iam::{
    CreatePolicyVersion, CreatePolicyVersionRequest, CreatePolicyVersionResponse, DeletePolicyVersion,
    DeletePolicyVersionRequest, GetPolicyVersion, GetPolicyVersionRequest, GetPolicyVersionResponse,
    ListPolicyVersions, ListPolicyVersionsRequest, ListPolicyVersionsResponse, PolicyVersion, SetDefaultPolicyVersion,
    SetDefaultPolicyVersionRequest,
};
use jiff::Timestamp;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, StoreError, View};

use super::encode::encoded;
use super::managed::{Managed, need, own};
use super::quotas;
use crate::names::folded;
use crate::paging::Page;
use crate::{Iam, IamError, PolicyRecord, PolicyVersionRecord};

impl Operation<Iam> for CreatePolicyVersion {
    type Error = IamError;

    fn needs(input: &CreatePolicyVersionRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:CreatePolicyVersion", &input.policy_arn, view, scope)?])
    }

    fn apply(
        input: &CreatePolicyVersionRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreatePolicyVersionResponse>, IamError> {
        let policy = own(view, &cx.account, &input.policy_arn)?;
        quotas::read_managed(&input.policy_document)?;
        if all_of(view, &policy)?.len() >= quotas::VERSIONS {
            let text = "A managed policy can have up to 5 versions. Before you create a new version, you must delete an \
                        existing version.";
            return Err(IamError::LimitExceeded(text.to_owned()));
        }
        let number = policy.last_version + 1;
        let is_default = input.set_as_default.unwrap_or_default();
        let version = PolicyVersionRecord {
            account: policy.account.clone(),
            policy: folded(&policy.name),
            version: number,
            document: input.policy_document.clone(),
            created: cx.now,
        };
        let default_version = if is_default { number } else { policy.default_version };
        let policy = PolicyRecord { last_version: number, updated: cx.now, default_version, ..policy };
        let mut changes = Changes::new();
        changes.put(&policy)?;
        changes.put(&version)?;
        let shown = shown(number, is_default, cx.now, None);
        Ok(Applied::with(CreatePolicyVersionResponse { policy_version: Some(shown) }, changes))
    }
}

impl Operation<Iam> for GetPolicyVersion {
    type Error = IamError;

    fn needs(input: &GetPolicyVersionRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetPolicyVersion", &input.policy_arn, view, scope)?])
    }

    fn apply(
        input: &GetPolicyVersionRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetPolicyVersionResponse>, IamError> {
        let policy = Managed::get(view, &cx.account, &input.policy_arn);
        let policy = policy.map_err(|error| of_version(error, &input.policy_arn, &input.version_id))?;
        let found = of(view, &policy)?.into_iter().find(|version| version.id() == input.version_id);
        let version = found.ok_or_else(|| no_version(&input.policy_arn, &input.version_id))?;
        Ok(Applied::read(GetPolicyVersionResponse { policy_version: Some(version.with_document()) }))
    }
}

impl Operation<Iam> for ListPolicyVersions {
    type Error = IamError;

    fn needs(input: &ListPolicyVersionsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListPolicyVersions", &input.policy_arn, view, scope)?])
    }

    fn apply(
        input: &ListPolicyVersionsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListPolicyVersionsResponse>, IamError> {
        let policy = Managed::get(view, &cx.account, &input.policy_arn)?;
        let (asked, marker) = ([input.policy_arn.as_str()], input.marker.as_deref());
        let page = Page::read(cx, "ListPolicyVersions", &asked, input.max_items, marker)?;
        // The newest comes first.
        let listed = page.of_list(of(view, &policy)?, |version| format!("{:010}", u32::MAX - version.number));
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        let versions = listed.items.iter().map(|version| version.without_document()).collect();
        Ok(Applied::read(ListPolicyVersionsResponse { versions: Some(versions), is_truncated, marker }))
    }
}

impl Operation<Iam> for DeletePolicyVersion {
    type Error = IamError;

    fn needs(input: &DeletePolicyVersionRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeletePolicyVersion", &input.policy_arn, view, scope)?])
    }

    fn apply(input: &DeletePolicyVersionRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let policy = own(view, &cx.account, &input.policy_arn);
        let policy = policy.map_err(|error| of_version(error, &input.policy_arn, &input.version_id))?;
        let version = named(view, &policy, &input.policy_arn, &input.version_id)?;
        if version.version == policy.default_version {
            return Err(IamError::DeleteConflict("Cannot delete the default version of a policy.".to_owned()));
        }
        let mut changes = Changes::new();
        changes.delete::<PolicyVersionRecord>(&(version.account, version.policy, version.version));
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for SetDefaultPolicyVersion {
    type Error = IamError;

    fn needs(input: &SetDefaultPolicyVersionRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:SetDefaultPolicyVersion", &input.policy_arn, view, scope)?])
    }

    fn apply(input: &SetDefaultPolicyVersionRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let policy = own(view, &cx.account, &input.policy_arn);
        let policy = policy.map_err(|error| of_version(error, &input.policy_arn, &input.version_id))?;
        let version = named(view, &policy, &input.policy_arn, &input.version_id)?;
        let mut changes = Changes::new();
        changes.put(&PolicyRecord { default_version: version.version, ..policy })?;
        Ok(Applied::with((), changes))
    }
}

/// A version, whoever made it.
pub(crate) struct Version {
    number: u32,
    is_default: bool,
    created: Timestamp,
    document: String,
}

impl Version {
    fn id(&self) -> String {
        format!("v{}", self.number)
    }

    /// As IAM shows it with its document.
    pub(crate) fn with_document(&self) -> PolicyVersion {
        shown(self.number, self.is_default, self.created, Some(encoded(&self.document)))
    }

    fn without_document(&self) -> PolicyVersion {
        shown(self.number, self.is_default, self.created, None)
    }
}

/// All versions of a policy, the oldest first.
///
/// # Errors
/// The store's.
pub(crate) fn of(view: &View, policy: &Managed) -> Result<Vec<Version>, StoreError> {
    match policy {
        Managed::Aws(policy) => Ok(vec![Version {
            number: policy.version,
            is_default: true,
            created: policy.updated,
            document: policy.document.to_owned(),
        }]),
        Managed::Own(policy) => {
            let versions = all_of(view, policy)?.into_iter();
            Ok(versions
                .map(|PolicyVersionRecord { version, created, document, .. }| Version {
                    number: version,
                    is_default: version == policy.default_version,
                    created,
                    document,
                })
                .collect())
        }
    }
}

/// All versions of a policy of the account's, as stored.
pub(super) fn all_of(view: &View, policy: &PolicyRecord) -> Result<Vec<PolicyVersionRecord>, StoreError> {
    let all = KeyPrefix::of((policy.account.clone(), folded(&policy.name)));
    view.scan::<PolicyVersionRecord>(&all, None, quotas::VERSIONS + 1)
}

fn named(view: &View, policy: &PolicyRecord, arn: &str, id: &str) -> Result<PolicyVersionRecord, IamError> {
    let found = all_of(view, policy)?.into_iter().find(|version| format!("v{}", version.version) == id);
    found.ok_or_else(|| no_version(arn, id))
}

/// Where there is no policy, there is no version of it either, and AWS says that.
fn of_version(error: IamError, arn: &str, id: &str) -> IamError {
    match error {
        IamError::NoSuchEntity(_) => no_version(arn, id),
        other => other,
    }
}

fn no_version(arn: &str, id: &str) -> IamError {
    IamError::NoSuchEntity(format!("Policy {arn} version {id} does not exist or is not attachable."))
}

fn shown(number: u32, is_default: bool, created: Timestamp, document: Option<String>) -> PolicyVersion {
    PolicyVersion {
        document,
        version_id: Some(format!("v{number}")),
        is_default_version: Some(is_default),
        create_date: Some(created),
    }
}
