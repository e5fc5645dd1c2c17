//! Errors about access control lists and ownership, with AWS's codes, texts and fields.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-ownership-error-responses.html>.

use wire::ServiceError;

/// Why an access control list, or an ownership, was refused.
#[derive(Debug, thiserror::Error)]
pub enum AclError {
    /// The bucket has no lists.
    #[error("the bucket does not allow lists")]
    NotSupported,
    /// A bucket whose list grants something to others cannot be one without lists.
    #[error("a list with BucketOwnerEnforced")]
    WithOwnership,
    /// A new bucket blocks public lists.
    #[error("a public list with a public access block")]
    WithPublicAccessBlock,
    /// The list is none.
    #[error("malformed list")]
    Malformed,
    /// No account is known by an e-mail address.
    #[error("grant to {0}")]
    UnresolvableGrant(String),
    /// There is neither a header that says the list nor a body.
    #[error("no list")]
    Missing,
    /// There are both.
    #[error("a list in headers and in the body")]
    UnexpectedContent,
    /// There is no ownership of this name.
    #[error("ownership {0}")]
    UnknownOwnership(String),
    /// The bucket has no ownership controls; its name.
    #[error("bucket {0} has no ownership controls")]
    NoOwnershipControls(String),
}

impl From<AclError> for ServiceError {
    fn from(error: AclError) -> Self {
        let refused = |code, status, text: &str| Self::sender(code, status, text);
        match error {
            AclError::NotSupported => refused("AccessControlListNotSupported", 400, "The bucket does not allow ACLs"),
            AclError::WithOwnership => {
                let text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
                refused("InvalidBucketAclWithObjectOwnership", 400, text)
            }
            AclError::WithPublicAccessBlock => {
                let text = "Bucket cannot have public ACLs set with BlockPublicAccess enabled";
                refused("InvalidBucketAclWithBlockPublicAccessError", 400, text)
            }
            AclError::Malformed => {
                let text = "The XML you provided was not well-formed or did not validate against our published schema";
                refused("MalformedACLError", 400, text)
            }
            AclError::UnresolvableGrant(address) => {
                let text = "The e-mail address you provided does not match any account on record.";
                refused("UnresolvableGrantByEmailAddress", 400, text).with_field("EmailAddress", address)
            }
            AclError::Missing => refused("MissingSecurityHeader", 400, "Your request was missing a required header")
                .with_field("MissingHeaderName", "x-amz-acl"),
            AclError::UnexpectedContent => refused("UnexpectedContent", 400, "This request does not support content"),
            AclError::UnknownOwnership(given) => {
                Self::sender("InvalidArgument", 400, format!("Invalid x-amz-object-ownership header: {given}"))
                    .with_field("ArgumentName", "x-amz-object-ownership")
            }
            AclError::NoOwnershipControls(bucket) => {
                let text = "The bucket ownership controls were not found";
                refused("OwnershipControlsNotFoundError", 404, text).with_field("BucketName", bucket)
            }
        }
    }
}
