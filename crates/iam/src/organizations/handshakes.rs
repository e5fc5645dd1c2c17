//! Invitations: an account that is there already joins an organization if it accepts.
//! Deliberately absent: invitations by e-mail address, since accounts of a region need not have one; other handshakes.
//! Source: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_InviteAccountToOrganization.html>.

use api::organizations::{
    AcceptHandshake, AcceptHandshakeRequest, AcceptHandshakeResponse, CancelHandshake, CancelHandshakeRequest,
    CancelHandshakeResponse, DeclineHandshake, DeclineHandshakeRequest, DeclineHandshakeResponse, DescribeHandshake,
    DescribeHandshakeRequest, DescribeHandshakeResponse, Handshake, HandshakeFilter, InviteAccountToOrganization,
    InviteAccountToOrganizationRequest, InviteAccountToOrganizationResponse, ListHandshakesForAccount,
    ListHandshakesForAccountRequest, ListHandshakesForAccountResponse, ListHandshakesForOrganization,
    ListHandshakesForOrganizationRequest, ListHandshakesForOrganizationResponse,
};
use ids::AccountId;
use jiff::SignedDuration;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::organization::{allow_all, random_id};
use super::record::{HandshakeRecord, HandshakeState, MemberRecord, OrganizationRecord};
use super::{Organizations, invalid, need, paging, refused, shown, tags, tree};
use crate::keys::is_in_use;
use crate::{AccountRecord, IamError};

/// How long an invitation can be accepted.
const LIFE: SignedDuration = SignedDuration::from_hours(15 * 24);
/// Most invitations that wait at a time.
const MAX_OPEN: usize = 20;

impl Operation<Organizations> for InviteAccountToOrganization {
    type Error = IamError;

    fn needs(input: &InviteAccountToOrganizationRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let needs = need::on("organizations:InviteAccountToOrganization", &[&input.target.id], view, scope)?;
        Ok(need::tagging(needs, input.tags.as_ref()))
    }

    fn apply(
        input: &InviteAccountToOrganizationRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<InviteAccountToOrganizationResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let no_account = || refused("AccountNotFoundException", "You specified an account that doesn't exist.");
        let account = match input.target.r#type.as_str() {
            "ACCOUNT" => input.target.id.parse::<AccountId>().map_err(|_| no_account())?,
            "EMAIL" => {
                return Err(invalid("Accounts of this region are invited by their id, not by an email address."));
            }
            _ => return Err(invalid("You specified a target type that isn't valid.")),
        };
        if !is_in_use(view, &account)? {
            return Err(no_account());
        }
        if let Some(member) = view.get::<MemberRecord>(&account)? {
            let is_ours = member.organization == organization.id;
            let text = "The account is already a member of an organization.";
            let code = if is_ours { "DuplicateAccountException" } else { "HandshakeConstraintViolationException" };
            return Err(refused(code, text));
        }
        let open: Vec<HandshakeRecord> = view
            .by_index::<HandshakeRecord>("organization", organization.id.clone(), None, tree::MOST)?
            .into_iter()
            .filter(|it| it.state == HandshakeState::Open && it.expires > cx.now)
            .collect();
        if open.iter().any(|handshake| handshake.account == account) {
            let text = "A handshake with the same action and target already exists.";
            return Err(refused("DuplicateHandshakeException", text));
        }
        if open.len() >= MAX_OPEN {
            let text = "You attempted to exceed the number of invitations that you can have at a time.";
            return Err(refused("HandshakeConstraintViolationException", text));
        }
        let handshake = HandshakeRecord {
            id: format!("h-{}", random_id::<32>(cx)),
            organization: organization.id.clone(),
            account,
            notes: input.notes.clone(),
            state: HandshakeState::Open,
            requested: cx.now,
            expires: cx.now + LIFE,
            tags: tags::merged(Vec::new(), input.tags.as_deref().unwrap_or_default())?,
        };
        let mut changes = Changes::new();
        changes.put(&handshake)?;
        let handshake = Some(shown::handshake(&organization, &handshake, cx.now));
        Ok(Applied::with(InviteAccountToOrganizationResponse { handshake }, changes))
    }
}

