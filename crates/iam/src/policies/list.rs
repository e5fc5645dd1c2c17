//! `iam:ListPolicies`: the managed policies that an account can use: its own, then AWS's.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html>.

use api::iam::{ListPolicies, ListPoliciesRequest, ListPoliciesResponse};
use ids::AccountId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, Position, StoreError, View};

use super::managed::{Managed, uses};
use crate::paging::Page;
use crate::{Iam, IamError, PolicyRecord, managed};

impl Operation<Iam> for ListPolicies {
    type Error = IamError;

    fn needs(_input: &ListPoliciesRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:ListPolicies")])
    }

    fn apply(input: &ListPoliciesRequest, view: &View, cx: &Cx) -> Result<Applied<ListPoliciesResponse>, IamError> {
        let scope = input.scope.as_deref().unwrap_or("All");
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let (only_attached, usage) = (input.only_attached.unwrap_or_default(), input.policy_usage_filter.as_deref());
        let asked = [scope, prefix, usage.unwrap_or_default(), if only_attached { "attached" } else { "" }];
        let page = Page::read(cx, "ListPolicies", &asked, input.max_items, input.marker.as_deref())?;
        let is_wanted = |policy: &Managed| -> Result<bool, StoreError> {
            if !policy.path().starts_with(prefix) {
                return Ok(false);
            }
            if !only_attached && usage.is_none() {
                return Ok(true);
            }
            let (attached, bounding) = uses(view, &cx.account, &policy.arn())?;
            Ok(match usage {
                Some("PermissionsPolicy") => attached,
                Some("PermissionsBoundary") => bounding,
                _ => attached || bounding,
            })
        };
        let listed = page.in_turn(2, |source, after, limit| {
            let policies = match (source, scope) {
                (0, "All" | "Local") => own(view, &cx.account, after, limit)?,
                (1, "All" | "AWS") => of_aws(after, limit),
                _ => Vec::new(),
            };
            let entries = policies.into_iter().map(|(key, policy)| Ok((key, is_wanted(&policy)?.then_some(policy))));
            entries.collect()
        })?;
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        let shown: Result<Vec<_>, StoreError> =
            listed.items.iter().map(|policy| policy.listed(view, &cx.account)).collect();
        Ok(Applied::read(ListPoliciesResponse { policies: Some(shown?), is_truncated, marker }))
    }
}

/// Some of the account's own, each with its key.
pub(crate) fn own(
    view: &View,
    account: &AccountId,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Managed)>, StoreError> {
    let after = after.map(|after| Position::after((account.clone(), after.to_owned())));
    let found = view.scan::<PolicyRecord>(&KeyPrefix::of((account.clone(),)), after.as_ref(), limit)?;
    Ok(found.into_iter().map(|policy| (crate::names::folded(&policy.name), Managed::Own(policy))).collect())
}

/// Some of AWS's, each with its name.
pub(crate) fn of_aws(after: Option<&str>, limit: usize) -> Vec<(String, Managed)> {
    let all = managed::all();
    let from = after.map_or(0, |after| all.partition_point(|policy| policy.name <= after));
    all.iter().skip(from).take(limit).map(|policy| (policy.name.to_owned(), Managed::Aws(policy))).collect()
}
