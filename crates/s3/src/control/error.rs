//! Errors of S3 Control, with AWS's codes, texts and fields.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>, "List of Amazon S3 Tagging error codes".

use ids::AccountId;
use store::StoreError;
use wire::ServiceError;

use crate::S3Error;

/// Why an operation of S3 Control was refused.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The account of the request is none.
    #[error("{0} is no account")]
    InvalidAccount(String),
    /// The request is for another account than its resource belongs to.
    #[error("access denied")]
    AccessDenied,
    /// The account blocks nothing.
    #[error("account {0} has no public access block")]
    NoBlock(AccountId),
    /// The ARN is none of S3's.
    #[error("{0} is no ARN of S3")]
    InvalidArn(String),
    /// There is no such resource.
    #[error("no {0}")]
    NoSuchResource(String),
    /// The resource would have more tags than it may.
    #[error("{0} tags")]
    TooManyTags(usize),
    /// As S3 refuses it.
    #[error(transparent)]
    S3(#[from] S3Error),
}

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        Self::S3(error.into())
    }
}

impl From<ControlError> for ServiceError {
    fn from(error: ControlError) -> Self {
        let refused = |code, status, message: String| Self::sender(code, status, message);
        match error {
            ControlError::InvalidAccount(text) => {
                refused("InvalidRequest", 400, format!("The account ID {text} is not valid."))
            }
            ControlError::AccessDenied => S3Error::AccessDenied.into(),
            ControlError::NoBlock(account) => {
                let text = "The public access block configuration was not found".to_owned();
                refused("NoSuchPublicAccessBlockConfiguration", 404, text).with_field("AccountId", account.as_str())
            }
            ControlError::InvalidArn(arn) => {
                refused("InvalidRequest", 400, "The resource ARN is not valid.".to_owned())
                    .with_field("ResourceArn", arn)
            }
            ControlError::NoSuchResource(arn) => {
                refused("NoSuchResource", 404, "The specified resource doesn't exist.".to_owned())
                    .with_field("ResourceArn", arn)
            }
            ControlError::TooManyTags(_) => {
                refused("TooManyTags", 400, "The number of tags exceeds the limit of 50 tags.".to_owned())
            }
            ControlError::S3(error) => error.into(),
        }
    }
}
