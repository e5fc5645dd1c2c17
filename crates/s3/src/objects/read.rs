//! What GET and HEAD have in common: the object that is asked for, whether it may be given, and how much of it.

use std::ops::Range;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use service::Cx;
use store::View;

use super::checksums::{ChecksumFields, StoredChecksum};
use super::conditions::ReadConditions;
use super::error::ObjectError;
use super::range::read_range;
use super::record::{Content, ObjectHeaders, ObjectRecord, check_key};
use super::restore::{check_active, restore_header};
use super::versions::{current, readable};
use crate::S3Error;
use crate::buckets::known_bucket;
use crate::config::charged;
use crate::encryption::{CustomerHeaders, Shown, reading};
use crate::lifecycle::expiration;
use crate::uploads::{PartOf, part_of};

/// What both operations take.
pub(super) struct Read<'a> {
    pub method: &'static str,
    pub bucket: &'a str,
    pub key: &'a str,
    pub version: Option<&'a str>,
    pub expected_owner: Option<&'a str>,
    pub range: Option<&'a str>,
    pub part: Option<i32>,
    pub payer: Option<&'a str>,
    pub conditions: ReadConditions<'a>,
    pub checksum_mode: Option<&'a str>,
    pub customer: CustomerHeaders<'a>,
    pub overrides: Overrides<'a>,
}

/// The headers that a request asks to see in the place of those stored.
pub(super) struct Overrides<'a> {
    pub cache_control: &'a Option<String>,
    pub content_disposition: &'a Option<String>,
    pub content_encoding: &'a Option<String>,
    pub content_language: &'a Option<String>,
    pub content_type: &'a Option<String>,
    pub expires: Option<Timestamp>,
}

impl Overrides<'_> {
    fn any(&self) -> bool {
        let texts = [
            self.cache_control,
            self.content_disposition,
            self.content_encoding,
            self.content_language,
            self.content_type,
        ];
        self.expires.is_some() || texts.iter().any(|text| text.is_some())
    }

    fn over(&self, stored: &ObjectHeaders) -> ObjectHeaders {
        let either = |over: &Option<String>, stored: &Option<String>| over.clone().or_else(|| stored.clone());
        let expires = self.expires.and_then(|date| DateTimePrinter::new().timestamp_to_rfc9110_string(&date).ok());
        ObjectHeaders {
            content_type: either(self.content_type, &stored.content_type),
            content_encoding: either(self.content_encoding, &stored.content_encoding),
            content_disposition: either(self.content_disposition, &stored.content_disposition),
            content_language: either(self.content_language, &stored.content_language),
            cache_control: either(self.cache_control, &stored.cache_control),
            expires: expires.or_else(|| stored.expires.clone()),
        }
    }
}

/// An object that may be given, and how much of it.
pub struct FoundObject {
    pub(super) object: ObjectRecord,
    pub(super) headers: ObjectHeaders,
    pub(super) range: Option<Range<u64>>,
    pub(super) version: Option<String>,
    pub(super) restore: Option<String>,
    pub(super) request_charged: Option<String>,
    pub(super) expiration: Option<String>,
    pub(super) encryption: Shown,
    part: Option<PartOf>,
    shows_checksum: bool,
}

impl FoundObject {
    pub(super) fn length(&self) -> u64 {
        self.range.as_ref().map_or(self.object.length, |range| range.end - range.start)
    }

    pub(super) fn content_range(&self) -> Option<String> {
        let range = self.range.as_ref()?;
        Some(format!("bytes {}-{}/{}", range.start, range.end - 1, self.object.length))
    }

    pub(super) fn checksum(&self) -> ChecksumFields {
        let of_object = self.object.checksum.as_ref();
        // The checksum is that of the whole; on a range it would only mislead. A part has its own, which S3 shows where
        // that of the object is made of those of its parts.
        let checksum = match &self.part {
            Some(part) if of_object.is_some_and(|whole| whole.is_composite) => {
                Some(StoredChecksum { is_composite: true, ..part.checksum.clone() })
            }
            _ => of_object.filter(|_| self.length() == self.object.length).cloned(),
        };
        ChecksumFields::of(checksum.filter(|_| self.shows_checksum))
    }

