//! `iam:TagMFADevice`, `iam:UntagMFADevice` and `iam:ListMFADeviceTags`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagMFADevice.html>.

use api::iam::{
    ListMFADeviceTags, ListMFADeviceTagsRequest, ListMFADeviceTagsResponse, TagMFADevice, TagMFADeviceRequest,
    UntagMFADevice, UntagMFADeviceRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::devices::{device, need};
use crate::paging::Page;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError};

impl Operation<Iam> for TagMFADevice {
    type Error = IamError;

    fn needs(input: &TagMFADeviceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need("iam:TagMFADevice", &input.serial_number, view, scope)?;
        Ok(vec![need.tagging(tags::asked(Some(&input.tags)))])
    }

    fn apply(input: &TagMFADeviceRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut device = device(view, cx, &input.serial_number)?;
        tags::add(&mut device.tags, &input.tags, TagCase::Matters)?;
        let mut changes = Changes::new();
        changes.put(&device)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for UntagMFADevice {
    type Error = IamError;

    fn needs(input: &UntagMFADeviceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let mut need = need("iam:UntagMFADevice", &input.serial_number, view, scope)?;
        need.context.set_all("aws:TagKeys", input.tag_keys.clone());
        Ok(vec![need])
    }

    fn apply(input: &UntagMFADeviceRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut device = device(view, cx, &input.serial_number)?;
        tags::remove(&mut device.tags, &input.tag_keys, TagCase::Matters);
        let mut changes = Changes::new();
        changes.put(&device)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for ListMFADeviceTags {
    type Error = IamError;

    fn needs(input: &ListMFADeviceTagsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListMFADeviceTags", &input.serial_number, view, scope)?])
    }

    fn apply(
        input: &ListMFADeviceTagsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListMFADeviceTagsResponse>, IamError> {
        let device = device(view, cx, &input.serial_number)?;
        let asked = [input.serial_number.as_str()];
        let page = Page::read(cx, "ListMFADeviceTags", &asked, input.max_items, input.marker.as_deref())?;
        let tags = page.of_list(device.tags, |(key, _)| key.clone()).map(tags::shown);
        Ok(Applied::read(ListMFADeviceTagsResponse {
            is_truncated: tags.is_truncated(),
            tags: tags.items,
            marker: tags.marker,
        }))
    }
}
