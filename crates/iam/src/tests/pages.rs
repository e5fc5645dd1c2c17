//! Lists page by page.

use api::iam::{IamApi, ListUsersRequest};
use store::Changes;

use super::fixture::{Fixture, our_account, ours, refusal, theirs};
use crate::UserRecord;

/// So many users of one account, every tenth of them below `/ten/`.
async fn crowd(fixture: &Fixture, size: usize) {
    let mut changes = Changes::new();
    for number in 0..size {
        let path = if number % 10 == 0 { "/ten/" } else { "/" };
        let user = UserRecord {
            account: our_account(),
            name: format!("User{number:06}"),
            path: path.to_owned(),
            id: format!("AIDA{number:017}"),
            created: fixture.now(),
            boundary: None,
            tags: Vec::new(),
        };
        changes.put(&user).unwrap();
        if changes.len() >= 4000 {
            fixture.store.commit(None, std::mem::take(&mut changes)).await.unwrap();
        }
    }
    fixture.store.commit(None, changes).await.unwrap();
}

async fn all(fixture: &Fixture, prefix: Option<&str>, max_items: Option<i32>) -> (Vec<String>, usize) {
    let (mut names, mut marker, mut pages) = (Vec::new(), None, 0);
    loop {
        let input = ListUsersRequest { path_prefix: prefix.map(str::to_owned), marker, max_items };
        let page = fixture.iam.list_users(ours(), input).await.unwrap();
        pages += 1;
        assert_eq!(page.is_truncated, Some(page.marker.is_some()));
        names.extend(page.users.into_iter().filter_map(|user| user.user_name));
        match page.marker {
            None => return (names, pages),
            found => marker = found,
        }
    }
}

#[tokio::test]
async fn pages_hold_each_user_once() {
    let fixture = Fixture::new().await;
    crowd(&fixture, 1200).await;
    for (max_items, pages) in [(None, 12), (Some(1000), 2), (Some(600), 2), (Some(1200), 2), (Some(7), 172)] {
        let (names, seen) = all(&fixture, None, max_items).await;
        assert_eq!((names.len(), seen), (1200, pages), "{max_items:?}");
        assert!(names.is_sorted());
    }
    let (names, pages) = all(&fixture, Some("/ten/"), Some(40)).await;
    assert_eq!((names.len(), pages), (120, 3));
}

#[tokio::test]
async fn a_filter_that_few_pass_gives_short_pages() {
    let fixture = Fixture::new().await;
    crowd(&fixture, 20_500).await;
    let (names, pages) = all(&fixture, Some("/none/"), None).await;
    assert_eq!((names.len(), pages), (0, 2));
    let (names, _) = all(&fixture, Some("/ten/"), Some(1000)).await;
    assert_eq!(names.len(), 2050);
}

#[tokio::test]
async fn a_marker_is_good_for_its_list_alone() {
    let fixture = Fixture::new().await;
    crowd(&fixture, 20).await;
    let ask = |prefix: Option<&str>, marker: &Option<String>| ListUsersRequest {
        path_prefix: prefix.map(str::to_owned),
        marker: marker.clone(),
        max_items: Some(3),
    };
    let marker = fixture.iam.list_users(ours(), ask(None, &None)).await.unwrap().marker;
    assert!(fixture.iam.list_users(ours(), ask(None, &marker)).await.is_ok());
    let invalid = ("ValidationError".to_owned(), "Invalid Marker.".to_owned());
    assert_eq!(refusal(fixture.iam.list_users(ours(), ask(Some("/ten/"), &marker)).await), invalid);
    assert_eq!(refusal(fixture.iam.list_users(theirs(), ask(None, &marker)).await), invalid);
    assert_eq!(refusal(fixture.iam.list_users(ours(), ask(None, &Some("nonsense".into()))).await), invalid);
}
