//! Errors of EC2, with AWS's codes and texts.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.

use store::StoreError;
use wire::ServiceError;

/// Why an operation of EC2 was refused.
#[derive(Debug, thiserror::Error)]
pub enum Ec2Error {
    /// A resource that is named is not there, or not this account's: `code`, AWS's text.
    #[error("{code}: {message}")]
    Refused {
        /// AWS's error code, such as `InvalidInstanceID.NotFound`.
        code: &'static str,
        /// AWS's text.
        message: String,
    },
    /// The region has no room for it now: HTTP 500 in AWS's terms, so that clients try again.
    #[error("{code}: {message}")]
    Capacity {
        /// AWS's error code, such as `InsufficientFreeAddressesInSubnet`.
        code: &'static str,
        /// AWS's text.
        message: String,
    },
    /// The store failed.
    #[error("store")]
    Store(#[from] StoreError),
    /// Something of ours failed; the text is for the log.
    #[error("{0}")]
    Internal(String),
}

impl Ec2Error {
    /// A refusal with AWS's code and text.
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into() }
    }

    /// A parameter that has no valid value: `InvalidParameterValue`.
    pub(crate) fn invalid_value(message: impl Into<String>) -> Self {
        Self::refused("InvalidParameterValue", message)
    }

    /// Parameters that do not go together: `InvalidParameterCombination`.
    pub(crate) fn combination(message: impl Into<String>) -> Self {
        Self::refused("InvalidParameterCombination", message)
    }

    /// A parameter that must be there: `MissingParameter`.
    pub(crate) fn missing(name: &str) -> Self {
        Self::refused("MissingParameter", format!("The request must contain the parameter {name}"))
    }

    /// A parameter whose meaning is not built yet. Saying so is better than accepting it and doing less.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::refused("UnsupportedOperation", format!("{what} is not supported yet."))
    }
}

impl From<Ec2Error> for ServiceError {
    fn from(error: Ec2Error) -> Self {
        match error {
            Ec2Error::Refused { code, message } => ServiceError::bad_request(code, message),
            Ec2Error::Capacity { code, message } => ServiceError::receiver(code, 500, message),
            Ec2Error::Store(cause) => ServiceError::internal(cause),
            Ec2Error::Internal(cause) => ServiceError::internal(cause),
        }
    }
}
