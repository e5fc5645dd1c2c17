//! Policies: managed ones with their versions, inline ones, and what they are attached to.

mod owned;
mod record;

pub(crate) use owned::{left, move_owner};
pub use record::{AttachmentRecord, InlinePolicyRecord, PolicyRecord, PolicyVersionRecord};

/// Whether there is a policy with this ARN to bound permissions with.
///
/// # Errors
/// `NoSuchEntity`, and the store's.
pub(crate) fn check_boundary(view: &store::View, account: &ids::AccountId, arn: &str) -> Result<(), crate::IamError> {
    let own = view.by_index::<PolicyRecord>("arn", arn.to_owned(), None, 1)?;
    if arn.starts_with("arn:aws:iam::aws:policy/") || own.iter().any(|policy| policy.account == *account) {
        return Ok(());
    }
    Err(crate::IamError::NoSuchEntity(format!("Scope ARN: {arn} does not exist or is not attachable.")))
}
