//! The bytes of an upload on their way to the disk, and the memory that all uploads share for them.
//!
//! Each upload has room for one frame, whatever others do: so however many are slow, all go on. What is beyond that comes
//! from a budget, and is taken when bytes are there: so one that is fast writes much at once.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::format::FRAME;

/// Frames that are hashed and written at once: 4 MiB. Handing a batch over takes as long as hashing some 50 KiB.
pub(super) const BATCH_FRAMES: usize = 64;

/// Frames that uploads may have beyond the first of each.
pub(super) struct Budget(Arc<Semaphore>);

impl Budget {
    /// A budget of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / FRAME)))
    }

    fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

/// Frames that fill.
pub(super) struct Batch {
    frames: Vec<Vec<u8>>,
    is_upload_s_own: bool,
    /// The frames that it may have, or none if nobody counts.
    room: usize,
    permit: Option<OwnedSemaphorePermit>,
}

/// Frames that are full, but for the last.
pub(super) struct Frames {
    /// The data of each.
    pub(super) data: Vec<Bytes>,
    /// Whether the room that each upload has is among that of these frames.
    pub(super) is_upload_s_own: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Batch {
    /// A batch in the room that each upload has.
    pub(super) fn own() -> Self {
        Self { frames: Vec::new(), is_upload_s_own: true, room: 1, permit: None }
    }

    /// A batch out of the budget; none if that is used up.
    pub(super) fn of(budget: &Budget) -> Option<Self> {
        let permit = Some(budget.take()?);
        Some(Self { frames: Vec::new(), is_upload_s_own: false, room: 1, permit })
    }

    /// A full batch that nobody counts.
    pub(super) fn uncounted() -> Self {
        Self { frames: Vec::new(), is_upload_s_own: false, room: BATCH_FRAMES, permit: None }
    }

    /// Takes more room if it needs it for the next byte; whether there is any.
    pub(super) fn has_room(&mut self, budget: &Budget) -> bool {
        if !self.is_at_its_end() {
            return true;
        }
        if self.frames.len() >= BATCH_FRAMES {
            return false;
        }
        let Some(more) = budget.take() else { return false };
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        self.room += 1;
        true
    }

    /// Whether its room is used up.
    pub(super) fn is_at_its_end(&self) -> bool {
        self.frames.len() == self.room && self.frames.last().is_none_or(|frame| frame.len() == FRAME)
    }

    /// Copies from `chunk` what fits into the current frame; there must be room. Copying makes memory bounded whatever
    /// larger buffer a small chunk is a slice of.
    pub(super) fn fill(&mut self, chunk: &mut Bytes) {
        if self.frames.last().is_none_or(|frame| frame.len() == FRAME) {
            self.frames.push(Vec::new());
        }
        let Some(frame) = self.frames.last_mut() else { return };
        let count = (FRAME - frame.len()).min(chunk.len());
        let needed = frame.len() + count;
        if needed > frame.capacity() {
            let capacity = needed.max(frame.len() * 2).min(FRAME);
            frame.reserve_exact(capacity - frame.len());
        }
        frame.extend_from_slice(&chunk[..count]);
        chunk.advance(count);
    }

    /// How many bytes are in it.
    pub(super) fn length(&self) -> usize {
        self.frames.iter().map(Vec::len).sum()
    }

    /// The frames, which fill no more.
    pub(super) fn freeze(self) -> Frames {
        let data = self.frames.into_iter().map(Bytes::from).collect();
        Frames { data, is_upload_s_own: self.is_upload_s_own, _permit: self.permit }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{BATCH_FRAMES, Batch, Budget};
    use crate::format::FRAME;

    fn fill(batch: &mut Batch, budget: &Budget, bytes: usize) -> usize {
        let mut rest = Bytes::from(vec![0; bytes]);
        while !rest.is_empty() && batch.has_room(budget) {
            batch.fill(&mut rest);
        }
        bytes - rest.len()
    }

    #[test]
    fn one_frame_is_always_there_and_more_come_out_of_the_budget() {
        let budget = Budget::new(3 * FRAME);
        let mut fast = Batch::own();
        assert_eq!(fill(&mut fast, &budget, 10 * FRAME), 4 * FRAME);
        let mut other = Batch::own();
        assert_eq!(fill(&mut other, &budget, 10 * FRAME), FRAME);
        assert!(Batch::of(&budget).is_none());
        drop(fast);
        assert_eq!(fill(&mut other, &budget, 10 * FRAME), 3 * FRAME, "what is given back is there for others");
    }

    #[test]
    fn a_batch_has_an_end_and_a_small_one_takes_little_memory() {
        let budget = Budget::new(1 << 30);
        let mut batch = Batch::own();
        assert_eq!(fill(&mut batch, &budget, 100), 100);
        assert_eq!(batch.frames[0].capacity(), 100);
        for _ in 0..2 * FRAME {
            fill(&mut batch, &budget, 1);
        }
        assert!(batch.frames.iter().all(|frame| frame.capacity() <= FRAME));
        assert_eq!(fill(&mut batch, &budget, 100 * FRAME), BATCH_FRAMES * FRAME - 2 * FRAME - 100);
        assert_eq!(batch.length(), BATCH_FRAMES * FRAME);
    }
}
