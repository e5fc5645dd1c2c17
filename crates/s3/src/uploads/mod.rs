//! Multipart uploads.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>.

mod abort;
mod assembly;
mod attributes;
mod checksums;
mod complete;
mod completion;
mod copy;
mod copy_range;
mod create;
mod error;
mod lease;
mod list_parts;
mod list_uploads;
mod part;
mod reading;
mod reclaim;
mod record;

use service::Service;
use store::{StoreError, View};

pub(crate) use abort::{abort, abort_all};
#[cfg(test)]
pub(crate) use assembly::assembly;
pub(crate) use attributes::{PartOf, part_of, parts_of};
pub use error::UploadError;
#[cfg(test)]
pub(crate) use lease::renew;
pub(crate) use reading::open_parts;
pub(crate) use reclaim::{forget_leases, take_apart};
pub use record::{AssemblyRecord, Before, LeaseRecord, PartRecord, Run, UploadRecord};

use crate::{S3, S3Error};

/// Reads the store beside an operation's own view: what it finds may be older or newer than that.
///
/// # Errors
/// Those of `read`; [`S3Error::Blob`] that says "slow down" where the store is busy.
pub(crate) async fn with_view<T: Send + 'static>(
    service: &S3,
    read: impl FnOnce(&View) -> Result<T, S3Error> + Send + 'static,
) -> Result<T, S3Error> {
    let store = service.runner().store().clone();
    let done = tokio::task::spawn_blocking(move || read(&store.view()?)).await;
    match done.map_err(|error| S3Error::Internal(error.to_string()))? {
        Err(S3Error::Store(StoreError::Busy | StoreError::SnapshotExpired)) => {
            Err(S3Error::Blob(blobs::BlobError::Busy))
        }
        done => done,
    }
}
