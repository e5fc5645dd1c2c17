//! Tags of objects: as a header writes them, and what they may be.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>.

use std::collections::BTreeMap;

use wire::parse_query;

use super::error::ObjectError;
use crate::S3Error;

/// The most tags of an object.
const MAX_TAGS: usize = 10;
/// The most characters of a key.
const MAX_KEY: usize = 128;
/// The most characters of a value.
const MAX_VALUE: usize = 256;

/// The tags of the header `x-amz-tagging`, which are written as in a query.
///
/// # Errors
/// `InvalidArgument` for what is no query or has a key twice; those of [`check`].
pub(crate) fn read_header(header: Option<&str>) -> Result<BTreeMap<String, String>, S3Error> {
    let Some(header) = header else { return Ok(BTreeMap::new()) };
    let text = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.";
    let refused = || S3Error::argument("x-amz-tagging", header, text);
    let mut tags = BTreeMap::new();
    // An equals sign within a value must be encoded, or it is taken for a sign of having forgotten the ampersand.
    if header.split('&').any(|pair| pair.matches('=').count() > 1) {
        return Err(refused());
    }
    for (key, value) in parse_query(header).map_err(|_| refused())? {
        if tags.insert(key, value.unwrap_or_default()).is_some() {
            return Err(refused());
        }
    }
    check(&tags)?;
    Ok(tags)
}

/// The tags of a tag set.
///
/// # Errors
/// `InvalidTag` for a key that comes twice; those of [`check`].
pub(crate) fn read_set<'a>(
    set: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<BTreeMap<String, String>, S3Error> {
    let mut tags = BTreeMap::new();
    for (key, value) in set {
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            let text = "Cannot provide multiple Tags with the same key";
            return Err(ObjectError::InvalidTag { text, key: Some(key.to_owned()) }.into());
        }
    }
    check(&tags)?;
    Ok(tags)
}

/// Refuses what cannot be the tags of an object.
///
/// # Errors
/// [`ObjectError::TooManyTags`], [`ObjectError::InvalidTag`].
fn check(tags: &BTreeMap<String, String>) -> Result<(), S3Error> {
    if tags.len() > MAX_TAGS {
        return Err(ObjectError::TooManyTags.into());
    }
    for (key, value) in tags {
        let refused = |text| Err(ObjectError::InvalidTag { text, key: Some(key.clone()) }.into());
        if key.is_empty() || key.chars().count() > MAX_KEY || !key.chars().all(is_allowed) {
            return refused("The TagKey you have provided is invalid");
        }
        if key.starts_with("aws:") {
            return refused("Your TagKey cannot be prefixed with aws:");
        }
        if value.chars().count() > MAX_VALUE || !value.chars().all(is_allowed) {
            return refused("The TagValue you have provided is invalid");
        }
    }
    Ok(())
}

fn is_allowed(letter: char) -> bool {
    letter.is_alphanumeric() || letter.is_whitespace() || "+-=._:/@".contains(letter)
}

#[cfg(test)]
mod tests {
    use wire::ServiceError;

    use super::{read_header, read_set};

    fn code<T>(read: Result<T, crate::S3Error>) -> String {
        read.map_or_else(|error| ServiceError::from(error).code.into_owned(), |_| "ok".to_owned())
    }

    #[test]
    fn what_tags_may_be() {
        let long = |length| "é".repeat(length);
        for (key, value, expected) in [
            ("k", "", "ok"),
            ("k +-=._:/@", "v", "ok"),
            ("", "v", "InvalidTag"),
            ("aws:k", "v", "InvalidTag"),
            ("k", "a&b", "InvalidTag"),
            ("k?", "b", "InvalidTag"),
            (&long(128), &long(256), "ok"),
            (&long(129), "", "InvalidTag"),
            ("k", &long(257), "InvalidTag"),
        ] {
            assert_eq!(code(read_set([(key, value)])), expected, "{key}={value}");
        }
        assert_eq!(code(read_set([("a", "1"), ("a", "2")])), "InvalidTag");
    }

    #[test]
    fn the_header_is_a_query() {
        let tags = read_header(Some("a=b&c%20d=e+f&g")).unwrap();
        assert_eq!(
            tags.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(),
            ["a=b", "c d=e f", "g="]
        );
        assert!(read_header(None).unwrap().is_empty());
        assert_eq!(code(read_header(Some("a=1&a=2"))), "InvalidArgument");
        assert_eq!(code(read_header(Some("a=%ff"))), "InvalidArgument");
        assert_eq!(code(read_header(Some("a=1,b=2"))), "InvalidArgument");
        assert_eq!(code(read_header(Some("a=1%3D2"))), "ok");
        let many: Vec<String> = (0..11).map(|number| format!("k{number}=v")).collect();
        assert_eq!(code(read_header(Some(&many.join("&")))), "BadRequest");
    }
}
