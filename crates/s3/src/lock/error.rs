//! Errors about object locks, with AWS's codes and texts.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>; the texts are S3's, as clients report
//! them.

use wire::ServiceError;

/// Why a lock was refused, or what it refuses.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The bucket cannot lock objects.
    #[error("the bucket has no object lock")]
    BucketWithout,
    /// The bucket has no lock configuration; its name.
    #[error("bucket {0} has no object lock")]
    NoConfiguration(String),
    /// Nothing was ever said of this lock of the object.
    #[error("the object has no lock of this kind")]
    NoLock,
    /// The bucket has no versions.
    #[error("the bucket has no versions")]
    NoVersions,
    /// The version is locked.
    #[error("protected by object lock")]
    Protected,
}

impl From<LockError> for ServiceError {
    fn from(error: LockError) -> Self {
        let refused = |code, status, text: &str| Self::sender(code, status, text);
        match error {
            LockError::BucketWithout => refused("InvalidRequest", 400, "Bucket is missing Object Lock Configuration"),
            LockError::NoConfiguration(bucket) => {
                let text = "Object Lock configuration does not exist for this bucket";
                refused("ObjectLockConfigurationNotFoundError", 404, text).with_field("BucketName", bucket)
            }
            LockError::NoLock => {
                let text = "The specified object does not have a ObjectLock configuration";
                refused("NoSuchObjectLockConfiguration", 404, text)
            }
            LockError::NoVersions => {
                let text = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration";
                refused("InvalidBucketState", 409, text)
            }
            LockError::Protected => {
                refused("AccessDenied", 403, "Access Denied because object protected by object lock.")
            }
        }
    }
}
