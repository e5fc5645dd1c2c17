//! What a record tells of temporary credentials: who gave them, when, and how their holder was known.
//! Source: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>
//! (`sessionContext`).

use api::{Caller, Principal, Session, Vouched};

use crate::event::time;
use crate::index::{Entry, account_number, short_hash};
use crate::json::{key, member, string};

/// Appends `sessionContext`, for a session.
pub(crate) fn context(line: &mut String, caller: &Caller) {
    let session = caller.session.as_deref();
    let has_issuer = matches!(caller.principal, Principal::Role { .. } | Principal::FederatedUser { .. });
    if session.is_none() && !has_issuer {
        return;
    }
    line.push_str(",\"sessionContext\":{");
    issuer(line, caller);
    let Some(session) = session else {
        line.push('}');
        return;
    };
    if let Some(provider) = &session.provider {
        comma(line);
        line.push_str("\"webIdFederationData\":{\"federatedProvider\":");
        string(line, provider);
        line.push_str(",\"attributes\":{}}");
    }
    comma(line);
    attributes(line, session);
    if let Some(source) = &session.source_identity {
        member(line, "sourceIdentity", source);
    }
    if session.instance.is_some() {
        member(line, "ec2RoleDelivery", "2.0");
    }
    line.push('}');
}

/// Writes the identity of someone who came with the word of a provider.
pub(crate) fn vouched(line: &mut String, kind: &str, vouched: Option<&Vouched>, entry: &mut Entry) {
    line.push_str("{\"type\":\"");
    line.push_str(kind);
    line.push('"');
    let Some(vouched) = vouched else {
        line.push('}');
        return;
    };
    for (name, text) in
        [("principalId", &vouched.principal), ("userName", &vouched.user), ("identityProvider", &vouched.provider)]
    {
        key(line, name);
        string(line, text);
    }
    line.push('}');
    entry.username = short_hash(&vouched.user);
    entry.account = account_number(vouched.account.as_str());
}

/// Who gave the credentials: the role, or the user that vouched for a federated one.
fn issuer(line: &mut String, caller: &Caller) {
    let account = caller.account.as_ref().map_or("", |account| account.as_str());
    match &caller.principal {
        Principal::Role { name, path, id, .. } => {
            line.push_str("\"sessionIssuer\":{\"type\":\"Role\"");
            member(line, "principalId", id);
            member(line, "arn", &format!("arn:aws:iam::{account}:role{path}{name}"));
            member(line, "accountId", account);
            member(line, "userName", name);
            line.push('}');
        }
        Principal::FederatedUser { user: Some(user), .. } => {
            line.push_str("\"sessionIssuer\":{\"type\":\"IAMUser\"");
            member(line, "accountId", account);
            member(line, "userName", user);
            line.push('}');
        }
        Principal::FederatedUser { user: None, .. } => {
            line.push_str("\"sessionIssuer\":{\"type\":\"Root\"");
            member(line, "principalId", account);
            member(line, "arn", &format!("arn:aws:iam::{account}:root"));
            member(line, "accountId", account);
            line.push('}');
        }
        Principal::Anonymous | Principal::Root | Principal::User { .. } | Principal::Service(_) => {}
    }
}

fn attributes(line: &mut String, session: &Session) {
    line.push_str("\"attributes\":{\"creationDate\":\"");
    time(line, session.issued);
    line.push_str(if session.mfa.is_some() {
        "\",\"mfaAuthenticated\":\"true\"}"
    } else {
        "\",\"mfaAuthenticated\":\"false\"}"
    });
}

fn comma(line: &mut String) {
    if !line.ends_with('{') {
        line.push(',');
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use api::{Caller, Principal, Session};
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::context;

    fn check(principal: Principal, session: Option<Session>, expected: &Value) {
        let root = Caller::root("012345678901".parse().unwrap(), "ASIA1");
        let caller = Caller { principal, session: session.map(Arc::new), ..root };
        let mut line = "{\"a\":1".to_owned();
        context(&mut line, &caller);
        line.push('}');
        let told: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(told["sessionContext"], *expected);
    }

    #[test]
    fn whom_a_provider_vouches_for_is_told_in_the_account_of_the_role() {
        let someone = super::Vouched {
            principal: "idp.example:aud:sub".into(),
            user: "\"sub\"".into(),
            provider: "arn:aws:iam::012345678901:oidc-provider/idp.example".into(),
            account: "012345678901".parse().unwrap(),
        };
        let event =
            crate::event::tests::event(crate::Identity::Vouched("WebIdentityUser", Some(&someone)), "RunInstances");
        let mut line = String::new();
        let entry = event.write(&mut line, 1, 1);
        let told: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(told["userIdentity"]["type"], "WebIdentityUser");
        assert_eq!(told["userIdentity"]["userName"], "\"sub\"");
        assert_eq!(told["recipientAccountId"], "012345678901");
        assert_eq!(entry.account, super::account_number("012345678901"));
        assert_eq!(event.lane(), crate::Lane::Changes);
    }

    #[test]
    fn who_is_not_vouched_for_is_nobody_of_no_account() {
        let event = crate::event::tests::event(crate::Identity::Vouched("SAMLUser", None), "RunInstances");
        let mut line = String::new();
        let entry = event.write(&mut line, 1, 1);
        let told: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&told["userIdentity"], &told["recipientAccountId"]), (&json!({"type": "SAMLUser"}), &Value::Null));
        assert_eq!((entry.account, event.lane()), (0, crate::Lane::Reads));
    }

    #[test]
    fn sessions_are_told_of_as_cloudtrail_does() {
        let session = || Session { issued: Timestamp::constant(1_795_248_000, 0), ..Session::default() };
        let attributes = json!({"creationDate": "2026-11-21T08:00:00Z", "mfaAuthenticated": "false"});
        check(Principal::Root, None, &Value::Null);
        check(Principal::Root, Some(session()), &json!({ "attributes": attributes }));
        let role = Principal::Role { name: "r".into(), path: "/p/".into(), id: "AROA1".into(), session: "s".into() };
        let issuer = json!({"type": "Role", "principalId": "AROA1", "arn": "arn:aws:iam::012345678901:role/p/r",
            "accountId": "012345678901", "userName": "r"});
        let told = Session {
            source_identity: Some("ann".into()),
            provider: Some("idp.example".into()),
            instance: Some("arn:aws:ec2:i".into()),
            mfa: Some(Timestamp::UNIX_EPOCH),
            ..session()
        };
        let expected = json!({"sessionIssuer": issuer, "sourceIdentity": "ann", "ec2RoleDelivery": "2.0",
            "webIdFederationData": {"federatedProvider": "idp.example", "attributes": {}},
            "attributes": {"creationDate": "2026-11-21T08:00:00Z", "mfaAuthenticated": "true"}});
        check(role, Some(told), &expected);
        let federated = Principal::FederatedUser { name: "f".into(), user: Some("ann".into()) };
        let issuer = json!({"type": "IAMUser", "accountId": "012345678901", "userName": "ann"});
        check(federated, Some(session()), &json!({ "sessionIssuer": issuer, "attributes": attributes }));
    }
}
