//! `ec2:TerminateInstances`: all of the instances named, or none.
//! The machine ends afterwards: the reconciler takes it off its node and then releases its addresses.

use api::ec2::{
    InstanceState as StateOutput, InstanceStateChange, TerminateInstances, TerminateInstancesRequest,
    TerminateInstancesResult,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::find;
use super::states::{Action, InstanceState};
use crate::grounds::Grounds;
use crate::{Ec2, Ec2Error};

/// AWS's code and text for an instance that its owner ended.
pub(crate) const BY_USER: (&str, &str) =
    ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown");

impl Operation<Ec2> for TerminateInstances {
    type Error = Ec2Error;

    fn needs(input: &TerminateInstancesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        needs("ec2:TerminateInstances", &input.instance_ids, &Grounds::new(view, scope))
    }

    fn apply(
        input: &TerminateInstancesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<TerminateInstancesResult>, Ec2Error> {
        if input.instance_ids.is_empty() {
            return Err(Ec2Error::missing("InstanceId"));
        }
        if input.skip_os_shutdown == Some(true) {
            return Err(Ec2Error::unsupported("SkipOsShutdown"));
        }
        let (mut changes, mut shown) = (Changes::new(), Vec::new());
        for mut record in find::by_ids(view, &cx.account, &input.instance_ids)? {
            let previous = record.status.state;
            let next = previous.after(Action::Terminate).ok_or_else(|| {
                let text = format!("The instance '{}' is not in a state from which it can be terminated.", record.id);
                Ec2Error::refused("IncorrectInstanceState", text)
            })?;
            if next != previous {
                if record.spec.is_termination_protected {
                    let text = format!(
                        "The instance '{}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
                        record.id
                    );
                    return Err(Ec2Error::refused("OperationNotPermitted", text));
                }
                record.spec.is_wanted = false;
                record.status.state = next;
                record.status.since = cx.now;
                record.status.reason = Some((BY_USER.0.to_owned(), BY_USER.1.to_owned()));
                record.status.transition_reason = cx.now.strftime("User initiated (%Y-%m-%d %H:%M:%S GMT)").to_string();
                changes.put(&record)?;
            }
            shown.push(InstanceStateChange {
                instance_id: Some(record.id.to_string()),
                current_state: Some(state_output(next)),
                previous_state: Some(state_output(previous)),
            });
        }
        Ok(Applied::with(TerminateInstancesResult { terminating_instances: Some(shown) }, changes))
    }
}

/// What an action on instances needs. Without any the call is refused later; until then it needs the action on all.
pub(crate) fn needs(action: &'static str, ids: &[String], grounds: &Grounds<'_>) -> Result<Vec<Need>, Ec2Error> {
    if ids.is_empty() {
        return Ok(vec![grounds.on(action, "instance/*")]);
    }
    Ok(ids.iter().map(|id| grounds.instance(action, id)).collect::<Result<_, _>>()?)
}

/// A state as EC2 shows it.
pub(crate) fn state_output(state: InstanceState) -> StateOutput {
    StateOutput { code: Some(state.code()), name: Some(state.name().to_owned()) }
}
