//! Organizations against a store, through the service.

use api::Call;
use api::organizations::{
    AcceptHandshakeRequest, AttachPolicyRequest, CloseAccountRequest, CreateAccountRequest, CreateOrganizationRequest,
    CreateOrganizationalUnitRequest, CreatePolicyRequest, DeleteOrganizationalUnitRequest, DeletePolicyRequest,
    DescribeAccountRequest, DescribeCreateAccountStatusRequest, DescribeHandshakeRequest, DetachPolicyRequest,
    EnablePolicyTypeRequest, HandshakeParty, InviteAccountToOrganizationRequest, ListAccountsRequest,
    ListChildrenRequest, ListOrganizationalUnitsForParentRequest, ListParentsRequest, ListPoliciesForTargetRequest,
    ListRootsRequest, ListTagsForResourceRequest, MoveAccountRequest, OrganizationsApi,
    RemoveAccountFromOrganizationRequest, Tag, TagResourceRequest, UpdatePolicyRequest,
};
use store::KeyPrefix;
use wire::ServiceError;

use super::effective::service_control;
use super::record::AccountRequestRecord;
use super::{Organizations, finish_account};
use crate::AccountStatus;
use crate::tests::fixture::{Fixture, OURS, THEIRS, ours, theirs};

const DENY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;

struct World {
    fixture: Fixture,
    organizations: Organizations,
}

impl World {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let organizations = Organizations::new(fixture.runner());
        Self { fixture, organizations }
    }

    /// One in which [`ours`] manages an organization; and the id of its root.
    async fn organized() -> (Self, String) {
        let world = Self::new().await;
        world.organizations.create_organization(ours(), CreateOrganizationRequest::default()).await.unwrap();
        let roots = world.organizations.list_roots(ours(), ListRootsRequest::default()).await.unwrap().roots.unwrap();
        let root = roots[0].id.clone().unwrap();
        (world, root)
    }

    async fn unit(&self, parent: &str, name: &str) -> Result<String, ServiceError> {
        let input = CreateOrganizationalUnitRequest { parent_id: parent.to_owned(), name: name.to_owned(), tags: None };
        let made = self.organizations.create_organizational_unit(ours(), input).await?;
        Ok(made.organizational_unit.unwrap().id.unwrap())
    }

    /// Has the other account join.
    async fn join(&self) {
        let target = HandshakeParty { id: THEIRS.to_owned(), r#type: "ACCOUNT".to_owned() };
        let input = InviteAccountToOrganizationRequest { target, notes: None, tags: None };
        let made = self.organizations.invite_account_to_organization(ours(), input).await.unwrap();
        let input = AcceptHandshakeRequest { handshake_id: made.handshake.unwrap().id.unwrap() };
        let accepted = self.organizations.accept_handshake(theirs(), input).await.unwrap();
        assert_eq!(accepted.handshake.unwrap().state.as_deref(), Some("ACCEPTED"));
    }

    async fn policy(&self, name: &str, content: &str) -> Result<String, ServiceError> {
        let input = CreatePolicyRequest {
            content: content.to_owned(),
            description: String::new(),
            name: name.to_owned(),
            r#type: super::shown::SCP.to_owned(),
            tags: None,
        };
        let made = self.organizations.create_policy(ours(), input).await?;
        Ok(made.policy.unwrap().policy_summary.unwrap().id.unwrap())
    }

    async fn enable(&self, root: &str) {
        let input = EnablePolicyTypeRequest { root_id: root.to_owned(), policy_type: super::shown::SCP.to_owned() };
        self.organizations.enable_policy_type(ours(), input).await.unwrap();
    }

    /// The names of the policies that bind an account, level by level.
    fn levels(&self, account: &str) -> Vec<Vec<String>> {
        let view = self.fixture.store.view().unwrap();
        let levels = service_control(&view, &account.parse().unwrap()).unwrap();
        let name = |(arn, _): (String, String)| arn.rsplit('/').next().unwrap().to_owned();
        levels.into_iter().map(|level| level.into_iter().map(name).collect()).collect()
    }
}

fn code<T: std::fmt::Debug>(outcome: Result<T, ServiceError>) -> String {
    outcome.unwrap_err().code.into_owned()
}

