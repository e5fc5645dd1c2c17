//! The tables of this crate, brought to the present shape when a region starts.

use store::{CommitError, Store};

use crate::{BlobRefRecord, BucketPolicyRecord, BucketRecord, GarbageRecord, ObjectRecord, PublicAccessBlockRecord};

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
        store.prepare::<ObjectRecord>(),
        store.prepare::<BlobRefRecord>(),
        store.prepare::<GarbageRecord>(),
    );
    prepared.map(drop)
}

/// Rows written by any released version must be read for ever.
#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use blobs::BlobId;
    use jiff::Timestamp;
    use store::conformance::check_shapes;
    use store::{encode, table_prefix};

    use crate::objects::{ChecksumKind, StoredChecksum};
    use crate::{
        BlobRefRecord, BucketPolicyRecord, BucketRecord, GarbageRecord, ObjectHeaders, ObjectRecord,
        PublicAccessBlockRecord, named_blob,
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
        let bucket = BucketRecord {
            name: "n".into(),
            owner: "123456789012".parse().unwrap(),
            region: "r".into(),
            created: Timestamp::UNIX_EPOCH,
        };
        check_shapes(SHAPES, &[(1, bucket)]);
        let policy =
            |principals| BucketPolicyRecord { bucket: "n".into(), document: "{}".into(), principals, is_public: true };
        check_shapes(SHAPES, &[(1, policy(Vec::new())), (2, policy(vec![("arn".into(), "AIDA".into())]))]);
        check_shapes(SHAPES, &[(1, PublicAccessBlockRecord::of_new("n"))]);
        let object = ObjectRecord {
            bucket: "b".into(),
            key: "k".into(),
            blob: Some(blob),
            length: 3,
            etag: "e".into(),
            last_modified: Timestamp::UNIX_EPOCH,
            checksum: StoredChecksum { kind: ChecksumKind::Crc64nvme, value: "c".into() },
            headers: ObjectHeaders { content_type: Some("t".into()), ..ObjectHeaders::default() },
            metadata: BTreeMap::from([("n".to_owned(), "v".to_owned())]),
            storage_class: "STANDARD".into(),
        };
        check_shapes(SHAPES, &[(1, object)]);
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
