//! `sts:AssumeRoleWithWebIdentity`: a session of a role for who has a token of an OpenID Connect provider. Nobody signs the
//! call; the token is the proof. `ProviderId` (OAuth 2.0 of Amazon and Facebook) is refused.
//! Sources: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp>.

mod cache;
mod claims;
mod jwt;
mod keys;

use api::Vouched;
use api::sts::{AssumeRoleWithWebIdentity, AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse};
use async_trait::async_trait;
use jiff::Timestamp;
use policy::{Subject, SubjectKind};
use service::{Applied, Cx, Need, Scope, Service, Streaming};
use store::View;

use self::claims::Claims;
use self::jwt::Token;
use super::assume_role::assumed;
use super::given::{credentials, packed_size, policies, token_size, widen};
use super::role;
use super::trust::Stranger;
use crate::providers::provider_of_issuer;
use crate::sessions::{keep, new_session};
use crate::{IamError, OidcProviderRecord, SessionHolder, Sts};
pub(crate) use cache::Keys;
pub use cache::{Fetch, FetchError, NoFetch};

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
/// How far a provider's clock may be ahead of ours, in seconds.
const SKEW: i64 = 300;

#[async_trait]
impl Streaming<Sts> for AssumeRoleWithWebIdentity {
    type Error = IamError;
    /// The token, whose signature is its provider's.
    type Staged = Claims;
    type Found = AssumeRoleWithWebIdentityResponse;

    /// Whoever calls is nobody yet: the trust policy is asked once the token is verified.
    fn needs(_input: &AssumeRoleWithWebIdentityRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(Vec::new())
    }

    fn check(input: &AssumeRoleWithWebIdentityRequest, view: &View, cx: &Cx) -> Result<(), IamError> {
        if input.provider_id.is_some() {
            let text = "ProviderId is for OAuth 2.0 access tokens, which this region does not take.";
            return Err(IamError::Validation(text.to_owned()));
        }
        let token = token(input)?;
        provider(&token, input, view)?;
        check_times(&token, cx.now)
    }

    async fn stage(service: &Sts, input: &mut AssumeRoleWithWebIdentityRequest, cx: &Cx) -> Result<Claims, IamError> {
        let token = token(input)?;
        let provider = {
            let view = service.runner().store().view()?;
            provider(&token, input, &view)?
        };
        let keys =
            service.keys().of(&provider, token.key_id.as_deref(), cx.now).await.map_err(|error| match error {
                FetchError::Untrusted => {
                    invalid("OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint")
                }
                FetchError::Unreachable(_) => {
                    IamError::refused("IDPCommunicationError", 400, "Could not reach the identity provider.")
                }
            })?;
        if !keys.knows(token.key_id.as_deref()) {
            return Err(invalid(
                "Couldn't retrieve verification key from your identity provider,  please reference \
                 AssumeRoleWithWebIdentity documentation for requirements",
            ));
        }
        if !token.is_signed_by(&keys) {
            return Err(invalid("The ID Token provided has an invalid signature."));
        }
        let claims = Claims::read(&token)?;
        let (arn, audience) = (provider.arn(), claims.audiences.first().map_or("", String::as_str));
        cx.call.verdicts.vouch(Vouched {
            principal: format!("{arn}:{audience}:{}", claims.subject),
            user: claims.subject.clone(),
            provider: arn.to_string(),
            account: provider.account.clone(),
        });
        Ok(claims)
    }

