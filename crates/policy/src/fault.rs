//! What can be wrong with a document, and AWS's texts for it: IAM's, S3's for policies of resources, and the one text that
//! Organizations has for everything.
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
    HasResource,
    /// What stands where a principal must, with its class.
    Principal(&'static str, String),
    Legacy,
    SidIsNotAlphanumeric,
    SidIsNotUnique,
    NoActions,
    NoResources,
    /// A resource, with IAM's text.
    Resource(String),
    /// An action, with IAM's text.
    Action(String),
    NotOfSts,
}

impl Fault {
    /// What the caller reads.
    pub(crate) fn malformed(self, kind: Kind) -> Malformed {
        let message = match kind {
            Kind::Identity | Kind::Trust => self.iam(),
            Kind::Resource => self.s3(),
            Kind::ServiceControl => {
                "The provided policy document does not meet the requirements of the specified policy type.".to_owned()
            }
        };
        Malformed { message }
    }

    fn iam(self) -> String {
        let text = match self {
            Self::NotJson
            | Self::Syntax
            | Self::UnknownVersion
            | Self::UnknownField(_)
            | Self::UnknownEffect(_)
            | Self::UnknownOperator(_)
            | Self::NoStatements
            | Self::Missing("Statement" | "Effect") => "Syntax errors in policy.",
            Self::Missing(field) => return format!("Missing required field {field}"),
            Self::OldVersion => "Policy document must be version 2012-10-17 or greater.",
            Self::HasPrincipal => "Policy document should not specify a principal.",
            Self::HasResource => "Has prohibited field Resource",
            Self::Principal(class, name) => return format!("Invalid principal in policy: \"{class}\":\"{name}\""),
            Self::Legacy => "The policy failed legacy parsing",
            Self::SidIsNotAlphanumeric => {
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
            }
            Self::SidIsNotUnique => "Statement IDs (SID) in a single policy must be unique.",
            Self::NoActions => "Policy statement must contain actions.",
            Self::NoResources => "Policy statement must contain resources.",
            Self::Resource(text) | Self::Action(text) => return text,
            Self::NotOfSts => {
                "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity"
            }
        };
        text.to_owned()
    }

    fn s3(self) -> String {
        let text = match self {
            Self::NotJson => "Policies must be valid JSON and the first byte must be '{'",
            Self::UnknownVersion | Self::OldVersion => "The policy must contain a valid version string",
            Self::UnknownField(field) => return format!("Unknown field {field}"),
            Self::UnknownEffect(effect) => return format!("Invalid effect: {effect}"),
            Self::UnknownOperator(operator) => return format!("Invalid Condition type : {operator}"),
            Self::NoStatements => "Could not parse the policy: Statement is empty!",
            Self::Missing(field) => return format!("Missing required field {field}"),
            Self::NoActions => "Missing required field Action",
            Self::NoResources => "Missing required field Resource",
            Self::Principal(..) => "Invalid principal in policy",
            Self::Resource(_) => "Policy has invalid resource",
            Self::Action(_) => "Policy has invalid action",
            Self::Syntax
            | Self::HasPrincipal
            | Self::HasResource
            | Self::Legacy
            | Self::SidIsNotAlphanumeric
            | Self::SidIsNotUnique
            | Self::NotOfSts => "Invalid policy syntax.",
        };
        text.to_owned()
    }
}
