//! `iam:CreateInstanceProfile`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateInstanceProfile.html>.

use api::iam::{CreateInstanceProfile, CreateInstanceProfileRequest, CreateInstanceProfileResponse};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, Record, View};

use super::InstanceProfileRecord;
use super::get::shown;
use crate::counts::{self, Counted};
use crate::names::unique_id;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError, needs};

impl Operation<Iam> for CreateInstanceProfile {
    type Error = IamError;

    fn needs(input: &CreateInstanceProfileRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let path = input.path.as_deref().unwrap_or("/");
        let resource = format!("instance-profile{path}{}", input.instance_profile_name);
        let need = needs::on("iam:CreateInstanceProfile", scope, &resource);
        Ok(needs::creating(need, "iam:TagInstanceProfile", input.tags.as_deref()))
    }

    fn apply(
        input: &CreateInstanceProfileRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateInstanceProfileResponse>, IamError> {
        let profile = InstanceProfileRecord {
            account: cx.account.clone(),
            name: input.instance_profile_name.clone(),
            path: input.path.clone().unwrap_or_else(|| "/".to_owned()),
            id: unique_id("AIPA", cx.random()),
            created: cx.now,
            role: None,
            tags: tags::new(input.tags.as_deref(), TagCase::Matters)?,
        };
        if view.contains::<InstanceProfileRecord>(&profile.key())? {
            return Err(IamError::EntityAlreadyExists(format!("Instance Profile {} already exists.", profile.name)));
        }
        let mut changes = Changes::new();
        counts::one_more(view, &mut changes, &cx.account, Counted::InstanceProfiles)?;
        changes.put(&profile)?;
        let instance_profile = shown(view, &profile)?;
        Ok(Applied::with(CreateInstanceProfileResponse { instance_profile }, changes))
    }
}
