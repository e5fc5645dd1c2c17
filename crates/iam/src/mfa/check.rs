//! Whether somebody has the device that they say they have: for whoever gives credentials that say so.

use jiff::Timestamp;
use store::{Changes, View};

use super::record::MfaDeviceRecord;
use super::totp::{Codes, step_at};
use crate::guesses::Pace;
use crate::{IamError, UserRecord};

/// How many steps a code may be early or late. Source: RFC 6238, section 5.2, allows one.
const WINDOW: i64 = 1;

/// Guesses at the codes of one device, and at those of all devices of one user.
const AT_DEVICE: Pace = Pace::slow("mfa-device");
const AT_USER: Pace = Pace::slow("mfa-user");

/// Whether `code` is one that the user's device `serial` shows `now`, and was not taken before. Adds to `changes` what came
/// of it: whoever asks commits them before it tells, or a right code can be used again, and wrong ones cost nothing. After
/// some wrong ones none is looked at for a while.
///
/// # Errors
/// `AccessDenied` in the words of STS, or the store's.
pub(crate) fn check_code(
    view: &View,
    changes: &mut Changes,
    user: &UserRecord,
    serial: &str,
    code: &str,
    now: Timestamp,
) -> Result<(), IamError> {
    let device = view.get::<MfaDeviceRecord>(&(user.account.clone(), serial.to_owned()))?;
    let Some(mut device) = device.filter(|device| device.is_of(user)) else {
        let text = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial \
                    number is valid and associated with this user.";
        return Err(IamError::AccessDenied(text.to_owned()));
    };
    let wrong =
        || IamError::AccessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code. ".to_owned());
    if AT_DEVICE.wait(view, serial, now)?.is_some() {
        return Err(wrong());
    }
    if !take(&mut device, code, now) {
        AT_DEVICE.wrong(view, changes, serial, now)?;
        return Err(wrong());
    }
    AT_DEVICE.right(view, changes, serial)?;
    changes.put(&device)?;
    Ok(())
}

/// Whether `code` is one that some device of the user shows `now`; false for a user without devices. Otherwise as
/// [`check_code`]: who signs in does not say with which device.
///
/// # Errors
/// `AccessDenied` without a right code, or the store's.
pub(crate) fn shows_device(
    view: &View,
    changes: &mut Changes,
    user: &UserRecord,
    code: Option<&str>,
    now: Timestamp,
) -> Result<bool, IamError> {
    let devices = MfaDeviceRecord::of_user(view, user)?;
    if devices.is_empty() {
        return Ok(false);
    }
    let wrong = || IamError::AccessDenied("MultiFactorAuthentication failed".to_owned());
    let has_to_wait = AT_USER.wait(view, &user.id, now)?.is_some();
    let Some(code) = code.filter(|_| !has_to_wait) else { return Err(wrong()) };
    for mut device in devices {
        if take(&mut device, code, now) {
            AT_USER.right(view, changes, &user.id)?;
            changes.put(&device)?;
            return Ok(true);
        }
    }
    AT_USER.wrong(view, changes, &user.id, now)?;
    Err(wrong())
}

/// Whether the device shows `code` now, which is then taken: never again, nor one before it.
fn take(device: &mut MfaDeviceRecord, code: &str, now: Timestamp) -> bool {
    let current = step_at(now) + device.drift;
    let codes = Codes::of(&device.seed);
    let mut steps = (current - WINDOW)..=(current + WINDOW);
    let step = steps.find(|step| device.last_step.is_none_or(|last| *step > last) && codes.is(*step, code));
    device.last_step = step.or(device.last_step);
    step.is_some()
}
