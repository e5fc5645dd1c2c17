//! New accounts: `CreateAccount` asks for one, and the region makes it, with its network, soon after.
//! Deliberately absent: access to billing (`IamUserAccessToBilling` is checked and means nothing), as there is no bill.
//! Source: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html>.

use api::organizations::{
    CreateAccount, CreateAccountRequest, CreateAccountResponse, DescribeCreateAccountStatus,
    DescribeCreateAccountStatusRequest, DescribeCreateAccountStatusResponse, ListCreateAccountStatus,
    ListCreateAccountStatusRequest, ListCreateAccountStatusResponse,
};
use ids::AccountId;
use jiff::Timestamp;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::organization::{allow_all, random_id};
use super::record::{AccountRequestRecord, MemberRecord, OrganizationRecord, RequestState};
use super::{Organizations, need, paging, refused, shown, tags, tree};
use crate::names::unique_id;
use crate::policies::AttachmentRecord;
use crate::roles::RoleRecord;
use crate::{AccountRecord, IamError};

/// Most accounts of an organization.
const MAX_ACCOUNTS: usize = 5000;
/// The role that the managing account may assume in an account that it has made.
const ACCESS_ROLE: &str = "OrganizationAccountAccessRole";

impl Operation<Organizations> for CreateAccount {
    type Error = IamError;

    fn needs(input: &CreateAccountRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(need::tagging(vec![Need::any("organizations:CreateAccount")], input.tags.as_ref()))
    }

    fn apply(input: &CreateAccountRequest, view: &View, cx: &Cx) -> Result<Applied<CreateAccountResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let members = view.by_index::<MemberRecord>("organization", organization.id.clone(), None, MAX_ACCOUNTS)?;
        if members.len() >= MAX_ACCOUNTS {
            let text = "You have exceeded the number of accounts that you can have in an organization.";
            return Err(refused("ConstraintViolationException", text));
        }
        let account = AccountId::from_random(cx.random());
        if view.contains::<AccountRecord>(&account)? {
            return Err(refused(
                "ConcurrentModificationException",
                "The target of the operation is currently being modified by a different request. Try again later.",
            ));
        }
        let record = AccountRequestRecord {
            id: format!("car-{}", random_id::<32>(cx)),
            organization: organization.id,
            account,
            name: input.account_name.clone(),
            email: input.email.clone(),
            role: input.role_name.clone().unwrap_or_else(|| ACCESS_ROLE.to_owned()),
            tags: tags::merged(Vec::new(), input.tags.as_deref().unwrap_or_default())?,
            state: RequestState::InProgress,
            requested: cx.now,
            completed: None,
        };
        let mut changes = Changes::new();
        changes.put(&record)?;
        let create_account_status = Some(shown::request(&record));
        Ok(Applied::with(CreateAccountResponse { create_account_status }, changes))
    }
}

/// The changes that complete a request for an account: its membership, and the role that the managing account may
/// assume there. The account itself, its key and its network are the region's to make, in the same commit; it is told
/// whether it should. `random` makes the role's id.
///
/// # Errors
/// The store's.
pub fn finish_account(
    request: &AccountRequestRecord,
    view: &View,
    now: Timestamp,
    random: [u8; 17],
) -> Result<(bool, Changes), store::StoreError> {
    let mut changes = Changes::new();
    let mut request = request.clone();
    request.completed = Some(now);
    let Some(organization) = view.get::<OrganizationRecord>(&request.organization)? else {
        request.state = RequestState::Failed;
        changes.put(&request)?;
        return Ok((false, changes));
    };
    request.state = RequestState::Succeeded;
    changes.put(&request)?;
    let account = request.account.clone();
    changes.put(&MemberRecord {
        account: account.clone(),
        organization: organization.id.clone(),
        parent: organization.root.clone(),
        email: request.email,
        is_invited: false,
        joined: now,
        tags: request.tags,
    })?;
    allow_all(&organization, account.to_string(), &mut changes).map_err(|error| match error {
        IamError::Store(error) => error,
        other => store::StoreError::Corrupt(other.to_string()),
    })?;
    let trust = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{}:root", organization.master)},
            "Action": "sts:AssumeRole",
        }],
    });
    let role = RoleRecord {
        account: account.clone(),
        name: request.role,
        path: "/".to_owned(),
        id: unique_id("AROA", random),
        created: now,
        trust: trust.to_string(),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: Vec::new(),
        linked_service: None,
    };
    let policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess".to_owned();
    changes.put(&AttachmentRecord { account, owner: role.owner(), policy_arn })?;
    changes.put(&role)?;
    Ok((true, changes))
}

impl Operation<Organizations> for DescribeCreateAccountStatus {
    type Error = IamError;

    fn needs(_input: &DescribeCreateAccountStatusRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("organizations:DescribeCreateAccountStatus")])
    }

    fn apply(
        input: &DescribeCreateAccountStatusRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeCreateAccountStatusResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let found = view.get::<AccountRequestRecord>(&input.create_account_request_id)?;
        let text = "We can't find an create account request with the CreateAccountRequestId that you specified.";
        let record = found
            .filter(|record| record.organization == organization.id)
            .ok_or_else(|| refused("CreateAccountStatusNotFoundException", text))?;
        let create_account_status = Some(shown::request(&record));
        Ok(Applied::read(DescribeCreateAccountStatusResponse { create_account_status }))
    }
}

impl Operation<Organizations> for ListCreateAccountStatus {
    type Error = IamError;

    fn needs(_input: &ListCreateAccountStatusRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("organizations:ListCreateAccountStatus")])
    }

    fn apply(
        input: &ListCreateAccountStatusRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListCreateAccountStatusResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let mut records = view.by_index::<AccountRequestRecord>("organization", organization.id, None, tree::MOST)?;
        let states = input.states.as_deref().unwrap_or_default();
        let is_asked = |state: RequestState| states.iter().any(|wanted| wanted == shown::request_state(state));
        records.retain(|record| states.is_empty() || is_asked(record.state));
        let list = ["ListCreateAccountStatus", &states.join(",")];
        let asked = (input.max_results, input.next_token.as_deref());
        let (page, next_token) = paging::page(cx, &list, asked, records, |record| record.id.clone())?;
        let create_account_statuses = Some(page.iter().map(shown::request).collect());
        Ok(Applied::read(ListCreateAccountStatusResponse { create_account_statuses, next_token }))
    }
}
