//! `sts:GetSessionToken`: temporary credentials of the caller itself, with MFA if it shows some. No policy has a say in it.
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>.

use api::Principal;
use api::sts::{GetSessionToken, GetSessionTokenRequest, GetSessionTokenResponse};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::given::{credentials, token_size, widen};
use super::mfa::{self, Shown};
use crate::sessions::{keep, new_session};
use crate::{IamError, SessionHolder, Sts};

impl Operation<Sts> for GetSessionToken {
    type Error = IamError;

    fn needs(_input: &GetSessionTokenRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(Vec::new())
    }

    fn apply(
        input: &GetSessionTokenRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetSessionTokenResponse>, IamError> {
        let caller = &cx.call.caller;
        let refused = || IamError::AccessDenied("Cannot call GetSessionToken with session credentials".to_owned());
        let holder = match &caller.principal {
            _ if caller.session.is_some() => return Err(refused()),
            Principal::Root => SessionHolder::Root,
            Principal::User { id, .. } => SessionHolder::User { id: id.clone() },
            Principal::Anonymous | Principal::Role { .. } | Principal::FederatedUser { .. } | Principal::Service(_) => {
                return Err(refused());
            }
        };
        let (serial, code) = (input.serial_number.as_deref(), input.token_code.as_deref());
        let (proven, used) = match mfa::shown(view, caller, serial, code, (cx.now, &cx.despite))? {
            Shown::Nothing => (None, Changes::new()),
            Shown::Possession(used) => (Some(cx.now), used),
        };
        let seconds = lifetime(input.duration_seconds, &caller.principal);
        let mut session = new_session(&cx.random(), cx.account.clone(), holder, cx.now, seconds);
        session.mfa = proven;
        widen(&mut session, input.minimum_session_token_size);
        let mut changes = keep(view, &session)?;
        changes.merge(used);
        let (session_token_size, session_token_utilization) = token_size(&session);
        let output = GetSessionTokenResponse {
            credentials: Some(credentials(&session)),
            session_token_utilization,
            session_token_size,
        };
        Ok(Applied::with(output, changes))
    }
}

/// How long credentials of a user or the root user last: twelve hours, if nothing else is asked for; those of the root
/// user an hour at most, whatever is asked for.
pub(super) fn lifetime(asked: Option<i32>, principal: &Principal) -> u32 {
    const DEFAULT: u32 = 43_200;
    let asked = asked.and_then(|asked| u32::try_from(asked).ok()).unwrap_or(DEFAULT);
    if matches!(principal, Principal::Root) { asked.min(3600) } else { asked }
}
