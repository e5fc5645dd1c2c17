//! Aliases, the summary, and when keys were last used.

use api::iam::{
    CreateAccessKeyRequest, CreateAccountAliasRequest, CreateGroupRequest, CreateUserRequest,
    DeleteAccountAliasRequest, DeleteUserRequest, GetAccessKeyLastUsedRequest, IamApi, ListAccountAliasesRequest,
};
use store::Changes;

use super::fixture::{Fixture, our_account, ours, refusal, theirs};
use super::users;
use crate::{CountRecord, KeyUseRecord};

#[tokio::test]
async fn an_alias_is_one_accounts_alone() {
    let fixture = Fixture::new().await;
    let create = |call, alias: &str| {
        fixture.iam.create_account_alias(call, CreateAccountAliasRequest { account_alias: alias.to_owned() })
    };
    let list = |call| fixture.iam.list_account_aliases(call, ListAccountAliasesRequest::default());
    assert!(list(ours()).await.unwrap().account_aliases.is_empty());
    create(ours(), "acme").await.unwrap();
    let refused = refusal(create(theirs(), "acme").await);
    assert_eq!(refused, ("EntityAlreadyExists".into(), "The account alias acme already exists.".into()));
    create(ours(), "acme-two").await.unwrap();
    assert_eq!(list(ours()).await.unwrap().account_aliases, ["acme-two"]);
    create(theirs(), "acme").await.unwrap();
    let delete = |call, alias: &str| {
        fixture.iam.delete_account_alias(call, DeleteAccountAliasRequest { account_alias: alias.to_owned() })
    };
    assert_eq!(refusal(delete(ours(), "acme").await).0, "NoSuchEntity");
    delete(theirs(), "acme").await.unwrap();
    assert!(list(theirs()).await.unwrap().account_aliases.is_empty());
}

#[tokio::test]
async fn the_summary_counts_what_there_is() {
    let fixture = Fixture::new().await;
    for name in ["ann", "bea"] {
        users::create(&fixture, name).await;
    }
    fixture.iam.delete_user(ours(), DeleteUserRequest { user_name: "ann".into() }).await.unwrap();
    let group = CreateGroupRequest { group_name: "devs".into(), path: None };
    fixture.iam.create_group(ours(), group).await.unwrap();
    let map = fixture.iam.get_account_summary(ours(), ()).await.unwrap().summary_map.unwrap();
    for (name, count) in [
        ("Users", 1),
        ("UsersQuota", 5000),
        ("Groups", 1),
        ("Roles", 0),
        ("InstanceProfilesQuota", 1000),
        ("AccountAccessKeysPresent", 1),
        ("Policies", 0),
        ("AccessKeysPerUserQuota", 2),
    ] {
        assert_eq!(map.get(name), Some(&count), "{name}");
    }
    assert_eq!(fixture.iam.get_account_summary(theirs(), ()).await.unwrap().summary_map.unwrap()["Users"], 0);
}

#[tokio::test]
async fn a_quota_is_kept() {
    let fixture = Fixture::new().await;
    let mut changes = Changes::new();
    changes.put(&CountRecord { account: our_account(), kind: "Users".into(), count: 5000 }).unwrap();
    fixture.store.commit(None, changes).await.unwrap();
    let input = CreateUserRequest { user_name: "one-more".into(), ..CreateUserRequest::default() };
    let refused = refusal(fixture.iam.create_user(ours(), input).await);
    assert_eq!(refused, ("LimitExceeded".into(), "Cannot exceed quota for UsersPerAccount: 5000".into()));
}

#[tokio::test]
async fn a_key_tells_when_it_was_last_used() {
    let fixture = Fixture::new().await;
    users::create(&fixture, "ann").await;
    let input = CreateAccessKeyRequest { user_name: Some("ann".into()) };
    let id = fixture.iam.create_access_key(ours(), input).await.unwrap().access_key.access_key_id;
    let ask = |call| {
        let input = GetAccessKeyLastUsedRequest { access_key_id: id.clone() };
        fixture.iam.get_access_key_last_used(call, input)
    };
    let answer = ask(ours()).await.unwrap();
    assert_eq!(fixture.needs_text(), ["iam:GetAccessKeyLastUsed arn:aws:iam::111111111111:user/ann"]);
    let used = answer.access_key_last_used.unwrap();
    assert_eq!((answer.user_name.as_deref(), used.last_used_date), (Some("ann"), None));
    assert_eq!((used.service_name.as_str(), used.region.as_str()), ("N/A", "N/A"));
    assert_eq!(refusal(ask(theirs()).await).0, "AccessDenied");

    let used = KeyUseRecord { id: id.clone(), used: fixture.now(), service: "s3".into(), region: "r".into() };
    let mut changes = Changes::new();
    changes.put(&used).unwrap();
    fixture.store.commit(None, changes).await.unwrap();
    let used = ask(ours()).await.unwrap().access_key_last_used.unwrap();
    assert_eq!((used.last_used_date, used.service_name.as_str()), (Some(fixture.now()), "s3"));
}
