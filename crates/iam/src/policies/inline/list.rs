//! `iam:ListUserPolicies`, `ListGroupPolicies`, `ListRolePolicies`: the names of inline policies.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserPolicies.html>.

use api::iam::{
    ListGroupPolicies, ListGroupPoliciesRequest, ListGroupPoliciesResponse, ListRolePolicies, ListRolePoliciesRequest,
    ListRolePoliciesResponse, ListUserPolicies, ListUserPoliciesRequest, ListUserPoliciesResponse,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::list;
use crate::policies::owner::{OwnerKind, need};
use crate::{Iam, IamError};

impl Operation<Iam> for ListUserPolicies {
    type Error = IamError;

    fn needs(input: &ListUserPoliciesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListUserPolicies", OwnerKind::User, &input.user_name, view, scope)?])
    }

    fn apply(
        input: &ListUserPoliciesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListUserPoliciesResponse>, IamError> {
        let (this, asked) = (("ListUserPolicies", OwnerKind::User), (input.max_items, input.marker.as_deref()));
        let listed = list(this, &input.user_name, asked, view, cx)?;
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        Ok(Applied::read(ListUserPoliciesResponse { policy_names: listed.items, is_truncated, marker }))
    }
}

impl Operation<Iam> for ListGroupPolicies {
    type Error = IamError;

    fn needs(input: &ListGroupPoliciesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListGroupPolicies", OwnerKind::Group, &input.group_name, view, scope)?])
    }

    fn apply(
        input: &ListGroupPoliciesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListGroupPoliciesResponse>, IamError> {
        let (this, asked) = (("ListGroupPolicies", OwnerKind::Group), (input.max_items, input.marker.as_deref()));
        let listed = list(this, &input.group_name, asked, view, cx)?;
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        Ok(Applied::read(ListGroupPoliciesResponse { policy_names: listed.items, is_truncated, marker }))
    }
}

impl Operation<Iam> for ListRolePolicies {
    type Error = IamError;

    fn needs(input: &ListRolePoliciesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListRolePolicies", OwnerKind::Role, &input.role_name, view, scope)?])
    }

    fn apply(
        input: &ListRolePoliciesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListRolePoliciesResponse>, IamError> {
        let (this, asked) = (("ListRolePolicies", OwnerKind::Role), (input.max_items, input.marker.as_deref()));
        let listed = list(this, &input.role_name, asked, view, cx)?;
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        Ok(Applied::read(ListRolePoliciesResponse { policy_names: listed.items, is_truncated, marker }))
    }
}
