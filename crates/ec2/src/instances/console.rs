//! `ec2:GetConsoleOutput`: what a machine wrote to its serial console, asked of its node at that moment.

use api::ec2::{GetConsoleOutput, GetConsoleOutputRequest, GetConsoleOutputResult};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ids::InstanceId;
use jiff::Timestamp;
use service::{Applied, Cx, Need, Scope, Streaming};
use store::View;

use super::find;
use super::states::InstanceState;
use crate::grounds::Grounds;
use crate::{Ec2, Ec2Error};

/// The most that is given, from the end. Source: the EC2 API reference of `GetConsoleOutput`.
const MOST: usize = 64 * 1024;
/// The longest wait for the node.
const MAX_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// What is known before the node is asked.
pub struct Found {
    id: InstanceId,
    has_machine: bool,
    now: Timestamp,
}

#[async_trait]
impl Streaming<Ec2> for GetConsoleOutput {
    type Error = Ec2Error;
    type Staged = ();
    type Found = Found;

    fn needs(input: &GetConsoleOutputRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).instance("ec2:GetConsoleOutput", &input.instance_id)?])
    }

    fn check(_input: &GetConsoleOutputRequest, _view: &View, _cx: &Cx) -> Result<(), Ec2Error> {
        Ok(())
    }

    async fn stage(_service: &Ec2, _input: &mut GetConsoleOutputRequest, _cx: &Cx) -> Result<(), Ec2Error> {
        Ok(())
    }

    fn apply(input: &GetConsoleOutputRequest, _staged: &(), view: &View, cx: &Cx) -> Result<Applied<Found>, Ec2Error> {
        let found = find::by_ids(view, &cx.account, std::slice::from_ref(&input.instance_id))?;
        let record = found.into_iter().next().ok_or_else(|| Ec2Error::missing("InstanceId"))?;
        let has_machine = record.status.state != InstanceState::Terminated;
        Ok(Applied::read(Found { id: record.id, has_machine, now: cx.now }))
    }

    async fn abandon(_service: &Ec2, _staged: &()) {}

    async fn finish(
        service: &Ec2,
        _input: &GetConsoleOutputRequest,
        found: Found,
    ) -> Result<GetConsoleOutputResult, Ec2Error> {
        let bytes = if found.has_machine {
            let asked = tokio::time::timeout(MAX_WAIT, service.node.console(&found.id)).await;
            let answered = asked.map_err(|_| Ec2Error::Internal("the node did not answer in time".to_owned()))?;
            answered.map_err(|cause| Ec2Error::Internal(cause.to_string()))?
        } else {
            Vec::new()
        };
        let end = &bytes[bytes.len().saturating_sub(MOST)..];
        Ok(GetConsoleOutputResult {
            instance_id: Some(found.id.to_string()),
            timestamp: Some(found.now),
            output: Some(STANDARD.encode(end)),
        })
    }
}
