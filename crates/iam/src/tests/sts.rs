//! STS: who gets which session of what, for how long, and what is asked before.

use std::sync::Arc;
use std::time::Duration;

use api::sts::{
    AssumeRoleRequest, AssumeRoleResponse, Credentials, GetAccessKeyInfoRequest, GetCallerIdentityRequest,
    GetFederationTokenRequest, GetSessionTokenRequest, PolicyDescriptorType, StsApi, Tag,
};
use api::{Call, Caller};
use policy::Kind;
use service::Reconciler;
use store::{Changes, KeyPrefix};
use wire::ServiceError;

use super::fixture::{Fixture, OURS, THEIRS, call, our_account, ours, refusal};
use crate::{RoleRecord, SessionReconciler, SessionRecord, UserRecord, find_credential};

const ROLE: &str = "arn:aws:iam::222222222222:role/a/Ci";

/// A region in which [`OURS`] has the user `ann` and the role `Hop`, and [`THEIRS`] the role [`ROLE`].
async fn region() -> Fixture {
    let fixture = Fixture::new().await;
    let mut changes = Changes::new();
    let created = fixture.now();
    let role = |account: &str, path: &str, name: &str| RoleRecord {
        account: account.parse().unwrap(),
        name: name.into(),
        path: path.into(),
        id: format!("AROA{name}"),
        created,
        trust: "the trust policy".into(),
        description: None,
        max_session: 7200,
        boundary: None,
        tags: vec![("Stage".into(), "test".into())],
        linked_service: None,
    };
    changes.put(&role(OURS, "/", "Hop")).unwrap();
    changes.put(&role(THEIRS, "/a/", "Ci")).unwrap();
    let (account, path, id) = (our_account(), "/".to_owned(), "AIDAANN".to_owned());
    let (boundary, tags) = (None, Vec::new());
    changes.put(&UserRecord { account, name: "ann".into(), path, id, created, boundary, tags }).unwrap();
    fixture.store.commit(None, changes).await.unwrap();
    fixture
}

fn role(arn: &str) -> AssumeRoleRequest {
    AssumeRoleRequest { role_arn: arn.into(), role_session_name: "s1".into(), ..AssumeRoleRequest::default() }
}

fn tags(text: &str) -> Option<Vec<Tag>> {
    let pairs = text.split_whitespace().map(|pair| pair.split_once('=').unwrap());
    Some(pairs.map(|(key, value)| Tag { key: key.into(), value: value.into() }).collect())
}

/// The caller that credentials prove, as the edge would find it.
fn holder(fixture: &Fixture, credentials: Option<Credentials>) -> Call {
    let credentials = credentials.unwrap();
    let view = fixture.store.view().unwrap();
    let found = find_credential(&view, &credentials.access_key_id).unwrap().unwrap();
    found.check_token(Some(&credentials.session_token), fixture.now()).unwrap();
    assert_eq!(found.secret(), credentials.secret_access_key);
    call(found.caller().clone())
}

async fn assume(fixture: &Fixture, call: Call, input: AssumeRoleRequest) -> Result<AssumeRoleResponse, ServiceError> {
    fixture.sts.assume_role(call, input).await
}

