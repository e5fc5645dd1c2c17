//! Who comes with the word of an identity provider instead of a signature, for the record of the call.

/// The kind of identity, as CloudTrail has it, of who calls such an operation; none for all others.
/// Source: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>.
pub(crate) fn kind_of(service: &str, operation: &str) -> Option<&'static str> {
    match (service, operation) {
        ("sts", "AssumeRoleWithWebIdentity") => Some("WebIdentityUser"),
        ("sts", "AssumeRoleWithSAML") => Some("SAMLUser"),
        _ => None,
    }
}
