//! `iam:CreateVirtualMFADevice` and its mirror image: a device that nobody holds yet, and its end. The seed is shown once.
//! Sources: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html> and
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html>.

use api::iam::{
    CreateVirtualMFADevice, CreateVirtualMFADeviceRequest, CreateVirtualMFADeviceResponse, DeleteVirtualMFADevice,
    DeleteVirtualMFADeviceRequest, VirtualMFADevice,
};
use bytes::Bytes;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::qr;
use super::record::MfaDeviceRecord;
use super::totp::new_seed;
use crate::holder::need_on;
use crate::names::arn;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError, UserRecord};

impl Operation<Iam> for CreateVirtualMFADevice {
    type Error = IamError;

    fn needs(input: &CreateVirtualMFADeviceRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let path = input.path.as_deref().unwrap_or("/");
        let need =
            need_on("iam:CreateVirtualMFADevice", "mfa", &format!("{path}{}", input.virtual_mfa_device_name), scope);
        Ok(vec![need.tagging(tags::asked(input.tags.as_deref()))])
    }

    fn apply(
        input: &CreateVirtualMFADeviceRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateVirtualMFADeviceResponse>, IamError> {
        let name = &input.virtual_mfa_device_name;
        let serial = arn(&cx.account, "mfa", input.path.as_deref().unwrap_or("/"), name);
        if view.contains::<MfaDeviceRecord>(&(cx.account.clone(), serial.clone()))? {
            let text = "MFA device already exists.";
            return Err(IamError::EntityAlreadyExists(text.to_owned()));
        }
        let seed = new_seed(cx.random());
        let address = format!("otpauth://totp/{name}@{}?secret={seed}", cx.account);
        let device = MfaDeviceRecord {
            account: cx.account.clone(),
            serial: serial.clone(),
            seed: seed.clone(),
            created: cx.now,
            tags: tags::new(input.tags.as_deref(), TagCase::Matters)?,
            holder: None,
            drift: 0,
            last_step: None,
        };
        let mut changes = Changes::new();
        changes.put(&device)?;
        let shown = VirtualMFADevice {
            serial_number: serial,
            base32_string_seed: Some(Bytes::from(seed)),
            qr_code_png: qr::png(&address),
            tags: tags::all_shown(&device.tags),
            ..VirtualMFADevice::default()
        };
        Ok(Applied::with(CreateVirtualMFADeviceResponse { virtual_mfa_device: shown }, changes))
    }
}

impl Operation<Iam> for DeleteVirtualMFADevice {
    type Error = IamError;

    fn needs(input: &DeleteVirtualMFADeviceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:DeleteVirtualMFADevice", &input.serial_number, view, scope)?])
    }

    fn apply(input: &DeleteVirtualMFADeviceRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let device = device(view, cx, &input.serial_number)?;
        if device.holder.is_some() {
            return Err(IamError::DeleteConflict("MFA VirtualDevice in use. Must deactivate first.".to_owned()));
        }
        let mut changes = Changes::new();
        changes.delete::<MfaDeviceRecord>(&(cx.account.clone(), device.serial));
        Ok(Applied::with((), changes))
    }
}

/// What an action on a device needs.
pub(super) fn need(action: &'static str, serial: &str, view: &View, scope: &Scope) -> Result<Need, IamError> {
    let Some(account) = &scope.account else { return Ok(Need::any(action)) };
    let prefix = format!("arn:aws:iam::{account}:mfa");
    let name = serial.strip_prefix(&prefix).map_or_else(|| format!("/{serial}"), str::to_owned);
    let found = view.get::<MfaDeviceRecord>(&(account.clone(), serial.to_owned()))?;
    let tags = found.as_ref().map_or([].as_slice(), |device| &device.tags);
    Ok(need_on(action, "mfa", &name, scope).tagged(tags::pairs(tags)))
}

/// The device with this serial number.
pub(super) fn device(view: &View, cx: &Cx, serial: &str) -> Result<MfaDeviceRecord, IamError> {
    let found = view.get::<MfaDeviceRecord>(&(cx.account.clone(), serial.to_owned()))?;
    found.ok_or_else(|| IamError::NoSuchEntity(format!("MFA Device with serial number {serial} does not exist.")))
}

/// Whether a user has a device: such a user cannot be deleted.
pub(crate) fn has_devices(view: &View, user: &UserRecord) -> Result<bool, IamError> {
    Ok(!MfaDeviceRecord::of_user(view, user)?.is_empty())
}
