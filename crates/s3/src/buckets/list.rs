//! `s3:ListBuckets`: the buckets of the caller's account, by name.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html>.

use api::s3::{Bucket, ListBuckets, ListBucketsOutput, ListBucketsRequest};
use ids::Arn;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Direction, KeyPrefix, Position, View};

use super::create_delete::is_region_name;
use super::record::{BucketRecord, bucket_arn};
use crate::objects::Token;
use crate::owner::owner;
use crate::{S3, S3Error};

/// The most buckets of one page.
const MAX_BUCKETS: i32 = 10_000;

impl Operation<S3> for ListBuckets {
    type Error = S3Error;

    fn needs(_input: &ListBucketsRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        // Of all buckets, not of nothing: AWS's own walkthrough grants it on `arn:aws:s3:::*`.
        // Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/walkthrough1.html>.
        Ok(vec![Need::on("s3:ListAllMyBuckets", Arn::new("s3", "", "", "*"))])
    }

    fn apply(input: &ListBucketsRequest, view: &View, cx: &Cx) -> Result<Applied<ListBucketsOutput>, S3Error> {
        let Some(account) = &cx.call.caller.account else { return Err(S3Error::AccessDenied) };
        let limit = input.max_buckets.unwrap_or(MAX_BUCKETS);
        let limit = usize::try_from(limit).ok().filter(|limit| (1..=MAX_BUCKETS as usize).contains(limit));
        let limit = limit.ok_or_else(|| {
            let given = input.max_buckets.unwrap_or_default().to_string();
            S3Error::argument("max-buckets", given, "Argument max-buckets must be an integer between 1 and 10000")
        })?;
        check_region(input.bucket_region.as_deref(), cx.region_name())?;
        let after = match input.continuation_token.as_deref().filter(|token| !token.is_empty()) {
            Some(token) => Some(Token::read(cx.pages(), account.as_str(), token)?),
            None => None,
        };
        let after = after.map(|name| Position::after_prefix(&KeyPrefix::of((account, &name))));
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let prefix = KeyPrefix::of_text(account, prefix);
        let mut found: Vec<BucketRecord> = view
            .scan_index(BucketRecord::BY_OWNER, &prefix, after.as_ref(), Direction::Ascending, limit + 1)?
            .into_iter()
            .map(|(_, bucket)| bucket)
            .collect();
        let has_more = found.len() > limit;
        found.truncate(limit);
        let continuation_token = match found.last() {
            Some(last) if has_more => Some(Token::write(cx.pages(), account.as_str(), &last.name)),
            _ => None,
        };
        // The region is told only to those who know of pages.
        let texts = [&input.prefix, &input.bucket_region, &input.continuation_token];
        let has_parameter = input.max_buckets.is_some() || texts.iter().any(|text| text.is_some());
        let buckets = found.into_iter().map(|bucket| Bucket {
            bucket_arn: Some(bucket_arn(&bucket.name).to_string()),
            name: Some(bucket.name),
            creation_date: Some(bucket.created),
            bucket_region: has_parameter.then_some(bucket.region),
        });
        Ok(Applied::read(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            owner: Some(owner(account)),
            continuation_token,
            prefix: input.prefix.clone(),
        }))
    }
}

/// An endpoint lists the buckets of its own region.
fn check_region(asked: Option<&str>, region: &str) -> Result<(), S3Error> {
    let Some(asked) = asked.filter(|asked| !asked.eq_ignore_ascii_case(region)) else { return Ok(()) };
    let text = match is_region_name(&asked.to_ascii_lowercase()) {
        true => "Requests with bucket-region specified must be made to the corresponding regional endpoint".to_owned(),
        false => format!("Argument value {asked} is not a valid AWS Region"),
    };
    Err(S3Error::unread("bucket-region", text))
}
