//! What is decided on: who asks to do what with which resource, and the policies that bear on it.

use std::sync::Arc;

use crate::{Context, Policy};

/// What asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// Someone who did not sign.
    Anonymous,
    /// The root user of an account.
    Root,
    /// An IAM user.
    User,
    /// A session of a role.
    Role,
    /// A federated user's session (`GetFederationToken`).
    FederatedUser,
    /// Someone with a token of a web identity provider who asks for a session of a role.
    WebIdentity,
    /// Someone with a SAML assertion who asks for a session of a role.
    Saml,
    /// A service, such as `ec2.amazonaws.com`.
    Service,
}

/// Who asks, as `Principal` elements can name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What asks.
    pub kind: SubjectKind,
    /// Its account; none for those who have none (anonymous, services, identity providers of others).
    pub account: Option<String>,
    /// Its ARN: of the user, of the root, of the session; the provider's ARN or name; empty for anonymous.
    pub arn: String,
    /// For a session of a role: the role's ARN, with its path. For a federated user: the ARN of the user who made it.
    pub role_arn: Option<String>,
    /// For a service, its names, such as `ec2.amazonaws.com`.
    pub service: Option<String>,
}

/// One request of one subject.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub subject: &'a Subject,
    /// The action, such as `ec2:RunInstances`.
    pub action: &'a str,
    /// The resource's ARN, or `*`.
    pub resource: &'a str,
    /// What else is known.
    pub context: &'a Context,
}

/// What kind of policy a document is attached as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// Inline in a user, group or role.
    Inline,
    /// Managed, of the account or of AWS.
    Managed,
    /// A permissions boundary.
    Boundary,
    /// Handed over when a session was made.
    Session,
    /// Of the resource, trust policies included.
    Resource,
    /// Of an organization.
    ServiceControl,
}

/// Where a document comes from: what is said of it when it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// How it is attached.
    pub kind: SourceKind,
    /// The policy's ARN, or its name if it is inline.
    pub id: String,
    /// What it is attached to, as an ARN; empty where that says nothing.
    pub attached_to: String,
}

/// A document and where it comes from.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Where it comes from.
    pub source: Arc<Source>,
    /// The document.
    pub policy: Arc<Policy>,
}

/// To whom a grant beside all policies is made, such as one of an access control list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// To the subject's account, which must allow it to the subject itself.
    ToAccount,
    /// To everyone.
    ToAll,
}

/// All policies that bear on one request.
#[derive(Debug, Clone, Copy, Default)]
pub struct PolicySet<'a> {
    /// Of the identity: its own, and its groups'.
    pub identity: &'a [Attached],
    /// The boundary of the identity.
    pub boundary: Option<&'a Attached>,
    /// Of the session, where it was made with any.
    pub session: Option<&'a [Attached]>,
    /// Of the organization, one list a level from its root to the account; empty for accounts that none bind.
    pub service_control: &'a [Vec<Attached>],
    /// Of the resource.
    pub resource: Option<&'a Attached>,
    /// Whether the resource's policy can only deny, as that of a bucket on an object of somebody else's.
    pub resource_only_denies: bool,
    /// What the resource grants the subject beside its policy.
    pub granted: Option<Granted>,
    /// The account that owns the resource; none where that says nothing (then it is the subject's).
    pub owner: Option<&'a str>,
    /// Whether the resource's policy must allow whatever the identity's say, as for roles' trust policies.
    pub needs_resource_policy: bool,
}
