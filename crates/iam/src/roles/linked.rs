//! Roles that belong to a service: `iam:CreateServiceLinkedRole`, `iam:DeleteServiceLinkedRole`,
//! `iam:GetServiceLinkedRoleDeletionStatus`. Their names, paths and policies are the service's, and nobody else changes them.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html>.

use api::iam::{
    CreateServiceLinkedRole, CreateServiceLinkedRoleRequest, CreateServiceLinkedRoleResponse, DeleteServiceLinkedRole,
    DeleteServiceLinkedRoleRequest, DeleteServiceLinkedRoleResponse, GetServiceLinkedRoleDeletionStatus,
    GetServiceLinkedRoleDeletionStatusRequest, GetServiceLinkedRoleDeletionStatusResponse,
};
use ids::AccountId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, Record, View};

use super::create::{DEFAULT_SESSION, add};
use super::delete::remove;
use super::linked_names::{self, LinkedService};
use super::{RoleRecord, find, need, shown};
use crate::names::{folded, unique_id};
use crate::policies::managed::Managed;
use crate::{AttachmentRecord, Iam, IamError, InlinePolicyRecord, needs};

/// How long it can be asked what became of a deletion.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Most deletions that are looked at to forget old ones.
const MAX_DELETIONS: usize = 100;

/// That a role of a service was deleted, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleDeletionRecord {
    /// The role's account.
    pub account: AccountId,
    /// The id of the task.
    pub task: String,
    /// When it was deleted.
    pub deleted: Timestamp,
}

impl Record for RoleDeletionRecord {
    const TABLE: &'static str = "identity/role-deletion";
    const VERSION: u16 = 1;
    /// The account and the task.
    type Key = (AccountId, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.task.clone())
    }
}

/// Refuses to change a role that belongs to a service.
///
/// # Errors
/// `UnmodifiableEntity`.
pub(crate) fn check_own(role: &RoleRecord) -> Result<(), IamError> {
    if role.linked_service.is_none() {
        return Ok(());
    }
    let name = &role.name;
    let text =
        format!("Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS");
    Err(IamError::refused("UnmodifiableEntity", 400, text))
}

/// What the role of a service is called.
fn name_of(service: &str, suffix: Option<&str>) -> String {
    let known = linked_names::find(service);
    let name = known.map_or_else(|| derived(service), |known| known.name.to_owned());
    let suffix = suffix.map(|suffix| format!("_{suffix}")).unwrap_or_default();
    format!("AWSServiceRoleFor{name}{suffix}")
}

/// A name for a service that is in no list: its words, each with a capital.
fn derived(service: &str) -> String {
    let words = service.trim_end_matches(".amazonaws.com").split(['.', '-']);
    let capitals = words.map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    capitals.collect()
}

impl Operation<Iam> for CreateServiceLinkedRole {
    type Error = IamError;

    fn needs(input: &CreateServiceLinkedRoleRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let service = &input.aws_service_name;
        let name = name_of(service, input.custom_suffix.as_deref());
        let resource = format!("role/aws-service-role/{service}/{name}");
        let need = needs::on("iam:CreateServiceLinkedRole", scope, &resource);
        Ok(vec![need.with("iam:AWSServiceName", service)])
    }

