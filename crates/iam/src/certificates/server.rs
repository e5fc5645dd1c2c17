//! `iam:UploadServerCertificate`, `iam:GetServerCertificate`, `iam:ListServerCertificates`, `iam:UpdateServerCertificate` and
//! `iam:DeleteServerCertificate`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadServerCertificate.html>.

use api::iam::{
    DeleteServerCertificate, DeleteServerCertificateRequest, GetServerCertificate, GetServerCertificateRequest,
    GetServerCertificateResponse, ListServerCertificates, ListServerCertificatesRequest,
    ListServerCertificatesResponse, ServerCertificate, ServerCertificateMetadata, UpdateServerCertificate,
    UpdateServerCertificateRequest, UploadServerCertificate, UploadServerCertificateRequest,
    UploadServerCertificateResponse,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, Record, View};

use super::pem;
use super::server_record::{MAX_OF_ACCOUNT, ServerCertificateRecord};
use crate::holder::within_quota;
use crate::names::{folded, unique_id};
use crate::paging::Page;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError, needs};

impl Operation<Iam> for UploadServerCertificate {
    type Error = IamError;

    fn needs(input: &UploadServerCertificateRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let resource = resource(input.path.as_deref().unwrap_or("/"), &input.server_certificate_name);
        let upload = needs::on("iam:UploadServerCertificate", scope, &resource);
        Ok(needs::creating(upload, "iam:TagServerCertificate", input.tags.as_deref()))
    }

    fn apply(
        input: &UploadServerCertificateRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<UploadServerCertificateResponse>, IamError> {
        let name = &input.server_certificate_name;
        refuse_taken(view, cx, name)?;
        let certificate = pem::certificate(&input.certificate_body)?;
        pem::check_key(&certificate, &input.private_key)?;
        if let Some(chain) = &input.certificate_chain {
            pem::check_chain(&certificate, chain)?;
        }
        let held = view.scan::<ServerCertificateRecord>(&KeyPrefix::of(cx.account.clone()), None, MAX_OF_ACCOUNT)?;
        within_quota(held.len(), MAX_OF_ACCOUNT, "ServerCertificatesPerAccount")?;
        let record = ServerCertificateRecord {
            account: cx.account.clone(),
            name: name.clone(),
            path: input.path.clone().unwrap_or_else(|| "/".to_owned()),
            id: unique_id("ASCA", cx.random()),
            body: input.certificate_body.clone(),
            chain: input.certificate_chain.clone(),
            key: input.private_key.clone(),
            uploaded: cx.now,
            expires: certificate.not_after,
            tags: tags::new(input.tags.as_deref(), TagCase::Matters)?,
        };
        let mut changes = Changes::new();
        changes.put(&record)?;
        let output = UploadServerCertificateResponse {
            tags: tags::all_shown(&record.tags),
            server_certificate_metadata: Some(shown(&record)),
        };
        Ok(Applied::with(output, changes))
    }
}

impl Operation<Iam> for GetServerCertificate {
    type Error = IamError;

    fn needs(input: &GetServerCertificateRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetServerCertificate", &input.server_certificate_name, view, scope)?])
    }

    fn apply(
        input: &GetServerCertificateRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetServerCertificateResponse>, IamError> {
        let record = find(view, cx, &input.server_certificate_name)?;
        let server_certificate = ServerCertificate {
            server_certificate_metadata: shown(&record),
            certificate_body: record.body,
            certificate_chain: record.chain,
            tags: tags::even_none_shown(&record.tags),
        };
        Ok(Applied::read(GetServerCertificateResponse { server_certificate }))
    }
}

impl Operation<Iam> for ListServerCertificates {
    type Error = IamError;

    fn needs(_: &ListServerCertificatesRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:ListServerCertificates")])
    }

