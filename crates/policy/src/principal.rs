//! Who a statement is about.
//! Rules: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html> and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>.
//! Not here: what being named gives, which is `decide`'s; whether someone of that name exists.

use crate::{Context, Subject, SubjectKind};

/// What stands before a principal's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// `"Principal": "*"`, without a class.
    Everyone,
    Aws,
    Service,
    Federated,
    CanonicalUser,
}

/// One principal of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    pub(crate) class: Class,
    /// As it is written.
    pub(crate) name: String,
    whom: Whom,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Whom {
    Everyone,
    /// Everyone of an account.
    Account(String),
    Arn,
    Service,
    Federated,
    /// Someone who is only known by an id: whoever it was is gone, or the service that keeps the policy knows.
    Unknown,
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principals {
    pub(crate) is_not: bool,
    pub(crate) list: Vec<Principal>,
}

/// How a subject is named; the greatest is the most direct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Naming {
    /// By its account.
    Account,
    /// By the role of its session, or by the user that made its session.
    Origin,
    /// By itself, or as everyone.
    Itself,
}

impl Class {
    /// The class of a name in a document.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "AWS" => Self::Aws,
            "Service" => Self::Service,
            "Federated" => Self::Federated,
            "CanonicalUser" => Self::CanonicalUser,
            _ => return None,
        })
    }

    /// Its name in a document.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Everyone | Self::Aws => "AWS",
            Self::Service => "Service",
            Self::Federated => "Federated",
            Self::CanonicalUser => "CanonicalUser",
        }
    }
}

impl Principal {
    /// Reads a principal; none if nobody can be named so.
    pub(crate) fn new(class: Class, name: &str) -> Option<Self> {
        let whom = match (class, name) {
            (_, "") => return None,
            (Class::Everyone | Class::Aws, "*") => Whom::Everyone,
            (Class::Everyone, _) => return None,
            (Class::Aws, _) => aws(name)?,
            (Class::Service, _) => Whom::Service,
            (Class::Federated, _) => Whom::Federated,
            (Class::CanonicalUser, _) => Whom::Unknown,
        };
        Some(Self { class, name: name.to_owned(), whom })
    }

    /// Whether it is everyone.
    pub(crate) fn is_everyone(&self) -> bool {
        self.whom == Whom::Everyone
    }

    fn naming(&self, subject: &Subject, context: &Context) -> Option<Naming> {
        let is = |is_so: bool, naming| is_so.then_some(naming);
        match &self.whom {
            Whom::Everyone => Some(Naming::Itself),
            Whom::Account(account) => match subject.kind {
                SubjectKind::Root => is(subject.account.as_deref() == Some(account), Naming::Itself),
                SubjectKind::User | SubjectKind::Role | SubjectKind::FederatedUser => {
                    is(subject.account.as_deref() == Some(account), Naming::Account)
                }
                SubjectKind::Anonymous | SubjectKind::WebIdentity | SubjectKind::Saml | SubjectKind::Service => None,
            },
            Whom::Arn => match subject.kind {
                SubjectKind::Anonymous | SubjectKind::WebIdentity | SubjectKind::Saml | SubjectKind::Service => None,
                SubjectKind::Root | SubjectKind::User | SubjectKind::Role | SubjectKind::FederatedUser => {
                    is(subject.arn == self.name, Naming::Itself)
                        .or_else(|| is(subject.role_arn.as_ref() == Some(&self.name), Naming::Origin))
                }
            },
            Whom::Service => {
                let names = subject.service.as_deref().filter(|_| subject.kind == SubjectKind::Service)?;
                let is_named = self.name == "*" || names.split([',', ' ']).any(|name| name == self.name);
                is(is_named, Naming::Itself)
            }
            Whom::Federated => match subject.kind {
                SubjectKind::WebIdentity | SubjectKind::Saml => {
                    is(self.name == "*" || subject.arn == self.name, Naming::Itself)
                }
                // Of a session that a provider's token was given for, the provider stays known.
                SubjectKind::Role => {
                    let provider = context.get_lower("aws:federatedprovider").unwrap_or_default();
                    is(provider.contains(&self.name), Naming::Origin)
                }
                _ => None,
            },
            Whom::Unknown => None,
        }
    }
}

impl Principals {
    /// How a statement's element takes in a subject; none if it does not. `is_deny` is the statement's effect.
    pub(crate) fn naming(&self, asked: &Asked<'_>, is_deny: bool) -> Option<Naming> {
        let named = self.list.iter().filter_map(|principal| principal.naming(asked.subject, asked.context)).max();
        match (self.is_not, is_deny) {
            (false, _) => named,
            // "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions
            // boundary policy attached": access_policies_boundaries. Else only who is named as itself is spared: with
            // Bob and his account in the list, everyone else of his account is still denied.
            (true, true) if asked.has_boundary || named < Some(Naming::Itself) => Some(Naming::Itself),
            (true, false) if named.is_none() => Some(Naming::Itself),
            (true, _) => None,
        }
    }

    /// Whether anyone at all may be meant.
    pub(crate) fn is_everyone(&self) -> bool {
        self.is_not || self.list.iter().any(Principal::is_everyone)
    }
}

/// What principals are compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) context: &'a Context,
    pub(crate) has_boundary: bool,
}

/// Reads a name of class `AWS`: an account, an ARN, an id of someone who is gone. There are no wildcards in them.
fn aws(name: &str) -> Option<Whom> {
    if is_account(name) {
        return Some(Whom::Account(name.to_owned()));
    }
    let is_id = name.len() >= 16
        && name.starts_with('A')
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if is_id {
        return Some(Whom::Unknown);
    }
    let mut parts = name.splitn(6, ':');
    let mut part = || parts.next();
    let (arn, partition, service) = (part()?, part()?, part()?);
    let (region, account, resource) = (part()?, part()?, part()?);
    let is_known = arn == "arn" && partition.starts_with("aws") && region.is_empty() && !name.contains(['*', '?', '$']);
    if !is_known {
        return None;
    }
    let named = |kind: &str| resource.strip_prefix(kind).is_some_and(|rest| !rest.is_empty());
    match service {
        "iam" if resource == "root" && is_account(account) => Some(Whom::Account(account.to_owned())),
        "iam" if (named("user/") || named("role/")) && is_account(account) => Some(Whom::Arn),
        "iam" if account == "cloudfront" && named("user/") => Some(Whom::Unknown),
        "sts" if (named("assumed-role/") || named("federated-user/")) && is_account(account) => Some(Whom::Arn),
        _ => None,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
