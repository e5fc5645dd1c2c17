//! `iam:UploadSSHPublicKey`, `iam:GetSSHPublicKey`, `iam:ListSSHPublicKeys`, `iam:UpdateSSHPublicKey` and
//! `iam:DeleteSSHPublicKey`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSSHPublicKey.html>.

use api::iam::{
    DeleteSSHPublicKey, DeleteSSHPublicKeyRequest, GetSSHPublicKey, GetSSHPublicKeyRequest, GetSSHPublicKeyResponse,
    ListSSHPublicKeys, ListSSHPublicKeysRequest, ListSSHPublicKeysResponse, SSHPublicKey, SSHPublicKeyMetadata,
    UpdateSSHPublicKey, UpdateSSHPublicKeyRequest, UploadSSHPublicKey, UploadSSHPublicKeyRequest,
    UploadSSHPublicKeyResponse,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, Record, View};

use super::format::RsaKey;
use super::record::{MAX_OF_USER, SshPublicKeyRecord};
use crate::holder::{is_active, status, user_of, within_quota};
use crate::names::unique_id;
use crate::paging::Page;
use crate::users::get::{find, need};
use crate::{Iam, IamError, UserRecord};

impl Operation<Iam> for UploadSSHPublicKey {
    type Error = IamError;

    fn needs(input: &UploadSSHPublicKeyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:UploadSSHPublicKey", Some(&input.user_name), view, scope)?])
    }

    fn apply(
        input: &UploadSSHPublicKeyRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<UploadSSHPublicKeyResponse>, IamError> {
        let user = find(view, &cx.account, &input.user_name)?;
        let key = RsaKey::read(&input.ssh_public_key_body)?;
        let blob = STANDARD.encode(key.blob());
        let held = SshPublicKeyRecord::of_user(view, &user)?;
        if held.iter().any(|held| held.blob == blob) {
            let text = "The SSH public key is already associated with the specified IAM user.";
            return Err(IamError::refused("DuplicateSSHPublicKey", 400, text));
        }
        within_quota(held.len(), MAX_OF_USER, "SSHPublicKeysPerUser")?;
        let record = SshPublicKeyRecord {
            account: cx.account.clone(),
            user: user.id.clone(),
            id: unique_id("APKA", cx.random()),
            blob,
            is_active: true,
            uploaded: cx.now,
        };
        let mut changes = Changes::new();
        changes.put(&record)?;
        let shown = shown(&user, &record, &key, input.ssh_public_key_body.clone());
        Ok(Applied::with(UploadSSHPublicKeyResponse { ssh_public_key: Some(shown) }, changes))
    }
}

impl Operation<Iam> for GetSSHPublicKey {
    type Error = IamError;

    fn needs(input: &GetSSHPublicKeyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetSSHPublicKey", Some(&input.user_name), view, scope)?])
    }

    fn apply(
        input: &GetSSHPublicKeyRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetSSHPublicKeyResponse>, IamError> {
        let user = find(view, &cx.account, &input.user_name)?;
        let record = key_of(view, &user, &input.ssh_public_key_id)?;
        let key = STANDARD.decode(&record.blob).ok().and_then(|blob| RsaKey::of_blob(&blob));
        let key = key.ok_or_else(|| IamError::refused("ServiceFailure", 500, "The stored key cannot be read."))?;
        let body = if input.encoding == "PEM" { key.pem() } else { key.line() };
        let shown = shown(&user, &record, &key, body);
        Ok(Applied::read(GetSSHPublicKeyResponse { ssh_public_key: Some(shown) }))
    }
}

impl Operation<Iam> for ListSSHPublicKeys {
    type Error = IamError;

    fn needs(input: &ListSSHPublicKeysRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListSSHPublicKeys", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(
        input: &ListSSHPublicKeysRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListSSHPublicKeysResponse>, IamError> {
        let user = user_of(input.user_name.as_deref(), view, cx)?;
        let asked = [user.id.as_str()];
        let page = Page::read(cx, "ListSSHPublicKeys", &asked, input.max_items, input.marker.as_deref())?;
        let listed = page.of_list(SshPublicKeyRecord::of_user(view, &user)?, |record| record.id.clone());
        let listed = listed.map(|record| SSHPublicKeyMetadata {
            user_name: user.name.clone(),
            ssh_public_key_id: record.id,
            status: status(record.is_active).to_owned(),
            upload_date: record.uploaded,
        });
        Ok(Applied::read(ListSSHPublicKeysResponse {
            is_truncated: listed.is_truncated(),
            ssh_public_keys: Some(listed.items),
            marker: listed.marker,
        }))
    }
}

impl Operation<Iam> for UpdateSSHPublicKey {
    type Error = IamError;

    fn needs(input: &UpdateSSHPublicKeyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:UpdateSSHPublicKey", Some(&input.user_name), view, scope)?])
    }

    fn apply(input: &UpdateSSHPublicKeyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let user = find(view, &cx.account, &input.user_name)?;
        let mut record = key_of(view, &user, &input.ssh_public_key_id)?;
        record.is_active = is_active(&input.status);
        let mut changes = Changes::new();
        changes.put(&record)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for DeleteSSHPublicKey {
    type Error = IamError;

    fn needs(input: &DeleteSSHPublicKeyRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteSSHPublicKey", Some(&input.user_name), view, scope)?])
    }

    fn apply(input: &DeleteSSHPublicKeyRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let user = find(view, &cx.account, &input.user_name)?;
        let record = key_of(view, &user, &input.ssh_public_key_id)?;
        let mut changes = Changes::new();
        changes.delete::<SshPublicKeyRecord>(&record.key());
        Ok(Applied::with((), changes))
    }
}

/// Whether a user has such a key: it cannot be deleted then.
pub(crate) fn has_ssh_keys(view: &View, user: &UserRecord) -> Result<bool, IamError> {
    Ok(!SshPublicKeyRecord::of_user(view, user)?.is_empty())
}

fn key_of(view: &View, user: &UserRecord, id: &str) -> Result<SshPublicKeyRecord, IamError> {
    let found = view.get(&(user.account.clone(), user.id.clone(), id.to_owned()))?;
    found.ok_or_else(|| IamError::NoSuchEntity(format!("The Public Key with id {id} cannot be found.")))
}

fn shown(user: &UserRecord, record: &SshPublicKeyRecord, key: &RsaKey, body: String) -> SSHPublicKey {
    SSHPublicKey {
        user_name: user.name.clone(),
        ssh_public_key_id: record.id.clone(),
        fingerprint: key.fingerprint(),
        ssh_public_key_body: body,
        status: status(record.is_active).to_owned(),
        upload_date: Some(record.uploaded),
    }
}
