//! The Security Token Service: for now, who the caller is.

use api::Call;
use api::sts::{GetCallerIdentity, GetCallerIdentityRequest, GetCallerIdentityResponse};
use service::{Applied, Cx, Need, Operation, Refusal, Runner, Scope, Service};
use store::View;
use wire::ServiceError;

use crate::IamError;

/// STS.
#[derive(Clone)]
pub struct Sts {
    runner: Runner,
}

impl Sts {
    /// STS over a runner.
    pub fn new(runner: Runner) -> Self {
        Self { runner }
    }
}

impl Service for Sts {
    const NAME: &'static str = "sts";

    fn runner(&self) -> &Runner {
        &self.runner
    }

    fn unauthorized(call: &Call, refusal: &Refusal) -> ServiceError {
        ServiceError::sender("AccessDenied", 403, refusal.message(&call.caller))
    }
}

/// `sts:GetCallerIdentity`: account, ARN and unique id of whoever signed the request. Nobody needs a permission for
/// it. Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>.
impl Operation<Sts> for GetCallerIdentity {
    type Error = IamError;

    fn needs(_input: &GetCallerIdentityRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(Vec::new())
    }

    fn apply(
        _input: &GetCallerIdentityRequest,
        _view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetCallerIdentityResponse>, IamError> {
        let caller = &cx.call.caller;
        Ok(Applied::read(GetCallerIdentityResponse {
            user_id: caller.user_id(),
            account: Some(cx.account.to_string()),
            arn: caller.arn(),
        }))
    }
}
