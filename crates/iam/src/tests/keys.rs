//! Access keys.

use api::iam::{CreateAccessKeyRequest, DeleteAccessKeyRequest, IamApi, ListAccessKeysRequest, UpdateAccessKeyRequest};

use super::fixture::{Fixture, anonymous, ours, refusal};
use super::users;
use crate::{account_of_access_key, find_credential};

fn of(name: Option<&str>) -> CreateAccessKeyRequest {
    CreateAccessKeyRequest { user_name: name.map(str::to_owned) }
}

#[tokio::test]
async fn a_key_works_until_it_is_switched_off() {
    let fixture = Fixture::new().await;
    users::create(&fixture, "ann").await;
    let key = fixture.iam.create_access_key(ours(), of(Some("ann"))).await.unwrap().access_key;
    assert_eq!(fixture.needs_text(), ["iam:CreateAccessKey arn:aws:iam::111111111111:user/ann"]);
    assert_eq!((key.user_name.as_deref(), key.status.as_str()), (Some("ann"), "Active"));
    assert_eq!((key.access_key_id.len(), key.secret_access_key.len()), (20, 40));
    assert_eq!(account_of_access_key(&key.access_key_id).unwrap().as_str(), "111111111111");
    let works = || find_credential(&fixture.store.view().unwrap(), &key.access_key_id).unwrap().is_some();
    assert!(works());
    for (status, is_working) in [("Inactive", false), ("Active", true)] {
        let input = UpdateAccessKeyRequest {
            user_name: Some("ann".into()),
            access_key_id: key.access_key_id.clone(),
            status: status.into(),
        };
        fixture.iam.update_access_key(ours(), input).await.unwrap();
        assert_eq!(works(), is_working);
    }
    let input = || DeleteAccessKeyRequest { user_name: Some("ann".into()), access_key_id: key.access_key_id.clone() };
    fixture.iam.delete_access_key(ours(), input()).await.unwrap();
    assert!(!works());
    let text = format!("The Access Key with id {} cannot be found.", key.access_key_id);
    assert_eq!(refusal(fixture.iam.delete_access_key(ours(), input()).await), ("NoSuchEntity".into(), text));
}

#[tokio::test]
async fn everybody_has_two_at_most() {
    let fixture = Fixture::new().await;
    users::create(&fixture, "ann").await;
    for name in [Some("ann"), None] {
        // The root user has one since its account was made.
        for _ in 0..if name.is_some() { 2 } else { 1 } {
            fixture.advance(std::time::Duration::from_secs(1));
            let key = fixture.iam.create_access_key(ours(), of(name)).await.unwrap().access_key;
            assert_eq!(key.user_name.as_deref(), name);
        }
        let refused = refusal(fixture.iam.create_access_key(ours(), of(name)).await);
        assert_eq!(refused, ("LimitExceeded".into(), "Cannot exceed quota for AccessKeysPerUser: 2".into()));
        let input = ListAccessKeysRequest { user_name: name.map(str::to_owned), ..ListAccessKeysRequest::default() };
        let keys = fixture.iam.list_access_keys(ours(), input).await.unwrap().access_key_metadata;
        assert!(keys.len() == 2 && keys[0].create_date < keys[1].create_date);
    }
}

#[tokio::test]
async fn nobody_reaches_the_keys_of_others() {
    let fixture = Fixture::new().await;
    users::create(&fixture, "ann").await;
    users::create(&fixture, "bea").await;
    let key = fixture.iam.create_access_key(fixture.user("ann"), of(None)).await.unwrap().access_key;
    assert_eq!(key.user_name.as_deref(), Some("ann"), "who names nobody means oneself");
    for name in [Some("bea".to_owned()), None] {
        let input = DeleteAccessKeyRequest { user_name: name, access_key_id: key.access_key_id.clone() };
        assert_eq!(refusal(fixture.iam.delete_access_key(ours(), input).await).0, "NoSuchEntity");
    }
    assert_eq!(refusal(fixture.iam.create_access_key(anonymous(), of(None)).await).0, "ValidationError");
}
