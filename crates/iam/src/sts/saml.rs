//! `sts:AssumeRoleWithSAML`: a session of a role for who has an assertion of a SAML provider. Nobody signs the call; the
//! assertion is the proof.
//! Sources: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithSAML.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html>.

use api::Vouched;
use api::sts::{AssumeRoleWithSAML, AssumeRoleWithSAMLRequest, AssumeRoleWithSAMLResponse};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use policy::{Context, Subject, SubjectKind};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::assume_role::assumed;
use super::given::{credentials, packed_size, policies, token_size, widen};
use super::role;
use super::session_tags::AskedTags;
use super::trust::Stranger;
use super::web_identity::invalid;
use crate::providers::find_saml_provider;
use crate::saml::{Assertion, Key, Refusal, read};
use crate::sessions::{keep, new_session};
use crate::{IamError, SamlProviderRecord, SessionHolder, Sts};

const ACTION: &str = "sts:AssumeRoleWithSAML";
const ATTRIBUTES: &str = "https://aws.amazon.com/SAML/Attributes/";

/// Attributes of people, and the condition keys that they are.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-saml>.
const PEOPLE: [(&str, &str); 19] = [
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", "saml:edupersonaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.2", "saml:edupersonnickname"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.3", "saml:edupersonorgdn"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.4", "saml:edupersonorgunitdn"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.5", "saml:edupersonprimaryaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "saml:edupersonprincipalname"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.7", "saml:edupersonentitlement"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.8", "saml:edupersonprimaryorgunitdn"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.9", "saml:edupersonscopedaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "saml:edupersontargetedid"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.11", "saml:edupersonassurance"),
    ("urn:oid:2.5.4.3", "saml:cn"),
    ("urn:oid:2.5.4.4", "saml:surname"),
    ("urn:oid:2.5.4.41", "saml:name"),
    ("urn:oid:2.5.4.42", "saml:givenName"),
    ("urn:oid:2.5.4.45", "saml:x500UniqueIdentifier"),
    ("urn:oid:0.9.2342.19200300.100.1.1", "saml:uid"),
    ("urn:oid:0.9.2342.19200300.100.1.3", "saml:mail"),
    ("urn:oid:0.9.2342.19200300.100.1.45", "saml:organizationStatus"),
];

impl Operation<Sts> for AssumeRoleWithSAML {
    type Error = IamError;

    /// Whoever calls is nobody yet: the trust policy is asked once the assertion is verified.
    fn needs(_input: &AssumeRoleWithSAMLRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(Vec::new())
    }

