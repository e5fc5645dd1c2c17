//! Writing a blob that is known by an id already, as a restored backup has them: on this thread, unflushed.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;

use super::Shared;
use super::batch::Batch;
use super::draft::Draft;
use crate::{BlobError, BlobId};

/// A blob being written. Dropped before [`Import::finish`], it is gone.
pub struct Import {
    draft: Draft,
    batch: Batch,
}

impl Import {
    pub(super) fn new(shared: Arc<Shared>, id: BlobId) -> Self {
        Self { draft: Draft::new(shared, id, None), batch: Batch::uncounted() }
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// [`BlobError::NoSpace`] or [`BlobError::Io`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let mut rest = Bytes::copy_from_slice(bytes);
        while !rest.is_empty() {
            if self.batch.is_at_its_end() {
                let full = mem::replace(&mut self.batch, Batch::uncounted());
                self.draft.append(&full.freeze().data)?;
            }
            self.batch.fill(&mut rest);
        }
        Ok(())
    }

    /// Gives the blob its name, in place of one that is there, and its length.
    ///
    /// # Errors
    /// As [`Import::write`].
    pub fn finish(self) -> Result<u64, BlobError> {
        let (shared, id) = (Arc::clone(self.draft.shared()), self.draft.id());
        let length = self.draft.finish_unflushed(&self.batch.freeze().data)?;
        // One in a segment would be found first.
        shared.segments.delete(&id)?;
        Ok(length)
    }
}
