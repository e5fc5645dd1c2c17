//! Passwords through the service.

use api::Call;
use api::iam::{
    ChangePasswordRequest, CreateLoginProfileRequest, DeleteLoginProfileRequest, GetLoginProfileRequest, IamApi,
    UpdateAccountPasswordPolicyRequest, UpdateLoginProfileRequest,
};
use jiff::Timestamp;
use store::Changes;
use wire::ServiceError;

use super::fixture::{Fixture, our_account, ours, refusal, theirs};
use crate::UserRecord;

/// A user of ours without anything.
pub(super) async fn with_user(fixture: &Fixture, name: &str) -> UserRecord {
    let user = UserRecord {
        account: our_account(),
        name: name.into(),
        path: "/".into(),
        id: format!("AIDA{}", name.to_uppercase()),
        created: Timestamp::constant(1_795_000_000, 0),
        boundary: None,
        tags: Vec::new(),
    };
    let mut changes = Changes::new();
    changes.put(&user).unwrap();
    fixture.store.commit(None, changes).await.unwrap();
    user
}

pub(super) async fn give(fixture: &Fixture, user: &str, password: &str) -> Result<(), ServiceError> {
    let input = CreateLoginProfileRequest {
        user_name: Some(user.into()),
        password: Some(password.into()),
        password_reset_required: None,
    };
    fixture.iam.create_login_profile(ours(), input).await.map(drop)
}

async fn change(fixture: &Fixture, call: Call, old: &str, new: &str) -> Result<(), ServiceError> {
    let input = ChangePasswordRequest { old_password: old.into(), new_password: new.into() };
    fixture.iam.change_password(call, input).await.map(drop)
}

#[tokio::test]
async fn a_password_is_given_changed_and_taken_away() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "Ann").await;
    let named = || Some("ann".to_owned());
    let get = || fixture.iam.get_login_profile(ours(), GetLoginProfileRequest { user_name: named() });
    let missing = ("NoSuchEntity".to_owned(), "Login Profile for User Ann cannot be found.".to_owned());
    assert_eq!(refusal(get().await), missing);
    give(&fixture, "ann", "Passw0rd").await.unwrap();
    assert_eq!(refusal(give(&fixture, "ann", "Passw0rd").await).1, "Login Profile for user Ann already exists.");
    let profile = get().await.unwrap().login_profile;
    assert_eq!((profile.user_name.as_str(), profile.password_reset_required), ("Ann", Some(false)));
    assert_eq!(profile.create_date, fixture.now());
    assert_eq!(fixture.needs_text(), ["iam:GetLoginProfile arn:aws:iam::111111111111:user/Ann"]);
    let foreign = fixture.iam.get_login_profile(theirs(), GetLoginProfileRequest { user_name: named() }).await;
    assert_eq!(refusal(foreign).0, "NoSuchEntity");

    let ann = || fixture.user("ann");
    assert_eq!(refusal(change(&fixture, ours(), "Passw0rd", "Passw0rd2").await).0, "InvalidUserType");
    let wrong = ("AccessDenied".to_owned(), "The old password was incorrect.".to_owned());
    assert_eq!(refusal(change(&fixture, ann(), "Passw0rd2", "Passw0rd3").await), wrong);
    assert_eq!(refusal(change(&fixture, ann(), "Passw0rd", "short").await).0, "PasswordPolicyViolation");
    change(&fixture, ann(), "Passw0rd", "Passw0rd2").await.unwrap();
    assert_eq!(refusal(change(&fixture, ann(), "Passw0rd", "Passw0rd3").await), wrong);

    let reset = UpdateLoginProfileRequest {
        user_name: "ann".into(),
        password: Some("Another1".into()),
        password_reset_required: Some(true),
    };
    fixture.iam.update_login_profile(ours(), reset).await.unwrap();
    assert_eq!(get().await.unwrap().login_profile.password_reset_required, Some(true));
    change(&fixture, ann(), "Another1", "Another2").await.unwrap();
    assert_eq!(get().await.unwrap().login_profile.password_reset_required, Some(false));
    fixture.iam.delete_login_profile(ours(), DeleteLoginProfileRequest { user_name: named() }).await.unwrap();
    assert_eq!(refusal(get().await), missing);
}

#[tokio::test]
async fn guesses_at_a_password_are_slowed_down_until_they_wait() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "guessed").await;
    give(&fixture, "guessed", "Passw0rd").await.unwrap();
    let user = || fixture.user("guessed");
    for _ in 0..5 {
        refusal(change(&fixture, user(), "no", "Passw0rd2").await);
    }
    let early = change(&fixture, user(), "Passw0rd", "Passw0rd2").await;
    assert_eq!(refusal(early).1, "The old password was incorrect.", "right, and not looked at");
    fixture.advance(std::time::Duration::from_secs(15));
    change(&fixture, user(), "Passw0rd", "Passw0rd2").await.unwrap();
}

#[tokio::test]
async fn an_account_has_a_policy_of_its_own() {
    let fixture = Fixture::new().await;
    let get = || fixture.iam.get_account_password_policy(ours(), ());
    let missing = "The Password Policy with domain name 111111111111 cannot be found.";
    let not_there = "The account policy with name PasswordPolicy cannot be found.";
    assert_eq!(refusal(get().await), ("NoSuchEntity".to_owned(), missing.to_owned()));
    assert_eq!(refusal(fixture.iam.delete_account_password_policy(ours(), ()).await).1, not_there);
    let policy = UpdateAccountPasswordPolicyRequest {
        require_symbols: Some(true),
        max_password_age: Some(90),
        password_reuse_prevention: Some(2),
        allow_users_to_change_password: Some(true),
        ..UpdateAccountPasswordPolicyRequest::default()
    };
    fixture.iam.update_account_password_policy(ours(), policy).await.unwrap();
    let shown = get().await.unwrap().password_policy;
    assert_eq!((shown.minimum_password_length, shown.require_symbols), (Some(6), Some(true)));
    assert_eq!((shown.expire_passwords, shown.max_password_age), (Some(true), Some(90)));
    assert_eq!((shown.password_reuse_prevention, shown.hard_expiry), (Some(2), None));

    with_user(&fixture, "ann").await;
    assert_eq!(refusal(give(&fixture, "ann", "Passw0rd").await).1, "Password should have at least one symbol");
    give(&fixture, "ann", "Passw0rd!").await.unwrap();
    let again = change(&fixture, fixture.user("ann"), "Passw0rd!", "Passw0rd!").await;
    assert_eq!(refusal(again).0, "PasswordPolicyViolation");
    let needs = fixture.needs();
    let need = needs.first().unwrap();
    assert!(need.policy.as_ref().unwrap().document.contains("arn:aws:iam::111111111111:user/ann"), "granted to all");

    fixture.iam.update_account_password_policy(ours(), Default::default()).await.unwrap();
    let shown = get().await.unwrap().password_policy;
    assert_eq!((shown.require_symbols, shown.expire_passwords), (Some(false), Some(false)), "replaced as a whole");
    change(&fixture, fixture.user("ann"), "Passw0rd!", "aaaaaa").await.unwrap();
    assert!(fixture.needs().first().unwrap().policy.is_none(), "no longer granted");
    fixture.iam.delete_account_password_policy(ours(), ()).await.unwrap();
    assert_eq!(refusal(get().await).0, "NoSuchEntity");
}
