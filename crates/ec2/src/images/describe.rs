//! `ec2:DescribeImages`: the images that the caller may launch or owns.
//! The region's own images belong to no account: their owner is shown as twelve zeros, without an alias, as they are
//! not Amazon's. They are roots on instance store, as there are no volumes yet.

use api::ec2::{DescribeImages, DescribeImagesRequest, DescribeImagesResult, Image};
use ids::{AccountId, ImageId};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, Position, StoreError, View};

use super::record::ImageRecord;
use crate::filters::{Facts, Filters};
use crate::grounds::Grounds;
use crate::paging::Page;
use crate::text::{iso_time, yes_no};
use crate::{Ec2, Ec2Error};

/// Who the region's own images are shown to belong to.
const REGION_OWNER: &str = "000000000000";
const FILTERS: &[&str] = &[
    "architecture",
    "block-device-mapping.device-name",
    "creation-date",
    "description",
    "ena-support",
    "hypervisor",
    "image-id",
    "image-type",
    "is-public",
    "name",
    "owner-alias",
    "owner-id",
    "platform",
    "root-device-name",
    "root-device-type",
    "state",
    "virtualization-type",
];
const MISSING: &str = "InvalidAMIID.NotFound";
/// Records read at a time.
const CHUNK: usize = 500;

impl Operation<Ec2> for DescribeImages {
    type Error = Ec2Error;

    fn needs(_input: &DescribeImagesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeImages")])
    }

    fn apply(input: &DescribeImagesRequest, view: &View, cx: &Cx) -> Result<Applied<DescribeImagesResult>, Ec2Error> {
        let filters = Filters::read(input.filters.as_ref(), FILTERS)?;
        let page = Page::read(
            cx.pages(),
            "DescribeImages",
            &(&input.filters, &input.owners, &input.image_ids),
            input.max_results,
            input.next_token.as_deref(),
            false,
        )?;
        let ids = input.image_ids.as_deref().unwrap_or_default();
        let records = if ids.is_empty() { all(view)? } else { named(view, ids, &cx.account)? };
        let images = records
            .into_iter()
            .filter(|record| is_visible(record, &cx.account))
            .filter(|record| has_owner(record, input.owners.as_deref().unwrap_or_default(), &cx.account))
            .filter(|record| is_executable(record, input.executable_users.as_deref().unwrap_or_default()))
            .map(|record| shown(&record))
            .filter(|image| filters.matches(image))
            .collect();
        let (images, next_token) = page.cut(images, |image| image.image_id.clone().unwrap_or_default());
        Ok(Applied::read(DescribeImagesResult { images: Some(images), next_token }))
    }
}

/// The image with this id, if the account may launch it.
///
/// # Errors
/// `InvalidAMIID.Malformed`, `InvalidAMIID.NotFound`.
pub(crate) fn find_image(view: &View, text: &str, account: &AccountId) -> Result<ImageRecord, Ec2Error> {
    let id: ImageId = text.parse().map_err(|_| {
        let text = format!("Invalid id: \"{text}\" (expecting \"ami-...\")");
        Ec2Error::refused("InvalidAMIID.Malformed", text)
    })?;
    let found = view.get::<ImageRecord>(&id)?.filter(|record| is_visible(record, account));
    found.ok_or_else(|| Ec2Error::refused(MISSING, format!("The image id '[{text}]' does not exist")))
}

fn all(view: &View) -> Result<Vec<ImageRecord>, StoreError> {
    let mut records: Vec<ImageRecord> = Vec::new();
    loop {
        let after = records.last().map(|last| Position::after(last.id.clone()));
        let chunk = view.scan(&KeyPrefix::all(), after.as_ref(), CHUNK)?;
        let is_last = chunk.len() < CHUNK;
        records.extend(chunk);
        if is_last {
            return Ok(records);
        }
    }
}

