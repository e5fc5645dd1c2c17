//! `sts:DecodeAuthorizationMessage`: what an encoded authorization failure message says.
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html>.

use api::sts::{DecodeAuthorizationMessage, DecodeAuthorizationMessageRequest, DecodeAuthorizationMessageResponse};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::message;
use crate::{IamError, Sts};

impl Operation<Sts> for DecodeAuthorizationMessage {
    type Error = IamError;

    fn needs(_input: &DecodeAuthorizationMessageRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("sts:DecodeAuthorizationMessage")])
    }

    fn apply(
        input: &DecodeAuthorizationMessageRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DecodeAuthorizationMessageResponse>, IamError> {
        let decoded = message::open(view, cx.account.as_str(), &input.encoded_message)?;
        let invalid = || IamError::refused("InvalidAuthorizationMessageException", 400, "Message is not valid");
        let decoded_message = Some(decoded.ok_or_else(invalid)?);
        Ok(Applied::read(DecodeAuthorizationMessageResponse { decoded_message }))
    }
}
