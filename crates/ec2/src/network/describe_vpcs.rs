//! `ec2:DescribeVpcs`. Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html>.

use api::ec2::{
    DescribeVpcs, DescribeVpcsRequest, DescribeVpcsResult, Vpc, VpcCidrBlockAssociation, VpcCidrBlockState,
};
use ids::VpcId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, View};

use super::record::VpcRecord;
use super::{ALL, cidr_text};
use crate::filters::{Facts, Filters};
use crate::grounds::Grounds;
use crate::paging::Page;
use crate::{Ec2, Ec2Error, tags};

const FILTERS: &[&str] = &[
    "cidr",
    "cidr-block",
    "cidr-block-association.association-id",
    "cidr-block-association.cidr-block",
    "cidr-block-association.state",
    "dhcp-options-id",
    "is-default",
    "isDefault",
    "owner-id",
    "state",
    "vpc-id",
];

struct Described {
    record: VpcRecord,
    tags: Vec<(String, String)>,
}

impl Described {
    /// The id of the association of the VPC with its only block, made from its own.
    fn association(&self) -> String {
        self.record.id.as_str().replacen(VpcId::PREFIX, "vpc-cidr-assoc", 1)
    }
}

impl Facts for Described {
    fn values(&self, name: &str) -> Vec<String> {
        vec![match name {
            "cidr" | "cidr-block" | "cidr-block-association.cidr-block" => cidr_text(self.record.cidr),
            "cidr-block-association.association-id" => self.association(),
            "cidr-block-association.state" => "associated".to_owned(),
            "dhcp-options-id" => self.record.dhcp_options.clone(),
            "is-default" | "isDefault" => self.record.is_default.to_string(),
            "owner-id" => self.record.account.to_string(),
            "state" => "available".to_owned(),
            "vpc-id" => self.record.id.to_string(),
            _ => return Vec::new(),
        }]
    }

    fn tags(&self) -> &[(String, String)] {
        &self.tags
    }
}

/// Lists the account's VPCs by id.
impl Operation<Ec2> for DescribeVpcs {
    type Error = Ec2Error;

    fn needs(_input: &DescribeVpcsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeVpcs")])
    }

    fn apply(input: &DescribeVpcsRequest, view: &View, cx: &Cx) -> Result<Applied<DescribeVpcsResult>, Ec2Error> {
        let ids = input.vpc_ids.as_deref().unwrap_or_default();
        let filters = Filters::read(input.filters.as_ref(), FILTERS)?;
        let page = Page::read(
            cx.pages(),
            "DescribeVpcs",
            &input.filters,
            input.max_results,
            input.next_token.as_deref(),
            !ids.is_empty(),
        )?;
        let mut vpcs = view.scan::<VpcRecord>(&KeyPrefix::of(&cx.account), None, ALL)?;
        if let Some(id) = ids.iter().find(|id| !vpcs.iter().any(|vpc| vpc.id.as_str() == id.as_str())) {
            return Err(Ec2Error::refused("InvalidVpcID.NotFound", format!("The vpc ID '{id}' does not exist")));
        }
        vpcs.retain(|vpc| ids.is_empty() || ids.iter().any(|id| id == vpc.id.as_str()));
        let mut found = Vec::with_capacity(vpcs.len());
        for record in vpcs {
            let vpc = Described { tags: tags::tags_of(view, &cx.account, record.id.as_str())?, record };
            if filters.matches(&vpc) {
                found.push(vpc);
            }
        }
        let (found, next_token) = page.cut(found, |vpc| vpc.record.id.to_string());
        let vpcs = Some(found.into_iter().map(shown).collect());
        Ok(Applied::read(DescribeVpcsResult { vpcs, next_token }))
    }
}

fn shown(vpc: Described) -> Vpc {
    let cidr_block = Some(cidr_text(vpc.record.cidr));
    Vpc {
        cidr_block_association_set: Some(vec![VpcCidrBlockAssociation {
            association_id: Some(vpc.association()),
            cidr_block: cidr_block.clone(),
            cidr_block_state: Some(VpcCidrBlockState {
                state: Some("associated".to_owned()),
                ..VpcCidrBlockState::default()
            }),
        }]),
        cidr_block,
        dhcp_options_id: Some(vpc.record.dhcp_options),
        instance_tenancy: Some("default".to_owned()),
        is_default: Some(vpc.record.is_default),
        owner_id: Some(vpc.record.account.to_string()),
        state: Some("available".to_owned()),
        tags: tags::shown(&vpc.tags),
        vpc_id: Some(vpc.record.id.to_string()),
        ..Vpc::default()
    }
}
