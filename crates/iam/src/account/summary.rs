//! `iam:GetAccountSummary`: how many of everything the account has, and how many it may have.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>.

use std::collections::BTreeMap;

use api::iam::{GetAccountSummary, GetAccountSummaryResponse};
use ids::AccountId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, Record, View};

use crate::counts::{self, Counted};
use crate::{
    AttachmentRecord, Iam, IamError, MfaDeviceRecord, OidcProviderRecord, PolicyRecord, SamlProviderRecord,
    ServerCertificateRecord, root_keys,
};

/// Most records of a kind that are counted one by one; there are quotas below it.
const MAX_COUNTED: usize = 10_000;

/// The quotas that every account has, and the facts that are the same for each.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
const CONSTANT: &[(&str, i32)] = &[
    ("AccessKeysPerUserQuota", 2),
    ("AccountSigningCertificatesPresent", 0),
    ("AssumeRolePolicySizeQuota", 2048),
    ("AttachedPoliciesPerGroupQuota", 10),
    ("AttachedPoliciesPerRoleQuota", 10),
    ("AttachedPoliciesPerUserQuota", 10),
    ("GlobalEndpointTokenVersion", 1),
    ("GroupPolicySizeQuota", 5120),
    ("GroupsPerUserQuota", 10),
    ("PoliciesQuota", 1500),
    ("PolicySizeQuota", 6144),
    ("PolicyVersionsInUseQuota", 10_000),
    ("RolePolicySizeQuota", 10_240),
    ("ServerCertificatesQuota", 20),
    ("SigningCertificatesPerUserQuota", 2),
    ("UserPolicySizeQuota", 2048),
    ("VersionsPerPolicyQuota", 5),
];

impl Operation<Iam> for GetAccountSummary {
    type Error = IamError;

    fn needs(_input: &(), _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:GetAccountSummary")])
    }

    fn apply(_input: &(), view: &View, cx: &Cx) -> Result<Applied<GetAccountSummaryResponse>, IamError> {
        let account = &cx.account;
        let mut map: BTreeMap<String, i32> =
            CONSTANT.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        for kind in [Counted::Users, Counted::Groups, Counted::Roles, Counted::InstanceProfiles] {
            map.insert(kind.name().to_owned(), number(counts::count(view, account, kind)?));
            map.insert(kind.quota_name().to_owned(), number(kind.quota()));
        }
        let devices = view.scan::<MfaDeviceRecord>(&KeyPrefix::of(account), None, MAX_COUNTED)?;
        let in_use = devices.iter().filter(|device| device.holder.is_some()).count();
        let others = [
            ("AccountAccessKeysPresent", usize::from(!root_keys(view, account)?.is_empty())),
            ("AccountMFAEnabled", usize::from(devices.iter().any(MfaDeviceRecord::is_roots))),
            ("AccountPasswordPresent", 0),
            ("MFADevices", devices.len()),
            ("MFADevicesInUse", in_use),
            ("Policies", count::<PolicyRecord>(view, account)?),
            ("PolicyVersionsInUse", policies_in_use(view, account)?),
            ("Providers", count::<OidcProviderRecord>(view, account)? + count::<SamlProviderRecord>(view, account)?),
            ("ServerCertificates", count::<ServerCertificateRecord>(view, account)?),
        ];
        map.extend(others.map(|(name, value)| (name.to_owned(), number(value))));
        Ok(Applied::read(GetAccountSummaryResponse { summary_map: Some(map) }))
    }
}

/// How many records of a table the account has.
fn count<R: Record>(view: &View, account: &AccountId) -> Result<usize, IamError> {
    Ok(view.scan::<R>(&KeyPrefix::of(account), None, MAX_COUNTED)?.len())
}

/// How many policies are attached to something: each has one version in force.
fn policies_in_use(view: &View, account: &AccountId) -> Result<usize, IamError> {
    let attachments = view.scan::<AttachmentRecord>(&KeyPrefix::of(account), None, MAX_COUNTED)?;
    let mut policies: Vec<&str> = attachments.iter().map(|attachment| attachment.policy_arn.as_str()).collect();
    policies.sort_unstable();
    policies.dedup();
    Ok(policies.len())
}

fn number<T: TryInto<i32>>(count: T) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}
