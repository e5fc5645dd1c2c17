//! What a caller must be allowed to do, and who decides.

use std::borrow::Cow;
use std::sync::Arc;

use api::{Call, Caller};
use ids::{AccountId, Arn};
use jiff::Timestamp;
use policy::{Context, Granted, Kind};
use store::{StoreError, View};

use crate::{Despite, Directory};

/// One permission that a call needs: an IAM action on a resource, and what conditions may ask about both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The IAM action, such as `ec2:RunInstances`.
    pub action: Cow<'static, str>,
    /// The resource, or none where the action has no resource-level permissions (`*`).
    pub resource: Option<Arn>,
    /// The condition keys of this action and this resource: the service's own, `aws:ResourceTag/…`,
    /// `aws:RequestTag/…`, `aws:TagKeys`. Those of the caller and the request are added by whoever decides.
    pub context: Context,
    /// The account that owns the resource, where its ARN doesn't say.
    pub owner: Option<AccountId>,
    /// The policy of the resource, if it has one.
    pub policy: Option<Arc<ResourcePolicy>>,
    /// Whether that policy can only deny, as its owner does not own the resource.
    pub only_denies: bool,
    /// What the resource grants this caller beside its policy, by an access control list.
    pub granted: Option<Granted>,
    /// Which part of the call it is for, by the operation's own numbers; none if it is for the whole. A part whose need is
    /// refused is all that is: the operation learns which ([`crate::Cx::refused`]) and does the rest.
    pub part: Option<usize>,
}

/// The policy of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourcePolicy {
    /// Its text.
    pub document: String,
    /// What kind of document it is: of a resource, or of a role's trust.
    pub kind: Kind,
    /// Whether it must allow, whatever the caller's own policies say, as a role's trust policy.
    pub must_allow: bool,
    /// The users and roles that it names, as they are written in it, with the unique ids of those who were meant; what
    /// they are called now, the authoriser finds out. Empty for a text in which that is done.
    pub principals: Vec<(String, String)>,
}

impl Need {
    /// An action without a resource, such as the `Describe` actions of EC2.
    pub fn any(action: &'static str) -> Self {
        let (action, context) = (Cow::Borrowed(action), Context::new());
        Self {
            action,
            resource: None,
            context,
            owner: None,
            policy: None,
            only_denies: false,
            granted: None,
            part: None,
        }
    }

    /// An action on one resource.
    pub fn on(action: &'static str, resource: Arn) -> Self {
        Self { resource: Some(resource), ..Self::any(action) }
    }

    /// The same, with a condition key that has one value.
    #[must_use]
    pub fn with(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.context.set(key, value);
        self
    }

    /// The same on a resource with these tags (`aws:ResourceTag/…`).
    #[must_use]
    pub fn tagged<'a>(mut self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        for (key, value) in tags {
            self.context.set(format!("aws:ResourceTag/{key}"), value);
        }
        self
    }

    /// The same in a request that brings these tags (`aws:RequestTag/…`, `aws:TagKeys`); without any it says nothing.
    #[must_use]
    pub fn tagging<'a>(mut self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut keys = Vec::new();
        for (key, value) in tags {
            self.context.set(format!("aws:RequestTag/{key}"), value);
            keys.push(key.to_owned());
        }
        if !keys.is_empty() {
            self.context.set_all("aws:TagKeys", keys);
        }
        self
    }

    /// The same on a resource with a policy of its own, which belongs to `owner`.
    #[must_use]
    pub fn under(mut self, owner: AccountId, policy: Option<Arc<ResourcePolicy>>) -> Self {
        (self.owner, self.policy) = (Some(owner), policy);
        self
    }

    /// The same, for one part of the call alone.
    #[must_use]
    pub fn for_part(self, part: usize) -> Self {
        Self { part: Some(part), ..self }
    }

    /// The resource as IAM writes it: the ARN or `*`.
    pub fn resource_text(&self) -> &str {
        self.resource.as_ref().map_or("*", Arn::as_str)
    }
}

/// Where a call takes place: what the ARNs in its needs are made of.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The region.
    pub region: String,
    /// The account of the caller; none for an anonymous one.
    pub account: Option<AccountId>,
    /// The caller.
    pub caller: Caller,
    /// When.
    pub now: Timestamp,
    /// What is committed although the call is refused, even here.
    pub despite: Despite,
}

impl Scope {
    /// The ARN of a regional resource of the caller's account, such as `instance/i-…` of `ec2`.
    pub fn arn(&self, service: &str, resource: &str) -> Arn {
        Arn::new(service, &self.region, self.account.as_ref().map_or("", AccountId::as_str), resource)
    }
}

/// A need that was refused, and why, in IAM's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The need.
    pub need: Need,
    /// The end of AWS's sentence, such as `because no identity-based policy allows the ec2:RunInstances action`.
    pub because: String,
    /// The whole decision, sealed for `sts:DecodeAuthorizationMessage`; none where nobody can seal it.
    pub encoded: Option<String>,
}

impl Refusal {
    /// AWS's sentence for the caller, as IAM and most services say it.
    /// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.
    pub fn message(&self, caller: &Caller) -> String {
        self.message_on(caller, Some(self.need.resource_text()))
    }

    /// The same with the resource as the service writes it; none where the service does not name it.
    pub fn message_on(&self, caller: &Caller, resource: Option<&str>) -> String {
        let arn = caller.arn().unwrap_or_else(|| "anonymous".to_owned());
        let mut text = format!("User: {arn} is not authorized to perform: {}", self.need.action);
        if let Some(resource) = resource {
            text.push_str(" on resource: ");
            text.push_str(resource);
        }
        if !self.because.is_empty() {
            text.push(' ');
            text.push_str(&self.because);
        }
        text
    }
}

/// Why a call does not go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Denied {
    /// It is not permitted.
    #[error("not permitted")]
    Refused(Box<Refusal>),
    /// Whether it is permitted could not be found out.
    #[error("store")]
    Store(#[from] StoreError),
}

/// Decides whether a caller may do what a call needs.
pub trait Authorizer: Send + Sync {
    /// Who there is, as policies name principals.
    fn directory(&self) -> &dyn Directory;

    /// Permits all of `needs`, or names the first that is refused. Those of parts of the call are permitted each for itself,
    /// and the first refusal of each part is what it gives. An empty list is always permitted
    /// (`sts:GetCallerIdentity` needs nothing). Says its verdicts to the call's [`api::Verdicts`]. What it reads of
    /// policies, it reads through the view of the call, so that what was decided on is what is committed on.
    ///
    /// # Errors
    /// The refusal, or the store's failure: then nothing is permitted.
    fn authorize(&self, call: &Call, needs: &[Need], view: &View) -> Result<Vec<Refusal>, Denied>;
}
