//! `ec2:AssociateIamInstanceProfile`: an instance that has no profile gets one.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateIamInstanceProfile.html>.

use api::Call;
use api::ec2::{AssociateIamInstanceProfile, AssociateIamInstanceProfileRequest, AssociateIamInstanceProfileResult};
use ids::Arn;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};
use wire::BoxFuture;

use super::{AssociationRecord, Resolved, association_id, resolve, shown};
use crate::grounds::Grounds;
use crate::instances::find;
use crate::instances::states::InstanceState;
use crate::{Ec2, Ec2Error};

impl Operation<Ec2> for AssociateIamInstanceProfile {
    type Error = Ec2Error;

    fn prepare<'a>(
        service: &'a Ec2,
        call: &'a Call,
        input: &'a mut AssociateIamInstanceProfileRequest,
    ) -> Option<BoxFuture<'a, Result<(), Ec2Error>>> {
        Some(Box::pin(resolve(service, call, &mut input.iam_instance_profile)))
    }

    fn needs(input: &AssociateIamInstanceProfileRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let grounds = Grounds::new(view, scope);
        let mut need = grounds.instance("ec2:AssociateIamInstanceProfile", &input.instance_id)?;
        if let Some(arn) = Resolved::arn(&input.iam_instance_profile) {
            need = need.with("ec2:NewInstanceProfile", arn);
        }
        let instance: Arn = scope.arn("ec2", &format!("instance/{}", input.instance_id));
        let pass = Resolved::need(&input.iam_instance_profile, &instance);
        Ok(std::iter::once(need).chain(pass).collect())
    }

    fn apply(
        input: &AssociateIamInstanceProfileRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<AssociateIamInstanceProfileResult>, Ec2Error> {
        let found = find::by_ids(view, &cx.account, std::slice::from_ref(&input.instance_id))?;
        let instance = found.into_iter().next().ok_or_else(|| Ec2Error::missing("InstanceId"))?;
        let profile = Resolved::read(&input.iam_instance_profile)?;
        if matches!(instance.status.state, InstanceState::ShuttingDown | InstanceState::Terminated) {
            let text = format!(
                "The instance '{}' is not in a state from which an instance profile can be associated.",
                instance.id
            );
            return Err(Ec2Error::refused("IncorrectInstanceState", text));
        }
        if view.contains::<AssociationRecord>(&(cx.account.clone(), instance.id.clone()))? {
            let text = format!("There is an existing association for instance {}", instance.id);
            return Err(Ec2Error::refused("IncorrectState", text));
        }
        let association = AssociationRecord {
            account: cx.account.clone(),
            instance: instance.id,
            id: association_id(cx.random()),
            profile_arn: profile.arn,
            profile_id: profile.id,
            since: cx.now,
        };
        let mut changes = Changes::new();
        changes.put(&association)?;
        let iam_instance_profile_association = Some(shown(&association, "associating", false));
        Ok(Applied::with(AssociateIamInstanceProfileResult { iam_instance_profile_association }, changes))
    }
}