    fn apply(
        input: &ListServerCertificatesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListServerCertificatesResponse>, IamError> {
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let page = Page::read(cx, "ListServerCertificates", &[prefix], input.max_items, input.marker.as_deref())?;
        let last = |record: &ServerCertificateRecord| folded(&record.name);
        let keep = |record: &ServerCertificateRecord| record.path.starts_with(prefix);
        let listed = page.scan(view, cx.account.clone(), last, keep)?.map(|record| shown(&record));
        Ok(Applied::read(ListServerCertificatesResponse {
            is_truncated: listed.is_truncated(),
            server_certificate_metadata_list: listed.items,
            marker: listed.marker,
        }))
    }
}

impl Operation<Iam> for UpdateServerCertificate {
    type Error = IamError;

    /// On the old name and on the new one.
    fn needs(input: &UpdateServerCertificateRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let action = "iam:UpdateServerCertificate";
        let name = &input.server_certificate_name;
        let old = need(action, name, view, scope)?;
        if input.new_path.is_none() && input.new_server_certificate_name.is_none() {
            return Ok(vec![old]);
        }
        let path = match (&input.new_path, &scope.account) {
            (Some(path), _) => path.clone(),
            (None, None) => "/".to_owned(),
            (None, Some(account)) => {
                let found = view.get::<ServerCertificateRecord>(&(account.clone(), folded(name)))?;
                found.map_or_else(|| "/".to_owned(), |found| found.path)
            }
        };
        let new = input.new_server_certificate_name.as_ref().unwrap_or(name);
        Ok(vec![old, needs::on(action, scope, &resource(&path, new))])
    }

    fn apply(input: &UpdateServerCertificateRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut record = find(view, cx, &input.server_certificate_name)?;
        let mut changes = Changes::new();
        if let Some(name) = &input.new_server_certificate_name {
            if folded(name) != folded(&record.name) {
                refuse_taken(view, cx, name)?;
                changes.delete::<ServerCertificateRecord>(&record.key());
            }
            record.name = name.clone();
        }
        if let Some(path) = &input.new_path {
            record.path = path.clone();
        }
        changes.put(&record)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for DeleteServerCertificate {
    type Error = IamError;

    fn needs(input: &DeleteServerCertificateRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteServerCertificate", &input.server_certificate_name, view, scope)?])
    }

    fn apply(input: &DeleteServerCertificateRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let record = find(view, cx, &input.server_certificate_name)?;
        let mut changes = Changes::new();
        changes.delete::<ServerCertificateRecord>(&record.key());
        Ok(Applied::with((), changes))
    }
}

fn resource(path: &str, name: &str) -> String {
    format!("server-certificate{path}{name}")
}

/// What an action on a certificate needs.
pub(super) fn need(action: &'static str, name: &str, view: &View, scope: &Scope) -> Result<Need, IamError> {
    let Some(account) = &scope.account else { return Ok(Need::any(action)) };
    let found = view.get::<ServerCertificateRecord>(&(account.clone(), folded(name)))?;
    let (path, list) = found.as_ref().map_or(("/", [].as_slice()), |found| (&found.path, &found.tags));
    Ok(needs::with_tags(needs::on(action, scope, &resource(path, name)), list))
}

/// The certificate of this name.
pub(super) fn find(view: &View, cx: &Cx, name: &str) -> Result<ServerCertificateRecord, IamError> {
    let found = view.get::<ServerCertificateRecord>(&(cx.account.clone(), folded(name)))?;
    let text = || format!("The Server Certificate with name {name} cannot be found.");
    found.ok_or_else(|| IamError::NoSuchEntity(text()))
}

fn refuse_taken(view: &View, cx: &Cx, name: &str) -> Result<(), IamError> {
    if view.contains::<ServerCertificateRecord>(&(cx.account.clone(), folded(name)))? {
        let text = format!("The Server Certificate with name {name} already exists.");
        return Err(IamError::EntityAlreadyExists(text));
    }
    Ok(())
}

fn shown(record: &ServerCertificateRecord) -> ServerCertificateMetadata {
    ServerCertificateMetadata {
        path: record.path.clone(),
        server_certificate_name: record.name.clone(),
        server_certificate_id: record.id.clone(),
        arn: record.arn(),
        upload_date: Some(record.uploaded),
        expiration: Some(record.expires),
    }
}