fn named(view: &View, ids: &[String], account: &AccountId) -> Result<Vec<ImageRecord>, Ec2Error> {
    let found: Vec<_> = ids.iter().map(|id| find_image(view, id, account)).collect();
    let is_missing = |found: &Result<ImageRecord, Ec2Error>| matches!(found, Err(Ec2Error::Refused { code, .. }) if *code == MISSING);
    let missing: Vec<&str> =
        ids.iter().zip(&found).filter(|(_, found)| is_missing(found)).map(|(id, _)| id.as_str()).collect();
    if missing.len() > 1 && found.iter().all(|found| found.is_ok() || is_missing(found)) {
        return Err(Ec2Error::refused(MISSING, format!("The image ids '[{}]' do not exist", missing.join(", "))));
    }
    let mut records = found.into_iter().collect::<Result<Vec<_>, _>>()?;
    records.sort_by(|left, right| left.id.cmp(&right.id));
    records.dedup_by(|left, right| left.id == right.id);
    Ok(records)
}

fn is_visible(record: &ImageRecord, account: &AccountId) -> bool {
    record.is_public || record.owner.as_ref() == Some(account)
}

fn has_owner(record: &ImageRecord, wanted: &[String], account: &AccountId) -> bool {
    wanted.is_empty()
        || wanted.iter().any(|wanted| match wanted.as_str() {
            "self" => record.owner.as_ref() == Some(account),
            wanted => wanted == owner(record),
        })
}

/// Launch permissions are not built: an image is its owner's alone, or everyone's.
fn is_executable(record: &ImageRecord, wanted: &[String]) -> bool {
    wanted.is_empty()
        || wanted.iter().any(|wanted| match wanted.as_str() {
            "all" => record.is_public,
            _ => false,
        })
}

fn owner(record: &ImageRecord) -> &str {
    record.owner.as_ref().map_or(REGION_OWNER, AccountId::as_str)
}

fn shown(record: &ImageRecord) -> Image {
    Image {
        image_id: Some(record.id.to_string()),
        image_location: Some(format!("{}/{}", owner(record), record.name)),
        image_type: Some("machine".to_owned()),
        name: Some(record.name.clone()),
        description: Some(record.description.clone()).filter(|text| !text.is_empty()),
        owner_id: Some(owner(record).to_owned()),
        state: Some("available".to_owned()),
        public: Some(record.is_public),
        architecture: Some(record.architecture.clone()),
        creation_date: Some(iso_time(record.created)),
        platform_details: Some("Linux/UNIX".to_owned()),
        usage_operation: Some("RunInstances".to_owned()),
        root_device_type: Some("instance-store".to_owned()),
        root_device_name: record.source.root.as_ref().map(|_| crate::instances::ROOT_DEVICE.to_owned()),
        virtualization_type: Some("hvm".to_owned()),
        hypervisor: Some("xen".to_owned()),
        ena_support: Some(false),
        block_device_mappings: Some(Vec::new()),
        product_codes: Some(Vec::new()),
        ..Image::default()
    }
}

impl Facts for Image {
    fn values(&self, name: &str) -> Vec<String> {
        let value = match name {
            "architecture" => self.architecture.clone(),
            "creation-date" => self.creation_date.clone(),
            "description" => self.description.clone(),
            "ena-support" => self.ena_support.map(yes_no),
            "hypervisor" => self.hypervisor.clone(),
            "image-id" => self.image_id.clone(),
            "image-type" => self.image_type.clone(),
            "is-public" => self.public.map(yes_no),
            "name" => self.name.clone(),
            "owner-alias" => self.image_owner_alias.clone(),
            "owner-id" => self.owner_id.clone(),
            "platform" => self.platform.clone(),
            "root-device-name" => self.root_device_name.clone(),
            "root-device-type" => self.root_device_type.clone(),
            "state" => self.state.clone(),
            "virtualization-type" => self.virtualization_type.clone(),
            _ => None,
        };
        value.into_iter().collect()
    }

    /// Images cannot be tagged yet: those of the region belong to nobody.
    fn tags(&self) -> &[(String, String)] {
        &[]
    }
}
