//! `s3:ListObjectsV2` and its elder `s3:ListObjects`.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html>.

use api::s3::{
    ListObjects, ListObjectsOutput, ListObjectsRequest, ListObjectsV2, ListObjectsV2Output, ListObjectsV2Request,
    Object,
};
use jiff::Timestamp;
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::list::Listing;
use super::listing::{Asked, Encoding, common_prefixes, max_keys, need, shown_max_keys, shows_restores, text};
use super::record::ObjectRecord;
use super::restore::restore_status;
use super::token::Token;
use crate::acl::object_owner;
use crate::buckets::{BucketRecord, known_bucket};
use crate::config::charged;
use crate::owner::owner;
use crate::{S3, S3Error};

impl Operation<S3> for ListObjectsV2 {
    type Error = S3Error;

    fn needs(input: &ListObjectsV2Request, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let asked = Asked { prefix: &input.prefix, delimiter: &input.delimiter, max_keys: input.max_keys };
        Ok(vec![need("s3:ListBucket", &input.bucket, &asked, view, scope)?])
    }

    fn apply(input: &ListObjectsV2Request, view: &View, cx: &Cx) -> Result<Applied<ListObjectsV2Output>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let request_charged = charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        let encoding = Encoding::read(input.encoding_type.as_deref())?;
        let after = match input.continuation_token.as_deref() {
            Some(token) => Token::read(cx.pages(), &input.bucket, token)?,
            None => input.start_after.clone().unwrap_or_default(),
        };
        let limit = max_keys(input.max_keys)?;
        let (prefix, delimiter) = (text(&input.prefix), text(&input.delimiter));
        let page = Listing { bucket: &bucket.name, prefix, delimiter, after: &after, limit }.read(view)?;
        let restores = shows_restores(&input.optional_object_attributes)?.then_some(cx.now);
        // A token decides alone where a page begins, and S3 says nothing then of where else it might have.
        let started = input.start_after.as_deref().filter(|_| input.continuation_token.is_none());
        let owned_in = (input.fetch_owner == Some(true)).then_some(&bucket);
        let count = page.objects.len() + page.common_prefixes.len();
        Ok(Applied::read(ListObjectsV2Output {
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|last| Token::write(cx.pages(), &bucket.name, &last)),
            contents: contents(page.objects, owned_in, restores, encoding),
            name: Some(bucket.name),
            prefix: Some(encoding.encode(prefix)),
            delimiter: (!delimiter.is_empty()).then(|| encoding.encode(delimiter)),
            max_keys: shown_max_keys(input.max_keys),
            common_prefixes: common_prefixes(&page.common_prefixes, encoding),
            encoding_type: input.encoding_type.clone(),
            key_count: i32::try_from(count).ok(),
            continuation_token: input.continuation_token.clone(),
            start_after: started.map(|text| encoding.encode(text)),
            request_charged,
        }))
    }
}

impl Operation<S3> for ListObjects {
    type Error = S3Error;

    fn needs(input: &ListObjectsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let asked = Asked { prefix: &input.prefix, delimiter: &input.delimiter, max_keys: input.max_keys };
        Ok(vec![need("s3:ListBucket", &input.bucket, &asked, view, scope)?])
    }

    fn apply(input: &ListObjectsRequest, view: &View, cx: &Cx) -> Result<Applied<ListObjectsOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let request_charged = charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        let encoding = Encoding::read(input.encoding_type.as_deref())?;
        let limit = max_keys(input.max_keys)?;
        let (prefix, delimiter, after) = (text(&input.prefix), text(&input.delimiter), text(&input.marker));
        let page = Listing { bucket: &bucket.name, prefix, delimiter, after, limit }.read(view)?;
        let restores = shows_restores(&input.optional_object_attributes)?.then_some(cx.now);
        // Without a delimiter the last key is the next marker, and S3 doesn't repeat it.
        let next_marker = page.next.as_deref().filter(|_| !delimiter.is_empty()).map(|next| encoding.encode(next));
        Ok(Applied::read(ListObjectsOutput {
            is_truncated: Some(page.next.is_some()),
            marker: Some(encoding.encode(after)),
            next_marker,
            contents: contents(page.objects, Some(&bucket), restores, encoding),
            name: Some(bucket.name),
            prefix: Some(encoding.encode(prefix)),
            delimiter: (!delimiter.is_empty()).then(|| encoding.encode(delimiter)),
            max_keys: shown_max_keys(input.max_keys),
            common_prefixes: common_prefixes(&page.common_prefixes, encoding),
            encoding_type: input.encoding_type.clone(),
            request_charged,
        }))
    }
}

fn contents(
    objects: Vec<ObjectRecord>,
    owned_in: Option<&BucketRecord>,
    restores_at: Option<Timestamp>,
    encoding: Encoding,
) -> Option<Vec<Object>> {
    let shown = |object: ObjectRecord| Object {
        owner: owned_in.map(|bucket| owner(object_owner(bucket, &object))),
        restore_status: restores_at.and_then(|now| restore_status(&object, now)),
        key: Some(encoding.encode(&object.key)),
        last_modified: Some(object.last_modified),
        e_tag: Some(object.quoted_etag()),
        checksum_algorithm: object.checksum.as_ref().map(|checksum| vec![checksum.kind.name().to_owned()]),
        checksum_type: object.checksum.as_ref().map(|checksum| checksum.type_name().to_owned()),
        size: i64::try_from(object.length).ok(),
        storage_class: Some(object.traits.storage_class),
    };
    (!objects.is_empty()).then(|| objects.into_iter().map(shown).collect())
}
