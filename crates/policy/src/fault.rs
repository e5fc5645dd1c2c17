//! What can be wrong with a document, and AWS's texts for it: IAM's two, of policies of identities and of trust policies;
//! S3's for policies of resources; and the one text that Organizations has for everything.
//! Source of the texts: answers of AWS as they are cited in public issues, and the tables that clients of IAM test with.

use crate::{Kind, Malformed};

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    NotJson,
    Syntax,
    UnknownVersion,
    UnknownField(String),
    UnknownEffect(String),
    UnknownOperator(String),
    NoStatements,
    Missing(&'static str),
    OldVersion,
    HasPrincipal,
    HasNotPrincipal,
    AllowsNotPrincipal,
    EmptyPrincipal,
    PrincipalIsNotObject,
    PrincipalClass(String),
    /// What stands where a principal must, with its class.
    Principal(&'static str, String),
    Legacy,
    SidIsNotAlphanumeric,
    SidIsNotUnique,
    NoActions,
    NoResources,
    HasResource,
    HasNotResource,
    /// A resource, with IAM's text.
    Resource(String),
    /// An action, with IAM's text.
    Action(String),
    /// An action that is not of STS.
    NotOfSts,
    /// An action of STS that trusts nobody with anything.
    NotOfTrust,
}

impl Fault {
    /// What the caller reads.
    pub(crate) fn malformed(self, kind: Kind) -> Malformed {
        let message = match kind {
            Kind::Identity => self.of_identities(),
            Kind::Trust => self.of_trust(),
            Kind::Resource => self.of_resources(),
            Kind::ServiceControl => {
                "The provided policy document does not meet the requirements of the specified policy type.".to_owned()
            }
        };
        Malformed { message }
    }

    fn of_identities(self) -> String {
        let text = match self {
            Self::OldVersion => "Policy document must be version 2012-10-17 or greater.",
            Self::HasPrincipal => "Policy document should not specify a principal.",
            Self::Legacy => "The policy failed legacy parsing",
            Self::SidIsNotAlphanumeric => {
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
            }
            Self::SidIsNotUnique => "Statement IDs (SID) in a single policy must be unique.",
            Self::NoActions => "Policy statement must contain actions.",
            Self::NoResources => "Policy statement must contain resources.",
            Self::Resource(text) | Self::Action(text) => return text,
            _ => "Syntax errors in policy.",
        };
        text.to_owned()
    }

    fn of_trust(self) -> String {
        let text = match self {
            Self::NotJson => "This policy contains invalid Json",
            Self::HasNotPrincipal => "AssumeRole policy must not contain NotPrincipal field.",
            Self::PrincipalIsNotObject => "Principal must be a JSON object.",
            Self::PrincipalClass(class) => return format!("Invalid principal in policy: \"{class}\""),
            Self::Principal(class, name) => {
                return format!("Invalid principal in policy: \"{}\":\"{name}\"", class.to_ascii_uppercase());
            }
            Self::HasResource => "Has prohibited field Resource",
            Self::HasNotResource => "AssumeRole policy must not contain resources.",
            Self::NotOfSts => "AssumeRole policy may only specify STS AssumeRole actions.",
            Self::NotOfTrust => {
                "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity"
            }
            other => return other.of_both().unwrap_or_else(|| "Syntax error in policy.".to_owned()),
        };
        text.to_owned()
    }

    fn of_resources(self) -> String {
        let text = match self {
            Self::NotJson => "Policies must be valid JSON and the first byte must be '{'",
            Self::UnknownOperator(operator) => return format!("Invalid Condition type : {operator}"),
            Self::PrincipalClass(_) | Self::Principal(..) => "Invalid principal in policy",
            Self::NoResources => "Missing required field Resource",
            Self::Resource(_) => "Policy has invalid resource",
            Self::Action(_) => "Policy has invalid action",
            other => return other.of_both().unwrap_or_else(|| "Invalid policy syntax.".to_owned()),
        };
        text.to_owned()
    }

    /// What is said alike of trust policies and of policies of resources.
    fn of_both(self) -> Option<String> {
        let text = match self {
            Self::UnknownVersion => "The policy must contain a valid version string",
            Self::UnknownField(field) => return Some(format!("Unknown field {field}")),
            Self::UnknownEffect(effect) => return Some(format!("Invalid effect: {effect}")),
            Self::NoStatements => "Could not parse the policy: Statement is empty!",
            Self::Missing(field) => return Some(format!("Missing required field {field}")),
            Self::EmptyPrincipal => "Missing required field Principal cannot be empty!",
            Self::AllowsNotPrincipal => "Allow with NotPrincipal is not allowed.",
            Self::SidIsNotUnique => "The Statement Ids in the policy are not unique",
            Self::NoActions => "Missing required field Action",
            _ => return None,
        };
        Some(text.to_owned())
    }
}