    fn apply(
        input: &CreateServiceLinkedRoleRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateServiceLinkedRoleResponse>, IamError> {
        let service = &input.aws_service_name;
        let invalid = |text: String| Err(IamError::InvalidInput(text));
        if service.strip_suffix(".amazonaws.com").is_none_or(str::is_empty) {
            return invalid(format!("{service} is not a valid AWS service name."));
        }
        let known = linked_names::find(service);
        if input.custom_suffix.is_some() && !known.is_some_and(|known| known.has_suffix) {
            return invalid(format!("Custom suffix is not allowed for {service}"));
        }
        let name = name_of(service, input.custom_suffix.as_deref());
        if name.len() > 64 {
            return invalid(format!("The name {name} is longer than 64 characters."));
        }
        if view.contains::<RoleRecord>(&(cx.account.clone(), folded(&name)))? {
            return invalid(format!(
                "Service role name {name} has been taken in this account, please try a different suffix."
            ));
        }
        let mut role = RoleRecord {
            account: cx.account.clone(),
            path: format!("/aws-service-role/{service}/"),
            id: unique_id("AROA", cx.random()),
            created: cx.now,
            trust: String::new(),
            description: input.description.clone(),
            max_session: DEFAULT_SESSION,
            boundary: None,
            tags: Vec::new(),
            linked_service: Some(service.clone()),
            name,
        };
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        let mut changes = Changes::new();
        add(view, &mut changes, &mut role, &trust)?;
        if let Some(arn) = known.and_then(policy_of)
            && Managed::find(view, &cx.account, &arn)?.is_some()
        {
            changes.put(&AttachmentRecord { account: cx.account.clone(), owner: role.owner(), policy_arn: arn })?;
        }
        let text = role.trust.clone();
        Ok(Applied::with(CreateServiceLinkedRoleResponse { role: Some(shown(&role, &text)) }, changes))
    }
}

/// The policy that the role of a service is given.
fn policy_of(known: &'static LinkedService) -> Option<String> {
    (!known.policy.is_empty()).then(|| format!("arn:aws:iam::aws:policy/aws-service-role/{}", known.policy))
}

impl Operation<Iam> for DeleteServiceLinkedRole {
    type Error = IamError;

    fn needs(input: &DeleteServiceLinkedRoleRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteServiceLinkedRole", &input.role_name, view, scope)?])
    }

    /// None of our services leaves anything that still needs its role, so that the task is done at once.
    fn apply(
        input: &DeleteServiceLinkedRoleRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DeleteServiceLinkedRoleResponse>, IamError> {
        let role = find(view, &cx.account, &input.role_name)?;
        let Some(service) = &role.linked_service else {
            return Err(IamError::InvalidInput(format!("{} is not a service-linked role", role.name)));
        };
        let random: [u8; 16] = cx.random();
        let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let uuid = [hex.get(..8), hex.get(8..12), hex.get(12..16), hex.get(16..20), hex.get(20..)];
        let uuid = uuid.map(Option::unwrap_or_default).join("-");
        let task = format!("task/aws-service-role/{service}/{}/{uuid}", role.name);
        let mut changes = Changes::new();
        let owned = KeyPrefix::of((cx.account.clone(), role.owner()));
        for attachment in view.scan::<AttachmentRecord>(&owned, None, MAX_DELETIONS)? {
            changes.delete::<AttachmentRecord>(&attachment.key());
        }
        for policy in view.scan::<InlinePolicyRecord>(&owned, None, MAX_DELETIONS)? {
            changes.delete::<InlinePolicyRecord>(&policy.key());
        }
        remove(view, &mut changes, &role)?;
        for old in view.scan::<RoleDeletionRecord>(&KeyPrefix::of(&cx.account), None, MAX_DELETIONS)? {
            if cx.now.duration_since(old.deleted) > KEPT {
                changes.delete::<RoleDeletionRecord>(&old.key());
            }
        }
        changes.put(&RoleDeletionRecord { account: cx.account.clone(), task: task.clone(), deleted: cx.now })?;
        Ok(Applied::with(DeleteServiceLinkedRoleResponse { deletion_task_id: task }, changes))
    }
}

impl Operation<Iam> for GetServiceLinkedRoleDeletionStatus {
    type Error = IamError;

    fn needs(
        input: &GetServiceLinkedRoleDeletionStatusRequest,
        _view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        let role = input.deletion_task_id.strip_prefix("task/").and_then(|rest| rest.rsplit_once('/'));
        let action = "iam:GetServiceLinkedRoleDeletionStatus";
        Ok(vec![role.map_or_else(|| Need::any(action), |(role, _)| needs::on(action, scope, &format!("role/{role}")))])
    }

    fn apply(
        input: &GetServiceLinkedRoleDeletionStatusRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetServiceLinkedRoleDeletionStatusResponse>, IamError> {
        let task = &input.deletion_task_id;
        if !view.contains::<RoleDeletionRecord>(&(cx.account.clone(), task.clone()))? {
            return Err(IamError::NoSuchEntity(format!("Deletion task id {task} does not exist.")));
        }
        let status = "SUCCEEDED".to_owned();
        Ok(Applied::read(GetServiceLinkedRoleDeletionStatusResponse { status, reason: None }))
    }
}