    fn apply(
        input: &AssumeRoleWithWebIdentityRequest,
        claims: &Claims,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<AssumeRoleWithWebIdentityResponse>, IamError> {
        let arn = role::parse(&input.role_arn)?;
        let provider = provider_of_issuer(view, &role_account(&input.role_arn)?, &claims.issuer)?;
        let provider = provider.ok_or_else(|| no_provider(&claims.issuer))?;
        if !claims.audiences.iter().any(|audience| provider.client_ids.contains(audience)) {
            return Err(invalid("Incorrect token audience"));
        }
        let keys = claims.context(&provider.url);
        let stranger = Stranger {
            subject: Subject {
                kind: SubjectKind::WebIdentity,
                account: None,
                arn: provider.arn().to_string(),
                role_arn: None,
                service: None,
            },
            action: ACTION,
            claims: keys.clone(),
            tags: &claims.tags,
            source_identity: claims.source_identity.as_deref(),
        };
        let role = role::find(view, &arn)?;
        stranger.check(role.as_ref(), &input.role_session_name, cx)?;
        let Some(role) = role else {
            return Err(IamError::AccessDenied(format!("Not authorized to perform {ACTION}")));
        };
        let seconds = role::lifetime(input.duration_seconds, &role, false)?;
        let tags = claims.tags.onto(None)?;
        let policies = policies(input.policy.as_deref(), input.policy_arns.as_ref(), &role.account, view)?;
        let packed_policy_size = packed_size(policies.as_ref(), &claims.tags)?;

        let holder = SessionHolder::Role { id: role.id.clone(), session: input.role_session_name.clone() };
        let mut session = new_session(&cx.random(), role.account.clone(), holder, cx.now, seconds);
        session.policies = policies;
        session.tags = tags.tags;
        session.transitive_tags = tags.transitive;
        session.source_identity.clone_from(&claims.source_identity);
        session.provider = Some(provider.arn().to_string());
        session.context = keys.iter().map(|(key, values)| (key.to_owned(), values.to_vec())).collect();
        widen(&mut session, input.minimum_session_token_size);
        let changes = keep(view, &session)?;
        let (session_token_size, session_token_utilization) = token_size(&session);
        let output = AssumeRoleWithWebIdentityResponse {
            credentials: Some(credentials(&session)),
            subject_from_web_identity_token: Some(claims.subject.clone()),
            assumed_role_user: Some(assumed(&role, &input.role_session_name)),
            packed_policy_size,
            provider: Some(provider.arn().to_string()),
            audience: claims.audiences.first().cloned(),
            source_identity: claims.source_identity.clone(),
            session_token_utilization,
            session_token_size,
        };
        Ok(Applied::with(output, changes))
    }

    async fn abandon(_service: &Sts, _claims: &Claims) {}

    async fn finish(
        _service: &Sts,
        _input: &AssumeRoleWithWebIdentityRequest,
        found: AssumeRoleWithWebIdentityResponse,
    ) -> Result<AssumeRoleWithWebIdentityResponse, IamError> {
        Ok(found)
    }
}

/// Whether a token is signed by one of the keys of a set; none if it is no token, or that no set.
#[cfg(feature = "hostile")]
pub(crate) fn signed(token: &str, keys: &[u8]) -> Option<bool> {
    Some(Token::parse(token)?.is_signed_by(&keys::KeySet::parse(keys)?))
}

fn token(input: &AssumeRoleWithWebIdentityRequest) -> Result<Token, IamError> {
    Token::parse(&input.web_identity_token).ok_or_else(|| {
        invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
    })
}

fn role_account(arn: &str) -> Result<ids::AccountId, IamError> {
    let account = role::parse(arn)?.account().parse();
    account.map_err(|_| IamError::Validation(format!("{arn} is invalid")))
}

/// The provider whose token it says it is, in the account of the role.
fn provider(
    token: &Token,
    input: &AssumeRoleWithWebIdentityRequest,
    view: &View,
) -> Result<OidcProviderRecord, IamError> {
    let issuer = token.text("iss").ok_or_else(|| missing("iss"))?;
    let account = role_account(&input.role_arn)?;
    provider_of_issuer(view, &account, issuer)?.ok_or_else(|| no_provider(issuer))
}

/// Whether the token is good now.
fn check_times(token: &Token, now: Timestamp) -> Result<(), IamError> {
    let now = now.as_second();
    let end = token.seconds("exp").ok_or_else(|| missing("exp"))?;
    if now >= end {
        let text = format!("Token expired: current date/time {now} must be before the expiration date/time {end}");
        return Err(IamError::refused("ExpiredTokenException", 400, text));
    }
    let issued = token.seconds("iat").ok_or_else(|| missing("iat"))?;
    let begins = token.seconds("nbf").unwrap_or(issued);
    if issued.max(begins) > now.saturating_add(SKEW) {
        return Err(invalid("The ID Token provided is not valid yet."));
    }
    Ok(())
}

pub(super) fn invalid(text: &'static str) -> IamError {
    IamError::refused("InvalidIdentityToken", 400, text)
}

fn missing(claim: &str) -> IamError {
    IamError::refused("InvalidIdentityToken", 400, format!("Missing a required claim: {claim}"))
}

fn no_provider(issuer: &str) -> IamError {
    let text = format!("No OpenIDConnect provider found in your account for {issuer}");
    IamError::refused("InvalidIdentityToken", 400, text)
}
