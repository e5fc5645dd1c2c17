//! The accounts of an organization: listed, moved, removed and closed.
//! Source: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_MoveAccount.html>.

use api::organizations::{
    CloseAccount, CloseAccountRequest, DescribeAccount, DescribeAccountRequest, DescribeAccountResponse,
    LeaveOrganization, ListAccounts, ListAccountsForParent, ListAccountsForParentRequest,
    ListAccountsForParentResponse, ListAccountsRequest, ListAccountsResponse, MoveAccount, MoveAccountRequest,
    RemoveAccountFromOrganization, RemoveAccountFromOrganizationRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, View};

use super::record::{MemberRecord, OrganizationRecord, TargetRecord};
use super::units::no_parent;
use super::{Organizations, need, paging, refused, shown, tree};
use crate::{AccountRecord, AccountStatus, IamError};

impl Operation<Organizations> for ListAccounts {
    type Error = IamError;

    fn needs(_input: &ListAccountsRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("organizations:ListAccounts")])
    }

    fn apply(input: &ListAccountsRequest, view: &View, cx: &Cx) -> Result<Applied<ListAccountsResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let members = view.by_index::<MemberRecord>("organization", organization.id.clone(), None, tree::MOST)?;
        let asked = (input.max_results, input.next_token.as_deref());
        let (page, next_token) =
            paging::page(cx, &["ListAccounts"], asked, members, |member| member.account.to_string())?;
        let accounts = page.iter().map(|member| shown::account(view, &organization, member));
        let accounts = Some(accounts.collect::<Result<_, _>>()?);
        Ok(Applied::read(ListAccountsResponse { accounts, next_token }))
    }
}

impl Operation<Organizations> for ListAccountsForParent {
    type Error = IamError;

    fn needs(input: &ListAccountsForParentRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:ListAccountsForParent", &[&input.parent_id], view, scope)
    }

    fn apply(
        input: &ListAccountsForParentRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListAccountsForParentResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        if !tree::is_parent(view, &organization, &input.parent_id)? {
            return Err(no_parent());
        }
        let members = tree::members_below(view, &organization.id, &input.parent_id)?;
        let asked = (input.max_results, input.next_token.as_deref());
        let list = ["ListAccountsForParent", &input.parent_id];
        let (page, next_token) = paging::page(cx, &list, asked, members, |member| member.account.to_string())?;
        let accounts = page.iter().map(|member| shown::account(view, &organization, member));
        let accounts = Some(accounts.collect::<Result<_, _>>()?);
        Ok(Applied::read(ListAccountsForParentResponse { accounts, next_token }))
    }
}

impl Operation<Organizations> for DescribeAccount {
    type Error = IamError;

    fn needs(input: &DescribeAccountRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:DescribeAccount", &[&input.account_id], view, scope)
    }

    fn apply(
        input: &DescribeAccountRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeAccountResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let member = tree::member(view, &organization, &input.account_id)?;
        let account = Some(shown::account(view, &organization, &member)?);
        Ok(Applied::read(DescribeAccountResponse { account }))
    }
}

impl Operation<Organizations> for MoveAccount {
    type Error = IamError;

    fn needs(input: &MoveAccountRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let ids = [&*input.account_id, &*input.source_parent_id, &*input.destination_parent_id];
        need::on("organizations:MoveAccount", &ids, view, scope)
    }

    fn apply(input: &MoveAccountRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let organization = tree::managed(view, cx)?;
        let mut member = tree::member(view, &organization, &input.account_id)?;
        if member.parent != input.source_parent_id {
            let text = "We can't find a source root or OU with the ParentId that you specified.";
            return Err(refused("SourceParentNotFoundException", text));
        }
        if !tree::is_parent(view, &organization, &input.destination_parent_id)? {
            let text = "We can't find the destination container (a root or OU) with the ParentId that you specified.";
            return Err(refused("DestinationParentNotFoundException", text));
        }
        if input.source_parent_id == input.destination_parent_id {
            let text = "That account is already present in the specified destination.";
            return Err(refused("DuplicateAccountException", text));
        }
        member.parent.clone_from(&input.destination_parent_id);
        let mut changes = Changes::new();
        changes.put(&member)?;
        Ok(Applied::with((), changes))
    }
}

/// The changes that take an account out of its organization.
fn remove(view: &View, organization: &OrganizationRecord, member: &MemberRecord) -> Result<Changes, IamError> {
    let mut changes = Changes::new();
    let prefix = KeyPrefix::of((organization.id.clone(), member.account.to_string()));
    for target in view.scan::<TargetRecord>(&prefix, None, tree::MOST)? {
        changes.delete::<TargetRecord>(&(target.organization, target.target, target.policy));
    }
    changes.delete::<MemberRecord>(&member.account);
    Ok(changes)
}

fn check_not_master(organization: &OrganizationRecord, member: &MemberRecord) -> Result<(), IamError> {
    if member.account == organization.master {
        let text = "You can't remove a management account from an organization. If you want the management account to become a member account in another organization, you must first delete the current organization of the management account.";
        return Err(refused("MasterCannotLeaveOrganizationException", text));
    }
    Ok(())
}

impl Operation<Organizations> for RemoveAccountFromOrganization {
    type Error = IamError;

    fn needs(input: &RemoveAccountFromOrganizationRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:RemoveAccountFromOrganization", &[&input.account_id], view, scope)
    }

    fn apply(input: &RemoveAccountFromOrganizationRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let organization = tree::managed(view, cx)?;
        let member = tree::member(view, &organization, &input.account_id)?;
        check_not_master(&organization, &member)?;
        Ok(Applied::with((), remove(view, &organization, &member)?))
    }
}

impl Operation<Organizations> for LeaveOrganization {
    type Error = IamError;

    fn needs(_input: &(), _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("organizations:LeaveOrganization")])
    }

    fn apply(_input: &(), view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let (organization, member) = tree::of(view, &cx.account)?;
        check_not_master(&organization, &member)?;
        Ok(Applied::with((), remove(view, &organization, &member)?))
    }
}

impl Operation<Organizations> for CloseAccount {
    type Error = IamError;

    fn needs(input: &CloseAccountRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:CloseAccount", &[&input.account_id], view, scope)
    }

    fn apply(input: &CloseAccountRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let organization = tree::managed(view, cx)?;
        let member = tree::member(view, &organization, &input.account_id)?;
        if member.account == organization.master {
            let text = "You can't close the management account of an organization.";
            return Err(refused("ConstraintViolationException", text));
        }
        let no_account = || refused("AccountNotFoundException", "You specified an account that doesn't exist.");
        let mut account = view.get::<AccountRecord>(&member.account)?.ok_or_else(no_account)?;
        if account.status == AccountStatus::Suspended {
            let text = "You attempted to close an account that is already closed.";
            return Err(refused("AccountAlreadyClosedException", text));
        }
        account.status = AccountStatus::Suspended;
        let mut changes = Changes::new();
        changes.put(&account)?;
        Ok(Applied::with((), changes))
    }
}
