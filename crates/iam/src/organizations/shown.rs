//! Organizations as AWS shows them: ARNs and the structures of answers.
//! Source: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_permissions_overview.html>.

use api::organizations::{
    Account, CreateAccountStatus, Handshake, HandshakeParty, HandshakeResource, Organization, OrganizationalUnit,
    Policy, PolicySummary, PolicyTypeSummary, Root,
};
use jiff::Timestamp;
use store::View;

use super::record::{
    AccountRequestRecord, HandshakeRecord, HandshakeState, MemberRecord, OrganizationRecord, RequestState, ScpRecord,
    UnitRecord,
};
use super::tree;
use crate::{AccountRecord, AccountStatus, IamError};

/// The kind of policies that there is.
pub(super) const SCP: &str = "SERVICE_CONTROL_POLICY";
/// The policy that AWS brings along: it allows everything.
pub(super) const FULL_ACCESS: &str = "p-FullAWSAccess";
/// Its document.
pub(super) const FULL_ACCESS_CONTENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The ARN of something of an organization's.
pub(super) fn arn(organization: &OrganizationRecord, kind: &str, id: &str) -> String {
    format!("arn:aws:organizations::{}:{kind}/{}/{id}", organization.master, organization.id)
}

/// The ARN of the organization itself.
pub(super) fn organization_arn(organization: &OrganizationRecord) -> String {
    format!("arn:aws:organizations::{}:organization/{}", organization.master, organization.id)
}

/// The ARN of a root, a unit or an account, by its id.
pub(super) fn target_arn(organization: &OrganizationRecord, id: &str) -> String {
    match id {
        _ if id == organization.id => organization_arn(organization),
        _ if id.starts_with("r-") => arn(organization, "root", id),
        _ if id.starts_with("ou-") => arn(organization, "ou", id),
        _ => arn(organization, "account", id),
    }
}

pub(super) fn policy_arn(organization: &OrganizationRecord, id: &str) -> String {
    arn(organization, "policy", &format!("service_control_policy/{id}"))
}

pub(super) fn aws_policy_arn(id: &str) -> String {
    format!("arn:aws:organizations::aws:policy/service_control_policy/{id}")
}

pub(super) fn handshake_arn(organization: &OrganizationRecord, handshake: &HandshakeRecord) -> String {
    arn(organization, "handshake", &format!("invite/{}", handshake.id))
}