/// Which side of an invitation the caller is on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Inviting,
    Invited,
    Either,
}

/// The invitation of this id, for a caller on this side of it, and its organization.
fn find(id: &str, side: Side, view: &View, cx: &Cx) -> Result<(OrganizationRecord, HandshakeRecord), IamError> {
    let text = "We can't find a handshake with the HandshakeId that you specified.";
    let not_found = || refused("HandshakeNotFoundException", text);
    let handshake = view.get::<HandshakeRecord>(&id.to_owned())?.ok_or_else(not_found)?;
    let organization = view.get::<OrganizationRecord>(&handshake.organization)?.ok_or_else(not_found)?;
    let (is_inviting, is_invited) = (organization.master == cx.account, handshake.account == cx.account);
    match side {
        // Who has no part in it does not learn that it is there.
        _ if !is_inviting && !is_invited => Err(not_found()),
        Side::Inviting if !is_inviting => Err(tree::denied()),
        Side::Invited if !is_invited => Err(tree::denied()),
        _ => Ok((organization, handshake)),
    }
}

/// The same, which must still be open, in its new state.
fn end(
    id: &str,
    side: Side,
    state: HandshakeState,
    view: &View,
    cx: &Cx,
) -> Result<(OrganizationRecord, HandshakeRecord), IamError> {
    let (organization, mut handshake) = find(id, side, view, cx)?;
    if handshake.state == state {
        let text = "The specified handshake is already in the requested state.";
        return Err(refused("HandshakeAlreadyInStateException", text));
    }
    if handshake.state != HandshakeState::Open || handshake.expires <= cx.now {
        let text = "You can't perform the operation on the handshake in its current state.";
        return Err(refused("InvalidHandshakeTransitionException", text));
    }
    handshake.state = state;
    Ok((organization, handshake))
}

impl Operation<Organizations> for AcceptHandshake {
    type Error = IamError;

    fn needs(input: &AcceptHandshakeRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        own(need::on("organizations:AcceptHandshake", &[&input.handshake_id], view, scope)?)
    }

    fn apply(
        input: &AcceptHandshakeRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<AcceptHandshakeResponse>, IamError> {
        let accepted = HandshakeState::Accepted;
        let (organization, handshake) = end(&input.handshake_id, Side::Invited, accepted, view, cx)?;
        if view.contains::<MemberRecord>(&cx.account)? {
            let text = "The account is already a member of an organization.";
            return Err(refused("HandshakeConstraintViolationException", text));
        }
        let mut changes = Changes::new();
        let name = view.get::<AccountRecord>(&cx.account)?.map(|account| account.name).unwrap_or_default();
        changes.put(&MemberRecord {
            account: cx.account.clone(),
            organization: organization.id.clone(),
            parent: organization.root.clone(),
            email: format!("{}@{}.invalid", if name.is_empty() { "root" } else { &name }, cx.account),
            is_invited: true,
            joined: cx.now,
            tags: handshake.tags.clone(),
        })?;
        allow_all(&organization, cx.account.to_string(), &mut changes)?;
        changes.put(&handshake)?;
        let handshake = Some(shown::handshake(&organization, &handshake, cx.now));
        Ok(Applied::with(AcceptHandshakeResponse { handshake }, changes))
    }
}

impl Operation<Organizations> for DeclineHandshake {
    type Error = IamError;

    fn needs(input: &DeclineHandshakeRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        own(need::on("organizations:DeclineHandshake", &[&input.handshake_id], view, scope)?)
    }

    fn apply(
        input: &DeclineHandshakeRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DeclineHandshakeResponse>, IamError> {
        let declined = HandshakeState::Declined;
        let (organization, handshake) = end(&input.handshake_id, Side::Invited, declined, view, cx)?;
        let mut changes = Changes::new();
        changes.put(&handshake)?;
        let handshake = Some(shown::handshake(&organization, &handshake, cx.now));
        Ok(Applied::with(DeclineHandshakeResponse { handshake }, changes))
    }
}

impl Operation<Organizations> for CancelHandshake {
    type Error = IamError;

