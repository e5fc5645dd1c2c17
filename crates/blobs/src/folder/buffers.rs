//! Memory that bytes are read into: used again, since fresh memory costs as much as copying.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

/// Buffers that are kept for the next read: 8 MiB.
const KEPT: usize = 8;
/// Smaller ones are not worth keeping.
const WORTH: usize = 512 << 10;

/// Buffers that nobody uses now.
#[derive(Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<u8>>>);

/// A buffer that goes back when all that was cut from it is dropped.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    length: usize,
    home: Arc<Buffers>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Buffers {
    /// A buffer of so many bytes, whatever they are.
    pub(super) fn take(self: &Arc<Self>, length: usize, permit: Option<OwnedSemaphorePermit>) -> Buffer {
        let kept = if length >= WORTH { self.kept().pop() } else { None };
        let mut bytes = kept.unwrap_or_default();
        if bytes.len() < length {
            bytes.resize(length, 0);
        }
        Buffer { bytes, length, home: Arc::clone(self), _permit: permit }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    /// What is to be filled.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = mem::take(&mut self.bytes);
        if bytes.len() >= WORTH {
            let mut kept = self.home.kept();
            if kept.len() < KEPT {
                kept.push(bytes);
            }
        }
    }
}
