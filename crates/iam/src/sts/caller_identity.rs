//! `sts:GetCallerIdentity`: account, ARN and unique id of whoever signed the request. Nobody needs a permission for it.
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>.

use api::sts::{GetCallerIdentity, GetCallerIdentityRequest, GetCallerIdentityResponse};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use crate::{IamError, Sts};

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
