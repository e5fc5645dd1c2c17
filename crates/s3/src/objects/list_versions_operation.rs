//! `s3:ListObjectVersions`.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>.

use api::s3::{
    DeleteMarkerEntry, ListObjectVersions, ListObjectVersionsOutput, ListObjectVersionsRequest, ObjectVersion, Owner,
    VersionEntry,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::list_versions::{After, Shown, VersionListing};
use super::listing::{Asked, Encoding, common_prefixes, max_keys, need, shown_max_keys, shows_restores, text};
use super::record::{NULL_VERSION, ObjectRecord};
use super::restore::restore_status;
use super::versions::{DeleteMarker, Version, by_id, current, order_of};
use crate::acl::object_owner;
use crate::buckets::known_bucket;
use crate::config::charged;
use crate::owner::owner;
use crate::{S3, S3Error};

impl Operation<S3> for ListObjectVersions {
    type Error = S3Error;

    fn needs(input: &ListObjectVersionsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let asked = Asked { prefix: &input.prefix, delimiter: &input.delimiter, max_keys: input.max_keys };
        Ok(vec![need("s3:ListBucketVersions", &input.bucket, &asked, view, scope)?])
    }

    fn apply(
        input: &ListObjectVersionsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListObjectVersionsOutput>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let request_charged = charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        let after = after(input, view, &bucket.name)?;
        let encoding = Encoding::read(input.encoding_type.as_deref())?;
        if input.max_keys.is_some_and(i32::is_negative) {
            return Err(S3Error::unread("max-keys", "max-keys cannot be negative"));
        }
        let limit = max_keys(input.max_keys)?;
        let (prefix, delimiter, key_marker) = (text(&input.prefix), text(&input.delimiter), text(&input.key_marker));
        let page = VersionListing { bucket: &bucket.name, prefix, delimiter, after, limit }.read(view)?;
        let shows_restore = shows_restores(&input.optional_object_attributes)?;
        let bucket_owner = owner(&bucket.owner);
        let shown = |shown: Shown| match shown.version {
            Version::Object(object) => {
                let restore_status = if shows_restore { restore_status(&object, cx.now) } else { None };
                let owner = owner(object_owner(&bucket, &object));
                let version = entry(*object, shown.is_latest, &owner, encoding);
                VersionEntry { version: Some(ObjectVersion { restore_status, ..version }), delete_marker: None }
            }
            Version::Marker(marker) => {
                let marker = marker_entry(marker, shown.is_latest, &bucket_owner, encoding);
                VersionEntry { version: None, delete_marker: Some(marker) }
            }
        };
        let entries: Vec<VersionEntry> = page.versions.into_iter().map(shown).collect();
        let (next_key, next_version) = page.next.map_or((None, None), |(key, version)| (Some(key), version));
        Ok(Applied::read(ListObjectVersionsOutput {
            is_truncated: Some(next_key.is_some()),
            key_marker: Some(encoding.encode(key_marker)),
            version_id_marker: Some(text(&input.version_id_marker).to_owned()),
            next_key_marker: next_key.map(|key| encoding.encode(&key)),
            next_version_id_marker: next_version,
            entries: (!entries.is_empty()).then_some(entries),
            name: Some(bucket.name),
            prefix: Some(encoding.encode(prefix)),
            delimiter: input.delimiter.as_deref().map(|delimiter| encoding.encode(delimiter)),
            max_keys: shown_max_keys(input.max_keys),
            common_prefixes: common_prefixes(&page.common_prefixes, encoding),
            encoding_type: input.encoding_type.clone(),
            request_charged,
        }))
    }
}

/// Where the listing goes on. A version that is gone meanwhile is found by the order within its id; the null version has
/// none there, so that then all versions of its key are listed that there are.
fn after<'a>(input: &'a ListObjectVersionsRequest, view: &View, bucket: &str) -> Result<After<'a>, S3Error> {
    let refused = |value: &str, message| Err(S3Error::argument("version-id-marker", value, message));
    if let (None, Some(id)) = (&input.key_marker, &input.version_id_marker) {
        return refused(id, "A version-id marker cannot be specified without a key marker.");
    }
    let (key, id) = match (input.key_marker.as_deref().unwrap_or_default(), input.version_id_marker.as_deref()) {
        ("", None) => return Ok(After::Nothing),
        ("", Some(id)) if !id.is_empty() && id != NULL_VERSION && order_of(id).is_none() => {
            return refused(id, "Invalid version id specified");
        }
        ("", Some(id)) => return refused(id, "A version-id marker cannot be specified without a key marker."),
        (_, Some("")) => return refused("", "A version-id marker cannot be empty."),
        (key, None) => return Ok(After::Key(key)),
        (key, Some(id)) => (key, id),
    };
    if id != NULL_VERSION {
        return match order_of(id) {
            Some(order) => Ok(After::Version(key, order)),
            None => refused(id, "Invalid version id specified"),
        };
    }
    let current = current(view, bucket, key)?.filter(|current| current.version == NULL_VERSION);
    let order = match current {
        Some(current) => Some(current.order),
        None => by_id(view, bucket, key, NULL_VERSION)?.map(|record| record.version.order()),
    };
    Ok(After::Version(key, order.unwrap_or(u64::MAX)))
}

fn entry(object: ObjectRecord, is_latest: bool, owner: &Owner, encoding: Encoding) -> ObjectVersion {
    ObjectVersion {
        e_tag: Some(object.quoted_etag()),
        checksum_algorithm: object.checksum.as_ref().map(|checksum| vec![checksum.kind.name().to_owned()]),
        checksum_type: object.checksum.as_ref().map(|checksum| checksum.type_name().to_owned()),
        size: i64::try_from(object.length).ok(),
        storage_class: Some(object.traits.storage_class),
        key: Some(encoding.encode(&object.key)),
        version_id: Some(object.version),
        is_latest: Some(is_latest),
        last_modified: Some(object.last_modified),
        owner: Some(owner.clone()),
        restore_status: None,
    }
}

fn marker_entry(marker: DeleteMarker, is_latest: bool, owner: &Owner, encoding: Encoding) -> DeleteMarkerEntry {
    DeleteMarkerEntry {
        owner: Some(owner.clone()),
        key: Some(encoding.encode(&marker.key)),
        version_id: Some(marker.version),
        is_latest: Some(is_latest),
        last_modified: Some(marker.last_modified),
    }
}
