//! `s3:ListMultipartUploads`: the uploads of a bucket that go on, by key, and those of one key by their beginning.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html>.

use api::s3::{
    CommonPrefix, ListMultipartUploads, ListMultipartUploadsOutput, ListMultipartUploadsRequest, MultipartUpload,
};
use jiff::Timestamp;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, Position, StoreError, View};

use super::create::is_id;
use super::list_parts::{initiator, page_size};
use super::record::UploadRecord;
use crate::access::{Grounds, given};
use crate::buckets::known_bucket;
use crate::config::charged;
use crate::objects::Encoding;
use crate::owner::owner;
use crate::{S3, S3Error};

impl Operation<S3> for ListMultipartUploads {
    type Error = S3Error;

    fn needs(input: &ListMultipartUploadsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let keys = [("s3:prefix", input.prefix.as_deref()), ("s3:delimiter", input.delimiter.as_deref())];
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        Ok(vec![given(grounds.bucket("s3:ListBucketMultipartUploads"), &keys)])
    }

    fn apply(
        input: &ListMultipartUploadsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListMultipartUploadsOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let request_charged = charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        let encoding = Encoding::read(input.encoding_type.as_deref())?;
        let text = "Argument max-uploads must be an integer between 0 and 2147483647";
        let limit = page_size("max-uploads", text, input.max_uploads)?;
        let after_key = input.key_marker.as_deref().unwrap_or_default();
        // Without a key's, the marker of an upload means nothing.
        let after_upload = input.upload_id_marker.as_deref().filter(|_| !after_key.is_empty()).unwrap_or_default();
        if !after_upload.is_empty() && !is_id(after_upload) {
            return Err(S3Error::argument("upload-id-marker", after_upload, "Invalid uploadId marker"));
        }
        let listing = Listing {
            bucket: &bucket.name,
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().unwrap_or_default(),
            after: (after_key, after_upload),
            limit,
        };
        let page = listing.read(view)?;
        let common = |prefix: &String| CommonPrefix { prefix: Some(encoding.encode(prefix)) };
        let shown = |upload: UploadRecord| MultipartUpload {
            upload_id: Some(upload.id.clone()),
            key: Some(encoding.encode(&upload.key)),
            initiated: Some(Timestamp::from_second(upload.initiated.as_second()).unwrap_or(upload.initiated)),
            storage_class: Some(upload.traits.storage_class.clone()),
            owner: Some(owner(upload.traits.owner.as_ref().unwrap_or(&bucket.owner))),
            initiator: Some(initiator(&upload)),
            checksum_algorithm: upload.checksum.map(|kind| kind.name().to_owned()),
            checksum_type: upload.checksum.map(|_| upload.type_name().to_owned()),
            version_id: None,
        };
        // After its last page S3 names the last upload, and no common prefix.
        let is_next = page.is_truncated || !page.last.1.is_empty();
        let (next_key, next_upload) = if is_next { page.last } else { Default::default() };
        Ok(Applied::read(ListMultipartUploadsOutput {
            bucket: Some(bucket.name.clone()),
            key_marker: Some(encoding.encode(after_key)),
            upload_id_marker: Some(after_upload.to_owned()),
            next_key_marker: Some(encoding.encode(&next_key)),
            prefix: (!listing.prefix.is_empty()).then(|| encoding.encode(listing.prefix)),
            delimiter: (!listing.delimiter.is_empty()).then(|| encoding.encode(listing.delimiter)),
            next_upload_id_marker: Some(next_upload),
            max_uploads: i32::try_from(limit).ok(),
            is_truncated: Some(page.is_truncated),
            common_prefixes: (!page.common_prefixes.is_empty())
                .then(|| page.common_prefixes.iter().map(common).collect()),
            uploads: (!page.uploads.is_empty()).then(|| page.uploads.into_iter().map(shown).collect()),
            encoding_type: input.encoding_type.clone(),
            request_charged,
        }))
    }
}

/// What is listed.
#[derive(Clone, Copy)]
struct Listing<'a> {
    bucket: &'a str,
    prefix: &'a str,
    delimiter: &'a str,
    /// The key, and the upload of it, that a page goes on after; without an upload, after all of that key.
    after: (&'a str, &'a str),
    limit: usize,
}

/// A page: uploads and common prefixes together number at most the limit.
#[derive(Default)]
struct Page {
    uploads: Vec<UploadRecord>,
    common_prefixes: Vec<String>,
    /// The key and the upload of the last item; a common prefix has no upload.
    last: (String, String),
    is_truncated: bool,
}

impl Listing<'_> {
    fn read(&self, view: &View) -> Result<Page, StoreError> {
        let mut page = Page::default();
        if self.limit == 0 {
            return Ok(page);
        }
        let prefix = KeyPrefix::of_text(self.bucket, self.prefix);
        let mut position = self.start();
        // Small steps while common prefixes are skipped, as each begins a new scan.
        let mut step = if self.delimiter.is_empty() { self.limit + 1 } else { 2 };
        loop {
            let found = view.scan::<UploadRecord>(&prefix, position.as_ref(), step)?;
            let is_end = found.len() < step;
            let mut has_sought = false;
            for upload in found {
                if page.uploads.len() + page.common_prefixes.len() == self.limit {
                    page.is_truncated = true;
                    return Ok(page);
                }
                if let Some(common) = self.common_prefix(&upload.key).map(str::to_owned) {
                    position = Some(self.past(&common));
                    page.last = (common.clone(), String::new());
                    page.common_prefixes.push(common);
                    has_sought = true;
                    break;
                }
                position = Some(Position::after((self.bucket, &upload.key, &upload.id)));
                page.last = (upload.key.clone(), upload.id.clone());
                page.uploads.push(upload);
            }
            if is_end && !has_sought {
                return Ok(page);
            }
            let missing = self.limit + 1 - page.uploads.len() - page.common_prefixes.len();
            step = if has_sought { 2 } else { step * 2 }.min(missing.max(1));
        }
    }

    fn start(&self) -> Option<Position> {
        match self.after {
            ("", _) => None,
            (key, "") => match self.common_prefix(key) {
                Some(common) => Some(self.past(common)),
                None => Some(Position::after_prefix(&KeyPrefix::of((self.bucket, key)))),
            },
            (key, upload) => Some(Position::after((self.bucket, key, upload))),
        }
    }

    fn past(&self, common: &str) -> Position {
        Position::after_prefix(&KeyPrefix::of_text(self.bucket, common))
    }

    /// The part of `key` up to the first delimiter after the prefix, if there is one.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let at = key.strip_prefix(self.prefix)?.find(self.delimiter)?;
        Some(&key[..self.prefix.len() + at + self.delimiter.len()])
    }
}
