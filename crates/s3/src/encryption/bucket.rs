//! `s3:PutBucketEncryption`, `s3:GetBucketEncryption` and `s3:DeleteBucketEncryption`.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html>.

use api::s3::{
    BlockedEncryptionTypes, DeleteBucketEncryption, DeleteBucketEncryptionRequest, GetBucketEncryption,
    GetBucketEncryptionOutput, GetBucketEncryptionRequest, PutBucketEncryption, PutBucketEncryptionRequest,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::customer::AES256;
use super::error::EncryptionError;
use super::record::BucketEncryption;
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::{S3, S3Error};

/// What blocks keys of customers, and what permits them.
const CUSTOMER_KEYS: &str = "SSE-C";
const NOTHING: &str = "NONE";

impl Operation<S3> for PutBucketEncryption {
    type Error = S3Error;

    fn needs(input: &PutBucketEncryptionRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutEncryptionConfiguration")])
    }

    fn apply(input: &PutBucketEncryptionRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let mut bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let [rule] = input.server_side_encryption_configuration.rules.as_slice() else {
            return Err(S3Error::MalformedXml);
        };
        bucket.encryption = Some(configured(rule, bucket.encryption.take())?);
        let mut changes = Changes::new();
        changes.put(&bucket)?;
        Ok(Applied::with((), changes))
    }
}

/// What a rule makes of what was there before. What it doesn't mention stays: a block that AWS's own default has set
/// outlives rules which know nothing of blocks.
fn configured(rule: &ServerSideEncryptionRule, before: Option<BucketEncryption>) -> Result<BucketEncryption, S3Error> {
    if rule.apply_server_side_encryption_by_default.is_none() && rule.blocked_encryption_types.is_none() {
        return Err(S3Error::MalformedXml);
    }
    let mut new = before.unwrap_or_else(|| BucketEncryption { algorithm: AES256.to_owned(), ..Default::default() });
    if let Some(default) = &rule.apply_server_side_encryption_by_default {
        match default.sse_algorithm.as_str() {
            AES256 if default.kms_master_key_id.is_some() => return Err(EncryptionError::KmsKeyNotApplicable.into()),
            AES256 | "aws:kms" | "aws:kms:dsse" => {}
            _ => return Err(S3Error::MalformedXml),
        }
        new.algorithm.clone_from(&default.sse_algorithm);
        new.key_id.clone_from(&default.kms_master_key_id);
        new.has_bucket_key = rule.bucket_key_enabled == Some(true);
    } else if let Some(has_bucket_key) = rule.bucket_key_enabled {
        new.has_bucket_key = has_bucket_key;
    }
    if let Some(blocked) = &rule.blocked_encryption_types {
        new.blocks_customer_keys = match blocked.encryption_type.as_deref().unwrap_or_default() {
            [one] if one == CUSTOMER_KEYS => Some(true),
            [one] if one == NOTHING => Some(false),
            _ => return Err(S3Error::MalformedXml),
        };
    }
    Ok(new)
}

impl Operation<S3> for GetBucketEncryption {
    type Error = S3Error;

    fn needs(input: &GetBucketEncryptionRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetEncryptionConfiguration")])
    }

    fn apply(
        input: &GetBucketEncryptionRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetBucketEncryptionOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let encryption = bucket.encryption.unwrap_or_default();
        let algorithm = Some(encryption.algorithm).filter(|algorithm| !algorithm.is_empty());
        let blocked = encryption.blocks_customer_keys.map(|is_blocked| BlockedEncryptionTypes {
            encryption_type: Some(vec![if is_blocked { CUSTOMER_KEYS } else { NOTHING }.to_owned()]),
        });
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
                sse_algorithm: algorithm.unwrap_or_else(|| AES256.to_owned()),
                kms_master_key_id: encryption.key_id,
            }),
            bucket_key_enabled: Some(encryption.has_bucket_key),
            blocked_encryption_types: blocked,
        };
        let configuration = ServerSideEncryptionConfiguration { rules: vec![rule] };
        Ok(Applied::read(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) }))
    }
}

impl Operation<S3> for DeleteBucketEncryption {
    type Error = S3Error;

    fn needs(input: &DeleteBucketEncryptionRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutEncryptionConfiguration")])
    }

    /// Goes back to the default of S3; whether customers' keys are refused stays as it is.
    fn apply(input: &DeleteBucketEncryptionRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let mut bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let blocks = bucket.encryption.take().and_then(|encryption| encryption.blocks_customer_keys);
        bucket.encryption = blocks.map(|blocks| BucketEncryption {
            algorithm: AES256.to_owned(),
            blocks_customer_keys: Some(blocks),
            ..BucketEncryption::default()
        });
        let mut changes = Changes::new();
        changes.put(&bucket)?;
        Ok(Applied::with((), changes))
    }
}
