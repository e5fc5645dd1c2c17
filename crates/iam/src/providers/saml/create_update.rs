//! `iam:CreateSAMLProvider`, `iam:UpdateSAMLProvider`. Encrypted assertions are refused by name: `AssertionEncryptionMode`
//! and private keys.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateSAMLProvider.html>.

use api::iam::{
    CreateSAMLProvider, CreateSAMLProviderRequest, CreateSAMLProviderResponse, UpdateSAMLProvider,
    UpdateSAMLProviderRequest, UpdateSAMLProviderResponse,
};
use jiff::{SignedDuration, Timestamp};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, View};

use super::record::{SamlKey, SamlProviderRecord, arn};
use super::{find, need};
use crate::names::unique_id;
use crate::saml::Metadata;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError};

/// Providers of an account.
const MAX_PROVIDERS: usize = 100;
/// The most bytes of a metadata document. AWS takes ten million characters; those of providers have some thousands.
const MAX_METADATA: usize = 1024 * 1024;
/// Keys of a provider.
const MAX_KEYS: usize = 10;

impl Operation<Iam> for CreateSAMLProvider {
    type Error = IamError;

    fn needs(input: &CreateSAMLProviderRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let Some(account) = &scope.account else { return Ok(vec![Need::any("iam:CreateSAMLProvider")]) };
        let said = |action| Need::on(action, arn(account, &input.name)).tagging(tags::asked(input.tags.as_deref()));
        let mut needs = vec![said("iam:CreateSAMLProvider")];
        if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            needs.push(said("iam:TagSAMLProvider"));
        }
        Ok(needs)
    }

    fn apply(
        input: &CreateSAMLProviderRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateSAMLProviderResponse>, IamError> {
        no_encryption(input.assertion_encryption_mode.as_deref(), input.add_private_key.as_deref())?;
        let (entity, keys, valid_until) = read(&input.saml_metadata_document, cx.now)?;
        let record = SamlProviderRecord {
            account: cx.account.clone(),
            name: input.name.clone(),
            id: unique_id("ASPA", cx.random()),
            metadata: input.saml_metadata_document.clone(),
            entity,
            keys,
            created: cx.now,
            valid_until,
            tags: tags::new(input.tags.as_deref(), TagCase::Matters)?,
        };
        let all = view.scan::<SamlProviderRecord>(&KeyPrefix::of(cx.account.clone()), None, MAX_PROVIDERS)?;
        if all.iter().any(|known| known.name == record.name) {
            return Err(IamError::taken("SAMLProvider", &record.name));
        }
        if all.len() >= MAX_PROVIDERS {
            let text = format!("Cannot exceed quota for SAMLProvidersPerAccount: {MAX_PROVIDERS}");
            return Err(IamError::LimitExceeded(text));
        }
        let mut changes = Changes::new();
        changes.put(&record)?;
        let output = CreateSAMLProviderResponse {
            saml_provider_arn: Some(record.arn().to_string()),
            tags: tags::all_shown(&record.tags),
        };
        Ok(Applied::with(output, changes))
    }
}

impl Operation<Iam> for UpdateSAMLProvider {
    type Error = IamError;

    fn needs(input: &UpdateSAMLProviderRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:UpdateSAMLProvider", &input.saml_provider_arn, view, scope)?])
    }

    fn apply(
        input: &UpdateSAMLProviderRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<UpdateSAMLProviderResponse>, IamError> {
        no_encryption(input.assertion_encryption_mode.as_deref(), input.add_private_key.as_deref())?;
        no_encryption(None, input.remove_private_key.as_deref())?;
        let mut record = find(view, &cx.account, &input.saml_provider_arn)?;
        if let Some(document) = &input.saml_metadata_document {
            (record.entity, record.keys, record.valid_until) = read(document, cx.now)?;
            record.metadata.clone_from(document);
        }
        let mut changes = Changes::new();
        changes.put(&record)?;
        let output = UpdateSAMLProviderResponse { saml_provider_arn: Some(record.arn().to_string()) };
        Ok(Applied::with(output, changes))
    }
}

fn no_encryption(mode: Option<&str>, key: Option<&str>) -> Result<(), IamError> {
    if mode.is_some() || key.is_some() {
        return Err(IamError::InvalidInput("Encrypted SAML assertions are not supported in this region.".to_owned()));
    }
    Ok(())
}

/// Who a document is about, its keys, and until when it is good: for a century, if it does not say.
fn read(document: &str, now: Timestamp) -> Result<(String, Vec<SamlKey>, Timestamp), IamError> {
    let invalid = || IamError::InvalidInput("Could not parse metadata".to_owned());
    if document.len() > MAX_METADATA {
        return Err(IamError::LimitExceeded("SAML metadata document is too large.".to_owned()));
    }
    let metadata = Metadata::read(document).ok_or_else(invalid)?;
    if metadata.certificates.len() > MAX_KEYS {
        return Err(IamError::LimitExceeded(format!("Cannot exceed quota for KeysPerSAMLProvider: {MAX_KEYS}")));
    }
    let century = now.saturating_add(SignedDuration::from_hours(24 * 36_525)).unwrap_or(Timestamp::MAX);
    let valid_until = metadata.valid_until.unwrap_or(century);
    if valid_until <= now {
        return Err(IamError::InvalidInput("SAML metadata document has expired.".to_owned()));
    }
    let keys = metadata.certificates.into_iter().map(|certificate| SamlKey { certificate }).collect();
    Ok((metadata.entity, keys, valid_until))
}
