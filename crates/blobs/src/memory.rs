//! Blobs in memory, for tests. They are gone with the process.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;

use crate::hold::Holds;
use crate::{
    BlobError, BlobHold, BlobId, BlobListed, BlobReader, BlobStore, BlobWritten, ByteSource, Cipher, DigestKind,
    Hashers, checked_range,
};

/// Keeps blobs in memory.
pub struct MemoryBlobs {
    capacity: u64,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    blobs: Mutex<BTreeMap<BlobId, (Bytes, SystemTime)>>,
    holds: Holds,
}

impl Shared {
    fn blobs(&self) -> MutexGuard<'_, BTreeMap<BlobId, (Bytes, SystemTime)>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryBlobs {
    fn default() -> Self {
        Self::with_capacity(1 << 30)
    }
}

impl MemoryBlobs {
    /// A store that says [`BlobError::NoSpace`] when a blob would bring all of them to more than `capacity` bytes.
    /// The default has 1 GiB.
    pub fn with_capacity(capacity: u64) -> Self {
        Self { capacity, shared: Arc::default() }
    }

    fn blobs(&self) -> MutexGuard<'_, BTreeMap<BlobId, (Bytes, SystemTime)>> {
        self.shared.blobs()
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn put_with(
        &self,
        mut source: ByteSource,
        limit: u64,
        digests: &[DigestKind],
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<BlobWritten, BlobError> {
        let id = BlobId::random()?;
        let mut hashers = Hashers::new(digests);
        let mut bytes = Vec::new();
        while let Some(chunk) = source.next().await {
            let chunk = chunk.map_err(BlobError::Source)?;
            let length = bytes.len() as u64 + chunk.len() as u64;
            if length > limit {
                return Err(BlobError::TooLarge { limit });
            }
            if length > self.capacity {
                return Err(BlobError::NoSpace);
            }
            hashers.update(&chunk);
            bytes.extend_from_slice(&chunk);
        }
        let length = bytes.len() as u64;
        let (md5, digests) = hashers.finish();
        if let Some(cipher) = cipher {
            cipher.apply(0, &mut bytes);
        }
        let mut blobs = self.blobs();
        let used: u64 = blobs.values().map(|(bytes, _)| bytes.len() as u64).sum();
        if used + length > self.capacity {
            return Err(BlobError::NoSpace);
        }
        let written_at = SystemTime::now();
        blobs.insert(id, (bytes.into(), written_at));
        Ok(BlobWritten { id, length, md5, digests, written_at })
    }

    async fn open_with(
        &self,
        id: &BlobId,
        range: Option<Range<u64>>,
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<BlobReader, BlobError> {
        let bytes = self.blobs().get(id).map(|(bytes, _)| bytes.clone()).ok_or(BlobError::NotFound(*id))?;
        let blob_length = bytes.len() as u64;
        let range = checked_range(range, blob_length)?;
        let mut part = bytes.slice(range.start as usize..range.end as usize);
        if let Some(cipher) = cipher {
            let mut turned = part.to_vec();
            cipher.apply(range.start, &mut turned);
            part = turned.into();
        }
        let chunks = (!part.is_empty()).then_some(Ok(part));
        Ok(BlobReader::new(range.end - range.start, blob_length, futures_util::stream::iter(chunks).boxed()))
    }

    async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        if !self.shared.holds.defer(id)? {
            self.blobs().remove(id);
        }
        Ok(())
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobListed>, BlobError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let blobs = self.blobs();
        let found = blobs.range((from, Bound::Unbounded)).take(limit);
        Ok(found.map(|(id, (_, written_at))| BlobListed { id: *id, written_at: *written_at }).collect())
    }

    fn hold(&self) -> Result<BlobHold, BlobError> {
        self.shared.holds.begin();
        let shared = Arc::clone(&self.shared);
        Ok(BlobHold::new(move || {
            for id in shared.holds.end() {
                shared.blobs().remove(&id);
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryBlobs;
    use crate::{BlobError, BlobStore, source_of};

    #[tokio::test]
    async fn conforms() {
        crate::conformance::all(&MemoryBlobs::default()).await;
    }

    #[tokio::test]
    async fn full_is_no_space() {
        let blobs = MemoryBlobs::with_capacity(10);
        let first = blobs.put(source_of("sixsix"), 100, &[]).await.unwrap();
        assert!(matches!(blobs.put(source_of("fives"), 100, &[]).await, Err(BlobError::NoSpace)));
        blobs.delete(&first.id).await.unwrap();
        blobs.put(source_of("fives"), 100, &[]).await.unwrap();
    }
}
