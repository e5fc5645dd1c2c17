//! Tags as requests give them: checked here for every operation.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions>.

use std::collections::BTreeSet;

use api::ec2::{Tag, TagSpecification};

use super::{MAX_TAGS, Tags};
use crate::Ec2Error;

/// Longest key and longest value, in characters.
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

/// The tags that `TagSpecifications` give to the resources that the operation makes, in the order of their `types`.
///
/// # Errors
/// `InvalidParameterValue` for another type, for no tags, and for tags that may not be.
pub(crate) fn read_tag_specifications<const N: usize>(
    specifications: Option<&Vec<TagSpecification>>,
    types: [&str; N],
) -> Result<[Tags; N], Ec2Error> {
    let mut given_to = [const { Vec::new() }; N];
    for specification in specifications.into_iter().flatten() {
        let Some(given) = specification.resource_type.as_deref() else {
            return Err(Ec2Error::invalid_value("Tag specification resource type must have a value"));
        };
        let Some(place) = types.iter().position(|known| *known == given) else {
            let text = format!("'{given}' is not a valid taggable resource type for this operation.");
            return Err(Ec2Error::invalid_value(text));
        };
        let tags = specification.tags.as_deref().unwrap_or_default();
        if tags.is_empty() {
            return Err(Ec2Error::invalid_value("Tag specification must have at least one tag"));
        }
        given_to[place].extend_from_slice(tags);
    }
    let mut read = [const { Tags::new() }; N];
    for (tags, given) in read.iter_mut().zip(&given_to) {
        *tags = read_tags(given)?;
        if tags.len() > MAX_TAGS {
            return Err(too_many());
        }
    }
    Ok(read)
}

/// Checks tags that are to be put on something.
///
/// # Errors
/// `InvalidParameterValue` for keys and values that are too long, reserved or twice there.
pub(super) fn read_tags(given: &[Tag]) -> Result<Tags, Ec2Error> {
    let mut seen = BTreeSet::new();
    let mut tags = Vec::with_capacity(given.len());
    for tag in given {
        let key = read_key(tag)?;
        let value = tag.value.as_deref().unwrap_or_default();
        if value.chars().count() > MAX_VALUE {
            return Err(Ec2Error::invalid_value(format!(
                "Tag value exceeds the maximum length of {MAX_VALUE} characters"
            )));
        }
        if !seen.insert(key) {
            return Err(Ec2Error::invalid_value(format!("Duplicate tag key '{key}' specified.")));
        }
        tags.push((key.to_owned(), value.to_owned()));
    }
    Ok(tags)
}

/// The key of a tag that is put or deleted.
///
/// # Errors
/// `InvalidParameterValue` for a key that is too long or reserved.
pub(super) fn read_key(tag: &Tag) -> Result<&str, Ec2Error> {
    let key = tag.key.as_deref().unwrap_or_default();
    if key.is_empty() {
        return Err(Ec2Error::invalid_value("Tag key cannot be null or empty"));
    }
    if key.chars().count() > MAX_KEY {
        return Err(Ec2Error::invalid_value(format!("Tag key exceeds the maximum length of {MAX_KEY} characters")));
    }
    if is_reserved(key) {
        let text = format!(
            "Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use"
        );
        return Err(Ec2Error::invalid_value(text));
    }
    Ok(key)
}

/// Whether a key is one that only the platform itself writes.
pub(super) fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// The refusal of a fifty-first tag.
pub(super) fn too_many() -> Ec2Error {
    Ec2Error::refused("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
}

#[cfg(test)]
mod tests {
    use api::ec2::{Tag, TagSpecification};

    use super::read_tag_specifications;

    fn check(resource_type: &str, tags: &[(&str, &str)], expected: Result<usize, &str>) {
        let tags = tags.iter().map(|(key, value)| Tag { key: Some((*key).into()), value: Some((*value).into()) });
        let given = vec![TagSpecification { resource_type: Some(resource_type.into()), tags: Some(tags.collect()) }];
        let outcome = read_tag_specifications(Some(&given), ["vpc"]).map(|[tags]| tags.len());
        assert_eq!(outcome.map_err(|error| error.to_string()), expected.map_err(ToOwned::to_owned));
    }

    #[test]
    fn restrictions() {
        let (key128, key129) = ("ä".repeat(128), "k".repeat(129));
        check("vpc", &[(&key128, &"v".repeat(256)), ("Name", "")], Ok(2));
        check("vpc", &[("awsome", "x")], Ok(1));
        let long = "InvalidParameterValue: Tag key exceeds the maximum length of 128 characters";
        check("vpc", &[(&key129, "")], Err(long));
        let long = "InvalidParameterValue: Tag value exceeds the maximum length of 256 characters";
        check("vpc", &[("k", &"v".repeat(257))], Err(long));
        check("vpc", &[("k", ""), ("k", "1")], Err("InvalidParameterValue: Duplicate tag key 'k' specified."));
        check("vpc", &[], Err("InvalidParameterValue: Tag specification must have at least one tag"));
        check("vpc", &[("", "v")], Err("InvalidParameterValue: Tag key cannot be null or empty"));
        let reserved = "InvalidParameterValue: Value ( AWS:x ) for parameter key is invalid. \
                        Tag keys starting with 'aws:' are reserved for internal use";
        check("vpc", &[("AWS:x", "")], Err(reserved));
        let other = "InvalidParameterValue: 'subnet' is not a valid taggable resource type for this operation.";
        check("subnet", &[("k", "v")], Err(other));
        let many: Vec<String> = (0..51).map(|number| number.to_string()).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|key| (key.as_str(), "")).collect();
        let refused = "TagLimitExceeded: The maximum number of Tags for a resource has been reached.";
        check("vpc", &many, Err(refused));
        check("vpc", &many[..50], Ok(50));
    }
}
