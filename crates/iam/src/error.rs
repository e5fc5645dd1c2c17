//! Errors of IAM and STS.

use store::StoreError;
use wire::ServiceError;

/// Why an operation of IAM or STS was refused.
#[derive(Debug, thiserror::Error)]
pub enum IamError {
    /// The store failed.
    #[error("store")]
    Store(#[from] StoreError),
}

impl From<IamError> for ServiceError {
    fn from(error: IamError) -> Self {
        match error {
            IamError::Store(cause) => ServiceError::internal(cause),
        }
    }
}
