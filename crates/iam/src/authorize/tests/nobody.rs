//! Without policies nobody but a root user may do anything.

use api::{Caller, Session};
use ids::Arn;
use proptest::prelude::{Strategy, any, proptest};
use proptest::sample::select;
use service::Need;

use super::world::{ACCOUNT, OTHER, World};

fn actions() -> impl Strategy<Value = &'static str> {
    select(vec!["ec2:RunInstances", "s3:GetObject", "iam:GetUser", "sts:AssumeRole", "iam:CreateAccessKey", "*"])
}

proptest! {
    #[test]
    fn no_caller_without_policies_is_ever_allowed_anything(
        kind in 0..5_usize,
        action in actions(),
        owner in select(vec!["", ACCOUNT, OTHER, "aws"]),
        resource in "[a-z*?/:-]{0,20}",
        is_any in any::<bool>(),
        tag in "[a-z]{0,3}",
        keys in proptest::collection::vec(("[a-zA-Z:/]{1,10}", "[a-z]{0,4}"), 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let caller = match kind {
                0 => world.user("ann", None).await,
                1 => world.role("ci", None, Session::default()).await,
                2 => { world.user("ann", None).await; world.federated(Some("ann"), None) }
                3 => world.federated(None, None),
                _ => Caller::ANONYMOUS,
            };
            let mut need = if is_any { Need::any(action) } else { Need::on(action, Arn::new("s3", "", owner, &resource)) };
            need = need.tagged([("Team", tag.as_str())]);
            for (key, value) in keys {
                need = need.with(key, value);
            }
            assert_ne!(world.asks(&caller, need), "allowed");
        });
    }
}
