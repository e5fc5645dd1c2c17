//! Errors of IAM, STS and Organizations.

use std::borrow::Cow;

use store::StoreError;
use wire::ServiceError;

/// Why an operation of IAM or STS was refused. Codes and states are those of the API references:
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html> and the page of each operation.
#[derive(Debug, thiserror::Error)]
pub enum IamError {
    /// What is named is not there.
    #[error("{0}")]
    NoSuchEntity(String),
    /// A name is taken.
    #[error("{0}")]
    EntityAlreadyExists(String),
    /// A quota is used up.
    #[error("{0}")]
    LimitExceeded(String),
    /// Something is still attached to what shall be deleted.
    #[error("{0}")]
    DeleteConflict(String),
    /// A policy document is none.
    #[error("{0}")]
    MalformedPolicyDocument(String),
    /// Values that do not go together, or that the operation does not take.
    #[error("{0}")]
    InvalidInput(String),
    /// A value that breaks the rules of its member.
    #[error("{0}")]
    Validation(String),
    /// Not permitted, for a reason that no policy gave.
    #[error("{0}")]
    AccessDenied(String),
    /// Any other error of the API, with its status.
    #[error("{text}")]
    Refused {
        /// AWS's code.
        code: &'static str,
        /// The HTTP status.
        status: u16,
        /// AWS's text.
        text: Cow<'static, str>,
    },
    /// The store failed.
    #[error("store")]
    Store(#[from] StoreError),
}

impl IamError {
    /// An error of the API that has no variant of its own.
    pub fn refused(code: &'static str, status: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused { code, status, text: text.into() }
    }

    /// `NoSuchEntity` in AWS's words: `The user with name ann cannot be found.`
    pub fn not_found(kind: &str, name: &str) -> Self {
        Self::NoSuchEntity(format!("The {kind} with name {name} cannot be found."))
    }

    /// `EntityAlreadyExists` in AWS's words: `User with name ann already exists.`
    pub fn taken(kind: &str, name: &str) -> Self {
        Self::EntityAlreadyExists(format!("{kind} with name {name} already exists."))
    }
}

impl From<IamError> for ServiceError {
    fn from(error: IamError) -> Self {
        let text = error.to_string();
        let (code, status) = match error {
            IamError::NoSuchEntity(_) => ("NoSuchEntity", 404),
            IamError::EntityAlreadyExists(_) => ("EntityAlreadyExists", 409),
            IamError::LimitExceeded(_) => ("LimitExceeded", 409),
            IamError::DeleteConflict(_) => ("DeleteConflict", 409),
            IamError::MalformedPolicyDocument(_) => ("MalformedPolicyDocument", 400),
            IamError::InvalidInput(_) => ("InvalidInput", 400),
            IamError::Validation(_) => ("ValidationError", 400),
            IamError::AccessDenied(_) => ("AccessDenied", 403),
            IamError::Refused { code, status, .. } => (code, status),
            IamError::Store(cause) => return Self::internal(cause),
        };
        Self::sender(code, status, text)
    }
}