#[tokio::test]
async fn an_account_is_in_one_organization_at_most_and_only_its_master_manages_it() {
    let world = World::new().await;
    let organizations = &world.organizations;
    assert_eq!(code(organizations.describe_organization(ours(), ()).await), "AWSOrganizationsNotInUseException");
    let made = organizations.create_organization(ours(), CreateOrganizationRequest::default()).await.unwrap();
    let made = made.organization.unwrap();
    let id = made.id.clone().unwrap();
    assert_eq!(made.arn.unwrap(), format!("arn:aws:organizations::{OURS}:organization/{id}"));
    assert_eq!((made.feature_set.as_deref(), made.master_account_id.as_deref()), (Some("ALL"), Some(OURS)));
    let again = organizations.create_organization(ours(), CreateOrganizationRequest::default()).await;
    assert_eq!(code(again), "AlreadyInOrganizationException");
    assert_eq!(code(organizations.describe_organization(theirs(), ()).await), "AWSOrganizationsNotInUseException");

    world.join().await;
    let seen = organizations.describe_organization(theirs(), ()).await.unwrap().organization.unwrap();
    assert_eq!(seen.id, Some(id));
    assert_eq!(
        code(organizations.list_accounts(theirs(), ListAccountsRequest::default()).await),
        "AccessDeniedException"
    );
    let accounts = organizations.list_accounts(ours(), ListAccountsRequest::default()).await.unwrap();
    assert_eq!(accounts.accounts.unwrap().len(), 2);
    assert_eq!(code(organizations.delete_organization(ours(), ()).await), "OrganizationNotEmptyException");
    assert_eq!(code(organizations.leave_organization(ours(), ()).await), "MasterCannotLeaveOrganizationException");
    organizations.leave_organization(theirs(), ()).await.unwrap();
    organizations.delete_organization(ours(), ()).await.unwrap();
    assert_eq!(code(organizations.describe_organization(ours(), ()).await), "AWSOrganizationsNotInUseException");
}

#[tokio::test]
async fn units_make_a_tree_of_bounded_depth() {
    let (world, root) = World::organized().await;
    let mut parent = root.clone();
    let mut ids = Vec::new();
    for name in ["1", "2", "3", "4", "5"] {
        parent = world.unit(&parent, name).await.unwrap();
        ids.push(parent.clone());
    }
    assert_eq!(code(world.unit(&parent, "6").await), "ConstraintViolationException");
    assert_eq!(code(world.unit(&root, "1").await), "DuplicateOrganizationalUnitException");
    assert_eq!(code(world.unit("ou-none-nothing1", "1").await), "ParentNotFoundException");
    let input = ListParentsRequest { child_id: ids[1].clone(), ..ListParentsRequest::default() };
    let parents = world.organizations.list_parents(ours(), input).await.unwrap().parents.unwrap();
    assert_eq!(parents[0].id.as_deref(), Some(ids[0].as_str()));
    let delete = |id: &str| DeleteOrganizationalUnitRequest { organizational_unit_id: id.to_owned() };
    let outcome = world.organizations.delete_organizational_unit(ours(), delete(&ids[0])).await;
    assert_eq!(code(outcome), "OrganizationalUnitNotEmptyException");
    world.organizations.delete_organizational_unit(ours(), delete(&ids[4])).await.unwrap();
    let outcome = world.organizations.delete_organizational_unit(ours(), delete(&ids[4])).await;
    assert_eq!(code(outcome), "OrganizationalUnitNotFoundException");
}

