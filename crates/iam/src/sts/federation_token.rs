//! `sts:GetFederationToken`: temporary credentials for somebody whom the caller vouches for: what the policies that it hands
//! over and its own both allow.
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>.

use api::Principal;
use api::sts::{FederatedUser, GetFederationToken, GetFederationTokenRequest, GetFederationTokenResponse};
use ids::Arn;
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::given::{credentials, packed_size, policies, token_size, widen};
use super::session_tags::asked;
use super::session_token::lifetime;
use crate::sessions::{keep, new_session};
use crate::{IamError, SessionHolder, Sts};

impl Operation<Sts> for GetFederationToken {
    type Error = IamError;

    fn needs(input: &GetFederationTokenRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        if scope.caller.session.is_some() {
            return Err(refused());
        }
        let account = scope.account.as_ref().map_or("", |account| account.as_str());
        let arn = Arn::new("sts", "", account, &format!("federated-user/{}", input.name));
        let tags = asked(input.tags.as_ref(), None);
        let mut needs = vec![tags.in_need(Need::on("sts:GetFederationToken", arn.clone()))];
        if !tags.tags.is_empty() {
            needs.push(tags.in_need(Need::on("sts:TagSession", arn)));
        }
        Ok(needs)
    }

    fn apply(
        input: &GetFederationTokenRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetFederationTokenResponse>, IamError> {
        let caller = &cx.call.caller;
        let user = match &caller.principal {
            _ if caller.session.is_some() => return Err(refused()),
            Principal::Root => None,
            Principal::User { id, .. } => Some(id.clone()),
            Principal::Anonymous | Principal::Role { .. } | Principal::FederatedUser { .. } | Principal::Service(_) => {
                return Err(refused());
            }
        };
        let tags = asked(input.tags.as_ref(), None).onto(None)?;
        let policies = policies(input.policy.as_deref(), input.policy_arns.as_ref(), &cx.account, view)?;
        let packed_policy_size = packed_size(policies.as_ref(), &tags)?;
        let seconds = lifetime(input.duration_seconds, &caller.principal);
        let holder = SessionHolder::Federated { name: input.name.clone(), user };
        let mut session = new_session(&cx.random(), cx.account.clone(), holder, cx.now, seconds);
        // Without a policy nothing is allowed but what policies of resources allow to the federated user.
        session.policies = Some(policies.unwrap_or_default());
        session.tags = tags.tags;
        widen(&mut session, input.minimum_session_token_size);
        let (session_token_size, session_token_utilization) = token_size(&session);
        let account = &cx.account;
        let output = GetFederationTokenResponse {
            credentials: Some(credentials(&session)),
            federated_user: Some(FederatedUser {
                federated_user_id: format!("{account}:{}", input.name),
                arn: format!("arn:aws:sts::{account}:federated-user/{}", input.name),
            }),
            // Here, and here alone, STS tells of nothing too.
            packed_policy_size: packed_policy_size.or(Some(0)),
            session_token_utilization,
            session_token_size,
        };
        Ok(Applied::with(output, keep(view, &session)?))
    }
}

fn refused() -> IamError {
    IamError::AccessDenied("Cannot call GetFederationToken with session credentials".to_owned())
}
