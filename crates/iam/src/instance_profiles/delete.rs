//! `iam:DeleteInstanceProfile`: only of one without a role.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteInstanceProfile.html>.

use api::iam::{DeleteInstanceProfile, DeleteInstanceProfileRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, Record, View};

use super::InstanceProfileRecord;
use super::get::{find, need};
use crate::counts::{self, Counted};
use crate::{Iam, IamError};

impl Operation<Iam> for DeleteInstanceProfile {
    type Error = IamError;

    fn needs(input: &DeleteInstanceProfileRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteInstanceProfile", &input.instance_profile_name, view, scope)?])
    }

    fn apply(input: &DeleteInstanceProfileRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let profile = find(view, &cx.account, &input.instance_profile_name)?;
        if profile.role.is_some() {
            let text = "Cannot delete entity, must remove roles from instance profile first.";
            return Err(IamError::DeleteConflict(text.to_owned()));
        }
        let mut changes = Changes::new();
        changes.delete::<InstanceProfileRecord>(&profile.key());
        counts::one_less(view, &mut changes, &cx.account, Counted::InstanceProfiles)?;
        Ok(Applied::with((), changes))
    }
}
