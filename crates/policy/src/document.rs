//! A policy document.

use std::fmt;

/// What a document is for, which decides what may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Says what an identity may do (managed and inline policies, boundaries, session policies): no `Principal`.
    Identity,
    /// Says who may do what with a resource, such as a bucket policy: with `Principal`.
    Resource,
    /// Says who may assume a role: with `Principal`, without `Resource`.
    Trust,
    /// Says what the accounts of an organization may do at most: no `Principal`.
    ServiceControl,
}

/// A document that was read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    text: String,
}

/// Why a document is none. `message` is AWS's text of `MalformedPolicyDocument`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// The text for the caller.
    pub message: String,
}

impl Policy {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Malformed`], with AWS's text.
    pub fn parse(text: &str, _kind: Kind) -> Result<Self, Malformed> {
        let malformed = || Malformed { message: "Syntax errors in policy.".to_owned() };
        serde_json::from_str::<serde_json::Value>(text).map_err(|_| malformed())?;
        Ok(Self { text: text.to_owned() })
    }

    /// The condition keys that its statements ask for, its variables' included, each once, as they are written.
    pub fn context_keys(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The document as JSON, in a form that reads back to the same policy.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
