//! A code of an MFA device that comes with a call.

use api::{Caller, Principal};
use jiff::Timestamp;
use service::Despite;
use store::{Changes, View};

use crate::mfa::check_code;
use crate::names::folded;
use crate::{IamError, UserRecord};

/// What a code proves.
pub(super) enum Shown {
    /// No device was named.
    Nothing,
    /// Possession of the device. What was changed keeps the code from being used again.
    Possession(Changes),
}

/// Whether the caller, a user, has the device that it names and the code that the device shows now. That it has not is
/// noted in `despite`.
///
/// # Errors
/// `AccessDenied`: it has not.
pub(super) fn shown(
    view: &View,
    caller: &Caller,
    serial: Option<&str>,
    code: Option<&str>,
    (now, despite): (Timestamp, &Despite),
) -> Result<Shown, IamError> {
    let (serial, code) = match (serial, code) {
        (None, None) => return Ok(Shown::Nothing),
        (Some(serial), Some(code)) => (serial, code),
        (Some(_), None) | (None, Some(_)) => {
            return Err(refused(", must provide both MFA serial number and one time pass code. "));
        }
    };
    let user = match (&caller.principal, &caller.account) {
        (Principal::User { name, id, .. }, Some(account)) => {
            let user = view.get::<UserRecord>(&(account.clone(), folded(name)))?;
            user.filter(|user| user.id == *id)
        }
        _ => None,
    };
    let user = user.ok_or_else(|| refused(" with invalid MFA one time pass code. "))?;
    let mut used = Changes::new();
    match check_code(view, &mut used, &user, serial, code, now) {
        Ok(()) => Ok(Shown::Possession(used)),
        Err(error) => {
            despite.add(used);
            Err(error)
        }
    }
}

fn refused(why: &str) -> IamError {
    IamError::AccessDenied(format!("MultiFactorAuthentication failed{why}"))
}
