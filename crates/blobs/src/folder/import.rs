//! Writing a blob that is known by an id already, as a restored backup has them: on this thread, unflushed. Small ones go
//! into their segments, where that can be.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;

use super::batch::Batch;
use super::draft::Draft;
use super::{Shared, remove};
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
        let is_short = self.draft.is_new() && shared.writer.is_some();
        let length = self.batch.length() as u64;
        let frames = self.batch.freeze();
        if is_short && shared.segments.import(&id, length, &frames.data)? {
            remove(&shared.path(&id))?;
            return Ok(length);
        }
        let length = self.draft.finish_unflushed(&frames.data)?;
        // One in a segment would be found first.
        shared.segments.delete(&id)?;
        Ok(length)
    }
}
