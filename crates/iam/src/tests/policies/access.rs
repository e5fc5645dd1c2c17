//! The access advisor.

use std::sync::Arc;
use std::time::Duration;

use ::store::Record;
use api::Call;
use api::iam::{
    AttachGroupPolicyRequest, DeleteUserRequest, GenerateServiceLastAccessedDetailsRequest, GetPolicyRequest,
    GetServiceLastAccessedDetailsRequest, GetServiceLastAccessedDetailsWithEntitiesRequest, IamApi,
    ListPoliciesGrantingServiceAccessRequest, PutUserPolicyRequest, ServiceLastAccessed,
};
use service::Need;

use super::super::fixture::{Fixture, our_account, ours, refusal, theirs};
use super::{allow, attach, create, populated, store, user};
use crate::{LastUses, MembershipRecord};

const ANN: &str = "arn:aws:iam::111111111111:user/Ann";

async fn job(fixture: &Fixture, arn: &str, granularity: Option<&str>) -> String {
    let (arn, granularity) = (arn.to_owned(), granularity.map(str::to_owned));
    let input = GenerateServiceLastAccessedDetailsRequest { arn, granularity };
    fixture.iam.generate_service_last_accessed_details(ours(), input).await.unwrap().job_id.unwrap()
}

async fn report(fixture: &Fixture, job_id: &str, max_items: Option<i32>) -> Vec<ServiceLastAccessed> {
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let input = GetServiceLastAccessedDetailsRequest { job_id: job_id.to_owned(), max_items, marker };
        let page = fixture.iam.get_service_last_accessed_details(ours(), input).await.unwrap();
        assert_eq!(page.job_status, "COMPLETED");
        found.extend(page.services_last_accessed);
        marker = page.marker;
        if marker.is_none() {
            return found;
        }
    }
}

