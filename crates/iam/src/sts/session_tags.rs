//! Session tags: what is given, what comes from the session before, and what goes on to the next.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>.

use api::Session;
use service::Need;

use crate::IamError;

/// The most tags of a session that are given in one call.
const MAX_TAGS: usize = 50;

/// Tags that a session is asked to have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AskedTags {
    /// The tags.
    pub(super) tags: Vec<(String, String)>,
    /// The keys of those that go on to the next session.
    pub(super) transitive: Vec<String>,
}

impl AskedTags {
    /// What a condition may ask of these tags; nothing is said where there are none.
    pub(super) fn in_need(&self, need: Need) -> Need {
        let mut need = need.tagging(self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        if !self.transitive.is_empty() {
            need.context.set_all("sts:TransitiveTagKeys", self.transitive.clone());
        }
        need
    }

    /// The tags of the new session, and the keys of those that go on: what is asked for, and what `before` hands on,
    /// which nothing overrides.
    pub(super) fn onto(&self, before: Option<&Session>) -> Result<Self, IamError> {
        let invalid = |text: &'static str| Err(IamError::refused("InvalidParameterValue", 400, text));
        if self.tags.len() > MAX_TAGS {
            return Err(IamError::Validation("The number of session tags exceeds the limit of 50.".to_owned()));
        }
        let mut all = inherited(before);
        let is_in =
            |tags: &[(String, String)], key: &str| tags.iter().any(|(known, _)| known.eq_ignore_ascii_case(key));
        for (index, (key, _)) in self.tags.iter().enumerate() {
            if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
                return invalid("Tag keys beginning with aws: are reserved for system use.");
            }
            if is_in(&self.tags[..index], key) {
                return invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
            }
            if is_in(&all.tags, key) {
                return invalid(
                    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag \
                     key from the calling session.",
                );
            }
        }
        for key in &self.transitive {
            if !is_in(&self.tags, key) {
                return invalid("The specified transitive tag key must be included in the requested tags.");
            }
            if !all.transitive.iter().any(|known| known.eq_ignore_ascii_case(key)) {
                all.transitive.push(key.clone());
            }
        }
        all.tags.extend(self.tags.iter().cloned());
        Ok(all)
    }
}

/// The tags that a session hands on.
pub(super) fn inherited(before: Option<&Session>) -> AskedTags {
    let Some(before) = before else { return AskedTags::default() };
    let goes_on = |key: &String| before.transitive_tags.iter().any(|known| known.eq_ignore_ascii_case(key));
    let tags = before.tags.iter().filter(|(key, _)| goes_on(key)).cloned().collect();
    AskedTags { tags, transitive: before.transitive_tags.clone() }
}

/// Tags as STS's operations bring them.
pub(super) fn asked(tags: Option<&Vec<api::sts::Tag>>, transitive: Option<&Vec<String>>) -> AskedTags {
    let tags = tags.into_iter().flatten().map(|tag| (tag.key.clone(), tag.value.clone()));
    AskedTags { tags: tags.collect(), transitive: transitive.cloned().unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use api::Session;

    use super::{AskedTags, inherited};

    fn tags(text: &str) -> Vec<(String, String)> {
        let pairs = text.split_whitespace().map(|pair| pair.split_once('=').unwrap());
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn transitive_tags_go_on_and_are_not_overridden() {
        let before =
            Session { tags: tags("Team=blue Cost=1"), transitive_tags: vec!["team".into()], ..Session::default() };
        assert_eq!(inherited(Some(&before)).tags, tags("Team=blue"));
        for (asked, transitive, expected) in [
            ("", "", Ok("Team=blue")),
            ("Cost=2", "", Ok("Team=blue Cost=2")),
            ("Cost=2", "Cost", Ok("Team=blue Cost=2")),
            ("TEAM=red", "", Err("conflicts")),
            ("a=1 A=2", "", Err("Duplicate")),
            ("a=1", "b", Err("must be included")),
            ("AWS:x=1", "", Err("reserved")),
        ] {
            let transitive = transitive.split_whitespace().map(str::to_owned).collect();
            let asked = AskedTags { tags: tags(asked), transitive };
            match (asked.onto(Some(&before)), expected) {
                (Ok(all), Ok(expected)) => {
                    assert_eq!(all.tags, tags(expected));
                    assert_eq!(all.transitive.len(), 1 + asked.transitive.len());
                }
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, expected) => panic!("{found:?}, not {expected:?}"),
            }
        }
        let many = (0..51).map(|number| (number.to_string(), String::new())).collect();
        assert!(AskedTags { tags: many, transitive: Vec::new() }.onto(None).is_err());
    }
}