#[tokio::test]
async fn a_role_of_another_account_is_assumed_under_its_trust_policy() {
    let fixture = region().await;
    let input = AssumeRoleRequest {
        external_id: Some("x-1".into()),
        source_identity: Some("ann".into()),
        tags: tags("Team=blue Cost=1"),
        transitive_tag_keys: Some(vec!["Team".into()]),
        duration_seconds: Some(7200),
        minimum_session_token_size: Some(1000),
        ..role(ROLE)
    };
    let answer = assume(&fixture, fixture.user("ann"), input).await.unwrap();
    let actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
    assert_eq!(fixture.needs_text(), actions.map(|action| format!("{action} {ROLE}")));
    for need in fixture.needs() {
        assert_eq!(need.owner.as_ref().map(|owner| owner.as_str()), Some(THEIRS));
        let policy = need.policy.unwrap();
        assert_eq!((policy.document.as_str(), policy.kind, policy.must_allow), ("the trust policy", Kind::Trust, true));
    }
    assert_eq!(
        fixture.context(),
        [
            "aws:RequestTag/Cost=1",
            "aws:RequestTag/Team=blue",
            "aws:ResourceTag/Stage=test",
            "aws:TagKeys=Team,Cost",
            "iam:ResourceTag/Stage=test",
            "sts:ExternalId=x-1",
            "sts:RoleSessionName=s1",
            "sts:SourceIdentity=ann",
            "sts:TransitiveTagKeys=Team",
        ]
    );
    let user = answer.assumed_role_user.unwrap();
    assert_eq!(user.arn, "arn:aws:sts::222222222222:assumed-role/Ci/s1");
    assert_eq!(user.assumed_role_id, "AROACi:s1");
    assert_eq!((answer.packed_policy_size, answer.session_token_size), (Some(1), Some(1000)));
    assert_eq!(answer.credentials.as_ref().unwrap().expiration, fixture.now() + Duration::from_secs(7200));
    let holder = holder(&fixture, answer.credentials);
    let identity = fixture.sts.get_caller_identity(holder.clone(), GetCallerIdentityRequest {}).await.unwrap();
    assert_eq!(identity.account.as_deref(), Some(THEIRS));
    assert_eq!(identity.user_id.as_deref(), Some("AROACi:s1"));
    let session = holder.caller.session.unwrap();
    assert_eq!(session.tags.len(), 2);
    assert_eq!(session.source_identity.as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_chain_hands_on_what_is_transitive_and_lasts_an_hour() {
    let fixture = region().await;
    let first = AssumeRoleRequest {
        tags: tags("Team=blue Cost=1"),
        transitive_tag_keys: Some(vec!["Team".into()]),
        source_identity: Some("ann".into()),
        ..role("arn:aws:iam::111111111111:role/Hop")
    };
    let hop = holder(&fixture, assume(&fixture, fixture.user("ann"), first).await.unwrap().credentials);

    let answer = assume(&fixture, hop.clone(), role(ROLE)).await.unwrap();
    let actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
    assert_eq!(fixture.needs_text(), actions.map(|action| format!("{action} {ROLE}")), "inherited is asked for too");
    assert_eq!(answer.source_identity.as_deref(), Some("ann"));
    assert_eq!(answer.packed_policy_size, None);
    let session = holder(&fixture, answer.credentials).caller.session.unwrap();
    assert_eq!(session.tags, [("Team".to_owned(), "blue".to_owned())]);
    assert_eq!(session.transitive_tags, ["Team"]);

    let asked = AssumeRoleRequest { tags: tags("team=red"), ..role(ROLE) };
    let (code, text) = refusal(assume(&fixture, hop.clone(), asked).await);
    assert!(code == "InvalidParameterValue" && text.contains("conflicts with a transitive tag key"), "{text}");
    let asked = AssumeRoleRequest { source_identity: Some("bob".into()), ..role(ROLE) };
    let (code, text) = refusal(assume(&fixture, hop.clone(), asked).await);
    assert!(code == "AccessDenied" && text.contains("sts:SetSourceIdentity"), "{text}");
    let asked = AssumeRoleRequest { duration_seconds: Some(3601), ..role(ROLE) };
    let (code, text) = refusal(assume(&fixture, hop, asked).await);
    assert!(code == "ValidationError" && text.contains("1 hour session limit"), "{text}");
}

#[tokio::test]
async fn what_amazon_refuses_is_refused_in_its_words() {
    let fixture = region().await;
    let policy_arn = |arn: &str| PolicyDescriptorType { arn: Some(arn.into()) };
    let inline = |text: &str| AssumeRoleRequest { policy: Some(text.into()), ..role(ROLE) };
    let cases = [
        (ours(), role(ROLE), "AccessDenied", "Roles may not be assumed by root accounts."),
        (
            fixture.user("ann"),
            AssumeRoleRequest { duration_seconds: Some(7201), ..role(ROLE) },
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ),
        (fixture.user("ann"), role("Ci"), "ValidationError", "Ci is invalid"),
        (
            fixture.user("ann"),
            role("arn:aws:iam::222222222222:role/Ci"),
            "AccessDenied",
            "User: arn:aws:iam::111111111111:user/ann is not authorized to perform: sts:AssumeRole on resource: \
             arn:aws:iam::222222222222:role/Ci",
        ),
        (fixture.user("ann"), inline("{"), "MalformedPolicyDocument", ""),
        (
            fixture.user("ann"),
            AssumeRoleRequest { policy_arns: Some(vec![policy_arn("arn:aws:iam::aws:policy/P"); 11]), ..role(ROLE) },
            "ValidationError",
            "limit of 10",
        ),
        (
            fixture.user("ann"),
            AssumeRoleRequest {
                policy_arns: Some(vec![policy_arn("arn:aws:iam::222222222222:policy/P")]),
                ..role(ROLE)
            },
            "ValidationError",
            "does not exist",
        ),
        (
            fixture.user("ann"),
            AssumeRoleRequest { tags: Some(vec![Tag { key: "k".repeat(128), value: "v".repeat(4000) }]), ..role(ROLE) },
            "PackedPolicyTooLarge",
            "Packed policy consumes 101% of allotted space, please use smaller policy.",
        ),
        (
            fixture.user("ann"),
            AssumeRoleRequest { serial_number: Some("arn:mfa".into()), token_code: Some("1".into()), ..role(ROLE) },
            "AccessDenied",
            "MultiFactorAuthentication failed",
        ),
    ];
    for (call, input, code, text) in cases {
        let (found, told) = refusal(assume(&fixture, call, input).await);
        assert!(found == code && told.contains(text), "{found}: {told}");
    }
    assert!(fixture.store.view().unwrap().scan::<SessionRecord>(&KeyPrefix::all(), None, 1).unwrap().is_empty());
}

/// Whoever is not let in learns nothing: neither whether the role is there nor what stands in the way.
#[tokio::test]
async fn a_role_that_is_not_there_is_refused_like_one_that_is_closed() {
    let fixture = Fixture::owned().await;
    let caller = Caller { principal: user(), ..ours().caller };
    let refused = async |arn: &str| refusal(fixture.sts.assume_role(call(caller.clone()), role(arn)).await);
    let (code, text) = refused("arn:aws:iam::222222222222:role/Nobody").await;
    assert_eq!(code, "AccessDenied");
    assert!(text.ends_with("sts:AssumeRole on resource: arn:aws:iam::222222222222:role/Nobody"), "{text}");
}

fn user() -> api::Principal {
    api::Principal::User { name: "ann".into(), path: "/".into(), id: "AIDAANN".into() }
}

#[tokio::test]
async fn sessions_of_users_and_of_root_have_their_own_ends() {
    let fixture = region().await;
    let ann = fixture.user("ann");
    let asked = |seconds| GetSessionTokenRequest { duration_seconds: seconds, ..GetSessionTokenRequest::default() };
    for (call, seconds, expected) in [
        (&ann, None, 43_200),
        (&ann, Some(129_600), 129_600),
        (&ours(), None, 3600),
        (&ours(), Some(43_200), 3600),
        (&ours(), Some(900), 900),
    ] {
        let answer = fixture.sts.get_session_token(call.clone(), asked(seconds)).await.unwrap();
        assert_eq!(fixture.needs(), []);
        let credentials = answer.credentials.unwrap();
        assert_eq!(credentials.expiration, fixture.now() + Duration::from_secs(expected), "{seconds:?}");
        let holder = holder(&fixture, Some(credentials));
        assert_eq!(holder.caller.arn(), call.caller.arn());
        let (code, text) = refusal(fixture.sts.get_session_token(holder, asked(None)).await);
        assert_eq!(
            (code.as_str(), text.as_str()),
            ("AccessDenied", "Cannot call GetSessionToken with session credentials")
        );
    }
}

#[tokio::test]
async fn federated_users_have_what_is_handed_to_them() {
    let fixture = region().await;
    let input = GetFederationTokenRequest {
        name: "bob".into(),
        policy: Some(
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#.into(),
        ),
        tags: tags("Team=blue"),
        ..GetFederationTokenRequest::default()
    };
    let answer = fixture.sts.get_federation_token(fixture.user("ann"), input.clone()).await.unwrap();
    let arn = "arn:aws:sts::111111111111:federated-user/bob";
    assert_eq!(fixture.needs_text(), [format!("sts:GetFederationToken {arn}"), format!("sts:TagSession {arn}")]);
    assert_eq!(fixture.context(), ["aws:RequestTag/Team=blue", "aws:TagKeys=Team"]);
    let user = answer.federated_user.unwrap();
    assert_eq!((user.arn.as_str(), user.federated_user_id.as_str()), (arn, "111111111111:bob"));
    let bob = holder(&fixture, answer.credentials);
    let ann_s = bob.caller.access_key.clone().unwrap();
    assert_eq!(bob.caller.arn().as_deref(), Some(arn));
    assert_eq!(bob.caller.session.as_ref().unwrap().policies.as_ref().unwrap().len(), 1);
    let (code, _) = refusal(fixture.sts.get_federation_token(bob, input).await);
    assert_eq!(code, "AccessDenied");
    // Without a policy there is nothing that it may do: an empty list is not the same as none.
    let input = GetFederationTokenRequest { name: "bob".into(), ..GetFederationTokenRequest::default() };
    let answer = fixture.sts.get_federation_token(ours(), input).await.unwrap();
    assert_eq!(answer.packed_policy_size, Some(0));
    let bob = holder(&fixture, answer.credentials);
    assert_eq!(bob.caller.session.as_ref().unwrap().policies, Some(Vec::new()));
    // A session ends with who vouched for it.
    let mut changes = Changes::new();
    changes.delete::<UserRecord>(&(our_account(), "ann".to_owned()));
    fixture.store.commit(None, changes).await.unwrap();
    let view = fixture.store.view().unwrap();
    assert!(find_credential(&view, &ann_s).unwrap().is_none());
    assert!(find_credential(&view, bob.caller.access_key.as_ref().unwrap()).unwrap().is_some());
}

#[tokio::test]
async fn access_keys_tell_their_account() {
    let fixture = region().await;
    let answer = assume(&fixture, fixture.user("ann"), role(ROLE)).await.unwrap();
    let session = answer.credentials.unwrap().access_key_id;
    for (id, expected) in [(session.as_str(), Some(THEIRS)), ("AKIAIOSFODNN7EXAMPLE", None)] {
        let input = GetAccessKeyInfoRequest { access_key_id: id.into() };
        let answer = fixture.sts.get_access_key_info(ours(), input).await;
        assert_eq!(answer.ok().and_then(|answer| answer.account).as_deref(), expected);
    }
}

#[tokio::test]
async fn sessions_that_ended_are_cleared_away_in_the_end() {
    let fixture = region().await;
    for seconds in [900, 7200] {
        let input = AssumeRoleRequest { duration_seconds: Some(seconds), ..role(ROLE) };
        assume(&fixture, fixture.user("ann"), input).await.unwrap();
    }
    let effects = Arc::clone(&fixture.effects);
    let reconciler = SessionReconciler::new(fixture.store.clone(), effects);
    let all = || fixture.store.view().unwrap().scan::<SessionRecord>(&KeyPrefix::all(), None, 9).unwrap().len();
    for (after, left) in [(900, 2), (3600, 1), (0, 1), (7200, 0)] {
        fixture.advance(Duration::from_secs(after));
        reconciler.activate().await.unwrap();
        assert_eq!(all(), left, "{after}");
    }
}
