//! All policies that bear on a caller, whatever it asks for.
//! Rule: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

use std::sync::Arc;

use api::{Caller, Principal, Session};
use ids::AccountId;
use policy::{Attached, Kind, Source, SourceKind, Subject, SubjectKind};
use store::{KeyPrefix, StoreError, Version, View};

use super::documents::Documents;
use super::managed;
use crate::names::folded;
use crate::organizations::{organization_path, service_control};
use crate::{AttachmentRecord, GroupRecord, InlinePolicyRecord, MembershipRecord, RoleRecord, UserRecord};

/// What allows all: what a root user's identity is worth where other policies bear on it.
const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// What bears on a caller, as of one version of the store.
#[derive(Debug)]
pub(super) struct Bundle {
    /// Whose it is.
    pub(super) caller: Caller,
    /// The version it was read in.
    pub(super) version: Version,
    pub(super) subject: Subject,
    pub(super) identity: Vec<Attached>,
    pub(super) boundary: Option<Attached>,
    pub(super) session: Option<Vec<Attached>>,
    pub(super) service_control: Vec<Vec<Attached>>,
    /// The condition keys that these policies ask for, in lower case.
    pub(super) keys: Vec<String>,
    /// The tags of the user or role, and over them those of the session.
    pub(super) tags: Vec<(String, String)>,
    /// The role's ARN for a session of a role, else the caller's.
    pub(super) principal_arn: String,
    /// The organization of its account, and the path to it there.
    pub(super) place: Option<(String, String)>,
    /// It may do everything in its account: a root user, or a service of ours, that no policy binds.
    pub(super) is_unbound: bool,
}

impl Bundle {
    /// Reads it.
    ///
    /// # Errors
    /// The store's; [`StoreError::Corrupt`] for what is attached and not there, since nobody knows what it denies.
    pub(super) fn read(view: &View, caller: &Caller, documents: &Documents) -> Result<Self, StoreError> {
        let mut reader = Reader { view, documents, keys: Vec::new() };
        let (kind, arn) = (kind_of(&caller.principal), caller.arn().unwrap_or_default());
        let account = caller.account.as_ref();
        let mut own = Own { principal_arn: arn.clone(), ..Own::default() };
        let mut role_arn = None;
        if let Some(account) = account {
            match &caller.principal {
                Principal::Anonymous => {}
                Principal::Root | Principal::Service(_) => own.identity = reader.everything(&arn)?,
                Principal::User { name, id, .. } => reader.user(account, name, Some(id), &mut own)?,
                Principal::FederatedUser { user: None, .. } => own.identity = reader.everything(&arn)?,
                Principal::FederatedUser { user: Some(user), .. } => {
                    reader.user(account, user, None, &mut own)?;
                    own.principal_arn.clone_from(&arn);
                }
                Principal::Role { name, id, .. } => role_arn = reader.role(account, name, id, &mut own)?,
            }
        }
        let session = match (&caller.session, &caller.principal) {
            (Some(session), _) => reader.session(session, &arn)?,
            (None, _) => None,
        };
        // Without a policy of the session a federated user has no permissions but those that resources give it.
        let session = match caller.principal {
            Principal::FederatedUser { .. } => Some(session.unwrap_or_default()),
            _ => session,
        };
        let (service_control, place) = match (account, &caller.principal) {
            (
                Some(account),
                Principal::Root | Principal::User { .. } | Principal::Role { .. } | Principal::FederatedUser { .. },
            ) => {
                let bound = if own.is_linked { Vec::new() } else { reader.service_control(account)? };
                (bound, organization_path(view, account)?)
            }
            _ => (Vec::new(), None),
        };
        if let Some(session) = &caller.session {
            for (key, value) in &session.tags {
                own.tags.retain(|(known, _)| !known.eq_ignore_ascii_case(key));
                own.tags.push((key.clone(), value.clone()));
            }
        }
        let service = match &caller.principal {
            Principal::Service(name) => Some((*name).to_owned()),
            _ => None,
        };
        let is_root = matches!(caller.principal, Principal::Root | Principal::Service(_));
        let subject = Subject { kind, account: account.map(ToString::to_string), arn, role_arn, service };
        Ok(Self {
            caller: caller.clone(),
            version: view.version()?,
            subject,
            is_unbound: is_root && session.is_none() && service_control.is_empty(),
            identity: own.identity,
            boundary: own.boundary,
            session,
            service_control,
            keys: reader.keys,
            tags: own.tags,
            principal_arn: own.principal_arn,
            place,
        })
    }

    /// Whether it is what bears on this caller.
    pub(super) fn is_of(&self, caller: &Caller) -> bool {
        let is_same_session = match (&self.caller.session, &caller.session) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
            (None, None) => true,
            _ => false,
        };
        is_same_session && self.caller.account == caller.account && self.caller.principal == caller.principal
    }
}

/// What a caller has of its own.
#[derive(Default)]
struct Own {
    identity: Vec<Attached>,
    boundary: Option<Attached>,
    tags: Vec<(String, String)>,
    principal_arn: String,
    /// It is a role that is linked to a service: no organization binds it.
    is_linked: bool,
}

/// A service of ours acts as the root of the account it acts for.
fn kind_of(principal: &Principal) -> SubjectKind {
    match principal {
        Principal::Anonymous => SubjectKind::Anonymous,
        Principal::Root | Principal::Service(_) => SubjectKind::Root,
        Principal::User { .. } => SubjectKind::User,
        Principal::Role { .. } => SubjectKind::Role,
        Principal::FederatedUser { .. } => SubjectKind::FederatedUser,
    }
}

