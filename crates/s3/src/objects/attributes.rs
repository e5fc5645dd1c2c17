//! `s3:GetObjectAttributes`: what is known of an object, without its bytes.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html>.

use api::s3::{Checksum, GetObjectAttributes, GetObjectAttributesOutput, GetObjectAttributesRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::checksums::{ChecksumFields, StoredChecksum};
use super::record::check_key;
use super::versions::readable;
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::config::charged;
use crate::unbuilt::refuse_given;
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
        refuse_given(&[
            ("x-amz-server-side-encryption-customer-algorithm", input.sse_customer_algorithm.is_some()),
            ("x-amz-server-side-encryption-customer-key", input.sse_customer_key.is_some()),
            ("x-amz-server-side-encryption-customer-key-MD5", input.sse_customer_key_md5.is_some()),
        ])?;
        check_key(&input.key)?;
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let request_charged = charged(&bucket, &cx.call.caller, input.request_payer.as_deref())?;
        if let Some(unknown) = input.object_attributes.iter().find(|name| !ATTRIBUTES.contains(&name.as_str())) {
            let text = "Invalid attribute name specified.";
            return Err(S3Error::argument("x-amz-object-attributes", unknown, text));
        }
        let object = readable(view, &bucket, &input.key, input.version_id.as_deref(), "GET")?;
        let is_asked = |name: &str| input.object_attributes.iter().any(|asked| asked == name);
        Ok(Applied::read(GetObjectAttributesOutput {
            delete_marker: None,
            last_modified: Some(object.last_modified),
            version_id: bucket.shown_version(&object.version),
            request_charged,
            e_tag: is_asked("ETag").then(|| object.etag.clone()),
            checksum: object.checksum.filter(|_| is_asked("Checksum")).map(shown),
            object_parts: None,
            storage_class: is_asked("StorageClass").then_some(object.traits.storage_class),
            object_size: i64::try_from(object.length).ok().filter(|_| is_asked("ObjectSize")),
        }))
    }
}

fn shown(checksum: StoredChecksum) -> Checksum {
    let fields = ChecksumFields::of(Some(checksum));
    Checksum {
        checksum_crc32: fields.crc32,
        checksum_crc32_c: fields.crc32c,
        checksum_crc64_nvme: fields.crc64nvme,
        checksum_sha1: fields.sha1,
        checksum_sha256: fields.sha256,
        checksum_type: fields.kind,
        ..Checksum::default()
    }
}
