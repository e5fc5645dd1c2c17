//! `s3control:PutPublicAccessBlock`, `s3control:GetPublicAccessBlock` and `s3control:DeletePublicAccessBlock`: what an
//! account blocks for all of its buckets. Their actions in policies have `Account` in their names.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutPublicAccessBlock.html>, the service
//! authorization reference of S3.

use api::s3control::{
    DeletePublicAccessBlock, DeletePublicAccessBlockRequest, GetPublicAccessBlock, GetPublicAccessBlockOutput,
    GetPublicAccessBlockRequest, PublicAccessBlockConfiguration, PutPublicAccessBlock, PutPublicAccessBlockRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::{ControlError, S3Control, account};
use crate::public_access::AccountBlockRecord;

/// To do this with the block of an account: nobody of another one may, as there is no policy that could let them.
fn need(action: &'static str, text: &str) -> Result<Vec<Need>, ControlError> {
    Ok(vec![Need::any(action).under(account(text)?, None)])
}

impl Operation<S3Control> for PutPublicAccessBlock {
    type Error = ControlError;

    fn needs(input: &PutPublicAccessBlockRequest, _: &View, _: &Scope) -> Result<Vec<Need>, ControlError> {
        need("s3:PutAccountPublicAccessBlock", &input.account_id)
    }

    fn apply(input: &PutPublicAccessBlockRequest, _: &View, _: &Cx) -> Result<Applied<()>, ControlError> {
        let wanted = &input.public_access_block_configuration;
        let is = |wanted: Option<bool>| wanted.unwrap_or(false);
        let mut changes = Changes::new();
        let block = AccountBlockRecord {
            account: account(&input.account_id)?,
            block_public_acls: is(wanted.block_public_acls),
            ignore_public_acls: is(wanted.ignore_public_acls),
            block_public_policy: is(wanted.block_public_policy),
            restrict_public_buckets: is(wanted.restrict_public_buckets),
        };
        changes.put(&block)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<S3Control> for GetPublicAccessBlock {
    type Error = ControlError;

    fn needs(input: &GetPublicAccessBlockRequest, _: &View, _: &Scope) -> Result<Vec<Need>, ControlError> {
        need("s3:GetAccountPublicAccessBlock", &input.account_id)
    }

    fn apply(
        input: &GetPublicAccessBlockRequest,
        view: &View,
        _: &Cx,
    ) -> Result<Applied<GetPublicAccessBlockOutput>, ControlError> {
        let account = account(&input.account_id)?;
        let block = view.get::<AccountBlockRecord>(&account)?.ok_or(ControlError::NoBlock(account))?;
        let shown = PublicAccessBlockConfiguration {
            block_public_acls: Some(block.block_public_acls),
            ignore_public_acls: Some(block.ignore_public_acls),
            block_public_policy: Some(block.block_public_policy),
            restrict_public_buckets: Some(block.restrict_public_buckets),
        };
        Ok(Applied::read(GetPublicAccessBlockOutput { public_access_block_configuration: Some(shown) }))
    }
}

/// The action is that of putting one.
impl Operation<S3Control> for DeletePublicAccessBlock {
    type Error = ControlError;

    fn needs(input: &DeletePublicAccessBlockRequest, _: &View, _: &Scope) -> Result<Vec<Need>, ControlError> {
        need("s3:PutAccountPublicAccessBlock", &input.account_id)
    }

    fn apply(input: &DeletePublicAccessBlockRequest, _: &View, _: &Cx) -> Result<Applied<()>, ControlError> {
        let mut changes = Changes::new();
        changes.delete::<AccountBlockRecord>(&account(&input.account_id)?);
        Ok(Applied::with((), changes))
    }
}
