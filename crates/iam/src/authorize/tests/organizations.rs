//! What an organization says binds its accounts, and is true of them.

use api::Caller;

use super::world::{ACCOUNT, NOW, OTHER, World, account, call, doc, doc_if, on};
use crate::organizations::{MemberRecord, OrganizationRecord, ScpRecord, TargetRecord};

const ORGANIZATION: &str = "o-abcdefghij";
const ROOT: &str = "r-abcd";

impl World {
    /// The account in an organization that another one manages; one policy is on the root.
    async fn organized(&self, document: &str) {
        let organization = OrganizationRecord {
            id: ORGANIZATION.to_owned(),
            master: account(OTHER),
            created: NOW,
            has_all_features: true,
            root: ROOT.to_owned(),
            has_service_control: true,
            root_tags: Vec::new(),
        };
        self.put(&organization).await;
        let member = MemberRecord {
            account: account(ACCOUNT),
            organization: ORGANIZATION.to_owned(),
            parent: ROOT.to_owned(),
            email: "a@example.com".to_owned(),
            is_invited: false,
            joined: NOW,
            tags: Vec::new(),
        };
        self.put(&member).await;
        let policy = ScpRecord {
            organization: ORGANIZATION.to_owned(),
            id: "p-limit".to_owned(),
            name: "limit".to_owned(),
            description: String::new(),
            content: document.to_owned(),
            tags: Vec::new(),
        };
        self.put(&policy).await;
        for (target, policy) in [(ROOT, "p-limit"), (ACCOUNT, "p-FullAWSAccess")] {
            let (organization, target, policy) = (ORGANIZATION.to_owned(), target.to_owned(), policy.to_owned());
            self.put(&TargetRecord { organization, target, policy }).await;
        }
    }
}

#[tokio::test]
async fn service_control_policies_bind_users_and_root_from_the_next_call_on() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    let root = Caller::root(account(ACCOUNT), "AKIAroot");
    let service = Caller::service(account(ACCOUNT), "autoscaling.amazonaws.com");
    world.inline("user/ann", &doc("Allow", "*", "*")).await;
    for caller in [&ann, &root, &service] {
        assert_eq!(world.asks(caller, on("s3:GetObject", "b/k")), "allowed");
    }
    world.organized(&doc("Allow", "ec2:*", "*")).await;
    for caller in [&ann, &root] {
        let refused = "because no service control policy allows the s3:GetObject action";
        assert_eq!(world.asks(caller, on("s3:GetObject", "b/k")), refused);
        assert_eq!(world.asks(caller, on("ec2:RunInstances", "b")), "allowed");
    }
    world.organized(&doc("Deny", "s3:*", "*")).await;
    for caller in [&ann, &root] {
        let refused = "with an explicit deny in a service control policy";
        assert_eq!(world.asks(caller, on("s3:GetObject", "b/k")), refused);
    }
    assert_eq!(world.asks(&service, on("s3:GetObject", "b/k")), "allowed", "services of the region are not bound");
}

#[tokio::test]
async fn the_place_of_an_account_is_known_to_conditions() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    world.organized(&doc("Allow", "*", "*")).await;
    for (condition, is_so) in [
        (format!(r#"{{"StringEquals":{{"aws:PrincipalOrgID":"{ORGANIZATION}"}}}}"#), true),
        (r#"{"StringEquals":{"aws:PrincipalOrgID":"o-another"}}"#.to_owned(), false),
        (format!(r#"{{"ForAnyValue:StringLike":{{"aws:PrincipalOrgPaths":"{ORGANIZATION}/{ROOT}/*"}}}}"#), true),
    ] {
        world.inline("user/ann", &doc_if("Allow", "*", "*", &condition)).await;
        assert_eq!(world.asks_with(&call(&ann), on("s3:GetObject", "b/k")).0 == "allowed", is_so, "{condition}");
    }
}
