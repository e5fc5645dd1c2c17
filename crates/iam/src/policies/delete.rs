//! `iam:DeletePolicy`: takes away a managed policy that nothing uses and that has one version left.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>.

use api::iam::{DeletePolicy, DeletePolicyRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::managed::{need, own, uses};
use super::versions::all_of;
use crate::counts::{self, Counted};
use crate::names::folded;
use crate::{Iam, IamError, PolicyRecord, PolicyVersionRecord};

impl Operation<Iam> for DeletePolicy {
    type Error = IamError;

    fn needs(input: &DeletePolicyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeletePolicy", &input.policy_arn, view, scope)?])
    }

    fn apply(input: &DeletePolicyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let policy = own(view, &cx.account, &input.policy_arn)?;
        if uses(view, &cx.account, &input.policy_arn)? != (false, false) {
            return Err(IamError::DeleteConflict("Cannot delete a policy attached to entities.".to_owned()));
        }
        let versions = all_of(view, &policy)?;
        if versions.len() > 1 {
            let text = "This policy has more than one version. Before you delete a policy, you must delete the \
                        policy's versions. The default version is deleted with the policy.";
            return Err(IamError::DeleteConflict(text.to_owned()));
        }
        let mut changes = Changes::new();
        for version in versions {
            changes.delete::<PolicyVersionRecord>(&(version.account, version.policy, version.version));
        }
        counts::one_less(view, &mut changes, &cx.account, Counted::Policies)?;
        changes.delete::<PolicyRecord>(&(policy.account, folded(&policy.name)));
        Ok(Applied::with((), changes))
    }
}
