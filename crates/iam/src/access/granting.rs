//! `iam:ListPoliciesGrantingServiceAccess`: the policies of a user, a group or a role that allow something of each of these
//! services.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPoliciesGrantingServiceAccess.html>.

use api::iam::{
    ListPoliciesGrantingServiceAccess, ListPoliciesGrantingServiceAccessEntry,
    ListPoliciesGrantingServiceAccessRequest, ListPoliciesGrantingServiceAccessResponse, PolicyGrantingServiceAccess,
};
use ids::Arn;
use policy::{Kind, Policy};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{StoreError, View};

use super::report::word;
use super::services;
use crate::paging::Page;
use crate::simulate::{Gathered, named};
use crate::{Iam, IamError};

impl Operation<Iam> for ListPoliciesGrantingServiceAccess {
    type Error = IamError;

    fn needs(
        input: &ListPoliciesGrantingServiceAccessRequest,
        _view: &View,
        _scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        let action = "iam:ListPoliciesGrantingServiceAccess";
        Ok(vec![input.arn.parse::<Arn>().map_or_else(|_| Need::any(action), |arn| Need::on(action, arn))])
    }

    fn apply(
        input: &ListPoliciesGrantingServiceAccessRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListPoliciesGrantingServiceAccessResponse>, IamError> {
        let (list, wanted) = ("ListPoliciesGrantingServiceAccess", input.service_namespaces.join(","));
        let page = Page::read(cx, list, &[&input.arn, &wanted], None, input.marker.as_deref())?;
        let source = named(view, &cx.account, &input.arn)?;
        if let Some(unknown) = input.service_namespaces.iter().find(|namespace| !services::is_known(namespace)) {
            return Err(IamError::InvalidInput(format!("Invalid service namespace: {unknown}")));
        }
        let mut policies = Vec::new();
        for policy in source.policies(view)? {
            let document = Policy::parse(&policy.document, Kind::Identity);
            let document =
                document.map_err(|fault| StoreError::Corrupt(format!("{} is no policy: {fault}", policy.name)))?;
            policies.push((policy, document));
        }
        let listed = page.of_list(input.service_namespaces.clone(), String::clone).map(|namespace| {
            let granting = policies.iter().filter(|(_, document)| document.allows_service(&namespace));
            ListPoliciesGrantingServiceAccessEntry {
                policies: Some(granting.map(|(policy, _)| shown(policy)).collect()),
                service_namespace: Some(namespace),
            }
        });
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        let policies_granting_service_access = listed.items;
        Ok(Applied::read(ListPoliciesGrantingServiceAccessResponse {
            policies_granting_service_access,
            is_truncated,
            marker,
        }))
    }
}

/// A managed policy by its ARN, an inline one by its owner.
fn shown(policy: &Gathered) -> PolicyGrantingServiceAccess {
    let is_inline = policy.arn.is_none();
    PolicyGrantingServiceAccess {
        policy_name: policy.name.clone(),
        policy_type: if is_inline { "INLINE" } else { "MANAGED" }.to_owned(),
        policy_arn: policy.arn.clone(),
        entity_type: is_inline.then(|| word(policy.of.0).to_owned()),
        entity_name: is_inline.then(|| policy.of.1.clone()),
    }
}
