//! The tables of this crate, brought to the present shape when a region starts.

use store::{CommitError, Store};

use crate::{
    AccountBlockRecord, AssemblyRecord, BlobRefRecord, BucketConfigRecord, BucketPolicyRecord, BucketRecord,
    GarbagePartsRecord, GarbageRecord, LeaseRecord, ObjectRecord, PartRecord, PublicAccessBlockRecord, UploadRecord,
    VersionRecord,
};

/// Brings the tables of buckets, objects and blobs to the shapes and indexes of this program. On a store that has them
/// already it reads one key a table.
///
/// # Errors
/// See [`Store::prepare`].
pub async fn prepare(store: &Store) -> Result<(), CommitError> {
    let prepared = tokio::try_join!(
        store.prepare::<BucketRecord>(),
        store.prepare::<BucketPolicyRecord>(),
        store.prepare::<PublicAccessBlockRecord>(),
        store.prepare::<AccountBlockRecord>(),
        store.prepare::<ObjectRecord>(),
        store.prepare::<BlobRefRecord>(),
        store.prepare::<GarbageRecord>(),
        store.prepare::<GarbagePartsRecord>(),
        store.prepare::<BucketConfigRecord>(),
        store.prepare::<VersionRecord>(),
        store.prepare::<UploadRecord>(),
        store.prepare::<PartRecord>(),
        store.prepare::<AssemblyRecord>(),
        store.prepare::<LeaseRecord>(),
    );
    prepared.map(drop)
}

/// Rows written by any released version must be read for ever.
#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use blobs::BlobId;
    use jiff::Timestamp;
    use serde_json::json;
    use store::conformance::check_shapes;
    use store::{encode, table_prefix};

    use crate::{
        AccountBlockRecord, AssemblyRecord, Before, BlobRefRecord, BucketConfigRecord, BucketPolicyRecord,
        BucketRecord, ChecksumKind, Content, DeleteMarker, Encryption, GarbagePartsRecord, GarbageRecord, LeaseRecord,
        ObjectHeaders, ObjectRecord, ObjectTraits, PartRecord, PublicAccessBlockRecord, Run, StoredChecksum,
        UploadRecord, Version, VersionRecord, named_blob,
    };

    const SHAPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes");

    fn named() -> BlobRefRecord {
        BlobRefRecord { blob: BlobId::from([0xab; 16]), bucket: "b".into(), key: "k".into() }
    }

    #[test]
    fn stored_shapes() {
        let blob = named().blob;
        check_shapes(SHAPES, &[(1, named())]);
        check_shapes(SHAPES, &[(1, GarbageRecord { blob, since: Timestamp::UNIX_EPOCH })]);
        let bucket = BucketRecord::new("n", "123456789012".parse().unwrap(), "r", Timestamp::UNIX_EPOCH);
        check_shapes(SHAPES, &[(1, bucket)]);
        let policy =
            |principals| BucketPolicyRecord { bucket: "n".into(), document: "{}".into(), principals, is_public: true };
        check_shapes(SHAPES, &[(1, policy(Vec::new())), (2, policy(vec![("arn".into(), "AIDA".into())]))]);
        check_shapes(SHAPES, &[(1, PublicAccessBlockRecord::of_new("n"))]);
        let of_account = AccountBlockRecord {
            account: "123456789012".parse().unwrap(),
            block_public_acls: true,
            ignore_public_acls: false,
            block_public_policy: true,
            restrict_public_buckets: false,
        };
        check_shapes(SHAPES, &[(1, of_account)]);
        let checksum = StoredChecksum { kind: ChecksumKind::Crc64nvme, value: "c".into(), is_composite: false };
        let traits = ObjectTraits {
            headers: ObjectHeaders { content_type: Some("t".into()), ..ObjectHeaders::default() },
            metadata: BTreeMap::from([("n".to_owned(), "v".to_owned())]),
            storage_class: "STANDARD".into(),
            ..ObjectTraits::default()
        };
        let object = ObjectRecord {
            bucket: "b".into(),
            key: "k".into(),
            version: "null".into(),
            order: 0,
            content: Content::Blob(blob),
            length: 3,
            etag: "e".into(),
            last_modified: Timestamp::UNIX_EPOCH,
            checksum: Some(checksum.clone()),
            traits: traits.clone(),
            restored_until: None,
        };
        check_shapes(SHAPES, &[(1, object.clone()), (2, object.clone())]);
        let version = Version::Object(Box::new(object));
        check_shapes(SHAPES, &[(1, VersionRecord { version, noncurrent_since: Some(Timestamp::UNIX_EPOCH) })]);
        let upload = UploadRecord {
            bucket: "b".into(),
            key: "k".into(),
            id: "u".into(),
            initiated: Timestamp::UNIX_EPOCH,
            initiator: "123456789012".parse().unwrap(),
            initiator_arn: "arn:aws:iam::123456789012:root".into(),
            checksum: Some(ChecksumKind::Crc32),
            is_composite: true,
            before: Before::Unknown,
            traits,
        };
        check_shapes(SHAPES, &[(1, upload)]);
        let part = PartRecord {
            upload: "u".into(),
            number: 7,
            blob: Some(blob),
            length: 3,
            etag: "e".into(),
            last_modified: Timestamp::UNIX_EPOCH,
            checksum,
            encryption: Encryption::default(),
        };
        check_shapes(SHAPES, &[(1, part)]);
        let garbage = GarbagePartsRecord { upload: "u".into(), since: Timestamp::UNIX_EPOCH, is_of_spares: true };
        check_shapes(SHAPES, &[(1, garbage)]);
        let runs = vec![Run { first: 1, count: 9, length: 8 }, Run { first: 10, count: 1, length: 3 }];
        check_shapes(SHAPES, &[(1, AssemblyRecord { upload: "u".into(), runs, became: None })]);
        check_shapes(SHAPES, &[(1, LeaseRecord { upload: "u".into(), until: Timestamp::UNIX_EPOCH })]);
        let value = json!({ "a": 1 });
        let config = BucketConfigRecord { bucket: "b".into(), kind: "cors".into(), id: String::new(), value };
        check_shapes(SHAPES, &[(1, config)]);
    }

    #[test]
    fn a_marker_is_kept_beside_objects() {
        let marker = DeleteMarker {
            bucket: "b".into(),
            key: "k".into(),
            version: "v".into(),
            order: 7,
            last_modified: Timestamp::UNIX_EPOCH,
        };
        let record = VersionRecord { version: Version::Marker(marker), noncurrent_since: None };
        assert_eq!(store::decode::<VersionRecord>(&encode(&record).unwrap()).unwrap(), record);
    }

    #[test]
    fn a_copy_takes_along_what_blob_references_name_and_nothing_else() {
        let key = [table_prefix::<BlobRefRecord>(), b"x".to_vec()].concat();
        let value = encode(&named()).unwrap();
        assert_eq!(named_blob(&key, &value).unwrap(), Some(named().blob));
        assert!(named_blob(&key, b"torn").is_err());
        let others = [table_prefix::<ObjectRecord>(), table_prefix::<GarbageRecord>(), b"m/s3/blob-ref".to_vec()];
        for other in others {
            assert_eq!(named_blob(&other, &value).unwrap(), None);
        }
    }
}