#[tokio::test]
async fn pages_cover_the_units_once() {
    let (world, root) = World::organized().await;
    let mut made = Vec::new();
    for number in 0..23 {
        made.push(world.unit(&root, &format!("unit-{number}")).await.unwrap());
    }
    made.sort();
    let (mut seen, mut next_token) = (Vec::new(), None);
    loop {
        let (parent_id, max_results) = (root.clone(), Some(7));
        let input = ListOrganizationalUnitsForParentRequest { parent_id, max_results, next_token };
        let page = world.organizations.list_organizational_units_for_parent(ours(), input).await.unwrap();
        seen.extend(page.organizational_units.unwrap().into_iter().map(|unit| unit.id.unwrap()));
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert_eq!(seen, made);
    let next_token = Some("nonsense".to_owned());
    let input = ListOrganizationalUnitsForParentRequest { parent_id: root, max_results: None, next_token };
    let outcome = world.organizations.list_organizational_units_for_parent(ours(), input).await;
    assert_eq!(code(outcome), "InvalidInputException");
}

#[tokio::test]
async fn policies_bind_members_level_by_level_and_never_the_master() {
    let (world, root) = World::organized().await;
    world.join().await;
    let unit = world.unit(&root, "lab").await.unwrap();
    let (account_id, source, destination) = (THEIRS.to_owned(), root.clone(), unit.clone());
    let input = MoveAccountRequest { account_id, source_parent_id: source, destination_parent_id: destination.clone() };
    world.organizations.move_account(ours(), input.clone()).await.unwrap();
    assert_eq!(code(world.organizations.move_account(ours(), input).await), "SourceParentNotFoundException");
    assert!(world.levels(THEIRS).is_empty(), "no policies are in force yet");

    let attach =
        |policy: &str, target: &str| AttachPolicyRequest { policy_id: policy.to_owned(), target_id: target.to_owned() };
    let deny = world.policy("no-s3", DENY).await.unwrap();
    let outcome = world.organizations.attach_policy(ours(), attach(&deny, &unit)).await;
    assert_eq!(code(outcome), "PolicyTypeNotEnabledException");
    world.enable(&root).await;
    let full = "p-FullAWSAccess";
    assert_eq!(world.levels(THEIRS), [vec![full], vec![full], vec![full]]);
    assert!(world.levels(OURS).is_empty(), "none bind the master");

    world.organizations.attach_policy(ours(), attach(&deny, &unit)).await.unwrap();
    let outcome = world.organizations.attach_policy(ours(), attach(&deny, &unit)).await;
    assert_eq!(code(outcome), "DuplicatePolicyAttachmentException");
    assert_eq!(
        code(world.organizations.attach_policy(ours(), attach("p-nothing1", &unit)).await),
        "PolicyNotFoundException"
    );
    assert_eq!(
        code(world.organizations.attach_policy(ours(), attach(&deny, "333333333333")).await),
        "TargetNotFoundException"
    );
    let mut level = world.levels(THEIRS)[1].clone();
    level.sort();
    let mut both = vec![full.to_owned(), deny.clone()];
    both.sort();
    assert_eq!(level, both);

    let delete = DeletePolicyRequest { policy_id: deny.clone() };
    assert_eq!(code(world.organizations.delete_policy(ours(), delete.clone()).await), "PolicyInUseException");
    let detach =
        |policy: &str, target: &str| DetachPolicyRequest { policy_id: policy.to_owned(), target_id: target.to_owned() };
    let outcome = world.organizations.detach_policy(ours(), detach(full, THEIRS)).await;
    assert_eq!(code(outcome), "ConstraintViolationException", "one must remain");
    world.organizations.detach_policy(ours(), detach(&deny, &unit)).await.unwrap();
    world.organizations.delete_policy(ours(), delete).await.unwrap();
    let input = ListPoliciesForTargetRequest {
        target_id: unit,
        filter: super::shown::SCP.to_owned(),
        ..ListPoliciesForTargetRequest::default()
    };
    let listed = world.organizations.list_policies_for_target(ours(), input).await.unwrap().policies.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].aws_managed, Some(true));
}

#[tokio::test]
async fn documents_are_checked_and_the_policy_of_aws_stays_as_it_is() {
    let (world, _) = World::organized().await;
    for content in [
        "",
        "{}",
        "[",
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#,
    ] {
        assert_eq!(code(world.policy("p", content).await), "MalformedPolicyDocumentException", "{content}");
    }
    let id = world.policy("p", DENY).await.unwrap();
    assert_eq!(code(world.policy("p", DENY).await), "DuplicatePolicyException");
    let update = |policy_id: &str, content: &str| UpdatePolicyRequest {
        policy_id: policy_id.to_owned(),
        content: Some(content.to_owned()),
        ..UpdatePolicyRequest::default()
    };
    assert_eq!(
        code(world.organizations.update_policy(ours(), update(&id, "{}")).await),
        "MalformedPolicyDocumentException"
    );
    assert_eq!(
        code(world.organizations.update_policy(ours(), update("p-FullAWSAccess", DENY)).await),
        "AccessDeniedException"
    );
}

