//! Tags of what IAM keeps. How many there may be in a request, and how long, the model says; here is the rest.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>.

use api::iam::Tag;

use crate::IamError;

/// Most tags of one thing.
const MAX: usize = 50;

/// Whether keys that differ in case alone are the same: they are for users and roles, and for nothing else.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules_creating>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TagCase {
    /// `Team` and `team` are one key.
    Ignored,
    /// They are two.
    Matters,
}

impl TagCase {
    fn is_same(self, one: &str, other: &str) -> bool {
        match self {
            Self::Ignored => one.to_lowercase() == other.to_lowercase(),
            Self::Matters => one == other,
        }
    }
}

/// The tags of a new thing.
///
/// # Errors
/// As [`add`].
pub(crate) fn new(tags: Option<&[Tag]>, case: TagCase) -> Result<Vec<(String, String)>, IamError> {
    let mut list = Vec::new();
    add(&mut list, tags.unwrap_or_default(), case)?;
    Ok(list)
}

/// Adds tags; one whose key is there already replaces it.
///
/// # Errors
/// `InvalidInput` for a key that is given twice or is AWS's own, `LimitExceeded` for too many.
pub(crate) fn add(list: &mut Vec<(String, String)>, tags: &[Tag], case: TagCase) -> Result<(), IamError> {
    for (at, tag) in tags.iter().enumerate() {
        if tag.key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            let text = "Tag keys that begin with aws: are reserved for system use.";
            return Err(IamError::InvalidInput(text.to_owned()));
        }
        if tags.iter().take(at).any(|earlier| case.is_same(&earlier.key, &tag.key)) {
            let text = match case {
                TagCase::Ignored => "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                TagCase::Matters => "Duplicate tag keys found.",
            };
            return Err(IamError::InvalidInput(text.to_owned()));
        }
    }
    for tag in tags {
        let pair = (tag.key.clone(), tag.value.clone());
        match list.iter_mut().find(|(key, _)| case.is_same(key, &tag.key)) {
            Some(old) => *old = pair,
            None => list.push(pair),
        }
    }
    if list.len() > MAX {
        return Err(IamError::LimitExceeded("The number of tags has reached the maximum limit.".to_owned()));
    }
    Ok(())
}

/// Takes tags away; keys that are not there don't matter.
pub(crate) fn remove(list: &mut Vec<(String, String)>, keys: &[String], case: TagCase) {
    list.retain(|(key, _)| !keys.iter().any(|gone| case.is_same(gone, key)));
}

/// A tag as IAM shows it.
pub(crate) fn shown((key, value): (String, String)) -> Tag {
    Tag { key, value }
}

/// Tags as IAM shows them; none if there are none.
pub(crate) fn all_shown(list: &[(String, String)]) -> Option<Vec<Tag>> {
    (!list.is_empty()).then(|| list.iter().cloned().map(shown).collect())
}

/// Tags as IAM shows them where it shows, too, that there are none.
pub(crate) fn even_none_shown(list: &[(String, String)]) -> Option<Vec<Tag>> {
    Some(all_shown(list).unwrap_or_default())
}

/// The tags of a record as [`service::Need::tagged`] takes them.
pub(crate) fn pairs(list: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    list.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

/// The tags of a request as [`service::Need::tagging`] takes them.
pub(crate) fn asked(tags: Option<&[Tag]>) -> impl Iterator<Item = (&str, &str)> {
    tags.unwrap_or_default().iter().map(|tag| (tag.key.as_str(), tag.value.as_str()))
}

#[cfg(test)]
mod tests {
    use api::iam::Tag;

    use super::{TagCase, add, all_shown, remove};

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: key.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn users_tags_are_the_same_whatever_their_case() {
        let mut list = Vec::new();
        add(&mut list, &[tag("Team", "a"), tag("Cost", "1")], TagCase::Ignored).unwrap();
        add(&mut list, &[tag("team", "b")], TagCase::Ignored).unwrap();
        assert_eq!(list, [("team".to_owned(), "b".to_owned()), ("Cost".to_owned(), "1".to_owned())]);
        add(&mut list, &[tag("Team", "c")], TagCase::Matters).unwrap();
        assert_eq!(list.len(), 3);
        remove(&mut list, &["TEAM".to_owned(), "other".to_owned()], TagCase::Ignored);
        assert_eq!(all_shown(&list), Some(vec![tag("Cost", "1")]));
        remove(&mut list, &["Cost".to_owned()], TagCase::Matters);
        assert_eq!(all_shown(&list), None);
    }

    #[test]
    fn what_is_refused() {
        let check = |tags: &[Tag], case, text: &str| {
            assert_eq!(add(&mut Vec::new(), tags, case).unwrap_err().to_string(), text);
        };
        let twice = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        check(&[tag("a", ""), tag("A", "")], TagCase::Ignored, twice);
        check(&[tag("a", ""), tag("a", "")], TagCase::Matters, "Duplicate tag keys found.");
        let own = "Tag keys that begin with aws: are reserved for system use.";
        check(&[tag("AWS:x", "")], TagCase::Matters, own);
        let many: Vec<Tag> = (0..51).map(|number| tag(&number.to_string(), "")).collect();
        check(&many, TagCase::Matters, "The number of tags has reached the maximum limit.");
        add(&mut Vec::new(), &many[..50], TagCase::Matters).unwrap();
    }
}