struct Reader<'a> {
    view: &'a View,
    documents: &'a Documents,
    keys: Vec<String>,
}

impl Reader<'_> {
    /// What a user has, and its groups give it. A user that is not there has nothing.
    fn user(&mut self, account: &AccountId, name: &str, id: Option<&str>, own: &mut Own) -> Result<(), StoreError> {
        let found = self.view.get::<UserRecord>(&(account.clone(), folded(name)))?;
        let Some(user) = found.filter(|user| id.is_none_or(|id| user.id == id)) else { return Ok(()) };
        let arn = user.arn();
        self.owned(account, &user.owner(), &arn, &mut own.identity)?;
        let memberships = KeyPrefix::of((account.clone(), folded(name)));
        for membership in self.view.scan::<MembershipRecord>(&memberships, None, usize::MAX)? {
            if let Some(group) = self.view.get::<GroupRecord>(&(account.clone(), membership.group))? {
                self.owned(account, &group.owner(), &group.arn(), &mut own.identity)?;
            }
        }
        own.boundary = self.boundary(user.boundary.as_deref(), &arn)?;
        own.tags = user.tags;
        own.principal_arn = arn;
        Ok(())
    }

    /// What a role has; gives its ARN. A role that is not there has nothing.
    fn role(&mut self, account: &AccountId, name: &str, id: &str, own: &mut Own) -> Result<Option<String>, StoreError> {
        let found = self.view.get::<RoleRecord>(&(account.clone(), folded(name)))?;
        let Some(role) = found.filter(|role| role.id == id) else { return Ok(None) };
        let arn = role.arn();
        self.owned(account, &role.owner(), &arn, &mut own.identity)?;
        own.boundary = self.boundary(role.boundary.as_deref(), &arn)?;
        own.tags = role.tags;
        own.is_linked = role.linked_service.is_some();
        own.principal_arn.clone_from(&arn);
        Ok(Some(arn))
    }

    /// The policies of an owner such as `user/ann`.
    fn owned(
        &mut self,
        account: &AccountId,
        owner: &str,
        arn: &str,
        into: &mut Vec<Attached>,
    ) -> Result<(), StoreError> {
        let prefix = KeyPrefix::of((account.clone(), owner.to_owned()));
        for inline in self.view.scan::<InlinePolicyRecord>(&prefix, None, usize::MAX)? {
            into.push(self.attached(SourceKind::Inline, inline.name, arn, &inline.document, Kind::Identity)?);
        }
        for attachment in self.view.scan::<AttachmentRecord>(&prefix, None, usize::MAX)? {
            into.push(self.managed(SourceKind::Managed, &attachment.policy_arn, arn)?);
        }
        Ok(())
    }

    fn boundary(&mut self, policy: Option<&str>, arn: &str) -> Result<Option<Attached>, StoreError> {
        policy.map(|policy| self.managed(SourceKind::Boundary, policy, arn)).transpose()
    }

    /// What bounds a session. If one of its policies is gone, nobody knows what that denied: then nothing is allowed.
    fn session(&mut self, session: &Session, arn: &str) -> Result<Option<Vec<Attached>>, StoreError> {
        let Some(policies) = &session.policies else { return Ok(None) };
        let mut attached = Vec::with_capacity(policies.len());
        for policy in policies {
            if let Some(named) = &policy.arn {
                let Some(document) = managed::document_of(self.view, named, session.issued)? else {
                    return Ok(Some(Vec::new()));
                };
                attached.push(self.attached(SourceKind::Session, named.clone(), arn, &document, Kind::Identity)?);
            }
            if let Some(document) = &policy.document {
                let name = "session policy".to_owned();
                attached.push(self.attached(SourceKind::Session, name, arn, document, Kind::Identity)?);
            }
        }
        Ok(Some(attached))
    }

    fn service_control(&mut self, account: &AccountId) -> Result<Vec<Vec<Attached>>, StoreError> {
        let mut levels = Vec::new();
        for level in service_control(self.view, account)? {
            let mut policies = Vec::with_capacity(level.len());
            for (id, document) in level {
                let kind = SourceKind::ServiceControl;
                policies.push(self.attached(kind, id, account.as_str(), &document, Kind::ServiceControl)?);
            }
            levels.push(policies);
        }
        Ok(levels)
    }

    fn everything(&mut self, arn: &str) -> Result<Vec<Attached>, StoreError> {
        let name = "the root user's permissions".to_owned();
        Ok(vec![self.attached(SourceKind::Inline, name, arn, EVERYTHING, Kind::Identity)?])
    }

    fn managed(&mut self, kind: SourceKind, policy: &str, attached_to: &str) -> Result<Attached, StoreError> {
        let gone = || StoreError::Corrupt(format!("the policy {policy} is attached to {attached_to} and not there"));
        let document = managed::document(self.view, policy)?.ok_or_else(gone)?;
        self.attached(kind, policy.to_owned(), attached_to, &document, Kind::Identity)
    }

    fn attached(
        &mut self,
        kind: SourceKind,
        id: String,
        attached_to: &str,
        document: &str,
        of: Kind,
    ) -> Result<Attached, StoreError> {
        let document = self.documents.read(document, of)?;
        for key in &document.keys {
            if !self.keys.contains(key) {
                self.keys.push(key.clone());
            }
        }
        let source = Arc::new(Source { kind, id, attached_to: attached_to.to_owned() });
        Ok(Attached { source, policy: Arc::clone(&document.policy) })
    }
}
