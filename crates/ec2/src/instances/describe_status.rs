//! `ec2:DescribeInstanceStatus`: whether machines run.
//! What a node sees is a machine's process, so both checks of AWS say `ok` as long as that runs; nothing asks the
//! guest, so no reachability is claimed in the details.

use api::ec2::{
    DescribeInstanceStatus, DescribeInstanceStatusRequest, DescribeInstanceStatusResult, InstanceStatus,
    InstanceStatusSummary,
};
use service::{Applied, Cx, Need, Operation, RegionFacts, Scope};
use store::View;

use super::describe::chosen;
use super::record::InstanceRecord;
use super::states::InstanceState;
use super::terminate::state_output;
use crate::filters::{Facts, Filters};
use crate::grounds::Grounds;
use crate::paging::Page;
use crate::tags::Tags;
use crate::{Ec2, Ec2Error};

const FILTERS: &[&str] = &[
    "availability-zone",
    "availability-zone-id",
    "instance-state-code",
    "instance-state-name",
    "instance-status.status",
    "system-status.status",
];

impl Operation<Ec2> for DescribeInstanceStatus {
    type Error = Ec2Error;

    fn needs(_input: &DescribeInstanceStatusRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeInstanceStatus")])
    }

    fn apply(
        input: &DescribeInstanceStatusRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeInstanceStatusResult>, Ec2Error> {
        let filters = Filters::read(input.filters.as_ref(), FILTERS)?;
        let ids = input.instance_ids.as_deref().unwrap_or_default();
        let token = input.next_token.as_deref();
        let page = Page::read(
            cx.pages(),
            "DescribeInstanceStatus",
            &(&input.filters, input.include_all_instances),
            input.max_results,
            token,
            !ids.is_empty(),
        )?;
        let is_wanted = |record: &InstanceRecord| {
            input.include_all_instances == Some(true) || record.status.state == InstanceState::Running
        };
        let statuses = chosen(view, cx, ids)?
            .into_iter()
            .filter(|(record, _)| is_wanted(record))
            .map(|(record, tags)| Described { status: shown(&record, &cx.region), tags })
            .filter(|status| filters.matches(status))
            .map(|described| described.status)
            .collect();
        let (statuses, next_token) = page.cut(statuses, |status| status.instance_id.clone().unwrap_or_default());
        Ok(Applied::read(DescribeInstanceStatusResult { instance_statuses: Some(statuses), next_token }))
    }
}

fn shown(record: &InstanceRecord, region: &RegionFacts) -> InstanceStatus {
    let zone = region.zones.iter().find(|zone| zone.name == record.spec.zone);
    let word = match record.status.state {
        InstanceState::Pending => "initializing",
        InstanceState::Running => "ok",
        InstanceState::ShuttingDown | InstanceState::Terminated | InstanceState::Stopping | InstanceState::Stopped => {
            "not-applicable"
        }
    };
    let summary = || Some(InstanceStatusSummary { details: Some(Vec::new()), status: Some(word.to_owned()) });
    InstanceStatus {
        availability_zone: Some(record.spec.zone.clone()),
        availability_zone_id: zone.map(|zone| zone.id.clone()),
        events: Some(Vec::new()),
        instance_id: Some(record.id.to_string()),
        instance_state: Some(state_output(record.status.state)),
        instance_status: summary(),
        system_status: summary(),
        ..InstanceStatus::default()
    }
}

struct Described {
    status: InstanceStatus,
    tags: Tags,
}

impl Facts for Described {
    fn values(&self, name: &str) -> Vec<String> {
        let state = self.status.instance_state.as_ref();
        let status = |summary: &Option<InstanceStatusSummary>| summary.as_ref().and_then(|own| own.status.clone());
        let value = match name {
            "availability-zone" => self.status.availability_zone.clone(),
            "availability-zone-id" => self.status.availability_zone_id.clone(),
            "instance-state-code" => state.and_then(|state| state.code).map(|code| code.to_string()),
            "instance-state-name" => state.and_then(|state| state.name.clone()),
            "instance-status.status" => status(&self.status.instance_status),
            "system-status.status" => status(&self.status.system_status),
            _ => None,
        };
        value.into_iter().collect()
    }

    fn tags(&self) -> &[(String, String)] {
        &self.tags
    }
}
