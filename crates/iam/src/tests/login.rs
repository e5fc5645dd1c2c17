//! Signing in and out.

use std::time::Duration;

use api::iam::{CreateAccountAliasRequest, IamApi, UpdateAccountPasswordPolicyRequest, UpdateLoginProfileRequest};
use store::Changes;

use super::fixture::{Fixture, OURS, our_account, ours};
use super::mfa::{code, enabled};
use super::passwords::{give, with_user};
use crate::{
    AccountRecord, AccountStatus, LOGIN_BYTES, LoginError, LoginRequest, LogoutRequest, PasswordUseRecord,
    SessionHolder, SessionRecord, begin, enter, leave,
};

fn request(user: &str, password: &str, code: Option<&str>) -> LoginRequest {
    LoginRequest {
        account: OURS.into(),
        user: user.into(),
        password: password.into(),
        code: code.map(str::to_owned),
        new_password: None,
        seconds: None,
    }
}

/// Signs in; what comes of it is stored.
async fn attempt(fixture: &Fixture, request: &LoginRequest) -> Result<SessionRecord, LoginError> {
    attempt_with(fixture, request, 7).await
}

async fn attempt_with(fixture: &Fixture, request: &LoginRequest, random: u8) -> Result<SessionRecord, LoginError> {
    let view = fixture.store.view().unwrap();
    let (begun, changes) = begin(&view, request, None, fixture.now())?;
    fixture.store.commit(Some(&view), changes).await.unwrap();
    let view = fixture.store.view().unwrap();
    let (entered, changes) = enter(&view, &begun, request, (fixture.now(), &[random; LOGIN_BYTES]))?;
    fixture.store.commit(Some(&view), changes).await.unwrap();
    entered.map(|(_, session)| session)
}

#[tokio::test]
async fn a_password_gives_a_session_of_the_user() {
    let fixture = Fixture::new().await;
    let ann = with_user(&fixture, "Ann").await;
    give(&fixture, "ann", "Passw0rd").await.unwrap();
    let session = attempt(&fixture, &request("aNN", "Passw0rd", None)).await.unwrap();
    assert_eq!(session.holder, SessionHolder::User { id: ann.id.clone() });
    assert_eq!((session.expires - session.issued).get_seconds(), 43_200);
    assert_eq!(session.mfa, None);
    assert_eq!(fixture.get::<SessionRecord>(&session.id).unwrap(), session);
    let used = fixture.get::<PasswordUseRecord>(&(our_account(), ann.id)).unwrap();
    assert_eq!(used.used, fixture.now());

    let alias = CreateAccountAliasRequest { account_alias: "our-lab".into() };
    fixture.iam.create_account_alias(ours(), alias).await.unwrap();
    let by_alias = LoginRequest { account: "our-lab".into(), ..request("ann", "Passw0rd", None) };
    attempt_with(&fixture, &by_alias, 8).await.unwrap();

    let out = |token: &str| {
        let view = fixture.store.view().unwrap();
        leave(&view, &LogoutRequest { access_key: session.id.clone(), token: token.into() })
    };
    assert!(matches!(out("other"), Err(LoginError::Wrong)));
    fixture.store.commit(None, out(&session.token).unwrap()).await.unwrap();
    assert!(fixture.get::<SessionRecord>(&session.id).is_none());
    assert!(out("other").unwrap().is_empty(), "nobody's");
    for (seconds, is_given) in [(899, false), (900, true), (129_600, true), (129_601, false)] {
        let request = LoginRequest { seconds: Some(seconds), ..request("ann", "Passw0rd", None) };
        let given = attempt(&fixture, &request).await;
        assert_eq!(given.is_ok(), is_given, "{seconds}");
        if let Ok(session) = given {
            let mut changes = Changes::new();
            changes.delete::<SessionRecord>(&session.id);
            fixture.store.commit(None, changes).await.unwrap();
        }
    }
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "ann").await;
    with_user(&fixture, "dora").await;
    with_user(&fixture, "mia").await;
    give(&fixture, "ann", "Passw0rd").await.unwrap();
    give(&fixture, "mia", "Passw0rd").await.unwrap();
    let (_, seed) = enabled(&fixture, "mia", "of-mia").await;
    let late = code(&fixture, &seed, 5);
    for request in [
        request("ann", "passw0rd", None),
        request("nobody", "Passw0rd", None),
        request("dora", "Passw0rd", None),
        request("mia", "Passw0rd", None),
        request("mia", "Passw0rd", Some(&late)),
        LoginRequest { account: "222222222222".into(), ..request("ann", "Passw0rd", None) },
        LoginRequest { account: "333333333333".into(), ..request("ann", "Passw0rd", None) },
        LoginRequest { account: "no-such-alias".into(), ..request("ann", "Passw0rd", None) },
    ] {
        let refused = attempt(&fixture, &request).await.unwrap_err();
        assert_eq!(refused.to_string(), "The account, the user, the password or the code is wrong.", "{request:?}");
    }
    let mut account = fixture.get::<AccountRecord>(&our_account()).unwrap();
    account.status = AccountStatus::Suspended;
    let mut changes = Changes::new();
    changes.put(&account).unwrap();
    fixture.store.commit(None, changes).await.unwrap();
    let closed = attempt(&fixture, &request("ann", "Passw0rd", None)).await;
    assert!(matches!(closed, Err(LoginError::Wrong)));
}

