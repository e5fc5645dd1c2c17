//! `iam:ListMFADevices`, those of a user; `iam:ListVirtualMFADevices`, those of the account; `iam:GetMFADevice`.
//! Sources: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html> and
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetMFADevice.html>.

use api::iam::{
    GetMFADevice, GetMFADeviceRequest, GetMFADeviceResponse, ListMFADevices, ListMFADevicesRequest,
    ListMFADevicesResponse, ListVirtualMFADevices, ListVirtualMFADevicesRequest, ListVirtualMFADevicesResponse,
    MFADevice, VirtualMFADevice,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::devices::device;
use super::enable::device_of;
use super::record::MfaDeviceRecord;
use crate::holder::{user_of, user_with_id};
use crate::paging::Page;
use crate::users::get::{need, root_of, shown};
use crate::{Iam, IamError};

impl Operation<Iam> for ListMFADevices {
    type Error = IamError;

    fn needs(input: &ListMFADevicesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListMFADevices", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &ListMFADevicesRequest, view: &View, cx: &Cx) -> Result<Applied<ListMFADevicesResponse>, IamError> {
        let user = user_of(input.user_name.as_deref(), view, cx)?;
        let asked = [user.id.as_str()];
        let page = Page::read(cx, "ListMFADevices", &asked, input.max_items, input.marker.as_deref())?;
        let devices = page.of_list(MfaDeviceRecord::of_user(view, &user)?, |device| device.serial.clone());
        let devices = devices.map(|device| MFADevice {
            user_name: user.name.clone(),
            serial_number: device.serial,
            enable_date: device.holder.map_or(device.created, |holder| holder.enabled),
        });
        Ok(Applied::read(ListMFADevicesResponse {
            is_truncated: devices.is_truncated(),
            mfa_devices: devices.items,
            marker: devices.marker,
        }))
    }
}

impl Operation<Iam> for ListVirtualMFADevices {
    type Error = IamError;

    fn needs(_: &ListVirtualMFADevicesRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:ListVirtualMFADevices")])
    }

    fn apply(
        input: &ListVirtualMFADevicesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListVirtualMFADevicesResponse>, IamError> {
        let status = input.assignment_status.as_deref().unwrap_or("Any");
        let page = Page::read(cx, "ListVirtualMFADevices", &[status], input.max_items, input.marker.as_deref())?;
        let last = |device: &MfaDeviceRecord| device.serial.clone();
        let keep = |device: &MfaDeviceRecord| match status {
            "Assigned" => device.holder.is_some(),
            "Unassigned" => device.holder.is_none(),
            _ => true,
        };
        let part = page.scan(view, cx.account.clone(), last, keep)?;
        let is_truncated = part.is_truncated();
        let mut devices = Vec::with_capacity(part.items.len());
        for device in part.items {
            let holder = device.holder.as_ref();
            let user = match holder {
                Some(_) if device.is_roots() => Some(root_of(view, &cx.account, cx.now)?),
                Some(holder) => user_with_id(view, &holder.user)?.as_ref().map(shown),
                None => None,
            };
            devices.push(VirtualMFADevice {
                serial_number: device.serial.clone(),
                user,
                enable_date: holder.map(|holder| holder.enabled),
                ..VirtualMFADevice::default()
            });
        }
        Ok(Applied::read(ListVirtualMFADevicesResponse {
            virtual_mfa_devices: devices,
            is_truncated,
            marker: part.marker,
        }))
    }
}

impl Operation<Iam> for GetMFADevice {
    type Error = IamError;

    fn needs(input: &GetMFADeviceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:GetMFADevice", input.user_name.as_deref(), view, scope)?])
    }

    fn apply(input: &GetMFADeviceRequest, view: &View, cx: &Cx) -> Result<Applied<GetMFADeviceResponse>, IamError> {
        let found = match input.user_name.as_deref() {
            Some(_) => device_of(view, cx, &user_of(input.user_name.as_deref(), view, cx)?, &input.serial_number)?,
            None => device(view, cx, &input.serial_number)?,
        };
        let user = found.holder.as_ref().map(|holder| user_with_id(view, &holder.user)).transpose()?.flatten();
        Ok(Applied::read(GetMFADeviceResponse {
            user_name: user.map(|user| user.name),
            serial_number: found.serial,
            enable_date: found.holder.map(|holder| holder.enabled),
            certifications: None,
        }))
    }
}
