//! `iam:CreateAccessKey`, `iam:ListAccessKeys`, `iam:UpdateAccessKey`, `iam:DeleteAccessKey`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html>.

use api::iam::{
    AccessKey, AccessKeyMetadata, CreateAccessKey, CreateAccessKeyRequest, CreateAccessKeyResponse, DeleteAccessKey,
    DeleteAccessKeyRequest, ListAccessKeys, ListAccessKeysRequest, ListAccessKeysResponse, UpdateAccessKey,
    UpdateAccessKeyRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::{AccessKeyRecord, KeyOwner, KeyStatus, NewAccessKey, ROOT, keys_of};
use crate::paging::Page;
use crate::users::{Holder, holder, need};
use crate::{Iam, IamError, counts};

/// Most keys of one user, and of root.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
const MAX_KEYS: usize = 2;

impl Operation<Iam> for CreateAccessKey {
    type Error = IamError;

    fn needs(input: &CreateAccessKeyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:CreateAccessKey", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(
        input: &CreateAccessKeyRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateAccessKeyResponse>, IamError> {
        let holder = holder(view, cx, input.user_name.as_deref())?;
        if keys_of(view, &cx.account, id_of(&holder))?.len() >= MAX_KEYS {
            return Err(counts::over("AccessKeysPerUser", 2));
        }
        let key = NewAccessKey::of_account(&cx.account, cx.random());
        if view.contains::<AccessKeyRecord>(&key.id)? {
            return Err(IamError::refused("ServiceFailure", 500, "The request could not be served. Try again."));
        }
        let (name, owner) = match holder {
            Holder::Root => (None, KeyOwner::Root),
            Holder::User(user) => (Some(user.name.clone()), KeyOwner::User { name: user.name, id: user.id }),
        };
        let record = AccessKeyRecord::new(&key, cx.account.clone(), owner, cx.now);
        let mut changes = Changes::new();
        changes.put(&record)?;
        let access_key = AccessKey {
            user_name: name,
            access_key_id: key.id,
            status: word(record.status),
            secret_access_key: key.secret,
            create_date: Some(record.created),
        };
        Ok(Applied::with(CreateAccessKeyResponse { access_key }, changes))
    }
}

impl Operation<Iam> for ListAccessKeys {
    type Error = IamError;

    fn needs(input: &ListAccessKeysRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListAccessKeys", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &ListAccessKeysRequest, view: &View, cx: &Cx) -> Result<Applied<ListAccessKeysResponse>, IamError> {
        let holder = holder(view, cx, input.user_name.as_deref())?;
        let owner = id_of(&holder).to_owned();
        let page = Page::read(cx, "ListAccessKeys", &[&owner], input.max_items, input.marker.as_deref())?;
        let keys = page.of_list(keys_of(view, &cx.account, &owner)?, |key| format!("{} {}", key.created, key.id));
        let user_name = match holder {
            Holder::Root => None,
            Holder::User(user) => Some(user.name),
        };
        let keys = keys.map(|key| AccessKeyMetadata {
            user_name: user_name.clone(),
            access_key_id: Some(key.id),
            status: Some(word(key.status)),
            create_date: Some(key.created),
        });
        let is_truncated = keys.is_truncated();
        let (access_key_metadata, marker) = (keys.items, keys.marker);
        Ok(Applied::read(ListAccessKeysResponse { access_key_metadata, is_truncated, marker }))
    }
}

impl Operation<Iam> for UpdateAccessKey {
    type Error = IamError;

    fn needs(input: &UpdateAccessKeyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:UpdateAccessKey", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &UpdateAccessKeyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut key = find(view, cx, input.user_name.as_deref(), &input.access_key_id)?;
        key.status = match input.status.as_str() {
            "Active" => KeyStatus::Active,
            "Inactive" => KeyStatus::Inactive,
            // The model has one more word, which is for service-specific credentials.
            other => {
                return Err(IamError::Validation(format!(
                    "1 validation error detected: Value '{other}' at 'status' failed to satisfy constraint: \
                     Member must satisfy enum value set: [Active, Inactive]"
                )));
            }
        };
        let mut changes = Changes::new();
        changes.put(&key)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for DeleteAccessKey {
    type Error = IamError;

    fn needs(input: &DeleteAccessKeyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteAccessKey", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &DeleteAccessKeyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let key = find(view, cx, input.user_name.as_deref(), &input.access_key_id)?;
        let mut changes = Changes::new();
        changes.delete::<AccessKeyRecord>(&key.id);
        changes.delete::<crate::KeyUseRecord>(&key.id);
        Ok(Applied::with((), changes))
    }
}

/// What the holder's keys are indexed by.
fn id_of(holder: &Holder) -> &str {
    match holder {
        Holder::Root => ROOT,
        Holder::User(user) => &user.id,
    }
}

/// The key with this id, if it is this user's.
fn find(view: &View, cx: &Cx, name: Option<&str>, id: &str) -> Result<AccessKeyRecord, IamError> {
    let holder = holder(view, cx, name)?;
    let key = view.get::<AccessKeyRecord>(&id.to_owned())?;
    let is_theirs = |key: &AccessKeyRecord| key.account == cx.account && key.owner.id() == id_of(&holder);
    let text = || IamError::NoSuchEntity(format!("The Access Key with id {id} cannot be found."));
    key.filter(is_theirs).ok_or_else(text)
}

fn word(status: KeyStatus) -> String {
    match status {
        KeyStatus::Active => "Active".to_owned(),
        KeyStatus::Inactive => "Inactive".to_owned(),
    }
}
