//! Who calls, and how: what an operation learns beside its input.

use std::net::IpAddr;

use ids::AccountId;

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
    /// The region the request was signed for.
    pub region: String,
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
        /// Its unique id, `AIDA…`.
        id: String,
    },
    /// A service of ours that acts for the account, such as `autoscaling.amazonaws.com`.
    Service(&'static str),
}

impl Caller {
    /// Someone who did not sign.
    pub const ANONYMOUS: Self = Self { account: None, principal: Principal::Anonymous, access_key: None };

    /// The root of `account`, signing with `access_key`.
    pub fn root(account: AccountId, access_key: impl Into<String>) -> Self {
        Self { account: Some(account), principal: Principal::Root, access_key: Some(access_key.into()) }
    }

    /// A service of ours that acts for `account`.
    pub fn service(account: AccountId, name: &'static str) -> Self {
        Self { account: Some(account), principal: Principal::Service(name), access_key: None }
    }

    /// The ARN, as `sts:GetCallerIdentity` gives it; none for an anonymous caller. Rule: IAM's "ARN format" page.
    pub fn arn(&self) -> Option<String> {
        let account = self.account.as_ref()?;
        match &self.principal {
            Principal::Anonymous => None,
            Principal::Root => Some(format!("arn:aws:iam::{account}:root")),
            Principal::User { name, .. } => Some(format!("arn:aws:iam::{account}:user/{name}")),
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
        let principal = Principal::User { name: "ada".into(), id: "AIDAX".into() };
        let user = Caller { principal, ..root };
        assert_eq!(user.arn().unwrap(), "arn:aws:iam::012345678901:user/ada");
        assert_eq!(user.user_id().unwrap(), "AIDAX");
        assert_eq!(Caller::ANONYMOUS.arn(), None);
        assert_eq!(Caller::ANONYMOUS.user_id(), None);
    }
}
