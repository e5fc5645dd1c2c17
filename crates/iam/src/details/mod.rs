//! `iam:GetAccountAuthorizationDetails`: users, groups, roles and managed policies of an account, each with all that its
//! permissions come from. Of AWS's policies only those in use are shown.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>.

mod shown;

use api::iam::{
    GetAccountAuthorizationDetails, GetAccountAuthorizationDetailsRequest, GetAccountAuthorizationDetailsResponse,
    GroupDetail, ManagedPolicyDetail, RoleDetail, UserDetail,
};
use ids::AccountId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, Position, Record, StoreError, View};

use crate::names::folded;
use crate::paging::Page;
use crate::policies::managed::{Managed, uses};
use crate::policies::{of_aws, own};
use crate::{GroupRecord, Iam, IamError, RoleRecord, UserRecord};

/// The lists that follow each other, by their names in a filter.
const LISTS: [&str; 5] = ["User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"];

/// One entry of any of them.
enum Detail {
    User(UserRecord),
    Group(GroupRecord),
    Role(Box<RoleRecord>),
    Policy(Managed),
}

impl Operation<Iam> for GetAccountAuthorizationDetails {
    type Error = IamError;

    fn needs(
        _input: &GetAccountAuthorizationDetailsRequest,
        _view: &View,
        _scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:GetAccountAuthorizationDetails")])
    }

    fn apply(
        input: &GetAccountAuthorizationDetailsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetAccountAuthorizationDetailsResponse>, IamError> {
        let filter = input.filter.as_deref().unwrap_or_default();
        let asked = filter.join(",");
        let list = "GetAccountAuthorizationDetails";
        let page = Page::read(cx, list, &[&asked], input.max_items, input.marker.as_deref())?;
        let listed = page.in_turn(LISTS.len(), |list, after, limit| {
            if !filter.is_empty() && !filter.iter().any(|wanted| wanted == LISTS[list]) {
                return Ok(Vec::new());
            }
            Ok(read(list, view, &cx.account, after, limit)?)
        })?;
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        let (mut users, mut groups, mut roles, mut policies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for detail in listed.items {
            match detail {
                Detail::User(user) => users.push(shown::user(user, view)?),
                Detail::Group(group) => groups.push(shown::group(group, view)?),
                Detail::Role(role) => roles.push(shown::role(*role, view)?),
                Detail::Policy(policy) => policies.push(shown::policy(&policy, view, &cx.account)?),
            }
        }
        let (users, groups): (Vec<UserDetail>, Vec<GroupDetail>) = (users, groups);
        let (roles, policies): (Vec<RoleDetail>, Vec<ManagedPolicyDetail>) = (roles, policies);
        Ok(Applied::read(GetAccountAuthorizationDetailsResponse {
            user_detail_list: Some(users),
            group_detail_list: Some(groups),
            role_detail_list: Some(roles),
            policies: Some(policies),
            is_truncated,
            marker,
        }))
    }
}

/// Entries of one of the lists, each with its key; none for one that is not wanted.
fn read(
    list: usize,
    view: &View,
    account: &AccountId,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Option<Detail>)>, StoreError> {
    match list {
        0 => records::<UserRecord>(view, account, after, limit, |user| (folded(&user.name), Detail::User(user))),
        1 => records::<GroupRecord>(view, account, after, limit, |group| (folded(&group.name), Detail::Group(group))),
        2 => {
            let role = |role: RoleRecord| (folded(&role.name), Detail::Role(Box::new(role)));
            records::<RoleRecord>(view, account, after, limit, role)
        }
        3 => {
            let found = own(view, account, after, limit)?;
            Ok(found.into_iter().map(|(key, policy)| (key, Some(Detail::Policy(policy)))).collect())
        }
        _ => {
            let found = of_aws(after, limit).into_iter().map(|(key, policy)| {
                let is_used = uses(view, account, &policy.arn())? != (false, false);
                Ok((key, is_used.then_some(Detail::Policy(policy))))
            });
            found.collect()
        }
    }
}

fn records<R: Record>(
    view: &View,
    account: &AccountId,
    after: Option<&str>,
    limit: usize,
    entry: impl Fn(R) -> (String, Detail),
) -> Result<Vec<(String, Option<Detail>)>, StoreError> {
    let after = after.map(|after| Position::after((account.clone(), after.to_owned())));
    let found = view.scan::<R>(&KeyPrefix::of((account.clone(),)), after.as_ref(), limit)?;
    Ok(found.into_iter().map(entry).map(|(key, detail)| (key, Some(detail))).collect())
}
