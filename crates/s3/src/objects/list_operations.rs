//! `s3:ListObjectsV2` and its elder `s3:ListObjects`.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html>.

use api::s3::{
    CommonPrefix, ListObjects, ListObjectsOutput, ListObjectsRequest, ListObjectsV2, ListObjectsV2Output,
    ListObjectsV2Request, Object, Owner,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::list::Listing;
use super::record::ObjectRecord;
use super::token::Token;
use crate::access::{Grounds, given};
use crate::buckets::known_bucket;
use crate::owner::owner;
use crate::unbuilt::refuse_given;
use crate::{S3, S3Error};

/// The most items of one page.
const MAX_KEYS: usize = 1000;

impl Operation<S3> for ListObjectsV2 {
    type Error = S3Error;

    fn needs(input: &ListObjectsV2Request, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let asked = Asked { prefix: &input.prefix, delimiter: &input.delimiter, max_keys: input.max_keys };
        Ok(vec![need(&input.bucket, &asked, view, scope)?])
    }

    fn apply(input: &ListObjectsV2Request, view: &View, cx: &Cx) -> Result<Applied<ListObjectsV2Output>, S3Error> {
        refuse_given(&[("x-amz-request-payer", input.request_payer.is_some())])?;
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let limit = max_keys(input.max_keys)?;
        let encoding = Encoding::read(input.encoding_type.as_deref())?;
        let after = match input.continuation_token.as_deref() {
            Some(token) => Token::read(cx.pages(), &input.bucket, token)?,
            None => input.start_after.clone().unwrap_or_default(),
        };
        let (prefix, delimiter) = (text(&input.prefix), text(&input.delimiter));
        let page = Listing { bucket: &bucket.name, prefix, delimiter, after: &after, limit }.read(view)?;
        let owner = (input.fetch_owner == Some(true)).then(|| owner(&bucket.owner));
        let count = page.objects.len() + page.common_prefixes.len();
        Ok(Applied::read(ListObjectsV2Output {
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|last| Token::write(cx.pages(), &bucket.name, &last)),
            contents: contents(page.objects, owner.as_ref(), encoding),
            name: Some(bucket.name),
            prefix: Some(encoding.encode(prefix)),
            delimiter: (!delimiter.is_empty()).then(|| encoding.encode(delimiter)),
            max_keys: i32::try_from(limit).ok(),
            common_prefixes: common_prefixes(&page.common_prefixes, encoding),
            encoding_type: input.encoding_type.clone(),
            key_count: i32::try_from(count).ok(),
            continuation_token: input.continuation_token.clone(),
            start_after: input.start_after.as_deref().map(|text| encoding.encode(text)),
            request_charged: None,
        }))
    }
}

impl Operation<S3> for ListObjects {
    type Error = S3Error;

    fn needs(input: &ListObjectsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let asked = Asked { prefix: &input.prefix, delimiter: &input.delimiter, max_keys: input.max_keys };
        Ok(vec![need(&input.bucket, &asked, view, scope)?])
    }

    fn apply(input: &ListObjectsRequest, view: &View, _cx: &Cx) -> Result<Applied<ListObjectsOutput>, S3Error> {
        refuse_given(&[("x-amz-request-payer", input.request_payer.is_some())])?;
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let limit = max_keys(input.max_keys)?;
        let encoding = Encoding::read(input.encoding_type.as_deref())?;
        let (prefix, delimiter, after) = (text(&input.prefix), text(&input.delimiter), text(&input.marker));
        let page = Listing { bucket: &bucket.name, prefix, delimiter, after, limit }.read(view)?;
        // Without a delimiter the last key is the next marker, and S3 doesn't repeat it.
        let next_marker = page.next.as_deref().filter(|_| !delimiter.is_empty()).map(|next| encoding.encode(next));
        Ok(Applied::read(ListObjectsOutput {
            is_truncated: Some(page.next.is_some()),
            marker: Some(encoding.encode(after)),
            next_marker,
            contents: contents(page.objects, Some(&owner(&bucket.owner)), encoding),
            name: Some(bucket.name),
            prefix: Some(encoding.encode(prefix)),
            delimiter: (!delimiter.is_empty()).then(|| encoding.encode(delimiter)),
            max_keys: i32::try_from(limit).ok(),
            common_prefixes: common_prefixes(&page.common_prefixes, encoding),
            encoding_type: input.encoding_type.clone(),
            request_charged: None,
        }))
    }
}

