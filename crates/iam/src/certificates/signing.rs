//! `iam:UploadSigningCertificate`, `iam:ListSigningCertificates`, `iam:UpdateSigningCertificate` and
//! `iam:DeleteSigningCertificate`. Nothing here is signed with them yet: they are kept, as AWS keeps them for SOAP.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSigningCertificate.html>.

use api::iam::{
    DeleteSigningCertificate, DeleteSigningCertificateRequest, ListSigningCertificates, ListSigningCertificatesRequest,
    ListSigningCertificatesResponse, SigningCertificate, UpdateSigningCertificate, UpdateSigningCertificateRequest,
    UploadSigningCertificate, UploadSigningCertificateRequest, UploadSigningCertificateResponse,
};
use aws_lc_rs::digest::{SHA256, digest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, Record, View};
use wire::sigv4::hex;

use super::pem;
use super::signing_record::{MAX_OF_USER, SigningCertificateRecord};
use crate::holder::{is_active, status, user_of, within_quota};
use crate::names::unique_id;
use crate::paging::Page;
use crate::users::get::need;
use crate::{Iam, IamError, UserRecord};

impl Operation<Iam> for UploadSigningCertificate {
    type Error = IamError;

    fn needs(input: &UploadSigningCertificateRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:UploadSigningCertificate", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(
        input: &UploadSigningCertificateRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<UploadSigningCertificateResponse>, IamError> {
        let user = user_of(input.user_name.as_deref(), view, cx)?;
        let body = &input.certificate_body;
        let malformed = || pem::malformed(format!("Certificate {body} is malformed."));
        let certificate = pem::certificate(body).map_err(|_| malformed())?;
        if certificate.not_after <= cx.now {
            return Err(IamError::refused("InvalidCertificate", 400, "The certificate has expired."));
        }
        let digest = hex(digest(&SHA256, &certificate.der).as_ref());
        let held = SigningCertificateRecord::of_user(view, &user)?;
        if held.iter().any(|held| held.digest == digest) {
            let text = "The certificate is already associated with a user.";
            return Err(IamError::refused("DuplicateCertificate", 409, text));
        }
        within_quota(held.len(), MAX_OF_USER, "CertificatesPerUser")?;
        let record = SigningCertificateRecord {
            account: cx.account.clone(),
            user: user.id.clone(),
            // As long as AWS's: 32 characters.
            id: [unique_id("", cx.random()), unique_id("", cx.random())].concat().chars().take(32).collect(),
            body: input.certificate_body.clone(),
            digest,
            is_active: true,
            uploaded: cx.now,
        };
        let mut changes = Changes::new();
        changes.put(&record)?;
        Ok(Applied::with(UploadSigningCertificateResponse { certificate: shown(&user, record) }, changes))
    }
}

impl Operation<Iam> for ListSigningCertificates {
    type Error = IamError;

    fn needs(input: &ListSigningCertificatesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListSigningCertificates", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(
        input: &ListSigningCertificatesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListSigningCertificatesResponse>, IamError> {
        let user = user_of(input.user_name.as_deref(), view, cx)?;
        let asked = [user.id.as_str()];
        let page = Page::read(cx, "ListSigningCertificates", &asked, input.max_items, input.marker.as_deref())?;
        let held = SigningCertificateRecord::of_user(view, &user)?;
        let listed = page.of_list(held, |record| record.id.clone()).map(|record| shown(&user, record));
        Ok(Applied::read(ListSigningCertificatesResponse {
            is_truncated: listed.is_truncated(),
            certificates: listed.items,
            marker: listed.marker,
        }))
    }
}

impl Operation<Iam> for UpdateSigningCertificate {
    type Error = IamError;

    fn needs(input: &UpdateSigningCertificateRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:UpdateSigningCertificate", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &UpdateSigningCertificateRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let user = user_of(input.user_name.as_deref(), view, cx)?;
        let mut record = find(view, &user, &input.certificate_id)?;
        record.is_active = is_active(&input.status);
        let mut changes = Changes::new();
        changes.put(&record)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for DeleteSigningCertificate {
    type Error = IamError;

    fn needs(input: &DeleteSigningCertificateRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteSigningCertificate", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &DeleteSigningCertificateRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let user = user_of(input.user_name.as_deref(), view, cx)?;
        let record = find(view, &user, &input.certificate_id)?;
        let mut changes = Changes::new();
        changes.delete::<SigningCertificateRecord>(&record.key());
        Ok(Applied::with((), changes))
    }
}

/// Whether a user has such a certificate: it cannot be deleted then.
pub(crate) fn has_signing_certificates(view: &View, user: &UserRecord) -> Result<bool, IamError> {
    Ok(!SigningCertificateRecord::of_user(view, user)?.is_empty())
}

fn find(view: &View, user: &UserRecord, id: &str) -> Result<SigningCertificateRecord, IamError> {
    let found = view.get(&(user.account.clone(), user.id.clone(), id.to_owned()))?;
    found.ok_or_else(|| IamError::NoSuchEntity(format!("The Certificate with id {id} cannot be found.")))
}

fn shown(user: &UserRecord, record: SigningCertificateRecord) -> SigningCertificate {
    SigningCertificate {
        user_name: user.name.clone(),
        certificate_id: record.id,
        certificate_body: record.body,
        status: status(record.is_active).to_owned(),
        upload_date: Some(record.uploaded),
    }
}