pub(super) fn organization(record: &OrganizationRecord, master: &MemberRecord) -> Organization {
    let kind = PolicyTypeSummary { r#type: Some(SCP.to_owned()), status: Some("ENABLED".to_owned()) };
    Organization {
        id: Some(record.id.clone()),
        arn: Some(organization_arn(record)),
        feature_set: Some(if record.has_all_features { "ALL" } else { "CONSOLIDATED_BILLING" }.to_owned()),
        master_account_arn: Some(arn(record, "account", record.master.as_str())),
        master_account_id: Some(record.master.to_string()),
        master_account_email: Some(master.email.clone()),
        available_policy_types: Some(if record.has_all_features { vec![kind] } else { Vec::new() }),
    }
}

pub(super) fn root(record: &OrganizationRecord) -> Root {
    let kind = PolicyTypeSummary { r#type: Some(SCP.to_owned()), status: Some("ENABLED".to_owned()) };
    Root {
        id: Some(record.root.clone()),
        arn: Some(arn(record, "root", &record.root)),
        name: Some("Root".to_owned()),
        policy_types: Some(if record.has_service_control { vec![kind] } else { Vec::new() }),
    }
}

pub(super) fn unit(
    view: &View,
    organization: &OrganizationRecord,
    record: &UnitRecord,
) -> Result<OrganizationalUnit, IamError> {
    let mut path = tree::path(view, organization, &record.parent)?;
    path.push(record.id.clone());
    Ok(OrganizationalUnit {
        id: Some(record.id.clone()),
        arn: Some(arn(organization, "ou", &record.id)),
        name: Some(record.name.clone()),
        path: Some(format!("{}/{}/", organization.id, path.join("/"))),
    })
}

pub(super) fn account(
    view: &View,
    organization: &OrganizationRecord,
    record: &MemberRecord,
) -> Result<Account, IamError> {
    let account = view.get::<AccountRecord>(&record.account)?;
    let is_active = account.as_ref().is_some_and(|account| account.status == AccountStatus::Active);
    let state = if is_active { "ACTIVE" } else { "SUSPENDED" };
    let path = tree::path(view, organization, &record.parent)?.join("/");
    Ok(Account {
        id: Some(record.account.to_string()),
        arn: Some(arn(organization, "account", record.account.as_str())),
        email: Some(record.email.clone()),
        name: account.map(|account| account.name),
        status: Some(state.to_owned()),
        state: Some(state.to_owned()),
        paths: Some(vec![format!("{}/{path}/{}/", organization.id, record.account)]),
        joined_method: Some(if record.is_invited { "INVITED" } else { "CREATED" }.to_owned()),
        joined_timestamp: Some(record.joined),
    })
}

pub(super) fn summary(organization: &OrganizationRecord, record: &ScpRecord) -> PolicySummary {
    let is_aws = record.id == FULL_ACCESS;
    PolicySummary {
        id: Some(record.id.clone()),
        arn: Some(if is_aws { aws_policy_arn(&record.id) } else { policy_arn(organization, &record.id) }),
        name: Some(record.name.clone()),
        description: Some(record.description.clone()),
        r#type: Some(SCP.to_owned()),
        aws_managed: Some(is_aws),
    }
}

pub(super) fn policy(organization: &OrganizationRecord, record: &ScpRecord) -> Policy {
    Policy { policy_summary: Some(summary(organization, record)), content: Some(record.content.clone()) }
}

pub(super) fn request(record: &AccountRequestRecord) -> CreateAccountStatus {
    let is_there = record.state == RequestState::Succeeded;
    CreateAccountStatus {
        id: Some(record.id.clone()),
        account_name: Some(record.name.clone()),
        state: Some(request_state(record.state).to_owned()),
        requested_timestamp: Some(record.requested),
        completed_timestamp: record.completed,
        account_id: is_there.then(|| record.account.to_string()),
        gov_cloud_account_id: None,
        failure_reason: (record.state == RequestState::Failed).then(|| "INTERNAL_FAILURE".to_owned()),
    }
}

pub(super) fn request_state(state: RequestState) -> &'static str {
    match state {
        RequestState::InProgress => "IN_PROGRESS",
        RequestState::Succeeded => "SUCCEEDED",
        RequestState::Failed => "FAILED",
    }
}

pub(super) fn handshake(organization: &OrganizationRecord, record: &HandshakeRecord, now: Timestamp) -> Handshake {
    let state = match record.state {
        HandshakeState::Open if record.expires <= now => "EXPIRED",
        HandshakeState::Open => "OPEN",
        HandshakeState::Canceled => "CANCELED",
        HandshakeState::Accepted => "ACCEPTED",
        HandshakeState::Declined => "DECLINED",
    };
    let party = |id: &str, kind: &str| HandshakeParty { id: id.to_owned(), r#type: kind.to_owned() };
    let resource = |value: &str, kind: &str| HandshakeResource {
        value: Some(value.to_owned()),
        r#type: Some(kind.to_owned()),
        resources: None,
    };
    let features = if organization.has_all_features { "ALL" } else { "CONSOLIDATED_BILLING" };
    let mut own = resource(&organization.id, "ORGANIZATION");
    own.resources = Some(vec![resource(features, "ORGANIZATION_FEATURE_SET")]);
    let mut resources = vec![own, resource(record.account.as_str(), "ACCOUNT")];
    resources.extend(record.notes.iter().map(|notes| resource(notes, "NOTES")));
    Handshake {
        id: Some(record.id.clone()),
        arn: Some(handshake_arn(organization, record)),
        parties: Some(vec![party(&organization.id[2..], "ORGANIZATION"), party(record.account.as_str(), "ACCOUNT")]),
        state: Some(state.to_owned()),
        requested_timestamp: Some(record.requested),
        expiration_timestamp: Some(record.expires),
        action: Some("INVITE".to_owned()),
        resources: Some(resources),
    }
}