/// What a call needs, noted as the authoriser notes it.
fn note(fixture: &Fixture, uses: &LastUses, call: &Call, actions: &[&'static str]) {
    let needs: Vec<Need> = actions.iter().map(|action| Need::any(action)).collect();
    uses.note_needs(&call.caller, "eu-west-1", &needs, fixture.now());
}

#[tokio::test]
async fn a_report_says_what_may_be_used_and_what_was() {
    let fixture = populated().await;
    store(&fixture, &[user("/", "Bob")]).await;
    store(&fixture, &[MembershipRecord { account: our_account(), user: "bob".into(), group: "devs".into() }]).await;
    let arn = create(&fixture, "/", "Reads").await;
    attach(&fixture, "Ann", &arn).await;
    let (group_name, policy_arn) = ("Devs".to_owned(), arn.clone());
    fixture.iam.attach_group_policy(ours(), AttachGroupPolicyRequest { group_name, policy_arn }).await.unwrap();
    let (user_name, policy_name) = ("Ann".to_owned(), "own".to_owned());
    let policy_document = allow("sqs:*");
    let own = PutUserPolicyRequest { user_name, policy_name, policy_document };
    fixture.iam.put_user_policy(ours(), own).await.unwrap();

    let uses = LastUses::default();
    note(&fixture, &uses, &fixture.user("Ann"), &["s3:GetObject", "sqs:SendMessage"]);
    note(&fixture, &uses, &ours(), &["ec2:RunInstances"]);
    uses.write(&fixture.store).await.unwrap();
    fixture.advance(Duration::from_secs(3600));
    note(&fixture, &uses, &fixture.user("Bob"), &["s3:PutObject"]);
    note(&fixture, &uses, &fixture.user("Ann"), &["s3:ListBucket"]);
    uses.write(&fixture.store).await.unwrap();

    let ann = job(&fixture, ANN, None).await;
    let found = report(&fixture, &ann, None).await;
    let services: Vec<(&str, &str)> =
        found.iter().map(|one| (one.service_namespace.as_str(), one.service_name.as_str())).collect();
    assert_eq!(services, [("s3", "Amazon S3"), ("sqs", "Amazon SQS")]);
    assert_eq!((found[0].last_authenticated, found[0].total_authenticated_entities), (Some(fixture.now()), Some(1)));
    assert_eq!(found[0].last_authenticated_entity.as_deref(), Some(ANN));
    assert_eq!(found[0].last_authenticated_region.as_deref(), Some("eu-west-1"));
    assert_eq!(found[0].tracked_actions_last_accessed, None);
    assert!(found[1].last_authenticated < found[0].last_authenticated);
    assert_eq!(report(&fixture, &ann, Some(1)).await, found);

    let deep = job(&fixture, ANN, Some("ACTION_LEVEL")).await;
    let found = report(&fixture, &deep, None).await;
    let actions = found[0].tracked_actions_last_accessed.as_ref().unwrap();
    let names: Vec<&str> = actions.iter().map(|action| action.action_name.as_deref().unwrap()).collect();
    assert_eq!(names, ["GetObject", "ListBucket"]);
    assert_eq!(found[1].tracked_actions_last_accessed, None, "SQS is not tracked so");

    for (about, total) in [("arn:aws:iam::111111111111:group/Devs", 1), (arn.as_str(), 2)] {
        let found = report(&fixture, &job(&fixture, about, None).await, None).await;
        assert_eq!(found.len(), 1, "{about}");
        assert_eq!(found[0].total_authenticated_entities, Some(total), "{about}");
    }
    let of_policy = job(&fixture, &arn, None).await;
    let input = GetServiceLastAccessedDetailsWithEntitiesRequest {
        job_id: of_policy,
        service_namespace: "s3".to_owned(),
        ..Default::default()
    };
    let found = fixture.iam.get_service_last_accessed_details_with_entities(ours(), input).await.unwrap();
    let entities: Vec<(&str, &str)> = found
        .entity_details_list
        .iter()
        .map(|one| (one.entity_info.name.as_str(), one.entity_info.r#type.as_str()))
        .collect();
    assert_eq!(entities, [("Ann", "USER"), ("Bob", "USER")]);
    assert!(found.entity_details_list.iter().all(|one| one.last_authenticated.is_some()));
}

#[tokio::test]
async fn jobs_are_their_accounts_own_and_end() {
    let fixture = populated().await;
    let id = job(&fixture, ANN, None).await;
    assert_eq!(id.len(), 36);
    let input = GetServiceLastAccessedDetailsRequest { job_id: id.clone(), ..Default::default() };
    let get = |call: Call| fixture.iam.get_service_last_accessed_details(call, input.clone());
    assert_eq!(refusal(get(theirs()).await), ("NoSuchEntity".to_owned(), format!("Job {id} cannot be found.")));
    assert!(get(ours()).await.is_ok());
    fixture.advance(Duration::from_secs(4 * 3600 + 1));
    assert_eq!(refusal(get(ours()).await).0, "NoSuchEntity");
    job(&fixture, ANN, None).await;
    assert!(fixture.get::<crate::AccessJobRecord>(&(our_account(), id)).is_none(), "the old one made room");
}

#[tokio::test]
async fn what_is_collected_is_bounded_and_rows_are_not_written_for_nothing() {
    let fixture = populated().await;
    let uses = LastUses::default();
    let version = || fixture.store.view().unwrap().version().unwrap();
    note(&fixture, &uses, &fixture.user("Ann"), &["s3:GetObject"]);
    uses.write(&fixture.store).await.unwrap();
    let written = version();
    for _ in 0..3 {
        fixture.advance(Duration::from_secs(60));
        note(&fixture, &uses, &fixture.user("Ann"), &["s3:GetObject"]);
        uses.write(&fixture.store).await.unwrap();
        assert_eq!(version(), written, "as good as the same");
    }
    fixture.advance(Duration::from_secs(600));
    note(&fixture, &uses, &fixture.user("Ann"), &["s3:GetObject"]);
    uses.write(&fixture.store).await.unwrap();
    assert!(version() > written);
    uses.write(&fixture.store).await.unwrap();
}

#[tokio::test]
async fn the_authoriser_notes_what_is_refused_too_and_the_keeper_writes_it() {
    let authorizer: Arc<std::sync::OnceLock<Arc<LastUses>>> = Arc::default();
    let kept = Arc::clone(&authorizer);
    let fixture = Fixture::enforcing(move |store| {
        let made = crate::PolicyAuthorizer::new(store, Arc::new(testkit::FixedEffects::default()));
        let _ = kept.set(made.uses());
        Arc::new(made)
    })
    .await;
    store(&fixture, &[user("/", "Ann")]).await;
    let uses = Arc::clone(authorizer.get().unwrap());
    let (end, ended) = tokio::sync::watch::channel(false);
    let keeper = {
        let (uses, store) = (Arc::clone(&uses), fixture.store.clone());
        tokio::spawn(async move { uses.keep(&store, ended).await })
    };
    let input = GetPolicyRequest { policy_arn: "arn:aws:iam::aws:policy/AdministratorAccess".to_owned() };
    let refused = fixture.iam.get_policy(fixture.user("Ann"), input).await;
    assert_eq!(refusal(refused).0, "AccessDenied");
    end.send_replace(true);
    tokio::time::timeout(Duration::from_secs(10), keeper).await.unwrap().unwrap();
    let id = user("/", "Ann").id;
    let stored = fixture.get::<crate::ServiceUseRecord>(&(our_account(), id, "iam".to_owned())).unwrap();
    assert_eq!(stored.actions[0].0, "GetPolicy");

    let gone = DeleteUserRequest { user_name: "Ann".to_owned() };
    fixture.iam.delete_user(ours(), gone).await.unwrap();
    assert!(fixture.get::<crate::ServiceUseRecord>(&stored.key()).is_none(), "it goes with the user");
}

#[tokio::test]
async fn policies_that_grant_are_listed_by_service() {
    let fixture = populated().await;
    store(&fixture, &[MembershipRecord { account: our_account(), user: "ann".into(), group: "devs".into() }]).await;
    let arn = create(&fixture, "/", "Reads").await;
    let (group_name, policy_arn) = ("Devs".to_owned(), arn.clone());
    fixture.iam.attach_group_policy(ours(), AttachGroupPolicyRequest { group_name, policy_arn }).await.unwrap();
    let (user_name, policy_name, policy_document) = ("Ann".to_owned(), "own".to_owned(), allow("s3:Put*"));
    let own = PutUserPolicyRequest { user_name, policy_name, policy_document };
    fixture.iam.put_user_policy(ours(), own).await.unwrap();
    let input = ListPoliciesGrantingServiceAccessRequest {
        arn: ANN.to_owned(),
        service_namespaces: vec!["s3".to_owned(), "ec2".to_owned()],
        marker: None,
    };
    let found = fixture.iam.list_policies_granting_service_access(ours(), input.clone()).await.unwrap();
    let entries = found.policies_granting_service_access;
    assert_eq!(entries[0].service_namespace.as_deref(), Some("ec2"));
    assert_eq!(entries[0].policies, Some(Vec::new()));
    let policies = entries[1].policies.as_ref().unwrap();
    assert_eq!((policies[0].policy_name.as_str(), policies[0].policy_type.as_str()), ("own", "INLINE"));
    assert_eq!(policies[0].entity_name.as_deref(), Some("Ann"));
    assert_eq!((policies[1].policy_arn.as_ref(), policies[1].policy_type.as_str()), (Some(&arn), "MANAGED"));
    let unknown = ListPoliciesGrantingServiceAccessRequest { service_namespaces: vec!["nothing".to_owned()], ..input };
    let refused = fixture.iam.list_policies_granting_service_access(ours(), unknown).await;
    assert_eq!(refusal(refused).0, "InvalidInput");
}
