//! Tags of the root, units, accounts and policies.
//! Source: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_TagResource.html>.

use api::organizations::{
    ListTagsForResource, ListTagsForResourceRequest, ListTagsForResourceResponse, Tag, TagResource, TagResourceRequest,
    UntagResource, UntagResourceRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::record::{OrganizationRecord, ScpRecord};
use super::{Organizations, invalid, need, paging, refused, tree};
use crate::IamError;

/// Most tags of one thing.
const MAX_TAGS: usize = 50;

type Tags = Vec<(String, String)>;

/// These tags with those added; of two with one key the later holds.
pub(super) fn merged(mut tags: Tags, added: &[Tag]) -> Result<Tags, IamError> {
    for tag in added {
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("You specified a tag key that begins with aws:, which is reserved for AWS use."));
        }
        match tags.iter_mut().find(|(key, _)| *key == tag.key) {
            Some((_, value)) => value.clone_from(&tag.value),
            None => tags.push((tag.key.clone(), tag.value.clone())),
        }
    }
    if tags.len() > MAX_TAGS {
        let text = "You have exceeded the number of tags allowed on this resource.";
        return Err(refused("ConstraintViolationException", text));
    }
    Ok(tags)
}

fn no_target() -> IamError {
    refused(
        "TargetNotFoundException",
        "We can't find a root, OU, account, or policy with the TargetId that you specified.",
    )
}

/// The tags of the thing with this id.
pub(super) fn read(view: &View, organization: &OrganizationRecord, id: &str) -> Result<Tags, IamError> {
    match id {
        _ if id == organization.root => Ok(organization.root_tags.clone()),
        _ if id.starts_with("ou-") => Ok(tree::unit(view, organization, id).map_err(|_| no_target())?.tags),
        _ if id.starts_with("p-") => {
            let found = view.get::<ScpRecord>(&(organization.id.clone(), id.to_owned()))?;
            Ok(found.ok_or_else(no_target)?.tags)
        }
        _ => Ok(tree::member(view, organization, id).map_err(|_| no_target())?.tags),
    }
}

fn write(view: &View, mut organization: OrganizationRecord, id: &str, tags: Tags) -> Result<Changes, IamError> {
    let mut changes = Changes::new();
    if id == organization.root {
        organization.root_tags = tags;
        changes.put(&organization)?;
    } else if id.starts_with("ou-") {
        let mut unit = tree::unit(view, &organization, id)?;
        unit.tags = tags;
        changes.put(&unit)?;
    } else if id.starts_with("p-") {
        let found = view.get::<ScpRecord>(&(organization.id.clone(), id.to_owned()))?;
        let mut policy = found.ok_or_else(no_target)?;
        policy.tags = tags;
        changes.put(&policy)?;
    } else {
        let mut member = tree::member(view, &organization, id)?;
        member.tags = tags;
        changes.put(&member)?;
    }
    Ok(changes)
}

impl Operation<Organizations> for TagResource {
    type Error = IamError;

    fn needs(input: &TagResourceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let given: Vec<(&str, &str)> = input.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
        let needs = need::on("organizations:TagResource", &[&input.resource_id], view, scope)?;
        Ok(needs.into_iter().map(|need| need.tagging(given.iter().copied())).collect())
    }

    fn apply(input: &TagResourceRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let organization = tree::managed(view, cx)?;
        let tags = merged(read(view, &organization, &input.resource_id)?, &input.tags)?;
        Ok(Applied::with((), write(view, organization, &input.resource_id, tags)?))
    }
}

impl Operation<Organizations> for UntagResource {
    type Error = IamError;

    fn needs(input: &UntagResourceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let mut needs = need::on("organizations:UntagResource", &[&input.resource_id], view, scope)?;
        for need in &mut needs {
            need.context.set_all("aws:TagKeys", input.tag_keys.clone());
        }
        Ok(needs)
    }

    fn apply(input: &UntagResourceRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let organization = tree::managed(view, cx)?;
        let mut tags = read(view, &organization, &input.resource_id)?;
        tags.retain(|(key, _)| !input.tag_keys.contains(key));
        Ok(Applied::with((), write(view, organization, &input.resource_id, tags)?))
    }
}

impl Operation<Organizations> for ListTagsForResource {
    type Error = IamError;

    fn needs(input: &ListTagsForResourceRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:ListTagsForResource", &[&input.resource_id], view, scope)
    }

    fn apply(
        input: &ListTagsForResourceRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListTagsForResourceResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let mut tags = read(view, &organization, &input.resource_id)?;
        tags.sort();
        let list = ["ListTagsForResource", &input.resource_id];
        let asked = (None, input.next_token.as_deref());
        let (page, next_token) = paging::page(cx, &list, asked, tags, |(key, _)| key.clone())?;
        let tags = page.into_iter().map(|(key, value)| Tag { key, value }).collect();
        Ok(Applied::read(ListTagsForResourceResponse { tags: Some(tags), next_token }))
    }
}
