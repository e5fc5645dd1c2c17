//! Who there is in a region, as policies name principals.
//!
//! A policy names users and roles by ARN; what is meant is the user or role that had the ARN when the policy was written. So
//! whoever keeps a policy of a resource keeps their unique ids beside it: one that was renamed is still meant, and one that
//! was made anew under the old name is not. Who is gone is shown by the id, as AWS does.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>.
//! Not here: which users and roles there are, which IAM knows.

use ids::AccountId;
use jiff::Timestamp;
use store::{Changes, StoreError, View};

/// What a principal of the class `AWS` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Nobody there is.
    Nobody,
    /// Everyone, an account, or someone who has no unique id.
    Fixed,
    /// A user or a role with this unique id.
    Entity(String),
}

/// Knows who there is.
pub trait Directory: Send + Sync {
    /// What `name` names, which stands in a policy as a principal of the class `AWS`.
    ///
    /// # Errors
    /// The store's.
    fn named(&self, view: &View, name: &str) -> Result<Named, StoreError>;

    /// The ARN that the user or role with this unique id has now; none if it is gone.
    ///
    /// # Errors
    /// The store's.
    fn arn_of(&self, view: &View, id: &str) -> Result<Option<String>, StoreError>;

    /// The accounts of the region.
    ///
    /// # Errors
    /// The store's.
    fn accounts(&self, view: &View) -> Result<Vec<AccountId>, StoreError>;

    /// Whether the root user of `account` has the device of this serial number, which shows this code `now`, and whether that
    /// was not taken before. Adds
    /// to `changes` what came of it: whoever asks commits them, whatever it answers, or a right code can be used again and
    /// wrong ones cost nothing. Where nobody knows devices,
    /// nobody shows one.
    ///
    /// # Errors
    /// The store's.
    fn root_shows(
        &self,
        _view: &View,
        _changes: &mut Changes,
        _account: &AccountId,
        _device: (&str, &str),
        _now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// A policy with those whom it names as they are called now. `principals` are the users and roles among them, as they
    /// are written in the text, with their unique ids.
    ///
    /// # Errors
    /// The store's.
    fn in_force(&self, view: &View, text: &str, principals: &[(String, String)]) -> Result<String, StoreError> {
        let mut text = text.to_owned();
        for (name, id) in principals {
            let now = self.arn_of(view, id)?.unwrap_or_else(|| id.clone());
            if now != *name {
                text = text.replace(&quoted(name), &quoted(&now));
            }
        }
        Ok(text)
    }
}

/// Whether each of these names can be found in the text: one that is written with escapes cannot.
pub fn has_plainly(text: &str, principals: &[(String, String)]) -> bool {
    principals.iter().all(|(name, _)| text.contains(&quoted(name)))
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
