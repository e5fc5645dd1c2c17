//! What documents and numbers of policies may be.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.

use policy::{Kind, Policy};

use super::owner::OwnerKind;
use crate::IamError;

/// Most characters of a managed policy.
const MANAGED: usize = 6144;
/// Most versions of one.
pub(super) const VERSIONS: usize = 5;
/// Most managed policies attached to one owner.
pub(super) const ATTACHED: usize = 10;

/// Reads the document of an identity's policy.
///
/// # Errors
/// `MalformedPolicyDocument`.
pub(super) fn read(document: &str) -> Result<Policy, IamError> {
    Policy::parse(document, Kind::Identity).map_err(|fault| IamError::MalformedPolicyDocument(fault.message))
}

/// Reads the document of a managed policy.
///
/// # Errors
/// `MalformedPolicyDocument`, and `LimitExceeded` for one that is too long.
pub(super) fn read_managed(document: &str) -> Result<(), IamError> {
    read(document)?;
    if size(document) > MANAGED {
        return Err(IamError::LimitExceeded(format!("Cannot exceed quota for PolicySize: {MANAGED}")));
    }
    Ok(())
}

/// Refuses inline policies of one owner that are too long together.
///
/// # Errors
/// `LimitExceeded`.
pub(super) fn check_inline(kind: OwnerKind, name: &str, size: usize) -> Result<(), IamError> {
    let most = match kind {
        OwnerKind::User => 2048,
        OwnerKind::Group => 5120,
        OwnerKind::Role => 10240,
    };
    if size <= most {
        return Ok(());
    }
    let kind = kind.word();
    Err(IamError::LimitExceeded(format!("Maximum policy size of {most} bytes exceeded for {kind} {name}")))
}

/// How long a document is: "IAM does not count white space when calculating the size of a policy".
pub(super) fn size(document: &str) -> usize {
    document.chars().filter(|letter| !letter.is_whitespace()).count()
}
