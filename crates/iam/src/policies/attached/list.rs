//! `iam:ListAttachedUserPolicies`, `ListAttachedGroupPolicies`, `ListAttachedRolePolicies`: names and ARNs of attached managed policies.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedUserPolicies.html>.

use api::iam::{
    ListAttachedGroupPolicies, ListAttachedGroupPoliciesRequest, ListAttachedGroupPoliciesResponse,
    ListAttachedRolePolicies, ListAttachedRolePoliciesRequest, ListAttachedRolePoliciesResponse,
    ListAttachedUserPolicies, ListAttachedUserPoliciesRequest, ListAttachedUserPoliciesResponse,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::list;
use crate::policies::owner::{OwnerKind, need};
use crate::{Iam, IamError};

impl Operation<Iam> for ListAttachedUserPolicies {
    type Error = IamError;

    fn needs(input: &ListAttachedUserPoliciesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListAttachedUserPolicies", OwnerKind::User, &input.user_name, view, scope)?])
    }

    fn apply(
        input: &ListAttachedUserPoliciesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListAttachedUserPoliciesResponse>, IamError> {
        let this = ("ListAttachedUserPolicies", OwnerKind::User);
        let (of, asked) =
            ((input.user_name.as_str(), input.path_prefix.as_deref()), (input.max_items, input.marker.as_deref()));
        let listed = list(this, of, asked, view, cx)?;
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        Ok(Applied::read(ListAttachedUserPoliciesResponse {
            attached_policies: Some(listed.items),
            is_truncated,
            marker,
        }))
    }
}

impl Operation<Iam> for ListAttachedGroupPolicies {
    type Error = IamError;

    fn needs(input: &ListAttachedGroupPoliciesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListAttachedGroupPolicies", OwnerKind::Group, &input.group_name, view, scope)?])
    }

    fn apply(
        input: &ListAttachedGroupPoliciesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListAttachedGroupPoliciesResponse>, IamError> {
        let this = ("ListAttachedGroupPolicies", OwnerKind::Group);
        let (of, asked) =
            ((input.group_name.as_str(), input.path_prefix.as_deref()), (input.max_items, input.marker.as_deref()));
        let listed = list(this, of, asked, view, cx)?;
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        Ok(Applied::read(ListAttachedGroupPoliciesResponse {
            attached_policies: Some(listed.items),
            is_truncated,
            marker,
        }))
    }
}

impl Operation<Iam> for ListAttachedRolePolicies {
    type Error = IamError;

    fn needs(input: &ListAttachedRolePoliciesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListAttachedRolePolicies", OwnerKind::Role, &input.role_name, view, scope)?])
    }

    fn apply(
        input: &ListAttachedRolePoliciesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListAttachedRolePoliciesResponse>, IamError> {
        let this = ("ListAttachedRolePolicies", OwnerKind::Role);
        let (of, asked) =
            ((input.role_name.as_str(), input.path_prefix.as_deref()), (input.max_items, input.marker.as_deref()));
        let listed = list(this, of, asked, view, cx)?;
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        Ok(Applied::read(ListAttachedRolePoliciesResponse {
            attached_policies: Some(listed.items),
            is_truncated,
            marker,
        }))
    }
}
