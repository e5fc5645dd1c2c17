//! The tables of this crate, brought to the present shape when a region starts.

use store::{CommitError, Store};

use crate::{BlobRefRecord, BucketRecord, GarbageRecord, ObjectRecord};

/// Brings the tables of buckets, objects and blobs to the shapes and indexes of this program. On a store that has them
/// already it reads one key a table.
///
/// # Errors
/// See [`Store::prepare`].
pub async fn prepare(store: &Store) -> Result<(), CommitError> {
    let prepared = tokio::try_join!(
        store.prepare::<BucketRecord>(),
        store.prepare::<ObjectRecord>(),
        store.prepare::<BlobRefRecord>(),
        store.prepare::<GarbageRecord>(),
    );
    prepared.map(drop)
}
