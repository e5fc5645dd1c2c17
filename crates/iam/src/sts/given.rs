//! What is handed over and handed back when a session is made: session policies and their size, and the credentials.

use api::sts::{Credentials, PolicyDescriptorType};
use ids::AccountId;
use policy::{Kind, Policy};
use store::View;

use super::session_tags::AskedTags;
use crate::sessions::MAX_TOKEN;
use crate::{IamError, PolicyRecord, SessionPolicyText, SessionRecord, managed};

/// The most managed policies of a session.
const MAX_ARNS: usize = 10;
/// Characters of policies, ARNs and tags that fill the room that a session has for them. AWS packs them in a form that it
/// does not publish; ours is their text without white space.
const PACKED_ROOM: usize = 4096;

/// The session policies of a call: none if it brings none.
pub(super) fn policies(
    inline: Option<&str>,
    named: Option<&Vec<PolicyDescriptorType>>,
    account: &AccountId,
    view: &View,
) -> Result<Option<Vec<SessionPolicyText>>, IamError> {
    let arns: Vec<&str> = named.into_iter().flatten().filter_map(|policy| policy.arn.as_deref()).collect();
    if inline.is_none() && arns.is_empty() {
        return Ok(None);
    }
    if arns.len() > MAX_ARNS {
        let text = "The number of managed session policies exceeds the limit of 10.";
        return Err(IamError::Validation(text.to_owned()));
    }
    let mut policies = Vec::new();
    for arn in arns {
        let is_there = if managed::is_aws(arn) {
            managed::find(arn).is_some()
        } else {
            let known = view.by_index::<PolicyRecord>("arn", arn.to_owned(), None, 1)?;
            known.first().is_some_and(|policy| policy.account == *account)
        };
        if !is_there {
            return Err(IamError::Validation(format!("Policy {arn} does not exist or is not attachable.")));
        }
        policies.push(SessionPolicyText::Managed(arn.to_owned()));
    }
    if let Some(document) = inline {
        Policy::parse(document, Kind::Identity)
            .map_err(|malformed| IamError::MalformedPolicyDocument(malformed.message))?;
        policies.push(SessionPolicyText::Inline(document.to_owned()));
    }
    Ok(Some(policies))
}

/// How much of their room the policies and tags of a call take, in percent; none if it brings none.
///
/// # Errors
/// `PackedPolicyTooLarge`.
pub(super) fn packed_size(
    policies: Option<&Vec<SessionPolicyText>>,
    tags: &AskedTags,
) -> Result<Option<i32>, IamError> {
    if policies.is_none() && tags.tags.is_empty() {
        return Ok(None);
    }
    let policy = |text: &SessionPolicyText| match text {
        SessionPolicyText::Managed(arn) => arn.chars().count(),
        SessionPolicyText::Inline(document) => document.chars().filter(|char| !char.is_whitespace()).count(),
    };
    let tag = |(key, value): &(String, String)| key.chars().count() + value.chars().count();
    let size: usize =
        policies.into_iter().flatten().map(policy).sum::<usize>() + tags.tags.iter().map(tag).sum::<usize>();
    let percent = (size * 100).div_ceil(PACKED_ROOM);
    if percent > 100 {
        let text = format!("Packed policy consumes {percent}% of allotted space, please use smaller policy.");
        return Err(IamError::refused("PackedPolicyTooLarge", 400, text));
    }
    Ok(i32::try_from(percent).ok())
}

/// A token of at least the size that a client asked for.
pub(super) fn widen(session: &mut SessionRecord, asked: Option<i32>) {
    let asked = asked.and_then(|asked| usize::try_from(asked).ok()).unwrap_or_default().min(MAX_TOKEN);
    let missing = asked.saturating_sub(session.token.len());
    session.token.extend(std::iter::repeat_n('A', missing));
}

/// The size of a session's token, and that in percent of the largest.
pub(super) fn token_size(session: &SessionRecord) -> (Option<i32>, Option<i32>) {
    let size = session.token.len();
    (i32::try_from(size).ok(), i32::try_from(size * 100 / MAX_TOKEN).ok())
}

/// The credentials of a session.
pub(super) fn credentials(session: &SessionRecord) -> Credentials {
    Credentials {
        access_key_id: session.id.clone(),
        secret_access_key: session.secret.clone(),
        session_token: session.token.clone(),
        expiration: session.expires,
    }
}

#[cfg(test)]
mod tests {
    use super::packed_size;
    use crate::SessionPolicyText;
    use crate::sts::session_tags::AskedTags;

    #[test]
    fn sizes_are_in_percent_and_end_at_a_hundred() {
        let none = AskedTags::default();
        let many = AskedTags { tags: vec![("k".repeat(128), "v".repeat(256)); 11], transitive: Vec::new() };
        let inline = |size: usize| Some(vec![SessionPolicyText::Inline(format!("{} \n", "x".repeat(size)))]);
        assert_eq!(packed_size(None, &none).unwrap(), None);
        assert_eq!(packed_size(inline(41).as_ref(), &none).unwrap(), Some(2));
        assert_eq!(packed_size(inline(2048).as_ref(), &none).unwrap(), Some(50));
        let refused = packed_size(inline(2048).as_ref(), &many).unwrap_err();
        assert_eq!(refused.to_string(), "Packed policy consumes 154% of allotted space, please use smaller policy.");
    }
}
