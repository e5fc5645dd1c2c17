//! Who calls, and how: what an operation learns beside its input.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ids::AccountId;
use jiff::Timestamp;

/// One call of an operation.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// The id that the answer carries.
    pub request_id: String,
    /// Where the request came from; none for a call within the region.
    pub source_ip: Option<IpAddr>,
    /// The request came over TLS, or from within the region.
    pub is_secure: bool,
    /// What the client calls itself.
    pub user_agent: String,
    /// What conditions may ask about how it was made.
    pub manner: Arc<Manner>,
    /// The region the request was signed for.
    pub region: String,
    /// What was decided about it so far.
    pub verdicts: Verdicts,
}

/// How a request was made; nothing of it is known of a call within the region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manner {
    /// The page that led to it, as its client says (`Referer`).
    pub referer: Option<String>,
    /// What proved who sent it; none for one that nobody signed.
    pub proof: Option<Proof>,
    /// The version of TLS that it came over, such as `1.3`; none for one that came without.
    pub tls: Option<&'static str>,
    /// What its header `x-amz-content-sha256` says.
    pub content_sha256: Option<String>,
}

/// The signature of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Where it stands.
    pub place: ProofPlace,
    /// When it was made, if it is of version 4; version 2 leaves that open.
    pub made: Option<Timestamp>,
}

/// Where a signature stands in its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofPlace {
    /// In the `Authorization` header.
    Header,
    /// In the query of a presigned URL.
    Query,
    /// In the form that a browser sent.
    Form,
}

/// What was decided about a call: what it needed, and which statements allowed or refused that; and who turned out to be
/// behind it, where nobody signed. Clones share it: whoever authorises writes, whoever answers reads.
#[derive(Debug, Clone, Default)]
pub struct Verdicts(Arc<Mutex<FoundOut>>);

#[derive(Debug, Default)]
struct FoundOut {
    verdicts: Vec<Verdict>,
    vouched: Option<Vouched>,
}

/// Someone for whom an identity provider vouched, and whose word was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// What tells it from all others of the provider.
    pub principal: String,
    /// Its name.
    pub user: String,
    /// The provider.
    pub provider: String,
    /// The account of the provider, whose role is asked for.
    pub account: AccountId,
}

/// The decision on one permission that a call needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The IAM action.
    pub action: Cow<'static, str>,
    /// The ARN of the resource, or `*`.
    pub resource: Cow<'static, str>,
    /// Whether it was allowed.
    pub is_allowed: bool,
    /// Why, as the end of AWS's sentence, such as `because no identity-based policy allows the s3:GetObject action`.
    pub because: Cow<'static, str>,
    /// The statements that decided.
    pub statements: Vec<VerdictStatement>,
    /// Of a refusal, the policies that were looked at.
    pub considered: Vec<VerdictPolicy>,
}

/// A policy that bears on a call, as a verdict names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictPolicy {
    /// What kind of policy it is, such as `identity-based policy`.
    pub kind: &'static str,
    /// Its ARN, or its name if it is inline.
    pub policy: String,
    /// The ARN of what it is attached to; empty where that says nothing.
    pub attached_to: String,
    /// Which of its statements are about the action and do not apply all the same, and what they lack.
    pub nearly: Vec<String>,
}

/// A statement that decided on a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictStatement {
    /// What kind of policy it stands in, such as `identity-based policy`.
    pub kind: &'static str,
    /// The policy's ARN, or its name if it is inline.
    pub policy: String,
    /// The ARN of what the policy is attached to; empty where that says nothing.
    pub attached_to: String,
    /// Which statement of the policy, from 1.
    pub number: usize,
    /// Its `Sid`, if it has one.
    pub sid: Option<String>,
    /// Whether it denies.
    pub is_deny: bool,
}

/// Most verdicts that are kept of one call; those beyond are counted by nobody.
const MAX_VERDICTS: usize = 64;

impl Verdicts {
    /// Adds one.
    pub fn push(&self, verdict: Verdict) {
        let verdicts = &mut self.found().verdicts;
        if verdicts.len() < MAX_VERDICTS {
            verdicts.push(verdict);
        }
    }

    /// Forgets all: the call is tried once more.
    pub fn clear(&self) {
        self.found().verdicts.clear();
    }

    /// All so far, which are forgotten here.
    pub fn take(&self) -> Vec<Verdict> {
        std::mem::take(&mut self.found().verdicts)
    }

    /// Says who is behind the call.
    pub fn vouch(&self, vouched: Vouched) {
        self.found().vouched = Some(vouched);
    }

    /// Who is behind the call, if an identity provider vouched for them.
    pub fn vouched(&self) -> Option<Vouched> {
        self.found().vouched.clone()
    }

    fn found(&self) -> MutexGuard<'_, FoundOut> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account the caller belongs to; none for an anonymous one.
    pub account: Option<AccountId>,
    /// What the caller is within that account.
    pub principal: Principal,
    /// The key that signed the request.
    pub access_key: Option<String>,
    /// What is known of the session, if the key is a temporary one.
    pub session: Option<Arc<Session>>,
}