/// What conditions may ask about a listing.
struct Asked<'a> {
    prefix: &'a Option<String>,
    delimiter: &'a Option<String>,
    max_keys: Option<i32>,
}

fn need(bucket: &str, asked: &Asked<'_>, view: &View, scope: &Scope) -> Result<Need, S3Error> {
    let max_keys = asked.max_keys.map(|most| most.to_string());
    let keys = [
        ("s3:prefix", asked.prefix.as_deref()),
        ("s3:delimiter", asked.delimiter.as_deref()),
        ("s3:max-keys", max_keys.as_deref()),
    ];
    Ok(given(Grounds::of(view, scope, bucket)?.bucket("s3:ListBucket"), &keys))
}

fn text(parameter: &Option<String>) -> &str {
    parameter.as_deref().unwrap_or_default()
}

/// The size of a page. More than a thousand is asked for in vain; less than nothing is a mistake.
fn max_keys(given: Option<i32>) -> Result<usize, S3Error> {
    let Some(given) = given else { return Ok(MAX_KEYS) };
    let text = "Argument maxKeys must be an integer between 0 and 2147483647";
    let limit = usize::try_from(given).map_err(|_| S3Error::argument("maxKeys", given.to_string(), text))?;
    Ok(limit.min(MAX_KEYS))
}

fn contents(objects: Vec<ObjectRecord>, owner: Option<&Owner>, encoding: Encoding) -> Option<Vec<Object>> {
    let shown = |object: ObjectRecord| Object {
        key: Some(encoding.encode(&object.key)),
        last_modified: Some(object.last_modified),
        e_tag: Some(object.quoted_etag()),
        checksum_algorithm: object.checksum.as_ref().map(|checksum| vec![checksum.kind.name().to_owned()]),
        checksum_type: object.checksum.as_ref().map(|checksum| checksum.type_name().to_owned()),
        size: i64::try_from(object.length).ok(),
        storage_class: Some(object.traits.storage_class),
        owner: owner.cloned(),
        restore_status: None,
    };
    (!objects.is_empty()).then(|| objects.into_iter().map(shown).collect())
}

fn common_prefixes(prefixes: &[String], encoding: Encoding) -> Option<Vec<CommonPrefix>> {
    let shown = |prefix: &String| CommonPrefix { prefix: Some(encoding.encode(prefix)) };
    (!prefixes.is_empty()).then(|| prefixes.iter().map(shown).collect())
}

/// How keys are written in a listing: as they are, or fit for a URL, as XML can't hold every character of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Plain,
    Url,
}

impl Encoding {
    fn read(given: Option<&str>) -> Result<Self, S3Error> {
        match given {
            None => Ok(Self::Plain),
            Some(kind) if kind.eq_ignore_ascii_case("url") => Ok(Self::Url),
            Some(other) => {
                Err(S3Error::argument("encoding-type", other, "Invalid Encoding Method specified in Request"))
            }
        }
    }

    /// Spaces become `+`, as in forms; slashes stay.
    fn encode(self, text: &str) -> String {
        if self == Self::Plain {
            return text.to_owned();
        }
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                    encoded.push(char::from(byte));
                }
                b' ' => encoded.push('+'),
                other => encoded.push_str(&format!("%{other:02X}")),
            }
        }
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, max_keys};

    #[test]
    fn keys_are_encoded_for_urls() {
        let encoding = Encoding::read(Some("url")).unwrap();
        assert_eq!(encoding.encode("a/b c+(3)é~.png"), "a/b+c%2B%283%29%C3%A9%7E.png");
        assert_eq!(Encoding::read(None).unwrap().encode("a b+"), "a b+");
        assert!(Encoding::read(Some("base64")).is_err());
    }

    #[test]
    fn page_sizes() {
        assert_eq!(max_keys(None).unwrap(), 1000);
        assert_eq!(max_keys(Some(0)).unwrap(), 0);
        assert_eq!(max_keys(Some(5000)).unwrap(), 1000);
        assert!(max_keys(Some(-1)).is_err());
    }
}
