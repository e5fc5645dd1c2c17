//! `sts:GetAccessKeyInfo`: the account that an access key belongs to, whoever has it.
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html>.

use api::sts::{GetAccessKeyInfo, GetAccessKeyInfoRequest, GetAccessKeyInfoResponse};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use crate::sessions::account_of_access_key;
use crate::{AccessKeyRecord, IamError, Sts};

impl Operation<Sts> for GetAccessKeyInfo {
    type Error = IamError;

    fn needs(_input: &GetAccessKeyInfoRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("sts:GetAccessKeyInfo")])
    }

    fn apply(
        input: &GetAccessKeyInfoRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetAccessKeyInfoResponse>, IamError> {
        let id = &input.access_key_id;
        // Keys that were made before ids told their account are looked up.
        let known = view.get::<AccessKeyRecord>(id)?.map(|key| key.account);
        let account = known.or_else(|| account_of_access_key(id)).ok_or_else(|| {
            IamError::refused("InvalidAccessKeyId", 400, format!("The access key id {id} is not valid."))
        })?;
        Ok(Applied::read(GetAccessKeyInfoResponse { account: Some(account.to_string()) }))
    }
}
