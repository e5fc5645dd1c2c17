//! A code of an MFA device that comes with a call.

use api::Caller;
use store::{Changes, View};

use crate::IamError;

/// What a code proves.
pub(super) enum Shown {
    /// No device was named.
    Nothing,
    /// Possession of the device. What was changed keeps the code from being used again.
    #[allow(dead_code, reason = "devices come")]
    Possession(Changes),
}

/// Whether the caller, a user, has the device that it names and the code that the device shows now.
///
/// # Errors
/// `AccessDenied`: it has not.
pub(super) fn shown(
    _view: &View,
    _caller: &Caller,
    serial: Option<&str>,
    code: Option<&str>,
) -> Result<Shown, IamError> {
    match (serial, code) {
        (None, None) => Ok(Shown::Nothing),
        (Some(_), None) | (None, Some(_)) => {
            let text = "Must provide both MFA serial number and one time pass code.";
            Err(IamError::AccessDenied(format!("MultiFactorAuthentication failed. {text}")))
        }
        (Some(_), Some(_)) => {
            let text = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
            Err(IamError::AccessDenied(text.to_owned()))
        }
    }
}
