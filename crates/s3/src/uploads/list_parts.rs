//! `s3:ListParts`: the parts that an upload has so far.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html>.

use api::s3::{Initiator, ListParts, ListPartsOutput, ListPartsRequest, Part};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, Position, View};

use super::record::{PartRecord, UploadRecord, known_upload};
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::lifecycle::abortion;
use crate::objects::ChecksumFields;
use crate::owner::owner;
use crate::{S3, S3Error};

/// The most items of one page.
pub(super) const PAGE: usize = 1000;

impl Operation<S3> for ListParts {
    type Error = S3Error;

    fn needs(input: &ListPartsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        Ok(vec![grounds.upload("s3:ListMultipartUploadParts", view, &input.key, &input.upload_id)?])
    }

    fn apply(input: &ListPartsRequest, view: &View, _cx: &Cx) -> Result<Applied<ListPartsOutput>, S3Error> {
        let limit =
            page_size("max-parts", "Argument max-parts must be an integer between 0 and 2147483647", input.max_parts)?;
        let text = "Argument part-number-marker must be an integer between 0 and 2147483647";
        let given = input.part_number_marker.unwrap_or_default();
        let marker =
            u32::try_from(given).map_err(|_| S3Error::argument("part-number-marker", given.to_string(), text))?;
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let upload = known_upload(view, &bucket.name, &input.key, &input.upload_id)?;
        let after = Position::after((&upload.id, marker));
        let mut parts = match limit {
            0 => Vec::new(),
            limit => view.scan::<PartRecord>(&KeyPrefix::of(&upload.id), Some(&after), limit + 1)?,
        };
        let is_truncated = parts.len() > limit;
        parts.truncate(limit);
        let next = parts.last().map_or(0, |part| i32::try_from(part.number).unwrap_or(given));
        let (abort_date, abort_rule_id) = abortion(view, &bucket, &upload.key, upload.initiated)?.unzip();
        Ok(Applied::read(ListPartsOutput {
            abort_date,
            abort_rule_id,
            bucket: Some(bucket.name),
            key: Some(upload.key.clone()),
            upload_id: Some(upload.id.clone()),
            part_number_marker: Some(given),
            next_part_number_marker: Some(next),
            max_parts: i32::try_from(limit).ok(),
            is_truncated: Some(is_truncated),
            parts: (!parts.is_empty()).then(|| parts.into_iter().map(|part| shown(part, &upload)).collect()),
            initiator: Some(initiator(&upload)),
            owner: Some(owner(upload.traits.owner.as_ref().unwrap_or(&bucket.owner))),
            storage_class: Some(upload.traits.storage_class.clone()),
            checksum_algorithm: upload.checksum.map(|kind| kind.name().to_owned()),
            checksum_type: upload.checksum.map(|_| upload.type_name().to_owned()),
            ..ListPartsOutput::default()
        }))
    }
}

/// A part as listings show it: with its checksum, if one was chosen.
fn shown(part: PartRecord, upload: &UploadRecord) -> Part {
    let etag = part.quoted_etag();
    let checksum = ChecksumFields::of(upload.checksum.map(|_| part.checksum));
    Part {
        part_number: i32::try_from(part.number).ok(),
        last_modified: Some(part.last_modified),
        e_tag: Some(etag),
        size: i64::try_from(part.length).ok(),
        checksum_crc32: checksum.crc32,
        checksum_crc32_c: checksum.crc32c,
        checksum_crc64_nvme: checksum.crc64nvme,
        checksum_sha1: checksum.sha1,
        checksum_sha256: checksum.sha256,
        checksum_sha512: checksum.sha512,
        checksum_md5: checksum.md5,
        checksum_xxhash64: checksum.xxhash64,
        checksum_xxhash3: checksum.xxhash3,
        checksum_xxhash128: checksum.xxhash128,
    }
}

/// Who began an upload: the account, as an owner, or else whoever of it did.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Initiator.html>.
pub(super) fn initiator(upload: &UploadRecord) -> Initiator {
    let is_account = upload.initiator_arn.is_empty() || upload.initiator_arn.ends_with(":root");
    let id = if is_account { owner(&upload.initiator).id } else { Some(upload.initiator_arn.clone()) };
    Initiator { id, display_name: None }
}

/// The size of a page. More than a thousand is asked for in vain; less than nothing is a mistake.
pub(super) fn page_size(name: &'static str, text: &'static str, given: Option<i32>) -> Result<usize, S3Error> {
    let Some(given) = given else { return Ok(PAGE) };
    let limit = usize::try_from(given).map_err(|_| S3Error::argument(name, given.to_string(), text))?;
    Ok(limit.min(PAGE))
}
