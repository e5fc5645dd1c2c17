//! `ec2:DescribeTags`. Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTags.html>.

use api::ec2::{DescribeTags, DescribeTagsRequest, DescribeTagsResult, TagDescription};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, View};

use super::record::TagRecord;
use super::resource::Resource;
use crate::filters::{Facts, Filters};
use crate::grounds::Grounds;
use crate::paging::Page;
use crate::{Ec2, Ec2Error};

/// More tags than fit a region's store.
const ALL: usize = 10_000_000;

struct Described {
    tag: [(String, String); 1],
    resource: String,
    resource_type: &'static str,
}

impl Facts for Described {
    fn values(&self, name: &str) -> Vec<String> {
        let [(key, value)] = &self.tag;
        match name {
            "key" => vec![key.clone()],
            "value" => vec![value.clone()],
            "resource-id" => vec![self.resource.clone()],
            "resource-type" => vec![self.resource_type.to_owned()],
            _ => Vec::new(),
        }
    }

    fn tags(&self) -> &[(String, String)] {
        &self.tag
    }
}

/// Lists the account's tags by resource and key.
impl Operation<Ec2> for DescribeTags {
    type Error = Ec2Error;

    fn needs(_input: &DescribeTagsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeTags")])
    }

    fn apply(input: &DescribeTagsRequest, view: &View, cx: &Cx) -> Result<Applied<DescribeTagsResult>, Ec2Error> {
        let filters = Filters::read(input.filters.as_ref(), &["key", "value", "resource-id", "resource-type"])?;
        let page = Page::read(
            cx.pages(),
            "DescribeTags",
            &input.filters,
            input.max_results,
            input.next_token.as_deref(),
            false,
        )?;
        let records = view.scan::<TagRecord>(&KeyPrefix::of(&cx.account), None, ALL)?;
        let tags: Vec<Described> = records.into_iter().map(described).filter(|tag| filters.matches(tag)).collect();
        // No id has a NUL, so that this sorts as the pair does.
        let (tags, next_token) = page.cut(tags, |tag| format!("{}\0{}", tag.resource, tag.tag[0].0));
        let tags = tags.into_iter().map(|tag| {
            let [(key, value)] = tag.tag;
            TagDescription {
                key: Some(key),
                value: Some(value),
                resource_id: Some(tag.resource),
                resource_type: Some(tag.resource_type.to_owned()),
            }
        });
        Ok(Applied::read(DescribeTagsResult { tags: Some(tags.collect()), next_token }))
    }
}

fn described(record: TagRecord) -> Described {
    let resource_type = match Resource::parse(&record.resource) {
        Ok(resource) => resource.type_name(),
        // Written by an operation that makes a kind of resource which cannot be tagged later.
        Err(_) => match record.resource.split_once('-').map_or("", |(prefix, _)| prefix) {
            "vol" => "volume",
            "eni" => "network-interface",
            _ => "",
        },
    };
    Described { tag: [(record.key, record.value)], resource: record.resource, resource_type }
}
