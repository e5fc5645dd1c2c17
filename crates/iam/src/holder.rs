//! What the credentials of people have in common: whom they belong to, their tags, their pages.
//! Not here: access keys, which are in `keys`.

use api::Principal;
use api::iam::Tag;
use ids::{AccountId, Arn};
use service::{Cx, Need, Scope};
use store::View;

use crate::users::get::find;
use crate::{IamError, UserRecord};

/// The user that a call names, or else the one that calls.
pub(crate) fn user_of(name: Option<&str>, view: &View, cx: &Cx) -> Result<UserRecord, IamError> {
    match (name, &cx.call.caller.principal) {
        (Some(name), _) => find(view, &cx.account, name),
        (None, Principal::User { name, .. }) => find(view, &cx.account, name),
        (None, _) => {
            let text = "Must specify userName when calling with non-User credentials";
            Err(IamError::Validation(text.to_owned()))
        }
    }
}

/// The user with this unique id, which may have gone meanwhile.
pub(crate) fn user_with_id(view: &View, id: &str) -> Result<Option<UserRecord>, IamError> {
    Ok(view.by_index::<UserRecord>("id", id.to_owned(), None, 1)?.pop())
}

/// What an action on something with the ARN `arn` needs. What is no ARN of the caller's account is still named, so that
/// only policies for everything allow it.
pub(crate) fn need_on(action: &'static str, kind: &str, path_and_name: &str, scope: &Scope) -> Need {
    let account = scope.account.as_ref().map_or("", AccountId::as_str);
    Need::on(action, Arn::new("iam", "", account, &format!("{kind}{path_and_name}")))
}

/// Refuses what is one too many. Source of the text: what AWS answers for access keys.
pub(crate) fn within_quota(count: usize, most: usize, quota: &str) -> Result<(), IamError> {
    if count < most {
        return Ok(());
    }
    Err(IamError::LimitExceeded(format!("Cannot exceed quota for {quota}: {most}")))
}

/// Most tags of one thing. Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>.
const MAX_TAGS: usize = 50;

/// Adds tags, in the place of those with the same key. Keys are the same whatever their case.
pub(crate) fn put_tags(tags: &mut Vec<(String, String)>, new: &[Tag]) -> Result<(), IamError> {
    for (index, Tag { key, value }) in new.iter().enumerate() {
        if new[..index].iter().any(|earlier| earlier.key.eq_ignore_ascii_case(key)) {
            let text = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(IamError::InvalidInput(text.to_owned()));
        }
        match tags.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(key)) {
            Some(tag) => *tag = (key.clone(), value.clone()),
            None => tags.push((key.clone(), value.clone())),
        }
    }
    if tags.len() > MAX_TAGS {
        let text = format!("The number of tags has reached the maximum limit of {MAX_TAGS}.");
        return Err(IamError::LimitExceeded(text));
    }
    Ok(())
}

/// Tags as IAM shows them.
pub(crate) fn shown_tags(tags: &[(String, String)]) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// The pairs that conditions ask about.
pub(crate) fn pairs(tags: Option<&Vec<Tag>>) -> impl Iterator<Item = (&str, &str)> {
    tags.into_iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()))
}

/// One page of a list, and the marker of the next one.
pub(crate) struct Part<T> {
    pub items: Vec<T>,
    pub is_truncated: Option<bool>,
    pub marker: Option<String>,
}

/// The page of a list that is in ascending order of `key`, as the call asks for it. `asked` is what chooses the list.
///
/// # Errors
/// `ValidationError` for a marker that was not given for this list.
pub(crate) fn page<T>(
    cx: &Cx,
    asked: &[&str],
    (max_items, marker): (Option<i32>, Option<&str>),
    items: Vec<T>,
    key: impl Fn(&T) -> String,
) -> Result<Part<T>, IamError> {
    let scope: Vec<&str> = ["iam"].into_iter().chain(asked.iter().copied()).collect();
    let after = match marker {
        Some(marker) => {
            let text = || IamError::Validation("Invalid Marker.".to_owned());
            Some(cx.pages().open(&scope, marker).ok_or_else(text)?)
        }
        None => None,
    };
    let limit = max_items.and_then(|count| usize::try_from(count).ok()).unwrap_or(100).clamp(1, 1000);
    let mut rest = items.into_iter().filter(|item| after.as_ref().is_none_or(|after| key(item) > *after));
    let items: Vec<T> = rest.by_ref().take(limit).collect();
    let is_more = rest.next().is_some();
    let marker = items.last().filter(|_| is_more).map(|last| cx.pages().seal(&scope, &key(last)));
    Ok(Part { items, is_truncated: Some(is_more), marker })
}

#[cfg(test)]
mod tests {
    use api::iam::Tag;

    use super::put_tags;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: key.into(), value: value.into() }
    }

    #[test]
    fn tags_replace_each_other_whatever_their_case() {
        let mut tags = vec![("Team".to_owned(), "blue".to_owned())];
        put_tags(&mut tags, &[tag("team", "red"), tag("x", "1")]).unwrap();
        assert_eq!(tags, [("team".to_owned(), "red".to_owned()), ("x".to_owned(), "1".to_owned())]);
        assert!(put_tags(&mut tags, &[tag("a", "1"), tag("A", "2")]).is_err(), "the same key twice");
        let many: Vec<Tag> = (0..49).map(|number| tag(&format!("k{number}"), "")).collect();
        assert!(put_tags(&mut tags, &many).is_err(), "51 of them");
    }
}
