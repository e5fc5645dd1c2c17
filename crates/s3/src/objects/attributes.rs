//! `s3:GetObjectAttributes`: what is known of an object, without its bytes.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html>.

use api::s3::{Checksum, GetObjectAttributes, GetObjectAttributesOutput, GetObjectAttributesRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::checksums::{ChecksumFields, StoredChecksum};
use super::record::{Content, check_key};
use super::versions::readable;
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::config::charged;
use crate::encryption::reading;
use crate::uploads::parts_of;
use crate::{S3, S3Error};

/// What can be asked for.
const ATTRIBUTES: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

impl Operation<S3> for GetObjectAttributes {
    type Error = S3Error;

    fn needs(input: &GetObjectAttributesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, S3Error> {
        let grounds = Grounds::of(view, scope, &input.bucket)?;
        let version = input.version_id.as_deref();
        let mut needs = grounds.reading(view, &input.key, version)?;
        let actions = ("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes");
        needs.push(grounds.on_version(actions, view, &input.key, version)?);
        Ok(needs)
    }

    fn apply(
        input: &GetObjectAttributesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetObjectAttributesOutput>, S3Error> {
        check_key(&input.key)?;
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let request_charged = charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        if let Some(unknown) = input.object_attributes.iter().find(|name| !ATTRIBUTES.contains(&name.as_str())) {
            let text = "Invalid attribute name specified.";
            return Err(S3Error::argument("x-amz-object-attributes", unknown, text));
        }
        let object = readable(view, &bucket, &input.key, input.version_id.as_deref(), "GET")?;
        reading(&object.traits.encryption, object.place(), input.into(), &cx.call)?;
        let is_asked = |name: &str| input.object_attributes.iter().any(|asked| asked == name);
        let object_parts = match &object.content {
            Content::Parts(upload) if is_asked("ObjectParts") => {
                let is_composite = object.checksum.as_ref().is_some_and(|checksum| checksum.is_composite);
                Some(parts_of(view, upload, is_composite, input.part_number_marker, input.max_parts)?)
            }
            _ => None,
        };
        Ok(Applied::read(GetObjectAttributesOutput {
            delete_marker: None,
            last_modified: Some(object.last_modified),
            version_id: bucket.shown_version(&object.version),
            request_charged,
            e_tag: is_asked("ETag").then(|| object.etag.clone()),
            checksum: object.checksum.filter(|_| is_asked("Checksum")).map(shown),
            object_parts,
            storage_class: is_asked("StorageClass").then_some(object.traits.storage_class),
            object_size: i64::try_from(object.length).ok().filter(|_| is_asked("ObjectSize")),
        }))
    }
}

/// The checksum as this operation alone shows it: without the number of parts.
fn shown(mut checksum: StoredChecksum) -> Checksum {
    if let Some((value, _)) = checksum.value.split_once('-') {
        checksum.value = value.to_owned();
    }
    let fields = ChecksumFields::of(Some(checksum));
    Checksum {
        checksum_crc32: fields.crc32,
        checksum_crc32_c: fields.crc32c,
        checksum_crc64_nvme: fields.crc64nvme,
        checksum_sha1: fields.sha1,
        checksum_sha256: fields.sha256,
        checksum_sha512: fields.sha512,
        checksum_md5: fields.md5,
        checksum_xxhash64: fields.xxhash64,
        checksum_xxhash3: fields.xxhash3,
        checksum_xxhash128: fields.xxhash128,
        checksum_type: fields.kind,
    }
}