#[tokio::test]
async fn a_user_with_a_device_shows_it_and_each_code_lets_in_once() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "two").await;
    give(&fixture, "two", "Passw0rd").await.unwrap();
    enabled(&fixture, "two", "first").await;
    let (_, seed) = enabled(&fixture, "two", "second").await;
    let now = code(&fixture, &seed, 0);
    let session = attempt(&fixture, &request("two", "Passw0rd", Some(&now))).await.unwrap();
    assert_eq!(session.mfa, Some(fixture.now()));
    let again = attempt(&fixture, &request("two", "Passw0rd", Some(&now))).await;
    assert!(matches!(again, Err(LoginError::Wrong)));
}

#[tokio::test]
async fn a_password_that_is_no_longer_good_is_changed_on_the_spot() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "ann").await;
    give(&fixture, "ann", "Passw0rd").await.unwrap();
    let reset =
        UpdateLoginProfileRequest { user_name: "ann".into(), password: None, password_reset_required: Some(true) };
    fixture.iam.update_login_profile(ours(), reset).await.unwrap();
    let with = |old: &str, new: &str| LoginRequest { new_password: Some(new.into()), ..request("ann", old, None) };
    let needed = attempt(&fixture, &request("ann", "Passw0rd", None)).await;
    assert!(matches!(needed, Err(LoginError::NewPasswordNeeded)));
    let refused = attempt(&fixture, &with("Passw0rd", "short")).await.unwrap_err();
    assert_eq!(refused.to_string(), "Password should have a minimum length of 8");
    let refused = attempt(&fixture, &with("Passw0rd", "Passw0rd")).await;
    assert!(matches!(refused, Err(LoginError::NotTaken(_))));
    let refused = attempt(&fixture, &with("wrong", "Another1")).await;
    assert!(matches!(refused, Err(LoginError::Wrong)));
    attempt(&fixture, &with("Passw0rd", "Another1")).await.unwrap();

    let policy = |hard| UpdateAccountPasswordPolicyRequest {
        max_password_age: Some(1),
        hard_expiry: Some(hard),
        ..UpdateAccountPasswordPolicyRequest::default()
    };
    fixture.iam.update_account_password_policy(ours(), policy(true)).await.unwrap();
    fixture.advance(Duration::from_secs(86_400));
    let expired = attempt(&fixture, &with("Another1", "Another2")).await;
    assert!(matches!(expired, Err(LoginError::Expired)));
    fixture.iam.update_account_password_policy(ours(), policy(false)).await.unwrap();
    let needed = attempt(&fixture, &request("ann", "Another1", None)).await;
    assert!(matches!(needed, Err(LoginError::NewPasswordNeeded)));
    attempt_with(&fixture, &with("Another1", "Another2"), 8).await.unwrap();
}

#[tokio::test]
async fn codes_are_guessed_at_slowly_by_whoever_has_the_password() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "mia").await;
    give(&fixture, "mia", "Passw0rd").await.unwrap();
    let (_, seed) = enabled(&fixture, "mia", "of-mia").await;
    for _ in 0..5 {
        let wrong = attempt(&fixture, &request("mia", "Passw0rd", Some("000000"))).await;
        assert!(matches!(wrong, Err(LoginError::Wrong)));
    }
    let right = |fixture: &Fixture| request("mia", "Passw0rd", Some(&code(fixture, &seed, 0)));
    let early = attempt(&fixture, &right(&fixture)).await;
    assert!(matches!(early, Err(LoginError::Wrong)), "it is not looked at");
    fixture.advance(Duration::from_secs(15));
    attempt(&fixture, &right(&fixture)).await.unwrap();
}
