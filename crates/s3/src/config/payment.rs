//! `s3:PutBucketRequestPayment` and `s3:GetBucketRequestPayment`, and what a bucket asks of those who are to pay. No
//! money changes hands here: what is kept is that nobody pays unawares.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html>.

use api::Caller;
use api::s3::{
    GetBucketRequestPayment, GetBucketRequestPaymentOutput, GetBucketRequestPaymentRequest, PutBucketRequestPayment,
    PutBucketRequestPaymentRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use crate::access::Grounds;
use crate::buckets::{BucketRecord, known_bucket};
use crate::objects::read_md5;
use crate::{S3, S3Error};

const REQUESTER: &str = "Requester";
const OWNER: &str = "BucketOwner";

/// What `x-amz-request-charged` answers to a caller who sent this `x-amz-request-payer`; none to those who do not pay.
///
/// # Errors
/// [`S3Error::AccessDenied`] for those of other accounts, and nobody, who did not say that they would pay.
pub(crate) fn charged(bucket: &BucketRecord, caller: &Caller, payer: Option<&str>) -> Result<Option<String>, S3Error> {
    if !bucket.is_requester_pays || caller.account.as_ref() == Some(&bucket.owner) {
        return Ok(None);
    }
    match (&caller.account, payer) {
        (Some(_), Some("requester")) => Ok(Some("requester".to_owned())),
        _ => Err(S3Error::AccessDenied),
    }
}

impl Operation<S3> for PutBucketRequestPayment {
    type Error = S3Error;

    fn needs(input: &PutBucketRequestPaymentRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketRequestPayment")])
    }

    fn apply(input: &PutBucketRequestPaymentRequest, view: &View, _cx: &Cx) -> Result<Applied<()>, S3Error> {
        let mut bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        read_md5(input.content_md5.as_deref())?;
        bucket.is_requester_pays = match input.request_payment_configuration.payer.as_str() {
            REQUESTER => true,
            OWNER => false,
            _ => return Err(S3Error::MalformedXml),
        };
        let mut changes = Changes::new();
        changes.put(&bucket)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<S3> for GetBucketRequestPayment {
    type Error = S3Error;

    fn needs(input: &GetBucketRequestPaymentRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketRequestPayment")])
    }

    fn apply(
        input: &GetBucketRequestPaymentRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<GetBucketRequestPaymentOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let payer = if bucket.is_requester_pays { REQUESTER } else { OWNER };
        Ok(Applied::read(GetBucketRequestPaymentOutput { payer: Some(payer.to_owned()) }))
    }
}

#[cfg(test)]
mod tests {
    use api::Caller;
    use jiff::Timestamp;

    use super::charged;
    use crate::BucketRecord;

    #[test]
    fn only_who_says_so_pays() {
        let account = |digits: &str| digits.parse::<ids::AccountId>().unwrap();
        let mut bucket = BucketRecord::new("b", account("123456789012"), "r", Timestamp::UNIX_EPOCH);
        let owner = Caller::root(account("123456789012"), "AKIAOWN");
        let other = Caller::root(account("210987654321"), "AKIAOTHER");
        assert_eq!(charged(&bucket, &other, None).unwrap(), None);
        bucket.is_requester_pays = true;
        assert_eq!(charged(&bucket, &owner, None).unwrap(), None);
        assert_eq!(charged(&bucket, &other, Some("requester")).unwrap().as_deref(), Some("requester"));
        for (caller, payer) in [(&other, None), (&other, Some("owner")), (&Caller::ANONYMOUS, Some("requester"))] {
            assert!(charged(&bucket, caller, payer).is_err(), "{payer:?}");
        }
    }
}