/// As the region's reconciler does.
async fn make_account(world: &World, id: &str) {
    let view = world.fixture.store.view().unwrap();
    let request = view.get::<AccountRequestRecord>(&id.to_owned()).unwrap().unwrap();
    let (is_wanted, mut changes) = finish_account(&request, &view, world.fixture.now(), [3; 17]).unwrap();
    assert!(is_wanted);
    let key = crate::NewAccessKey::from_random([9; 56]);
    changes.merge(crate::create_account(request.account, &request.name, &key, world.fixture.now()).unwrap());
    world.fixture.store.commit(Some(&view), changes).await.unwrap();
}

#[tokio::test]
async fn a_new_account_has_a_role_for_its_master() {
    let (world, root) = World::organized().await;
    let (email, account_name) = ("lab@example.net".to_owned(), "lab".to_owned());
    let input = CreateAccountRequest { email, account_name, ..CreateAccountRequest::default() };
    let made = world.organizations.create_account(ours(), input).await.unwrap().create_account_status.unwrap();
    assert_eq!(made.state.as_deref(), Some("IN_PROGRESS"));
    let id = made.id.unwrap();
    make_account(&world, &id).await;
    let ask = |call: Call, id: &str| {
        let input = DescribeCreateAccountStatusRequest { create_account_request_id: id.to_owned() };
        world.organizations.describe_create_account_status(call, input)
    };
    let done = ask(ours(), &id).await.unwrap().create_account_status.unwrap();
    assert_eq!(done.state.as_deref(), Some("SUCCEEDED"));
    let account = done.account_id.unwrap();
    assert_eq!(code(ask(ours(), "car-none").await), "CreateAccountStatusNotFoundException");
    let key = (account.parse().unwrap(), "organizationaccountaccessrole".to_owned());
    let role = world.fixture.get::<crate::RoleRecord>(&key).unwrap();
    assert!(role.trust.contains(&format!("arn:aws:iam::{OURS}:root")));
    policy::Policy::parse(&role.trust, policy::Kind::Trust).unwrap();

    let describe = DescribeAccountRequest { account_id: account.clone() };
    let seen = world.organizations.describe_account(ours(), describe.clone()).await.unwrap().account.unwrap();
    assert_eq!((seen.name.as_deref(), seen.status.as_deref()), (Some("lab"), Some("ACTIVE")));
    let close = CloseAccountRequest { account_id: account.clone() };
    world.organizations.close_account(ours(), close.clone()).await.unwrap();
    let record = world.fixture.get::<crate::AccountRecord>(&account.parse().unwrap()).unwrap();
    assert_eq!(record.status, AccountStatus::Suspended);
    assert_eq!(code(world.organizations.close_account(ours(), close).await), "AccountAlreadyClosedException");
    let close = CloseAccountRequest { account_id: OURS.to_owned() };
    assert_eq!(code(world.organizations.close_account(ours(), close).await), "ConstraintViolationException");
    let input =
        ListChildrenRequest { parent_id: root, child_type: "ACCOUNT".to_owned(), ..ListChildrenRequest::default() };
    let children = world.organizations.list_children(ours(), input).await.unwrap().children.unwrap();
    assert_eq!(children.len(), 2);
}

