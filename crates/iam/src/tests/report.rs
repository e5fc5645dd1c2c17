//! The credential report through the service.

use std::time::Duration;

use api::iam::{CreateAccessKeyRequest, IamApi};

use super::fixture::{Fixture, ours, refusal};
use super::mfa::enabled;
use super::passwords::{give, with_user};

#[tokio::test]
async fn a_report_is_made_kept_and_good_for_four_hours() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "ann").await;
    with_user(&fixture, "bob").await;
    give(&fixture, "ann", "Passw0rd").await.unwrap();
    enabled(&fixture, "ann", "of-ann").await;
    let key = CreateAccessKeyRequest { user_name: Some("ann".into()) };
    fixture.iam.create_access_key(ours(), key).await.unwrap();
    let generate = async || fixture.iam.generate_credential_report(ours(), ()).await.unwrap().state.unwrap();
    let get = || fixture.iam.get_credential_report(ours(), ());
    assert_eq!(refusal(get().await).0, "ReportNotPresent");
    assert_eq!(generate().await, "STARTED");
    assert_eq!(generate().await, "COMPLETE");
    let report = get().await.unwrap();
    assert_eq!((report.report_format.as_deref(), report.generated_time), (Some("text/csv"), Some(fixture.now())));
    let text = String::from_utf8(report.content.unwrap().to_vec()).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert!(lines.iter().all(|line| line.len() == 22), "{text}");
    let cell = |user: &str, column: &str| {
        let at = lines[0].iter().position(|name| *name == column).unwrap();
        lines.iter().find(|line| line[0] == user).unwrap()[at]
    };
    let now = "2026-11-21T08:00:00+00:00";
    for (user, column, value) in [
        ("<root_account>", "arn", "arn:aws:iam::111111111111:root"),
        ("<root_account>", "password_enabled", "not_supported"),
        ("<root_account>", "access_key_1_active", "true"),
        ("ann", "password_enabled", "true"),
        ("ann", "password_last_used", "no_information"),
        ("ann", "password_last_changed", now),
        ("ann", "password_next_rotation", "N/A"),
        ("ann", "mfa_active", "true"),
        ("ann", "access_key_1_active", "true"),
        ("ann", "access_key_1_last_rotated", now),
        ("ann", "access_key_2_active", "false"),
        ("ann", "cert_1_last_rotated", "N/A"),
        ("bob", "password_enabled", "false"),
        ("bob", "password_last_used", "N/A"),
        ("bob", "mfa_active", "false"),
    ] {
        assert_eq!(cell(user, column), value, "{user} {column}");
    }
    with_user(&fixture, "new").await;
    fixture.advance(Duration::from_secs(4 * 3600 - 1));
    assert!(!String::from_utf8(get().await.unwrap().content.unwrap().to_vec()).unwrap().contains("new"));
    fixture.advance(Duration::from_secs(1));
    assert_eq!(refusal(get().await).0, "ReportExpired");
    assert_eq!(generate().await, "STARTED");
    assert!(String::from_utf8(get().await.unwrap().content.unwrap().to_vec()).unwrap().contains("new"));
}
