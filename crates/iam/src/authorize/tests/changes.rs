//! When a change holds, and what is read again.

use service::Authorizer;
use store::{Changes, Record};

use super::world::{ACCOUNT, World, account, call, doc, on};
use crate::InlinePolicyRecord;

#[tokio::test]
async fn a_change_holds_from_the_next_call_on() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    for round in 0..20 {
        let (effect, expected) = if round % 2 == 0 {
            ("Allow", "allowed")
        } else {
            ("Deny", "with an explicit deny in an identity-based policy")
        };
        world.inline("user/ann", &doc(effect, "*", "*")).await;
        assert_eq!(world.asks(&ann, on("s3:GetObject", "b/k")), expected);
        assert_eq!(world.asks(&ann, on("s3:GetObject", "b/k")), expected, "from memory");
    }
}

#[tokio::test]
async fn what_is_in_memory_needs_no_snapshot_and_is_no_part_of_a_commit() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    world.inline("user/ann", &doc("Allow", "*", "*")).await;
    let need = [on("s3:GetObject", "b/k")];
    let view = world.store.view().unwrap();
    world.authorizer.authorize(&call(&ann), &need, &view).unwrap();
    assert!(!view.reads().is_empty(), "the first time it is read, and the commit depends on it");
    let view = world.store.view().unwrap();
    world.authorizer.authorize(&call(&ann), &need, &view).unwrap();
    assert!(view.reads().is_empty());
}

/// A view that was taken before a change still decides as of then, and what it reads is for its own call alone.
#[tokio::test]
async fn an_old_view_does_not_bring_back_an_old_policy() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    world.inline("user/ann", &doc("Allow", "*", "*")).await;
    let need = [on("s3:GetObject", "b/k")];
    let old = world.store.view().unwrap();
    old.version().unwrap();
    let key = InlinePolicyRecord {
        account: account(ACCOUNT),
        owner: "user/ann".into(),
        name: "I".into(),
        document: String::new(),
    };
    let mut changes = Changes::new();
    changes.delete::<InlinePolicyRecord>(&key.key());
    world.store.commit(None, changes).await.unwrap();
    world.authorizer.authorize(&call(&ann), &need, &old).unwrap();
    assert_ne!(world.asks(&ann, on("s3:GetObject", "b/k")), "allowed");
    assert_ne!(world.asks(&ann, on("s3:GetObject", "b/k")), "allowed");
}
