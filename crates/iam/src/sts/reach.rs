//! What temporary credentials do not reach, whatever policies say.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html>.

use api::{Caller, Principal};

/// Whether a caller's credentials are good for an operation of a service at all. Sessions of `GetSessionToken` reach IAM
/// only if they were made with MFA, and of STS no more than `AssumeRole` and `GetCallerIdentity`; those of
/// `GetFederationToken` reach nothing of IAM, and of STS `GetCallerIdentity`. To those they do not reach, AWS
/// answers as to a token that it does not know.
pub fn is_within_reach(service: &str, operation: &str, caller: &Caller) -> bool {
    let Some(session) = &caller.session else { return true };
    match (&caller.principal, service) {
        (Principal::Root | Principal::User { .. }, "iam") => session.mfa.is_some(),
        (Principal::Root | Principal::User { .. }, "sts") => {
            // Who calls these two is told what is wrong in words.
            let is_explained = matches!(operation, "GetSessionToken" | "GetFederationToken");
            is_explained || matches!(operation, "AssumeRole" | "GetCallerIdentity")
        }
        (Principal::FederatedUser { .. }, "iam") => false,
        (Principal::FederatedUser { .. }, "sts") => {
            matches!(operation, "GetCallerIdentity" | "GetSessionToken" | "GetFederationToken")
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use api::{Caller, Principal, Session};
    use jiff::Timestamp;

    use super::is_within_reach;

    #[test]
    fn temporary_credentials_reach_what_amazon_says() {
        let root = Caller::root("123456789012".parse().unwrap(), "AKIA");
        let with = |principal: Principal, mfa: Option<Timestamp>| {
            let session = Some(Arc::new(Session { mfa, ..Session::default() }));
            Caller { principal, session, ..root.clone() }
        };
        let user = Principal::User { name: "ann".into(), path: "/".into(), id: "AIDA1".into() };
        let role = Principal::Role { name: "r".into(), path: "/".into(), id: "AROA1".into(), session: "s".into() };
        let federated = Principal::FederatedUser { name: "f".into(), user: None };
        let (plain, proven) = (with(user.clone(), None), with(user, Some(Timestamp::UNIX_EPOCH)));
        let (role, federated) = (with(role, None), with(federated, Some(Timestamp::UNIX_EPOCH)));
        for (caller, service, operation, expected) in [
            (&root, "iam", "ListUsers", true),
            (&plain, "iam", "ListUsers", false),
            (&proven, "iam", "ListUsers", true),
            (&role, "iam", "ListUsers", true),
            (&federated, "iam", "ListUsers", false),
            (&plain, "sts", "AssumeRole", true),
            (&proven, "sts", "GetAccessKeyInfo", false),
            (&plain, "sts", "GetCallerIdentity", true),
            (&role, "sts", "GetAccessKeyInfo", true),
            (&federated, "sts", "AssumeRole", false),
            (&federated, "sts", "GetCallerIdentity", true),
            (&federated, "s3", "GetObject", true),
            (&plain, "ec2", "RunInstances", true),
        ] {
            assert_eq!(is_within_reach(service, operation, caller), expected, "{caller:?} {service}:{operation}");
        }
    }
}
