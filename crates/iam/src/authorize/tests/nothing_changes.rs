//! A refused call changes nothing.

use api::iam::{
    CreateAccessKeyRequest, CreateGroupRequest, CreateUserRequest, DeleteUserRequest, IamApi, UpdateUserRequest,
};

use crate::tests::fixture::{Fixture, anonymous, ours, refusal, theirs};

#[tokio::test]
async fn whoever_is_refused_changes_nothing() {
    let fixture = Fixture::owned().await;
    let user = |name: &str| CreateUserRequest { user_name: name.to_owned(), ..CreateUserRequest::default() };
    fixture.iam.create_user(ours(), user("ann")).await.unwrap();
    let before = fixture.store.view().unwrap().version().unwrap();
    for call in [fixture.user("ann"), anonymous()] {
        let iam = &fixture.iam;
        let renamed = UpdateUserRequest {
            user_name: "ann".into(),
            new_user_name: Some("root".into()),
            ..UpdateUserRequest::default()
        };
        let group = CreateGroupRequest { group_name: "g".into(), ..CreateGroupRequest::default() };
        let own_key = CreateAccessKeyRequest { user_name: Some("ann".into()) };
        for (code, _) in [
            refusal(iam.create_user(call.clone(), user("eve")).await),
            refusal(iam.update_user(call.clone(), renamed).await),
            refusal(iam.create_access_key(call.clone(), own_key).await),
            refusal(iam.create_group(call.clone(), group).await),
            refusal(iam.delete_user(call.clone(), DeleteUserRequest { user_name: "ann".into() }).await),
        ] {
            assert_eq!(code, "AccessDenied");
        }
    }
    // Another account's root finds no such user in its own.
    let other = fixture.iam.delete_user(theirs(), DeleteUserRequest { user_name: "ann".into() }).await;
    assert_eq!(refusal(other).0, "NoSuchEntity");
    assert_eq!(fixture.store.view().unwrap().version().unwrap(), before, "nothing was committed");
}
