//! Condition keys are true to the request.

use std::sync::Arc;

use api::{Call, Caller, Manner, Principal, Proof, ProofPlace, Session};
use jiff::Timestamp;
use service::Need;

use super::world::{ACCOUNT, NOW, World, account, call, doc_if, on};

/// Whether a statement with this condition applies to the call.
async fn holds(world: &World, owner: &str, call: &Call, condition: &str) -> bool {
    holds_on(world, owner, call, condition, on("s3:GetObject", "b/k")).await
}

async fn holds_on(world: &World, owner: &str, call: &Call, condition: &str, need: Need) -> bool {
    world.inline(owner, &doc_if("Allow", "*", "*", condition)).await;
    world.asks_with(call, need).0 == "allowed"
}

fn equals(key: &str, value: &str) -> String {
    format!(r#"{{"StringEquals":{{"{key}":"{value}"}}}}"#)
}

fn is_absent(key: &str) -> String {
    format!(r#"{{"Null":{{"{key}":"true"}}}}"#)
}

#[tokio::test]
async fn of_the_call() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    let over_tls = call(&ann);
    let plain = Call { is_secure: false, source_ip: "::ffff:10.1.2.3".parse().ok(), ..call(&ann) };
    let within = Call { source_ip: None, user_agent: String::new(), ..call(&ann) };
    for (which, call, condition) in [
        ("tls", &over_tls, r#"{"Bool":{"aws:SecureTransport":"true"}}"#),
        ("tls", &plain, r#"{"Bool":{"aws:SecureTransport":"false"}}"#),
        ("ip", &over_tls, r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#),
        ("ip", &plain, r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#),
        ("ip", &plain, r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#),
        ("ip", &within, &is_absent("aws:SourceIp")),
        ("agent", &over_tls, r#"{"StringLike":{"aws:UserAgent":"agent/*"}}"#),
        ("agent", &within, &is_absent("aws:UserAgent")),
        ("time", &over_tls, r#"{"DateLessThan":{"aws:CurrentTime":"2026-11-21T08:00:01Z"}}"#),
        ("time", &over_tls, r#"{"DateEquals":{"aws:CurrentTime":"2026-11-21T08:00:00Z"}}"#),
        ("epoch", &over_tls, r#"{"NumericEquals":{"aws:EpochTime":"1795248000"}}"#),
        ("region", &over_tls, &equals("aws:RequestedRegion", "eu-lab-1")),
        ("case of keys", &over_tls, &equals("AWS:requestedregion", "eu-lab-1")),
        ("via", &over_tls, &equals("aws:ViaAWSService", "false")),
        ("via", &over_tls, &is_absent("aws:CalledVia")),
    ] {
        assert!(holds(&world, "user/ann", call, condition).await, "{which}: {condition}");
    }
    let past = r#"{"DateLessThan":{"aws:CurrentTime":"2026-11-21T08:00:00Z"}}"#;
    assert!(!holds(&world, "user/ann", &over_tls, past).await);
    let iam = Need::any("iam:ListUsers");
    assert!(holds_on(&world, "user/ann", &over_tls, &equals("aws:RequestedRegion", "us-east-1"), iam).await);
}

/// The signatures of requests, as S3's policies ask about them.
#[tokio::test]
async fn of_the_manner() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    let made = Timestamp::from_second(NOW.as_second() - 90).ok();
    let by = |place, made| Call {
        manner: Arc::new(Manner { proof: Some(Proof { place, made }), ..Manner::default() }),
        ..call(&ann)
    };
    let header = by(ProofPlace::Header, made);
    let (query, old, form) = (by(ProofPlace::Query, made), by(ProofPlace::Query, None), by(ProofPlace::Form, made));
    let over = |tls, sha: Option<&str>, referer: Option<&str>| {
        let (content_sha256, referer) = (sha.map(str::to_owned), referer.map(str::to_owned));
        Call { manner: Arc::new(Manner { tls, content_sha256, referer, proof: None }), ..call(&ann) }
    };
    let plain = over(None, None, None);
    let tls = over(Some("1.2"), Some("UNSIGNED-PAYLOAD"), Some("https://a.example/x"));
    for (which, call, condition) in [
        ("header", &header, equals("s3:authType", "REST-HEADER")),
        ("query", &query, equals("s3:authType", "REST-QUERY-STRING")),
        ("form", &form, equals("s3:authType", "POST")),
        ("nobody", &plain, is_absent("s3:authType")),
        ("V4", &header, equals("s3:signatureversion", "AWS4-HMAC-SHA256")),
        ("V2", &old, equals("s3:signatureVersion", "AWS")),
        ("nobody", &plain, is_absent("s3:signatureversion")),
        ("header", &header, is_absent("s3:signatureAge")),
        ("query", &query, r#"{"NumericEquals":{"s3:signatureAge":"90000"}}"#.to_owned()),
        ("form", &form, r#"{"NumericGreaterThan":{"s3:signatureAge":"89999"}}"#.to_owned()),
        ("V2", &old, r#"{"NumericEquals":{"s3:signatureAge":"0"}}"#.to_owned()),
        ("plain", &plain, is_absent("s3:TlsVersion")),
        ("tls", &tls, r#"{"NumericLessThan":{"s3:TlsVersion":"1.3"}}"#.to_owned()),
        ("sha", &tls, equals("s3:x-amz-content-sha256", "UNSIGNED-PAYLOAD")),
        ("sha", &plain, is_absent("s3:x-amz-content-sha256")),
        ("referer", &tls, r#"{"StringLike":{"aws:Referer":["https://a.example/*"]}}"#.to_owned()),
        ("referer", &plain, is_absent("aws:referer")),
    ] {
        assert!(holds(&world, "user/ann", call, &condition).await, "{which}: {condition}");
    }
    // Of the other services' requests S3's keys say nothing.
    let elsewhere = Need::any("ec2:DescribeVpcs");
    assert!(holds_on(&world, "user/ann", &header, &is_absent("s3:authType"), elsewhere).await);
}

#[tokio::test]
async fn of_a_user() {
    let world = World::new().await;
    let ann = call(&world.user("ann", None).await);
    for condition in [
        equals("aws:username", "ann"),
        equals("aws:userid", "AIDAann"),
        equals("aws:PrincipalType", "User"),
        equals("aws:PrincipalAccount", ACCOUNT),
        equals("aws:PrincipalTag/Team", "blue"),
        equals("aws:principaltag/team", "blue"),
        format!(r#"{{"ArnEquals":{{"aws:PrincipalArn":"arn:aws:iam::{ACCOUNT}:user/staff/ann"}}}}"#),
        equals("aws:PrincipalIsAWSService", "false"),
        // A long-term key says nothing of MFA, so that `Bool` does not hold and `BoolIfExists` does.
        is_absent("aws:MultiFactorAuthPresent"),
        is_absent("aws:MultiFactorAuthAge"),
        is_absent("aws:TokenIssueTime"),
        is_absent("aws:SourceIdentity"),
        is_absent("aws:PrincipalOrgID"),
        r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#.to_owned(),
        r#"{"StringEquals":{"aws:username":"${aws:username}"}}"#.to_owned(),
    ] {
        assert!(holds(&world, "user/ann", &ann, &condition).await, "{condition}");
    }
    for condition in
        [r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#, r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#]
    {
        assert!(!holds(&world, "user/ann", &ann, condition).await, "{condition}");
    }
}

#[tokio::test]
async fn of_a_session() {
    let world = World::new().await;
    let issued = Timestamp::from_second(NOW.as_second() - 600).unwrap();
    let session = Session {
        issued,
        expires: NOW,
        mfa: Some(issued),
        tags: vec![("Cost".to_owned(), "7".to_owned()), ("team".to_owned(), "green".to_owned())],
        source_identity: Some("ada".to_owned()),
        provider: Some("accounts.google.com".to_owned()),
        context: vec![("accounts.google.com:sub".to_owned(), vec!["1".to_owned()])],
        instance: Some(format!("arn:aws:ec2:eu-lab-1:{ACCOUNT}:instance/i-1")),
        ..Session::default()
    };
    let ci = call(&world.role("ci", None, session).await);
    for condition in [
        equals("aws:PrincipalType", "AssumedRole"),
        equals("aws:userid", "AROAci:run"),
        format!(r#"{{"ArnEquals":{{"aws:PrincipalArn":"arn:aws:iam::{ACCOUNT}:role/ci/ci"}}}}"#),
        is_absent("aws:username"),
        r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#.to_owned(),
        r#"{"NumericEquals":{"aws:MultiFactorAuthAge":"600"}}"#.to_owned(),
        r#"{"DateEquals":{"aws:TokenIssueTime":"2026-11-21T07:50:00Z"}}"#.to_owned(),
        equals("aws:SourceIdentity", "ada"),
        equals("aws:FederatedProvider", "accounts.google.com"),
        equals("accounts.google.com:sub", "1"),
        equals("aws:PrincipalTag/Cost", "7"),
        // The session's tag beats the role's.
        equals("aws:PrincipalTag/Team", "green"),
        equals("ec2:RoleDelivery", "2.0"),
        format!(r#"{{"ArnLike":{{"ec2:SourceInstanceARN":"arn:aws:ec2:*:{ACCOUNT}:instance/*"}}}}"#),
    ] {
        assert!(holds(&world, "role/ci", &ci, &condition).await, "{condition}");
    }
    let plain = call(&world.role("plain", None, Session::default()).await);
    for condition in [
        r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#.to_owned(),
        is_absent("aws:MultiFactorAuthAge"),
        is_absent("ec2:RoleDelivery"),
        equals("aws:PrincipalTag/Team", "red"),
    ] {
        assert!(holds(&world, "role/plain", &plain, &condition).await, "{condition}");
    }
}

#[tokio::test]
async fn of_the_resource() {
    let world = World::new().await;
    let ann = call(&world.user("ann", None).await);
    let need = || on("s3:GetObject", "b/k").under(account(ACCOUNT), None).tagged([("Team", "blue")]);
    for condition in [
        equals("aws:ResourceTag/Team", "blue"),
        equals("aws:ResourceTag/Team", "${aws:PrincipalTag/Team}"),
        equals("aws:ResourceAccount", ACCOUNT),
        equals("aws:ResourceAccount", "${aws:PrincipalAccount}"),
    ] {
        assert!(holds_on(&world, "user/ann", &ann, &condition, need()).await, "{condition}");
    }
    assert!(!holds_on(&world, "user/ann", &ann, &equals("aws:ResourceTag/Team", "red"), need()).await);
    // What the need brings cannot speak for the caller.
    let forged = need().with("aws:PrincipalTag/Team", "red").with("aws:username", "root");
    assert!(!holds_on(&world, "user/ann", &ann, &equals("aws:PrincipalTag/Team", "red"), forged.clone()).await);
    assert!(!holds_on(&world, "user/ann", &ann, &equals("aws:username", "root"), forged).await);
}

#[tokio::test]
async fn callers_of_one_key_are_told_apart_by_their_sessions() {
    let world = World::new().await;
    let one = world.role("ci", None, Session::default()).await;
    let session = Session { source_identity: Some("ada".to_owned()), ..Session::default() };
    let other = Caller { session: Some(Arc::new(session)), ..one.clone() };
    world.inline("role/ci", &doc_if("Allow", "*", "*", &equals("aws:SourceIdentity", "ada"))).await;
    for _ in 0..2 {
        assert_ne!(world.asks(&one, on("s3:GetObject", "b/k")), "allowed");
        assert_eq!(world.asks(&other, on("s3:GetObject", "b/k")), "allowed");
    }
    let renamed =
        Principal::Role { name: "ci".into(), path: "/ci/".into(), id: "AROAother".into(), session: "run".into() };
    let stranger = Caller { principal: renamed, ..other };
    assert_ne!(world.asks(&stranger, on("s3:GetObject", "b/k")), "allowed");
}