    /// How many parts the object has, which S3 says to who asks for one of them.
    pub(super) fn parts_count(&self) -> Option<i32> {
        let part = self.part.as_ref().filter(|_| matches!(self.object.content, Content::Parts(_)))?;
        i32::try_from(part.count).ok()
    }

    /// The storage class, which S3 doesn't mention if it is the usual one.
    pub(super) fn storage_class(&self) -> Option<String> {
        Some(self.object.traits.storage_class.clone()).filter(|class| class != "STANDARD")
    }

    pub(super) fn tag_count(&self) -> Option<i32> {
        i32::try_from(self.object.traits.tags.len()).ok().filter(|count| *count > 0)
    }
}

/// Finds the object.
///
/// # Errors
/// Those of [`readable`], of the conditions, the range and the part; `InvalidObjectState` for one that is archived, if
/// its bytes are asked for.
pub(super) fn look_up(read: &Read<'_>, view: &View, cx: &Cx) -> Result<FoundObject, S3Error> {
    check_key(read.key)?;
    let bucket = known_bucket(view, read.bucket, read.expected_owner)?;
    let request_charged = charged(&bucket, &cx.call.caller, read.payer)?;
    if read.checksum_mode.is_some_and(|mode| !mode.eq_ignore_ascii_case("ENABLED")) {
        return Err(S3Error::InvalidRequest("Value for x-amz-checksum-mode header is invalid.".to_owned()));
    }
    if read.overrides.any() && cx.call.caller.account.is_none() {
        let text = "Request specific response headers cannot be used for anonymous GET requests.";
        return Err(S3Error::InvalidRequest(text.to_owned()));
    }
    if read.range.is_some() && read.part.is_some() {
        let text = "Cannot specify both Range header and partNumber query parameter";
        return Err(S3Error::InvalidRequest(text.to_owned()));
    }
    let object = readable(view, &bucket, read.key, read.version, read.method)?;
    let encryption = reading(&object.traits.encryption, object.place(), read.customer, &cx.call)?;
    read.conditions.check(&object, cx.now)?;
    if read.method == "GET" {
        check_active(&object, cx.now, "The operation is not valid for the object's storage class")?;
    }
    let is_current = match read.version {
        None => true,
        Some(_) => current(view, &bucket.name, read.key)?.is_some_and(|current| current.order == object.order),
    };
    let part = read.part.map(|number| part(view, number, &object)).transpose()?;
    let range = match &part {
        Some(part) => Some(part.range.clone()).filter(|range| !range.is_empty()),
        None => read_range(read.range, object.length)?,
    };
    Ok(FoundObject {
        headers: read.overrides.over(&object.traits.headers),
        range,
        part,
        shows_checksum: read.checksum_mode.is_some(),
        version: bucket.shown_version(&object.version),
        restore: restore_header(&object, cx.now),
        encryption,
        request_charged,
        expiration: if is_current { expiration(view, &bucket, &object)? } else { None },
        object,
    })
}

/// The part in this place; an object that was put in one has one.
fn part(view: &View, number: i32, object: &ObjectRecord) -> Result<PartOf, S3Error> {
    let text = "Part number must be an integer between 1 and 10000, inclusive";
    let place = u32::try_from(number).ok().filter(|place| (1..=10_000).contains(place));
    let place = place.ok_or_else(|| S3Error::argument("partNumber", number.to_string(), text))?;
    let found = match (&object.content, &object.checksum) {
        (Content::Parts(upload), _) => part_of(view, upload, place)?,
        (_, Some(checksum)) if place == 1 => {
            Ok(PartOf { range: 0..object.length, count: 1, checksum: checksum.clone() })
        }
        _ => Err(1),
    };
    found.map_err(|actual| ObjectError::InvalidPartNumber { requested: number, actual: actual.into() }.into())
}
