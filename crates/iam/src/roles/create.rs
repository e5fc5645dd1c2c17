//! `iam:CreateRole`: a role without permissions, which those whom its trust policy names may assume.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>.

use api::iam::{CreateRole, CreateRoleRequest, CreateRoleResponse, Role};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::{RoleRecord, shown, trust};
use crate::counts::{self, Counted};
use crate::names::{folded, unique_id};
use crate::tags::{self, TagCase};
use crate::{Iam, IamError, needs, policies};

/// How long a session lasts at most if nobody says, in seconds.
pub(super) const DEFAULT_SESSION: u32 = 3600;

impl Operation<Iam> for CreateRole {
    type Error = IamError;

    fn needs(input: &CreateRoleRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let path = input.path.as_deref().unwrap_or("/");
        let mut need = needs::on("iam:CreateRole", scope, &format!("role{path}{}", input.role_name));
        if let Some(boundary) = &input.permissions_boundary {
            need = need.with("iam:PermissionsBoundary", boundary);
        }
        Ok(needs::creating(need, "iam:TagRole", input.tags.as_deref()))
    }

    fn apply(input: &CreateRoleRequest, view: &View, cx: &Cx) -> Result<Applied<CreateRoleResponse>, IamError> {
        let path = input.path.as_deref().unwrap_or("/");
        if path.starts_with("/aws-service-role/") {
            let text = "The path /aws-service-role/ is reserved for roles that are linked to services.";
            return Err(IamError::InvalidInput(text.to_owned()));
        }
        if let Some(boundary) = &input.permissions_boundary {
            policies::check_boundary(view, &cx.account, boundary)?;
        }
        let mut role = RoleRecord {
            account: cx.account.clone(),
            name: input.role_name.clone(),
            path: path.to_owned(),
            id: unique_id("AROA", cx.random()),
            created: cx.now,
            trust: String::new(),
            description: input.description.clone(),
            max_session: seconds(input.max_session_duration),
            boundary: input.permissions_boundary.clone(),
            tags: tags::new(input.tags.as_deref(), TagCase::Ignored)?,
            linked_service: None,
        };
        let mut changes = Changes::new();
        add(view, &mut changes, &mut role, &input.assume_role_policy_document)?;
        let text = role.trust.clone();
        // Of a new role IAM does not show what may be changed later.
        let role = Role { description: None, max_session_duration: None, ..shown(&role, &text) };
        Ok(Applied::with(CreateRoleResponse { role }, changes))
    }
}

/// Adds a role to an account that has none of its name.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`, `MalformedPolicyDocument`, and the store's.
pub(super) fn add(view: &View, changes: &mut Changes, role: &mut RoleRecord, text: &str) -> Result<(), IamError> {
    if view.contains::<RoleRecord>(&(role.account.clone(), folded(&role.name)))? {
        return Err(IamError::taken("Role", &role.name));
    }
    trust::set(view, changes, role, text)?;
    counts::one_more(view, changes, &role.account, Counted::Roles)?;
    changes.put(role)?;
    Ok(())
}

/// The longest session, as asked for.
pub(super) fn seconds(asked: Option<i32>) -> u32 {
    asked.and_then(|asked| u32::try_from(asked).ok()).unwrap_or(DEFAULT_SESSION)
}