#[tokio::test]
async fn invitations_are_between_their_two_sides() {
    let (world, _) = World::organized().await;
    let target = HandshakeParty { id: THEIRS.to_owned(), r#type: "ACCOUNT".to_owned() };
    let invite = || InviteAccountToOrganizationRequest { target: target.clone(), notes: None, tags: None };
    let made = world.organizations.invite_account_to_organization(ours(), invite()).await.unwrap();
    let handshake_id = made.handshake.unwrap().id.unwrap();
    let again = world.organizations.invite_account_to_organization(ours(), invite()).await;
    assert_eq!(code(again), "DuplicateHandshakeException");
    let accept = AcceptHandshakeRequest { handshake_id: handshake_id.clone() };
    assert_eq!(code(world.organizations.accept_handshake(ours(), accept.clone()).await), "AccessDeniedException");
    let mut stranger = theirs();
    stranger.caller.account = "333333333333".parse().ok();
    let describe = DescribeHandshakeRequest { handshake_id };
    let outcome = world.organizations.describe_handshake(stranger, describe.clone()).await;
    assert_eq!(code(outcome), "HandshakeNotFoundException");
    world.organizations.describe_handshake(theirs(), describe).await.unwrap();
    world.organizations.accept_handshake(theirs(), accept.clone()).await.unwrap();
    let outcome = world.organizations.accept_handshake(theirs(), accept).await;
    assert_eq!(code(outcome), "HandshakeAlreadyInStateException");
    let remove = RemoveAccountFromOrganizationRequest { account_id: THEIRS.to_owned() };
    world.organizations.remove_account_from_organization(ours(), remove).await.unwrap();
    assert!(world.fixture.get::<super::MemberRecord>(&THEIRS.parse().unwrap()).is_none());
}

#[tokio::test]
async fn an_invitation_ends_after_fifteen_days() {
    let (world, _) = World::organized().await;
    let target = HandshakeParty { id: THEIRS.to_owned(), r#type: "ACCOUNT".to_owned() };
    let input = InviteAccountToOrganizationRequest { target, notes: None, tags: None };
    let made = world.organizations.invite_account_to_organization(ours(), input).await.unwrap();
    world.fixture.advance(std::time::Duration::from_secs(15 * 24 * 3600));
    let accept = AcceptHandshakeRequest { handshake_id: made.handshake.unwrap().id.unwrap() };
    let outcome = world.organizations.accept_handshake(theirs(), accept).await;
    assert_eq!(code(outcome), "InvalidHandshakeTransitionException");
}

#[tokio::test]
async fn tags_and_the_permissions_that_name_them() {
    let (world, root) = World::organized().await;
    let tags = vec![Tag { key: "team".to_owned(), value: "blue".to_owned() }];
    let input = TagResourceRequest { resource_id: root.clone(), tags };
    world.organizations.tag_resource(ours(), input).await.unwrap();
    let input = ListTagsForResourceRequest { resource_id: root.clone(), next_token: None };
    let listed = world.organizations.list_tags_for_resource(ours(), input).await.unwrap().tags.unwrap();
    assert_eq!(listed.len(), 1);
    let needs = world.fixture.needs();
    assert_eq!(needs[0].context.get("aws:ResourceTag/team"), Some(["blue".to_owned()].as_slice()));
    let arn = needs[0].resource_text().to_owned();
    assert!(arn.starts_with(&format!("arn:aws:organizations::{OURS}:root/o-")) && arn.ends_with(&root), "{arn}");
    let reserved = vec![Tag { key: "aws:x".to_owned(), value: String::new() }];
    let input = TagResourceRequest { resource_id: root, tags: reserved };
    assert_eq!(code(world.organizations.tag_resource(ours(), input).await), "InvalidInputException");
}

/// Nothing of one organization can be named by the master of another.
#[tokio::test]
async fn another_master_sees_nothing() {
    let (world, root) = World::organized().await;
    let unit = world.unit(&root, "lab").await.unwrap();
    let policy = world.policy("p", DENY).await.unwrap();
    world.organizations.create_organization(theirs(), CreateOrganizationRequest::default()).await.unwrap();
    let organizations = &world.organizations;
    let delete = DeleteOrganizationalUnitRequest { organizational_unit_id: unit.clone() };
    assert_eq!(
        code(organizations.delete_organizational_unit(theirs(), delete).await),
        "OrganizationalUnitNotFoundException"
    );
    let delete = DeletePolicyRequest { policy_id: policy };
    assert_eq!(code(organizations.delete_policy(theirs(), delete).await), "PolicyNotFoundException");
    let describe = DescribeAccountRequest { account_id: OURS.to_owned() };
    assert_eq!(code(organizations.describe_account(theirs(), describe).await), "AccountNotFoundException");
    let close = CloseAccountRequest { account_id: OURS.to_owned() };
    assert_eq!(code(organizations.close_account(theirs(), close).await), "AccountNotFoundException");
    let requests = world.fixture.store.view().unwrap().scan::<AccountRequestRecord>(&KeyPrefix::all(), None, 1);
    assert!(requests.unwrap().is_empty());
}