    fn apply(
        input: &AssumeRoleWithSAMLRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<AssumeRoleWithSAMLResponse>, IamError> {
        let arn = role::parse(&input.role_arn)?;
        let provider = provider(input, arn.account(), view)?;
        let assertion = verified(input, &provider, cx)?;
        cx.call.verdicts.vouch(Vouched {
            principal: format!("{}:{}", name_qualifier(&assertion, &provider), assertion.subject),
            user: assertion.subject.clone(),
            provider: assertion.issuer.clone(),
            account: provider.account.clone(),
        });
        // The assertion gives pairs of a role and a provider; this pair must be among them.
        let is_given = assertion.values(&format!("{ATTRIBUTES}Role")).any(|pair| {
            let Some((one, other)) = pair.split_once(',') else { return false };
            let (one, other) = (one.trim(), other.trim());
            (one, other) == (&input.role_arn, &input.principal_arn)
                || (other, one) == (&input.role_arn, &input.principal_arn)
        });
        let refused = || IamError::AccessDenied(format!("Not authorized to perform {ACTION}"));
        if !is_given {
            return Err(refused());
        }
        let name = session_name(&assertion)?;
        let source_identity = source_identity(&assertion)?;
        let tags = tags(&assertion);
        let keys = context(&assertion, &provider);
        let stranger = Stranger {
            subject: Subject {
                kind: SubjectKind::Saml,
                account: None,
                arn: provider.arn().to_string(),
                role_arn: None,
                service: None,
            },
            action: ACTION,
            claims: keys.clone(),
            tags: &tags,
            source_identity: source_identity.as_deref(),
        };
        let role = role::find(view, &arn)?;
        stranger.check(role.as_ref(), &name, cx)?;
        let role = role.ok_or_else(refused)?;
        let seconds = role::lifetime(input.duration_seconds, &role, false)?;
        let all_tags = tags.onto(None)?;
        let policies = policies(input.policy.as_deref(), input.policy_arns.as_ref(), &role.account, view)?;
        let packed_policy_size = packed_size(policies.as_ref(), &tags)?;

        let holder = SessionHolder::Role { id: role.id.clone(), session: name.clone() };
        let mut session = new_session(&cx.random(), role.account.clone(), holder, cx.now, seconds);
        if let Some(end) = assertion.session_end {
            session.expires = session.expires.min(end);
        }
        session.policies = policies;
        session.tags = all_tags.tags;
        session.transitive_tags = all_tags.transitive;
        session.source_identity.clone_from(&source_identity);
        session.provider = Some(provider.arn().to_string());
        session.context = keys.iter().map(|(key, values)| (key.to_owned(), values.to_vec())).collect();
        widen(&mut session, input.minimum_session_token_size);
        let changes = keep(view, &session)?;
        let (session_token_size, session_token_utilization) = token_size(&session);
        let output = AssumeRoleWithSAMLResponse {
            credentials: Some(credentials(&session)),
            assumed_role_user: Some(assumed(&role, &name)),
            packed_policy_size,
            name_qualifier: Some(name_qualifier(&assertion, &provider)),
            subject: Some(assertion.subject),
            subject_type: Some(assertion.subject_type),
            issuer: Some(assertion.issuer),
            audience: Some(assertion.recipient),
            source_identity,
            session_token_utilization,
            session_token_size,
        };
        Ok(Applied::with(output, changes))
    }
}

/// The provider, which must be of the role's account.
fn provider(input: &AssumeRoleWithSAMLRequest, account: &str, view: &View) -> Result<SamlProviderRecord, IamError> {
    let unknown = || invalid("Specified provider doesn't exist");
    let account = account.parse().map_err(|_| unknown())?;
    match find_saml_provider(view, &account, &input.principal_arn) {
        Err(IamError::NoSuchEntity(_) | IamError::InvalidInput(_)) => Err(unknown()),
        other => other,
    }
}

fn verified(input: &AssumeRoleWithSAMLRequest, provider: &SamlProviderRecord, cx: &Cx) -> Result<Assertion, IamError> {
    let packed: String = input.saml_assertion.chars().filter(|char| !char.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(packed).map_err(|_| invalid("Invalid base64 SAMLResponse"))?;
    let document = String::from_utf8(bytes).map_err(|_| invalid("Invalid SAML response"))?;
    if provider.valid_until <= cx.now {
        return Err(invalid("The metadata of the specified provider has expired"));
    }
    let keys: Vec<Key> = provider.keys.iter().filter_map(|key| Key::of_certificate(&key.certificate)).collect();
    read(&document, &provider.entity, &keys, cx.now).map_err(|refusal| {
        let text = refusal.to_string();
        match refusal {
            Refusal::Expired => IamError::refused("ExpiredTokenException", 400, text),
            Refusal::NoSuccess => IamError::refused("IDPRejectedClaim", 403, text),
            Refusal::Malformed
            | Refusal::Signature
            | Refusal::Issuer
            | Refusal::Audience
            | Refusal::Recipient
            | Refusal::NotYet => IamError::refused("InvalidIdentityToken", 400, text),
        }
    })
}

fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (2..=64).contains(&text.len()) && text.bytes().all(is_letter)
}

fn session_name(assertion: &Assertion) -> Result<String, IamError> {
    let name = assertion.values(&format!("{ATTRIBUTES}RoleSessionName")).next();
    let name = name.ok_or_else(|| invalid("RoleSessionName is required in AuthnResponse"))?;
    if !is_name(name) {
        return Err(invalid("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"));
    }
    Ok(name.to_owned())
}

fn source_identity(assertion: &Assertion) -> Result<Option<String>, IamError> {
    let Some(source) = assertion.values(&format!("{ATTRIBUTES}SourceIdentity")).next() else { return Ok(None) };
    if !is_name(source) {
        return Err(invalid("Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\""));
    }
    Ok(Some(source.to_owned()))
}

fn tags(assertion: &Assertion) -> AskedTags {
    let prefix = format!("{ATTRIBUTES}PrincipalTag:");
    let tag = |(name, values): &(String, Vec<String>)| {
        Some((name.strip_prefix(&prefix)?.to_owned(), values.first().cloned().unwrap_or_default()))
    };
    let transitive = assertion.values(&format!("{ATTRIBUTES}TransitiveTagKeys")).map(str::to_owned).collect();
    AskedTags { tags: assertion.attributes.iter().filter_map(tag).collect(), transitive }
}

/// The condition keys of an assertion.
fn context(assertion: &Assertion, provider: &SamlProviderRecord) -> Context {
    let mut context = Context::new()
        .with("saml:aud", assertion.recipient.as_str())
        .with("saml:iss", assertion.issuer.as_str())
        .with("saml:sub", assertion.subject.as_str())
        .with("saml:sub_type", assertion.subject_type.as_str())
        .with("saml:namequalifier", name_qualifier(assertion, provider))
        .with("saml:doc", format!("{}/{}", provider.account, provider.name));
    for (name, key) in PEOPLE {
        let values: Vec<String> = assertion.values(name).map(str::to_owned).collect();
        if !values.is_empty() {
            context.set_all(key, values);
        }
    }
    context
}

fn name_qualifier(assertion: &Assertion, provider: &SamlProviderRecord) -> String {
    let text = format!("{}{}/{}", assertion.issuer, provider.account, provider.name);
    STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}