/// What temporary credentials carry besides who they are for. Rule:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access.html>.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// When they were given.
    pub issued: Timestamp,
    /// Until when they are good.
    pub expires: Timestamp,
    /// When their holder proved possession of an MFA device, if so.
    pub mfa: Option<Timestamp>,
    /// The texts of the policies that bound them; none where they were made without any.
    pub policies: Option<Vec<SessionPolicy>>,
    /// Their tags.
    pub tags: Vec<(String, String)>,
    /// The keys of the tags that go on to the sessions made with them.
    pub transitive_tags: Vec<String>,
    /// Who is behind them, as set by `sts:SourceIdentity`.
    pub source_identity: Option<String>,
    /// The identity provider that vouched for their holder (`aws:FederatedProvider`).
    pub provider: Option<String>,
    /// Further condition keys that hold for the whole session, such as `accounts.google.com:sub`.
    pub context: Vec<(String, Vec<String>)>,
    /// The ARN of the EC2 instance that they were handed to, if so.
    pub instance: Option<String>,
}

/// A policy that was handed over when a session was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Its ARN, if it is a managed one.
    pub arn: Option<String>,
    /// Its text, if it is not.
    pub document: Option<String>,
}

/// What a caller is within an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Someone who did not sign.
    Anonymous,
    /// The account itself.
    Root,
    /// An IAM user.
    User {
        /// Its name, without path.
        name: String,
        /// Its path, `/` for most.
        path: String,
        /// Its unique id, `AIDA…`.
        id: String,
    },
    /// A session of a role.
    Role {
        /// The role's name, without path.
        name: String,
        /// The role's path.
        path: String,
        /// The role's unique id, `AROA…`.
        id: String,
        /// The session's name.
        session: String,
    },
    /// A federated user: a session that an IAM user made with `sts:GetFederationToken`.
    FederatedUser {
        /// Its name.
        name: String,
        /// The name of the user whose permissions bound it; none if that was the root user.
        user: Option<String>,
    },
    /// A service of ours that acts for the account, such as `autoscaling.amazonaws.com`.
    Service(&'static str),
}

impl Caller {
    /// Someone who did not sign.
    pub const ANONYMOUS: Self =
        Self { account: None, principal: Principal::Anonymous, access_key: None, session: None };

    /// The root of `account`, signing with `access_key`.
    pub fn root(account: AccountId, access_key: impl Into<String>) -> Self {
        Self { account: Some(account), principal: Principal::Root, access_key: Some(access_key.into()), session: None }
    }

    /// A service of ours that acts for `account`.
    pub fn service(account: AccountId, name: &'static str) -> Self {
        Self { account: Some(account), principal: Principal::Service(name), access_key: None, session: None }
    }

    /// The ARN, as `sts:GetCallerIdentity` gives it; none for an anonymous caller. Rule: IAM's "ARN format" page.
    pub fn arn(&self) -> Option<String> {
        let account = self.account.as_ref()?;
        match &self.principal {
            Principal::Anonymous => None,
            Principal::Root => Some(format!("arn:aws:iam::{account}:root")),
            Principal::User { name, path, .. } => Some(format!("arn:aws:iam::{account}:user{path}{name}")),
            Principal::Role { name, session, .. } => {
                Some(format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"))
            }
            Principal::FederatedUser { name, .. } => Some(format!("arn:aws:sts::{account}:federated-user/{name}")),
            Principal::Service(name) => Some(format!("arn:aws:iam::{account}:service/{name}")),
        }
    }

    /// The unique id, as `sts:GetCallerIdentity` gives it and `aws:userid` compares it; none for an anonymous caller.
    pub fn user_id(&self) -> Option<String> {
        let account = self.account.as_ref()?;
        match &self.principal {
            Principal::Anonymous => None,
            Principal::Root => Some(account.to_string()),
            Principal::User { id, .. } => Some(id.clone()),
            Principal::Role { id, session, .. } => Some(format!("{id}:{session}")),
            Principal::FederatedUser { name, .. } => Some(format!("{account}:{name}")),
            Principal::Service(name) => Some((*name).to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, Principal};

    #[test]
    fn identities_read_as_amazon_writes_them() {
        let account: ids::AccountId = "012345678901".parse().unwrap();
        let root = Caller::root(account.clone(), "AKIA");
        assert_eq!(root.arn().unwrap(), "arn:aws:iam::012345678901:root");
        assert_eq!(root.user_id().unwrap(), "012345678901");
        let principal = Principal::User { name: "ada".into(), path: "/math/".into(), id: "AIDAX".into() };
        let user = Caller { principal, ..root.clone() };
        assert_eq!(user.arn().unwrap(), "arn:aws:iam::012345678901:user/math/ada");
        assert_eq!(user.user_id().unwrap(), "AIDAX");
        let (name, path, id) = ("r".to_owned(), "/p/".to_owned(), "AROAX".to_owned());
        let role = Caller { principal: Principal::Role { name, path, id, session: "s".into() }, ..root.clone() };
        assert_eq!(role.arn().unwrap(), "arn:aws:sts::012345678901:assumed-role/r/s");
        assert_eq!(role.user_id().unwrap(), "AROAX:s");
        let federated = Caller { principal: Principal::FederatedUser { name: "f".into(), user: None }, ..root };
        assert_eq!(federated.arn().unwrap(), "arn:aws:sts::012345678901:federated-user/f");
        assert_eq!(federated.user_id().unwrap(), "012345678901:f");
        assert_eq!(Caller::ANONYMOUS.arn(), None);
        assert_eq!(Caller::ANONYMOUS.user_id(), None);
    }
}
