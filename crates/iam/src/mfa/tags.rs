//! `iam:TagMFADevice`, `iam:UntagMFADevice` and `iam:ListMFADeviceTags`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagMFADevice.html>.

use api::iam::{
    ListMFADeviceTags, ListMFADeviceTagsRequest, ListMFADeviceTagsResponse, TagMFADevice, TagMFADeviceRequest,
    UntagMFADevice, UntagMFADeviceRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::devices::{device, need};
use crate::holder::{page, pairs, put_tags, shown_tags};
use crate::{Iam, IamError};

impl Operation<Iam> for TagMFADevice {
    type Error = IamError;

    fn needs(input: &TagMFADeviceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need("iam:TagMFADevice", &input.serial_number, view, scope)?;
        Ok(vec![need.tagging(pairs(Some(&input.tags)))])
    }

    fn apply(input: &TagMFADeviceRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut device = device(view, cx, &input.serial_number)?;
        put_tags(&mut device.tags, &input.tags)?;
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
        device.tags.retain(|(key, _)| !input.tag_keys.iter().any(|gone| gone.eq_ignore_ascii_case(key)));
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
        let mut tags = device(view, cx, &input.serial_number)?.tags;
        tags.sort();
        let asked = (input.max_items, input.marker.as_deref());
        let part = page(cx, &["ListMFADeviceTags", &input.serial_number], asked, tags, |(key, _)| key.clone())?;
        Ok(Applied::read(ListMFADeviceTagsResponse {
            tags: shown_tags(&part.items),
            is_truncated: part.is_truncated,
            marker: part.marker,
        }))
    }
}
