//! `ec2:DescribeInstanceTypeOfferings`: which instance types can be launched where. Here that is every type everywhere;
//! whether a node has room for another machine is not asked.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html>.

use api::ec2::{
    DescribeInstanceTypeOfferings, DescribeInstanceTypeOfferingsRequest, DescribeInstanceTypeOfferingsResult,
    InstanceTypeOffering,
};
use service::{Applied, Cx, Need, Operation, RegionFacts, Scope};
use store::View;

use super::types;
use crate::filters::{Facts, Filters};
use crate::grounds::Grounds;
use crate::paging::Page;
use crate::{Ec2, Ec2Error};

impl Operation<Ec2> for DescribeInstanceTypeOfferings {
    type Error = Ec2Error;

    fn needs(
        _input: &DescribeInstanceTypeOfferingsRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeInstanceTypeOfferings")])
    }

    fn apply(
        input: &DescribeInstanceTypeOfferingsRequest,
        _view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeInstanceTypeOfferingsResult>, Ec2Error> {
        let filters = Filters::read(input.filters.as_ref(), &["instance-type", "location"])?;
        let token = input.next_token.as_deref();
        let page = Page::read(
            cx.pages(),
            "DescribeInstanceTypeOfferings",
            &(&input.filters, &input.location_type),
            input.max_results,
            token,
            false,
        )?;
        let kind = input.location_type.as_deref().unwrap_or("region");
        let locations = locations(&cx.region, kind)?;
        let mut offers = Vec::new();
        for known in types::ALL {
            for &location in &locations {
                let offer = Offer { instance_type: known.name, location };
                if filters.matches(&offer) {
                    offers.push(offer);
                }
            }
        }
        let (offers, next_token) = page.cut(offers, |offer| format!("{} {}", offer.instance_type, offer.location));
        let shown = |offer: Offer<'_>| InstanceTypeOffering {
            instance_type: Some(offer.instance_type.to_owned()),
            location_type: Some(kind.to_owned()),
            location: Some(offer.location.to_owned()),
        };
        let instance_type_offerings = Some(offers.into_iter().map(shown).collect());
        Ok(Applied::read(DescribeInstanceTypeOfferingsResult { instance_type_offerings, next_token }))
    }
}

/// The places of one kind, in the order of their names.
fn locations<'a>(region: &'a RegionFacts, kind: &str) -> Result<Vec<&'a str>, Ec2Error> {
    let mut locations: Vec<&str> = match kind {
        "region" => vec![&region.name],
        "availability-zone" => region.zones.iter().map(|zone| zone.name.as_str()).collect(),
        "availability-zone-id" => region.zones.iter().map(|zone| zone.id.as_str()).collect(),
        // There is no outpost, so that nothing is offered on one.
        "outpost" => Vec::new(),
        other => {
            return Err(Ec2Error::invalid_value(format!("Value ({other}) for parameter locationType is invalid.")));
        }
    };
    locations.sort_unstable();
    Ok(locations)
}

/// One type in one place.
struct Offer<'a> {
    instance_type: &'static str,
    location: &'a str,
}

impl Facts for Offer<'_> {
    fn values(&self, name: &str) -> Vec<String> {
        vec![if name == "location" { self.location } else { self.instance_type }.to_owned()]
    }

    fn tags(&self) -> &[(String, String)] {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use service::{RegionFacts, ZoneFacts};

    use super::locations;

    fn check(kind: &str, expected: Result<&[&str], &str>) {
        let zone =
            |letter: char, number: u8| ZoneFacts { name: format!("eu-a-1{letter}"), id: format!("eua1-az{number}") };
        let region = RegionFacts {
            name: "eu-a-1".to_owned(),
            zones: vec![zone('b', 1), zone('a', 2)],
            endpoint: String::new(),
            public_pool: (Ipv4Addr::UNSPECIFIED, 24),
        };
        let found = locations(&region, kind).map_err(|error| error.to_string());
        assert_eq!(found.as_deref(), expected.map_err(ToOwned::to_owned).as_ref().map(|own| &own[..]), "{kind}");
    }

    #[test]
    fn places_by_kind() {
        check("region", Ok(&["eu-a-1"]));
        check("availability-zone", Ok(&["eu-a-1a", "eu-a-1b"]));
        check("availability-zone-id", Ok(&["eua1-az1", "eua1-az2"]));
        check("outpost", Ok(&[]));
        let text = "InvalidParameterValue: Value (moon) for parameter locationType is invalid.";
        check("moon", Err(text));
    }
}
