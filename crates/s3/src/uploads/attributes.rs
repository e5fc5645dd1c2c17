//! The parts of an object as reads show them: one by its place, or a page of all of them. Their places count from 1,
//! whatever their numbers were in the upload.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html> (`partNumber`),
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html>.

use std::ops::Range;

use api::s3::{GetObjectAttributesParts, ObjectPart};
use store::View;

use super::assembly::{assembly, part};
use super::list_parts::page_size;
use super::record::PartRecord;
use crate::S3Error;
use crate::objects::{ChecksumFields, StoredChecksum};

/// A part of an object.
pub(crate) struct PartOf {
    /// Its bytes in the object.
    pub range: Range<u64>,
    /// How many parts the object has.
    pub count: u32,
    /// Its own checksum.
    pub checksum: StoredChecksum,
}

/// The part in this place of the object that is the parts of `upload`; how many there are if it has none there.
///
/// # Errors
/// The store's.
pub(crate) fn part_of(view: &View, upload: &str, place: u32) -> Result<Result<PartOf, u32>, S3Error> {
    let assembly = assembly(view, upload)?;
    let count = assembly.count();
    let Some(range) = assembly.bytes_of(place) else { return Ok(Err(count)) };
    let number = assembly.numbers(place.saturating_sub(1)).next();
    let number = number.ok_or_else(|| S3Error::Internal(format!("upload {upload} has no part {place}")))?;
    Ok(Ok(PartOf { range, count, checksum: part(view, upload, number)?.checksum }))
}

/// A page of the parts of the object that is the parts of `upload`. S3 tells of them one by one only if each has a
/// checksum that the object's is made of.
///
/// # Errors
/// `InvalidArgument`; the store's.
pub(crate) fn parts_of(
    view: &View,
    upload: &str,
    is_composite: bool,
    marker: Option<i32>,
    limit: Option<i32>,
) -> Result<GetObjectAttributesParts, S3Error> {
    let assembly = assembly(view, upload)?;
    let total_parts_count = i32::try_from(assembly.count()).ok();
    if !is_composite {
        return Ok(GetObjectAttributesParts { total_parts_count, ..GetObjectAttributesParts::default() });
    }
    let text = "Argument max-parts must be an integer between 0 and 2147483647";
    let limit = page_size("x-amz-max-parts", text, limit)?;
    let text = "Argument part-number-marker must be an integer between 0 and 2147483647";
    let given = marker.unwrap_or_default();
    let after =
        u32::try_from(given).map_err(|_| S3Error::argument("x-amz-part-number-marker", given.to_string(), text))?;
    let parts = assembly.parts(view, after, limit)?;
    let end = after.saturating_add(u32::try_from(parts.len()).unwrap_or(u32::MAX));
    let next = if parts.is_empty() { 0 } else { end };
    let shown = (after + 1..).zip(parts).map(|(place, part)| shown(place, part)).collect();
    Ok(GetObjectAttributesParts {
        total_parts_count,
        part_number_marker: Some(given),
        next_part_number_marker: i32::try_from(next).ok(),
        max_parts: i32::try_from(limit).ok(),
        is_truncated: Some(limit > 0 && end < assembly.count()),
        parts: Some(shown),
    })
}

fn shown(place: u32, part: PartRecord) -> ObjectPart {
    let checksum = ChecksumFields::of(Some(part.checksum));
    ObjectPart {
        part_number: i32::try_from(place).ok(),
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
