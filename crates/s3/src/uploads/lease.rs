//! Leases: who reads the parts of an object for long keeps them from being taken away, though the object may be gone.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use service::Service;
use store::{Changes, CommitError};
use tokio::task::JoinHandle;

use super::record::LeaseRecord;
use crate::S3;

/// How often a reader renews its lease, and when it takes the first: soon enough that nothing it reads is gone by then
/// (the grace of the reconciler is a minute).
const RENEWAL: Duration = Duration::from_secs(20);
/// How long a lease holds: some renewals may fail.
const HELD: SignedDuration = SignedDuration::from_mins(3);

/// Keeps the parts of an upload for as long as it lives, and some minutes longer.
pub(crate) struct Lease {
    renewing: JoinHandle<()>,
}

impl Lease {
    /// Takes a lease, but only if it still lives after a while: most readers are quicker, and cost nothing.
    pub(crate) fn take(service: &S3, upload: &str) -> Self {
        let (service, upload) = (service.clone(), upload.to_owned());
        let renewing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEWAL).await;
                // The next renewal comes before this one's failure does harm.
                let _ = renew(&service, &upload).await;
            }
        });
        Self { renewing }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

/// Writes the lease anew.
///
/// # Errors
/// The store's.
pub(crate) async fn renew(service: &S3, upload: &str) -> Result<(), CommitError> {
    let runner = service.runner();
    let until = runner.now().checked_add(HELD).unwrap_or(Timestamp::MAX);
    let mut changes = Changes::new();
    changes.put(&LeaseRecord { upload: upload.to_owned(), until })?;
    runner.store().commit(None, changes).await.map(drop)
}
