//! `ec2:CreateTags` and `ec2:DeleteTags`.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>, `API_DeleteTags.html`.

use api::ec2::{CreateTags, CreateTagsRequest, DeleteTags, DeleteTagsRequest};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, StoreError, View};

use super::given::{is_reserved, read_key, read_tags, too_many};
use super::record::TagRecord;
use super::resource::Resource;
use super::{MAX_TAGS, put_tags, tags_of};
use crate::grounds::Grounds;
use crate::{Ec2, Ec2Error};

/// Most resources of one call.
const MAX_RESOURCES: usize = 1000;
/// Most tags that one call writes; what the store takes in one transaction.
const MAX_CHANGES: usize = 10_000;

/// Puts tags on resources: all of them on all of them, or none.
impl Operation<Ec2> for CreateTags {
    type Error = Ec2Error;

    fn needs(input: &CreateTagsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let tags = || input.tags.iter().map(|tag| (text(&tag.key), text(&tag.value)));
        let needs = needs("ec2:CreateTags", &input.resources, &Grounds::new(view, scope))?;
        Ok(needs.into_iter().map(|need| need.tagging(tags())).collect())
    }

    fn apply(input: &CreateTagsRequest, view: &View, cx: &Cx) -> Result<Applied<()>, Ec2Error> {
        let tags = read_tags(&input.tags)?;
        if tags.is_empty() {
            return Err(Ec2Error::missing("tagSet"));
        }
        let resources = read_resources(&input.resources, view, cx)?;
        let mut changes = Changes::new();
        for resource in resources {
            let old = tags_of(view, &cx.account, resource.id())?;
            let kept = old.iter().filter(|(key, _)| !is_reserved(key) && !tags.iter().any(|(new, _)| new == key));
            if kept.count() + tags.len() > MAX_TAGS {
                return Err(too_many());
            }
            put_tags(&mut changes, &cx.account, resource.id(), &tags)?;
        }
        bounded(changes)
    }
}

/// Takes tags off resources: those with the given keys (and values, where given), or all but the reserved ones. What
/// is not there is no error.
impl Operation<Ec2> for DeleteTags {
    type Error = Ec2Error;

    fn needs(input: &DeleteTagsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        // A tag without a value stands for every value, so there is none to ask about.
        let given = input.tags.as_deref().unwrap_or_default();
        let valued = given.iter().filter(|tag| tag.value.is_some());
        let tags: Vec<(&str, &str)> = valued.map(|tag| (text(&tag.key), text(&tag.value))).collect();
        let keys: Vec<String> = given.iter().map(|tag| text(&tag.key).to_owned()).collect();
        let mut needs = needs("ec2:DeleteTags", &input.resources, &Grounds::new(view, scope))?;
        for need in &mut needs {
            *need = need.clone().tagging(tags.iter().copied());
            if !keys.is_empty() {
                need.context.set_all("aws:TagKeys", keys.clone());
            }
        }
        Ok(needs)
    }

    fn apply(input: &DeleteTagsRequest, view: &View, cx: &Cx) -> Result<Applied<()>, Ec2Error> {
        let given = input.tags.as_deref().unwrap_or_default();
        let wanted = given
            .iter()
            .map(|tag| Ok((read_key(tag)?, tag.value.as_deref())))
            .collect::<Result<Vec<(&str, Option<&str>)>, Ec2Error>>()?;
        let mut changes = Changes::new();
        for resource in read_resources(&input.resources, view, cx)? {
            for (key, value) in tags_of(view, &cx.account, resource.id())? {
                let is_named =
                    wanted.iter().any(|(own, only)| *own == key && only.is_none_or(|only| only == value.as_str()));
                if (wanted.is_empty() && !is_reserved(&key)) || is_named {
                    changes.delete::<TagRecord>(&(cx.account.clone(), resource.id().to_owned(), key));
                }
            }
        }
        bounded(changes)
    }
}

fn needs(action: &'static str, resources: &[String], grounds: &Grounds<'_>) -> Result<Vec<Need>, StoreError> {
    let known = resources.iter().take(MAX_RESOURCES).filter_map(|id| Resource::parse(id).ok());
    let known: Vec<Need> = known.map(|resource| resource.need(action, grounds)).collect::<Result<_, _>>()?;
    Ok(if known.is_empty() { vec![grounds.any(action)] } else { known })
}

fn text(part: &Option<String>) -> &str {
    part.as_deref().unwrap_or_default()
}

fn read_resources(given: &[String], view: &View, cx: &Cx) -> Result<Vec<Resource>, Ec2Error> {
    if given.is_empty() {
        return Err(Ec2Error::missing("resourceIdSet"));
    }
    if given.len() > MAX_RESOURCES {
        return Err(Ec2Error::invalid_value(format!("The maximum number of resources is {MAX_RESOURCES}.")));
    }
    let resources: Vec<Resource> = given.iter().map(|id| Resource::parse(id)).collect::<Result<_, _>>()?;
    for resource in &resources {
        resource.require(view, &cx.account)?;
    }
    Ok(resources)
}

fn bounded(changes: Changes) -> Result<Applied<()>, Ec2Error> {
    if changes.len() > MAX_CHANGES {
        return Err(Ec2Error::invalid_value(format!("No more than {MAX_CHANGES} tags can be changed in one call.")));
    }
    Ok(Applied::with((), changes))
}
