//! `iam:EnableMFADevice`: gives a device to a user who proves to have it, by two codes in a row; `iam:ResyncMFADevice`,
//! which measures its clock anew; and `iam:DeactivateMFADevice`, which takes it away. A root user, whose devices AWS's console
//! alone handles, does the same here with the account's id as the user's name.
//! Sources: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html> and
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeactivateMFADevice.html>.

use api::Principal;
use api::iam::{
    DeactivateMFADevice, DeactivateMFADeviceRequest, EnableMFADevice, EnableMFADeviceRequest, ResyncMFADevice,
    ResyncMFADeviceRequest,
};
use jiff::Timestamp;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::devices::device;
use super::record::{MAX_OF_USER, MfaDeviceRecord, MfaHolder};
use super::totp::{Codes, step_at};
use crate::holder::{user_of, within_quota};
use crate::users::get::need;
use crate::{Iam, IamError, UserRecord};

/// How far the clock of a device may be off when it is enabled, in steps: five minutes.
const ENABLE_WINDOW: i64 = 10;
/// How far when it is synchronised: an hour.
const RESYNC_WINDOW: i64 = 120;

impl Operation<Iam> for EnableMFADevice {
    type Error = IamError;

    fn needs(input: &EnableMFADeviceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:EnableMFADevice", Some(&input.user_name), view, scope)?])
    }

    fn apply(input: &EnableMFADeviceRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let holder = holder(Some(&input.user_name), view, cx)?;
        let mut device = device(view, cx, &input.serial_number)?;
        if device.holder.is_some() {
            return Err(IamError::EntityAlreadyExists("MFA Device is already in use.".to_owned()));
        }
        within_quota(MfaDeviceRecord::held_by(view, &cx.account, &holder)?.len(), MAX_OF_USER, "MFADevicesPerUser")?;
        let (first, second) = (&input.authentication_code1, &input.authentication_code2);
        synchronise(&mut device, first, second, ENABLE_WINDOW, cx.now)?;
        device.holder = Some(MfaHolder { user: holder, enabled: cx.now });
        put(&device)
    }
}

impl Operation<Iam> for ResyncMFADevice {
    type Error = IamError;

    fn needs(input: &ResyncMFADeviceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ResyncMFADevice", Some(&input.user_name), view, scope)?])
    }

    fn apply(input: &ResyncMFADeviceRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let holder = holder(Some(&input.user_name), view, cx)?;
        let mut device = device_held_by(view, cx, &holder, &input.serial_number)?;
        let (first, second) = (&input.authentication_code1, &input.authentication_code2);
        synchronise(&mut device, first, second, RESYNC_WINDOW, cx.now)?;
        put(&device)
    }
}

impl Operation<Iam> for DeactivateMFADevice {
    type Error = IamError;

    fn needs(input: &DeactivateMFADeviceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeactivateMFADevice", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &DeactivateMFADeviceRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let holder = holder(input.user_name.as_deref(), view, cx)?;
        let mut device = device_held_by(view, cx, &holder, &input.serial_number)?;
        device.holder = None;
        put(&device)
    }
}

fn put(device: &MfaDeviceRecord) -> Result<Applied<()>, IamError> {
    let mut changes = Changes::new();
    changes.put(device)?;
    Ok(Applied::with((), changes))
}

/// The unique id of the user that a call names, or else of the one that calls. Only the root user itself names itself.
fn holder(name: Option<&str>, view: &View, cx: &Cx) -> Result<String, IamError> {
    let is_root = cx.call.caller.principal == Principal::Root;
    if is_root && name.is_none_or(|name| name == cx.account.as_str()) {
        return Ok(cx.account.to_string());
    }
    Ok(user_of(name, view, cx)?.id)
}

/// The device of this serial number, if it is the user's.
pub(super) fn device_of(view: &View, cx: &Cx, user: &UserRecord, serial: &str) -> Result<MfaDeviceRecord, IamError> {
    device_held_by(view, cx, &user.id, serial)
}

fn device_held_by(view: &View, cx: &Cx, holder: &str, serial: &str) -> Result<MfaDeviceRecord, IamError> {
    let device = view.get::<MfaDeviceRecord>(&(cx.account.clone(), serial.to_owned()))?;
    let missing = || IamError::NoSuchEntity(format!("MFA Device with serial number {serial} does not exist."));
    let others = || IamError::NoSuchEntity("MFA Device invalid for user.".to_owned());
    device.ok_or_else(missing).and_then(|device| if device.is_held_by(holder) { Ok(device) } else { Err(others()) })
}

/// Finds by two codes in a row how far the clock of a device is from ours. Both are used up by that.
fn synchronise(
    device: &mut MfaDeviceRecord,
    first: &str,
    second: &str,
    window: i64,
    now: Timestamp,
) -> Result<(), IamError> {
    let codes = Codes::of(&device.seed);
    let current = step_at(now);
    let least = device.last_step.map_or(i64::MIN, |last| last + 1);
    // The nearest first: a device that is right shall not be taken for one that is off by an hour.
    let nearest = (0..=window).flat_map(|distance| [current - distance, current + distance]);
    let Some(step) = codes.find_pair(nearest.filter(|step| *step >= least), first, second) else {
        let text = "Authentication code for device is not valid.";
        return Err(IamError::refused("InvalidAuthenticationCode", 403, text));
    };
    // People type the code that is shown and the one after it, so the second is the present one, or both are soon past.
    let drift = step + 1 - current;
    device.drift = if (-2..=1).contains(&drift) { 0 } else { drift };
    device.last_step = Some(step + 1);
    Ok(())
}
