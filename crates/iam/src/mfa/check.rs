//! Whether somebody has the device that they say they have: for whoever gives credentials that say so.

use jiff::Timestamp;
use store::{Changes, View};

use super::guesses::{Guesses, Pace};
use super::record::MfaDeviceRecord;
use super::totp::{Codes, step_at};
use crate::{IamError, UserRecord};

/// How many steps a code may be early or late. Source: RFC 6238, section 5.2, allows one.
const WINDOW: i64 = 1;

static GUESSES: Guesses = Guesses::new(Pace::SLOW);

/// Whether `code` is one that the user's device `serial` shows `now`, and was not taken before. Adds to `changes` that it
/// was: whoever asks commits them, or the code can be used again. After some wrong ones none is looked at for a while.
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
        || IamError::AccessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code. ".into());
    if GUESSES.wait(serial, now).is_some() {
        return Err(wrong());
    }
    let current = step_at(now) + device.drift;
    let codes = Codes::of(&device.seed);
    let mut steps = (current - WINDOW)..=(current + WINDOW);
    let step = steps.find(|step| device.last_step.is_none_or(|last| *step > last) && codes.is(*step, code));
    let Some(step) = step else {
        GUESSES.wrong(serial, now);
        return Err(wrong());
    };
    GUESSES.right(serial);
    device.last_step = Some(step);
    changes.put(&device)?;
    Ok(())
}
