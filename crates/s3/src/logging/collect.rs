//! What is asked of buckets that are logged, held until it is delivered. The room is bounded: what comes when it is full
//! is not logged, and counted. So says S3 too: logs are delivered as well as may be.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::line::Access;

/// Most requests that are held of all buckets together: some 40 MB.
const MAX_HELD: usize = 40_000;

/// What is to be logged of a process.
#[derive(Debug, Default)]
pub struct AccessLogs {
    logged: RwLock<HashSet<String>>,
    held: Mutex<Held>,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Held {
    by_bucket: HashMap<String, Vec<Access>>,
    count: usize,
}

impl AccessLogs {
    /// Whether a bucket is logged. Asked for each request.
    pub fn is_logged(&self, bucket: &str) -> bool {
        let logged = self.logged.read().unwrap_or_else(PoisonError::into_inner);
        !logged.is_empty() && logged.contains(bucket)
    }

    /// Notes a request.
    pub fn note(&self, access: Access) {
        let mut held = self.held();
        if held.count >= MAX_HELD {
            self.lost.fetch_add(1, Relaxed);
            return;
        }
        held.count += 1;
        held.by_bucket.entry(access.bucket.clone()).or_default().push(access);
    }

    /// Says which buckets are logged from now on.
    pub(super) fn set_logged(&self, buckets: HashSet<String>) {
        *self.logged.write().unwrap_or_else(PoisonError::into_inner) = buckets;
    }

    /// All that is held, which is forgotten here.
    pub(super) fn take(&self) -> HashMap<String, Vec<Access>> {
        std::mem::take(&mut *self.held()).by_bucket
    }

    /// How many requests were lost since this was last asked.
    pub(super) fn take_lost(&self) -> u64 {
        self.lost.swap(0, Relaxed)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
