//! `ec2:RebootInstances`: asks for one reset of each instance named, or of none. A state does not change by it.

use api::ec2::{RebootInstances, RebootInstancesRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::find;
use super::states::Action;
use super::terminate::needs;
use crate::grounds::Grounds;
use crate::{Ec2, Ec2Error};

impl Operation<Ec2> for RebootInstances {
    type Error = Ec2Error;

    fn needs(input: &RebootInstancesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        needs("ec2:RebootInstances", &input.instance_ids, &Grounds::new(view, scope))
    }

    fn apply(input: &RebootInstancesRequest, view: &View, cx: &Cx) -> Result<Applied<()>, Ec2Error> {
        if input.instance_ids.is_empty() {
            return Err(Ec2Error::missing("InstanceId"));
        }
        let mut changes = Changes::new();
        for mut record in find::by_ids(view, &cx.account, &input.instance_ids)? {
            if record.status.state.after(Action::Reboot).is_none() {
                let text = format!("The instance '{}' is not in a state from which it can be rebooted.", record.id);
                return Err(Ec2Error::refused("IncorrectState", text));
            }
            record.spec.reboots += 1;
            changes.put(&record)?;
        }
        Ok(Applied::with((), changes))
    }
}
