//! `ec2:DescribeRegions` and `ec2:DescribeAvailabilityZones`: the one region there is, and its zones.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html>,
//! `API_DescribeRegions.html`.

use api::ec2::{
    AvailabilityZone, DescribeAvailabilityZones, DescribeAvailabilityZonesRequest, DescribeAvailabilityZonesResult,
    DescribeRegions, DescribeRegionsRequest, DescribeRegionsResult, Region,
};
use service::{Applied, Cx, Need, Operation, RegionFacts, Scope, ZoneFacts};
use store::View;

use crate::filters::{Facts, Filters};
use crate::grounds::Grounds;
use crate::{Ec2, Ec2Error};

const OPT_IN: &str = "opt-in-not-required";

const ZONE_FILTERS: &[&str] = &[
    "group-long-name",
    "group-name",
    "message",
    "opt-in-status",
    "parent-zone-id",
    "parent-zone-name",
    "region-name",
    "state",
    "zone-id",
    "zone-name",
    "zone-type",
];

struct DescribedRegion<'a>(&'a RegionFacts);

impl Facts for DescribedRegion<'_> {
    fn values(&self, name: &str) -> Vec<String> {
        vec![match name {
            "endpoint" => self.0.endpoint.clone(),
            "opt-in-status" => OPT_IN.to_owned(),
            "region-name" => self.0.name.clone(),
            _ => return Vec::new(),
        }]
    }

    fn tags(&self) -> &[(String, String)] {
        &[]
    }
}

/// Shows the region.
impl Operation<Ec2> for DescribeRegions {
    type Error = Ec2Error;

    fn needs(_input: &DescribeRegionsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeRegions")])
    }

    fn apply(
        input: &DescribeRegionsRequest,
        _view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeRegionsResult>, Ec2Error> {
        let filters = Filters::read(input.filters.as_ref(), &["endpoint", "opt-in-status", "region-name"])?;
        let unknown = input.region_names.iter().flatten().find(|name| name.as_str() != cx.region_name());
        if let Some(unknown) = unknown {
            return Err(Ec2Error::invalid_value(format!("Invalid region provided: '{unknown}'")));
        }
        let facts = DescribedRegion(&cx.region);
        let regions = filters.matches(&facts).then(|| Region {
            endpoint: Some(cx.region.endpoint.clone()),
            opt_in_status: Some(OPT_IN.to_owned()),
            region_name: Some(cx.region.name.clone()),
            ..Region::default()
        });
        Ok(Applied::read(DescribeRegionsResult { regions: Some(regions.into_iter().collect()) }))
    }
}

struct DescribedZone<'a>(&'a RegionFacts, &'a ZoneFacts);

impl DescribedZone<'_> {
    fn group(&self) -> String {
        format!("{}-zg-1", self.0.name)
    }
}

impl Facts for DescribedZone<'_> {
    fn values(&self, name: &str) -> Vec<String> {
        vec![match name {
            "group-name" => self.group(),
            "opt-in-status" => OPT_IN.to_owned(),
            "region-name" => self.0.name.clone(),
            "state" => "available".to_owned(),
            "zone-id" => self.1.id.clone(),
            "zone-name" => self.1.name.clone(),
            "zone-type" => "availability-zone".to_owned(),
            _ => return Vec::new(),
        }]
    }

    fn tags(&self) -> &[(String, String)] {
        &[]
    }
}

/// Lists the zones in the order the region has them.
impl Operation<Ec2> for DescribeAvailabilityZones {
    type Error = Ec2Error;

    fn needs(_input: &DescribeAvailabilityZonesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeAvailabilityZones")])
    }

    fn apply(
        input: &DescribeAvailabilityZonesRequest,
        _view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeAvailabilityZonesResult>, Ec2Error> {
        let filters = Filters::read(input.filters.as_ref(), ZONE_FILTERS)?;
        let names = input.zone_names.as_deref().unwrap_or_default();
        let ids = input.zone_ids.as_deref().unwrap_or_default();
        let zones = &cx.region.zones;
        let unknown_name = names.iter().find(|name| !zones.iter().any(|zone| zone.name == **name));
        let unknown_id = ids.iter().find(|id| !zones.iter().any(|zone| zone.id == **id));
        if let Some(unknown) = unknown_name.or(unknown_id) {
            return Err(Ec2Error::invalid_value(format!("Invalid availability zone: [{unknown}]")));
        }
        let is_asked = |zone: &ZoneFacts| {
            (names.is_empty() && ids.is_empty()) || names.contains(&zone.name) || ids.contains(&zone.id)
        };
        let asked = zones.iter().filter(|zone| is_asked(zone)).map(|zone| DescribedZone(&cx.region, zone));
        let shown = asked.filter(|zone| filters.matches(zone)).map(|zone| AvailabilityZone {
            group_name: Some(zone.group()),
            network_border_group: Some(zone.0.name.clone()),
            opt_in_status: Some(OPT_IN.to_owned()),
            region_name: Some(zone.0.name.clone()),
            state: Some("available".to_owned()),
            zone_id: Some(zone.1.id.clone()),
            zone_name: Some(zone.1.name.clone()),
            zone_type: Some("availability-zone".to_owned()),
            messages: Some(Vec::new()),
            ..AvailabilityZone::default()
        });
        Ok(Applied::read(DescribeAvailabilityZonesResult { availability_zones: Some(shown.collect()) }))
    }
}
