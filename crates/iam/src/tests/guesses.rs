//! Guesses at what calls bring: counted although the calls are refused, in the store and nowhere else.

use std::time::Duration;

use api::iam::{ChangePasswordRequest, IamApi};
use api::sts::{AssumeRoleRequest, GetSessionTokenRequest, StsApi};
use store::{Changes, KeyPrefix};

use super::fixture::{Fixture, our_account, refusal};
use super::mfa::{code, enabled};
use super::passwords::{give, with_user};
use crate::{GuessRecord, RoleRecord};

/// What is counted, in the order of the names.
fn counted(fixture: &Fixture) -> Vec<(String, u32)> {
    let all = fixture.store.view().unwrap().scan::<GuessRecord>(&KeyPrefix::all(), None, 100).unwrap();
    all.into_iter().map(|guesses| (guesses.name, guesses.wrong)).collect()
}

#[tokio::test]
async fn an_old_password_is_guessed_at_slowly() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "ann").await;
    give(&fixture, "ann", "Passw0rd").await.unwrap();
    let change = async |old: &str| {
        let input = ChangePasswordRequest { old_password: old.into(), new_password: "Another1".into() };
        fixture.iam.change_password(fixture.user("ann"), input).await
    };
    for wrong in 1..=5 {
        assert_eq!(refusal(change("guess").await).1, "The old password was incorrect.");
        assert_eq!(counted(&fixture), [("password/AIDAANN".to_owned(), wrong)]);
    }
    let version = fixture.store.view().unwrap().version().unwrap();
    assert_eq!(refusal(change("Passw0rd").await).1, "The old password was incorrect.", "it is not looked at");
    assert_eq!(fixture.store.view().unwrap().version().unwrap(), version, "and nothing is written");
    fixture.advance(Duration::from_secs(15));
    change("Passw0rd").await.unwrap();
    assert_eq!(counted(&fixture), []);
}

#[tokio::test]
async fn codes_are_guessed_at_slowly_whichever_call_they_come_with() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "ann").await;
    let (serial, seed) = enabled(&fixture, "ann", "phone").await;
    let role = RoleRecord {
        account: our_account(),
        name: "Ci".into(),
        path: "/".into(),
        id: "AROACI".into(),
        created: fixture.now(),
        trust: "the trust policy".into(),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: Vec::new(),
        linked_service: None,
    };
    let mut changes = Changes::new();
    changes.put(&role).unwrap();
    fixture.store.commit(None, changes).await.unwrap();

    let token = async |code: &str| {
        let (serial_number, token_code) = (Some(serial.clone()), Some(code.to_owned()));
        let input = GetSessionTokenRequest { serial_number, token_code, ..GetSessionTokenRequest::default() };
        fixture.sts.get_session_token(fixture.user("ann"), input).await.map(drop)
    };
    let assume = async |code: &str| {
        let input = AssumeRoleRequest {
            role_arn: role.arn(),
            role_session_name: "s1".into(),
            serial_number: Some(serial.clone()),
            token_code: Some(code.to_owned()),
            ..AssumeRoleRequest::default()
        };
        fixture.sts.assume_role(fixture.user("ann"), input).await.map(drop)
    };
    let refused = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
    let name = format!("mfa-device/{serial}");
    for wrong in 1..=5 {
        let answer = if wrong % 2 == 0 { token("000000").await } else { assume("000000").await };
        assert_eq!(refusal(answer).1, refused);
        assert_eq!(counted(&fixture), [(name.clone(), wrong)]);
    }
    let right = code(&fixture, &seed, 0);
    assert_eq!(refusal(assume(&right).await).1, refused, "it is not looked at");
    assert_eq!(refusal(token(&right).await).1, refused);
    fixture.advance(Duration::from_secs(15));
    assume(&code(&fixture, &seed, 0)).await.unwrap();
    assert_eq!(counted(&fixture), []);
}
