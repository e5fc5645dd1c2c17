//! What is asked of a login, and why it is refused.

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use store::StoreError;

use crate::IamError;

/// What somebody brings to sign in.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The account: its id or its alias.
    pub account: String,
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
    /// What the MFA device shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The password to set in place of one that is no longer good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_password: Option<String>,
    /// For how many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
}

impl fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRequest").field("account", &self.account).field("user", &self.user).finish_non_exhaustive()
    }
}

/// What somebody brings to end a session.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogoutRequest {
    /// The session's access key id.
    pub access_key: String,
    /// Its token.
    pub token: String,
}

/// Why somebody is not let in. What is said to those who prove nothing is the same whatever was wrong.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The account, the user, the password or the code.
    #[error("The account, the user, the password or the code is wrong.")]
    Wrong,
    /// Who it is has been proven, and the password is to be replaced.
    #[error("The password must be changed now.")]
    NewPasswordNeeded,
    /// Who it is has been proven, and the password has expired for good.
    #[error("The password has expired; an administrator of the account must set another one.")]
    Expired,
    /// The new password is not taken; why, in AWS's words.
    #[error("{0}")]
    NotTaken(String),
    /// So long a session is not given.
    #[error("A login lasts from 15 minutes to 36 hours.")]
    Duration,
    /// Too many tries; the next one is looked at after that time.
    #[error("Too many tries; try again in {} s.", .0.as_secs().max(1))]
    Slow(SignedDuration),
    /// Too many people sign in at once.
    #[error("Too many people sign in at once; try again.")]
    Busy,
    /// The store failed.
    #[error("store")]
    Store(#[from] StoreError),
}

impl From<IamError> for LoginError {
    fn from(error: IamError) -> Self {
        match error {
            IamError::Store(cause) => Self::Store(cause),
            IamError::Refused { code: "PasswordPolicyViolation", text, .. } => Self::NotTaken(text.into_owned()),
            IamError::Refused { code: "Throttling", .. } => Self::Busy,
            _ => Self::Wrong,
        }
    }
}