    fn needs(input: &CancelHandshakeRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        own(need::on("organizations:CancelHandshake", &[&input.handshake_id], view, scope)?)
    }

    fn apply(
        input: &CancelHandshakeRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CancelHandshakeResponse>, IamError> {
        let canceled = HandshakeState::Canceled;
        let (organization, handshake) = end(&input.handshake_id, Side::Inviting, canceled, view, cx)?;
        let mut changes = Changes::new();
        changes.put(&handshake)?;
        let handshake = Some(shown::handshake(&organization, &handshake, cx.now));
        Ok(Applied::with(CancelHandshakeResponse { handshake }, changes))
    }
}

impl Operation<Organizations> for DescribeHandshake {
    type Error = IamError;

    fn needs(input: &DescribeHandshakeRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        own(need::on("organizations:DescribeHandshake", &[&input.handshake_id], view, scope)?)
    }

    fn apply(
        input: &DescribeHandshakeRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeHandshakeResponse>, IamError> {
        let (organization, handshake) = find(&input.handshake_id, Side::Either, view, cx)?;
        let handshake = Some(shown::handshake(&organization, &handshake, cx.now));
        Ok(Applied::read(DescribeHandshakeResponse { handshake }))
    }
}

/// An invitation belongs to both of its sides: whoever is on either asks its own policies alone.
fn own(needs: Vec<Need>) -> Result<Vec<Need>, IamError> {
    Ok(needs.into_iter().map(|need| Need { owner: None, ..need }).collect())
}

/// The invitations that a filter leaves, as shown.
fn filtered(
    found: Vec<HandshakeRecord>,
    filter: Option<&HandshakeFilter>,
    view: &View,
    cx: &Cx,
) -> Result<Vec<Handshake>, IamError> {
    let is_wanted = filter.and_then(|filter| filter.action_type.as_deref()).is_none_or(|kind| kind == "INVITE");
    let has_no_parent = filter.and_then(|filter| filter.parent_handshake_id.as_deref()).is_none();
    let mut all = Vec::new();
    for handshake in found.into_iter().filter(|_| is_wanted && has_no_parent) {
        if let Some(organization) = view.get::<OrganizationRecord>(&handshake.organization)? {
            all.push(shown::handshake(&organization, &handshake, cx.now));
        }
    }
    Ok(all)
}

impl Operation<Organizations> for ListHandshakesForAccount {
    type Error = IamError;

    fn needs(_input: &ListHandshakesForAccountRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("organizations:ListHandshakesForAccount")])
    }

    fn apply(
        input: &ListHandshakesForAccountRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListHandshakesForAccountResponse>, IamError> {
        let found = view.by_index::<HandshakeRecord>("account", cx.account.clone(), None, tree::MOST)?;
        let all = filtered(found, input.filter.as_ref(), view, cx)?;
        let asked = (input.max_results, input.next_token.as_deref());
        let (handshakes, next_token) =
            paging::page(cx, &["ListHandshakesForAccount"], asked, all, |it| it.id.clone().unwrap_or_default())?;
        Ok(Applied::read(ListHandshakesForAccountResponse { handshakes: Some(handshakes), next_token }))
    }
}

impl Operation<Organizations> for ListHandshakesForOrganization {
    type Error = IamError;

    fn needs(
        _input: &ListHandshakesForOrganizationRequest,
        _view: &View,
        _scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("organizations:ListHandshakesForOrganization")])
    }

    fn apply(
        input: &ListHandshakesForOrganizationRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListHandshakesForOrganizationResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let found = view.by_index::<HandshakeRecord>("organization", organization.id, None, tree::MOST)?;
        let all = filtered(found, input.filter.as_ref(), view, cx)?;
        let asked = (input.max_results, input.next_token.as_deref());
        let list = ["ListHandshakesForOrganization"];
        let (handshakes, next_token) = paging::page(cx, &list, asked, all, |it| it.id.clone().unwrap_or_default())?;
        Ok(Applied::read(ListHandshakesForOrganizationResponse { handshakes: Some(handshakes), next_token }))
    }
}
