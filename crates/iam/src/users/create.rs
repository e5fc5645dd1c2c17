//! `iam:CreateUser`: a user without permissions.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html>.

use api::iam::{CreateUser, CreateUserRequest, CreateUserResponse};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::UserRecord;
use crate::counts::{self, Counted};
use crate::names::{folded, unique_id};
use crate::tags::{self, TagCase};
use crate::{Iam, IamError, needs};

impl Operation<Iam> for CreateUser {
    type Error = IamError;

    fn needs(input: &CreateUserRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let path = input.path.as_deref().unwrap_or("/");
        let mut need = needs::on("iam:CreateUser", scope, &format!("user{path}{}", input.user_name));
        if let Some(boundary) = &input.permissions_boundary {
            need = need.with("iam:PermissionsBoundary", boundary);
        }
        Ok(needs::creating(need, "iam:TagUser", input.tags.as_deref()))
    }

    fn apply(input: &CreateUserRequest, view: &View, cx: &Cx) -> Result<Applied<CreateUserResponse>, IamError> {
        let name = &input.user_name;
        if view.contains::<UserRecord>(&(cx.account.clone(), folded(name)))? {
            return Err(IamError::taken("User", name));
        }
        if let Some(boundary) = &input.permissions_boundary {
            crate::policies::check_boundary(view, &cx.account, boundary)?;
        }
        let user = UserRecord {
            account: cx.account.clone(),
            name: name.clone(),
            path: input.path.clone().unwrap_or_else(|| "/".to_owned()),
            id: unique_id("AIDA", cx.random()),
            created: cx.now,
            boundary: input.permissions_boundary.clone(),
            tags: tags::new(input.tags.as_deref(), TagCase::Ignored)?,
        };
        let mut changes = Changes::new();
        counts::one_more(view, &mut changes, &cx.account, Counted::Users)?;
        changes.put(&user)?;
        Ok(Applied::with(CreateUserResponse { user: Some(super::get::shown(&user)) }, changes))
    }
}
