//! What `s3:PutObject` needs: the right to put, and that to set what the request sets beside the bytes.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html> (`Permissions`), and the service
//! authorization reference of S3.

use api::s3::PutObjectRequest;
use service::{Need, Scope};
use wire::parse_query;

use super::put::acl_headers;
use crate::access::{Grounds, given};
use crate::lock::lock_keys;

/// The needs of a call.
pub(crate) fn needs(input: &PutObjectRequest, grounds: &Grounds, scope: &Scope) -> Vec<Need> {
    let on = |action| grounds.object(action, &input.key);
    let acl = acl_headers(input);
    let grants = acl.keys();
    let (mode, until) = (input.object_lock_mode.as_deref(), input.object_lock_retain_until_date);
    let hold = input.object_lock_legal_hold_status.as_deref();
    let locked = |need| lock_keys(need, mode, until, hold, scope.now);
    let others = [
        ("s3:x-amz-storage-class", input.storage_class.as_deref()),
        ("s3:x-amz-website-redirect-location", input.website_redirect_location.as_deref()),
        ("s3:x-amz-server-side-encryption", input.server_side_encryption.as_deref()),
        ("s3:x-amz-server-side-encryption-aws-kms-key-id", input.ssekms_key_id.as_deref()),
        ("s3:x-amz-server-side-encryption-customer-algorithm", input.sse_customer_algorithm.as_deref()),
        ("s3:if-match", input.if_match.as_deref()),
        ("s3:if-none-match", input.if_none_match.as_deref()),
    ];
    let tags = tags(input.tagging.as_deref());
    let tagged = |need: Need| with_tags(need, &tags);
    let mut needs = vec![tagged(locked(given(given(on("s3:PutObject"), &grants), &others)))];
    if acl.is_given() {
        needs.push(given(grounds.acl_of_new(&input.key), &grants));
    }
    if input.tagging.is_some() {
        needs.push(tagged(on("s3:PutObjectTagging")));
    }
    if mode.is_some() || until.is_some() {
        needs.push(locked(on("s3:PutObjectRetention")));
    }
    if hold.is_some() {
        needs.push(locked(on("s3:PutObjectLegalHold")));
    }
    // Who may try tags out learns them.
    if input.if_match.as_deref().is_some_and(|tag| tag != "*") {
        needs.push(on("s3:GetObject"));
    }
    needs
}

/// The need in a request that brings these tags.
pub(super) fn with_tags(need: Need, tags: &[(String, String)]) -> Need {
    let tag = |need: Need, (key, value): &(String, String)| need.with(format!("s3:RequestObjectTag/{key}"), value);
    let mut need = tags.iter().fold(need, tag);
    if !tags.is_empty() {
        need.context.set_all("s3:RequestObjectTagKeys", tags.iter().map(|(key, _)| key.clone()).collect());
    }
    need
}

/// The tags of the header, which are written as in a query.
fn tags(header: Option<&str>) -> Vec<(String, String)> {
    let tags = header.and_then(|header| parse_query(header).ok()).unwrap_or_default();
    tags.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::tags;

    #[test]
    fn tags_are_written_as_in_a_query() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(tags(Some("a=b&c%20d=e+f&g")), [pair("a", "b"), pair("c d", "e f"), pair("g", "")]);
        assert_eq!(tags(None), []);
    }
}
