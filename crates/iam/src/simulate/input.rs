//! What both operations of the simulator take, and that it makes sense.

use std::sync::Arc;

use api::iam::ContextEntry;
use policy::{Attached, Kind, Policy, Source, SourceKind};

use crate::IamError;

/// What to simulate.
pub(super) struct Asked<'a> {
    /// The actions.
    pub(super) actions: &'a [String],
    /// The resources; none for `*`.
    pub(super) resources: Option<&'a [String]>,
    /// The policy of the resources.
    pub(super) resource_policy: Option<&'a str>,
    /// The root of the account that the resources belong to.
    pub(super) resource_owner: Option<&'a str>,
    /// The user who asks.
    pub(super) caller: Option<&'a str>,
    /// What conditions may ask about.
    pub(super) context: &'a [ContextEntry],
    /// Which of EC2's scenarios it is.
    pub(super) scenario: Option<&'a str>,
    /// How many results.
    pub(super) page: (Option<i32>, Option<&'a str>),
}

/// Documents as policies, called by the input's name and their numbers from 1.
///
/// # Errors
/// `InvalidInput` for what is no policy.
pub(super) fn policies(
    list: &str,
    kind: SourceKind,
    of: Kind,
    documents: &[String],
) -> Result<Vec<Attached>, IamError> {
    let numbered = documents.iter().zip(1..);
    numbered.map(|(document, number)| policy(format!("{list}.{number}"), kind, of, document)).collect()
}

/// One document as a policy.
///
/// # Errors
/// As [`policies`].
pub(super) fn policy(id: String, kind: SourceKind, of: Kind, document: &str) -> Result<Attached, IamError> {
    let policy = Policy::parse(document, of).map_err(|fault| IamError::InvalidInput(fault.message))?;
    let source = Arc::new(Source { kind, id, attached_to: String::new() });
    Ok(Attached { source, policy: Arc::new(policy) })
}

/// The boundary that is handed in: one at most.
///
/// # Errors
/// As [`policies`], and `InvalidInput` for several.
pub(super) fn boundary(documents: Option<&[String]>) -> Result<Option<Attached>, IamError> {
    let documents = documents.unwrap_or_default();
    if documents.len() > 1 {
        let text = "You can specify only one permissions boundary policy.";
        return Err(IamError::InvalidInput(text.to_owned()));
    }
    let list = "PermissionsBoundaryPolicyInputList";
    Ok(policies(list, SourceKind::Boundary, Kind::Identity, documents)?.pop())
}

/// Refuses actions that name no service, or that have wildcards.
///
/// # Errors
/// `InvalidInput`.
pub(super) fn check_actions(actions: &[String]) -> Result<(), IamError> {
    let is_action = |action: &str| {
        action.split_once(':').is_some_and(|(service, name)| {
            let is_word = |text: &str| {
                !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            };
            is_word(service) && is_word(name)
        })
    };
    match actions.iter().find(|action| !is_action(action)) {
        Some(action) => Err(IamError::InvalidInput(format!("Invalid action name: {action}"))),
        None => Ok(()),
    }
}
