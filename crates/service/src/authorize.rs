//! What a caller must be allowed to do, and who decides.

use std::borrow::Cow;

use api::{Call, Caller};
use ids::{AccountId, Arn};

/// One permission that a call needs: an IAM action on a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The IAM action, such as `ec2:RunInstances`.
    pub action: Cow<'static, str>,
    /// The resource, or none where the action has no resource-level permissions (`*`).
    pub resource: Option<Arn>,
}

impl Need {
    /// An action without a resource, such as the `Describe` actions of EC2.
    pub fn any(action: &'static str) -> Self {
        Self { action: Cow::Borrowed(action), resource: None }
    }

    /// An action on one resource.
    pub fn on(action: &'static str, resource: Arn) -> Self {
        Self { action: Cow::Borrowed(action), resource: Some(resource) }
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
}

impl Refusal {
    /// AWS's sentence for the caller.
    /// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.
    pub fn message(&self, caller: &Caller) -> String {
        format!(
            "User: {} is not authorized to perform: {} on resource: {} {}",
            caller.arn().unwrap_or_else(|| "anonymous".to_owned()),
            self.need.action,
            self.need.resource_text(),
            self.because
        )
    }
}

/// Decides whether a caller may do what a call needs.
pub trait Authorizer: Send + Sync {
    /// Permits all of `needs`, or names the first that is refused. An empty list is always permitted
    /// (`sts:GetCallerIdentity` needs nothing).
    ///
    /// # Errors
    /// The refusal.
    fn authorize(&self, call: &Call, needs: &[Need]) -> Result<(), Refusal>;
}
