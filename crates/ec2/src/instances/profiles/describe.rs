//! `ec2:DescribeIamInstanceProfileAssociations`. One that was taken away is gone at once.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeIamInstanceProfileAssociations.html>.

use api::ec2::{
    DescribeIamInstanceProfileAssociations, DescribeIamInstanceProfileAssociationsRequest,
    DescribeIamInstanceProfileAssociationsResult, IamInstanceProfileAssociation,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, View};

use super::disassociate::{by_id, not_found};
use super::{AssociationRecord, shown};
use crate::filters::{Facts, Filters};
use crate::grounds::Grounds;
use crate::paging::Page;
use crate::scan::scan_all;
use crate::{Ec2, Ec2Error};

impl Operation<Ec2> for DescribeIamInstanceProfileAssociations {
    type Error = Ec2Error;

    fn needs(
        _input: &DescribeIamInstanceProfileAssociationsRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeIamInstanceProfileAssociations")])
    }

    fn apply(
        input: &DescribeIamInstanceProfileAssociationsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeIamInstanceProfileAssociationsResult>, Ec2Error> {
        let filters = Filters::read(input.filters.as_ref(), &["instance-id", "state"])?;
        let ids = input.association_ids.as_deref().unwrap_or_default();
        let page = Page::read(
            cx.pages(),
            "DescribeIamInstanceProfileAssociations",
            &(&input.filters, &input.association_ids),
            input.max_results,
            input.next_token.as_deref(),
            false,
        )?;
        let records = if ids.is_empty() {
            scan_all::<AssociationRecord>(view, &KeyPrefix::of(&cx.account))?
        } else {
            let named = |id: &String| by_id(view, &cx.account, id)?.ok_or_else(|| not_found(id));
            ids.iter().map(named).collect::<Result<_, Ec2Error>>()?
        };
        let mut associations: Vec<IamInstanceProfileAssociation> =
            records.iter().map(|record| shown(record, "associated", true)).filter(|it| filters.matches(it)).collect();
        associations.sort_by(|left, right| left.instance_id.cmp(&right.instance_id));
        associations.dedup_by(|left, right| left.instance_id == right.instance_id);
        let (associations, next_token) = page.cut(associations, |it| it.instance_id.clone().unwrap_or_default());
        Ok(Applied::read(DescribeIamInstanceProfileAssociationsResult {
            iam_instance_profile_associations: Some(associations),
            next_token,
        }))
    }
}

impl Facts for IamInstanceProfileAssociation {
    fn values(&self, name: &str) -> Vec<String> {
        let value = match name {
            "instance-id" => self.instance_id.clone(),
            "state" => self.state.clone(),
            _ => None,
        };
        value.into_iter().collect()
    }

    fn tags(&self) -> &[(String, String)] {
        &[]
    }
}
