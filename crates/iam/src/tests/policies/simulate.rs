//! The simulator, in tables, and beside the authoriser.

use std::sync::Arc;

use api::iam::{
    ContextEntry, EvaluationResult, GetContextKeysForCustomPolicyRequest, GetContextKeysForPrincipalPolicyRequest,
    IamApi, InlinePolicyIdentifierType, OrderedOrganizationPolicyType, PolicyIdentifier, PutGroupPolicyRequest,
    PutUserPolicyRequest, SimulateCustomPolicyRequest, SimulatePrincipalPolicyRequest,
};
use ids::Arn;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::Config;
use service::{Authorizer, Need};
use testkit::FixedEffects;

use super::super::fixture::{Fixture, our_account, ours, refusal};
use super::{allow, attach, create, populated, store, user};
use crate::{MembershipRecord, PolicyAuthorizer, UserRecord};

const ANN: &str = "arn:aws:iam::111111111111:user/Ann";
const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

fn text(list: &[&str]) -> Vec<String> {
    list.iter().map(|one| (*one).to_owned()).collect()
}

fn statement(effect: &str, action: &str, resource: &str, rest: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"{rest}}}]}}"#
    )
}

fn custom(policies: &[String], actions: &[&str], resources: &[&str]) -> SimulateCustomPolicyRequest {
    SimulateCustomPolicyRequest {
        policy_input_list: policies.to_vec(),
        action_names: text(actions),
        resource_arns: (!resources.is_empty()).then(|| text(resources)),
        ..SimulateCustomPolicyRequest::default()
    }
}

async fn simulated(fixture: &Fixture, input: SimulateCustomPolicyRequest) -> Vec<EvaluationResult> {
    fixture.iam.simulate_custom_policy(ours(), input).await.unwrap().evaluation_results.unwrap()
}

async fn of_ann(fixture: &Fixture, input: SimulatePrincipalPolicyRequest, action: &str) -> EvaluationResult {
    let (policy_source_arn, action_names) = (ANN.to_owned(), text(&[action]));
    let input = SimulatePrincipalPolicyRequest { policy_source_arn, action_names, ..input };
    fixture.iam.simulate_principal_policy(ours(), input).await.unwrap().evaluation_results.unwrap().remove(0)
}

/// Ids, types and columns of the statements that matched.
fn matched(result: &EvaluationResult) -> Vec<(String, String, i32, i32)> {
    let statements = result.matched_statements.iter().flatten().cloned();
    let shown = statements.map(|statement| {
        let (start, end) = (statement.start_position.unwrap(), statement.end_position.unwrap());
        let (id, kind) = (statement.source_policy_id.unwrap(), statement.source_policy_type.unwrap());
        (id, kind, start.column.unwrap(), end.column.unwrap())
    });
    shown.collect()
}

#[tokio::test]
async fn every_action_is_tried_on_every_resource() {
    let fixture = Fixture::new().await;
    let policies = [
        statement("Allow", "s3:Get*", "arn:aws:s3:::good/*", ""),
        statement("Deny", "s3:*", "arn:aws:s3:::*/secret", ""),
    ];
    let resources = ["arn:aws:s3:::good/a", "arn:aws:s3:::good/secret", "arn:aws:s3:::bad/a"];
    let results = simulated(&fixture, custom(&policies, &["s3:GetObject", "s3:PutObject"], &resources)).await;
    let found: Vec<(&str, &str, &str)> = results
        .iter()
        .map(|result| {
            let resource = result.eval_resource_name.as_deref().unwrap();
            let specific = &result.resource_specific_results.as_ref().unwrap()[0];
            assert_eq!(
                (&specific.eval_resource_decision, specific.eval_resource_name.as_str()),
                (&result.eval_decision, resource)
            );
            assert_eq!(result.eval_decision_details.as_ref().map(|details| details.len()), Some(0));
            (result.eval_action_name.as_str(), resource.rsplit(':').next().unwrap(), result.eval_decision.as_str())
        })
        .collect();
    let expected = [
        ("s3:GetObject", "good/a", "allowed"),
        ("s3:GetObject", "good/secret", "explicitDeny"),
        ("s3:GetObject", "bad/a", "implicitDeny"),
        ("s3:PutObject", "good/a", "implicitDeny"),
        ("s3:PutObject", "good/secret", "explicitDeny"),
        ("s3:PutObject", "bad/a", "implicitDeny"),
    ];
    assert_eq!(found, expected);
    let length = |policy: &str| i32::try_from(policy.len()).unwrap();
    let allowed = ("PolicyInputList.1".to_owned(), "IAM Policy".to_owned(), 38, length(&policies[0]) - 1);
    let denied = ("PolicyInputList.2".to_owned(), "IAM Policy".to_owned(), 38, length(&policies[1]) - 1);
    assert_eq!(matched(&results[0]), [allowed]);
    assert_eq!(matched(&results[1]), [denied]);
    assert_eq!(matched(&results[2]), []);

    let mut marker = None;
    let mut paged = Vec::new();
    loop {
        let input = custom(&policies, &["s3:GetObject", "s3:PutObject"], &resources);
        let input = SimulateCustomPolicyRequest { max_items: Some(4), marker, ..input };
        let page = fixture.iam.simulate_custom_policy(ours(), input).await.unwrap();
        paged.extend(page.evaluation_results.unwrap());
        marker = page.marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(paged, results);
}

#[tokio::test]
async fn context_is_given_and_what_lacks_is_named() {
    let fixture = Fixture::new().await;
    let rest = r#","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"Bool":{"aws:SecureTransport":"true"}}"#;
    let policies = [statement("Allow", "ec2:*", "*", rest)];
    let input = custom(&policies, &["ec2:RunInstances"], &[]);
    let result = simulated(&fixture, input.clone()).await.remove(0);
    assert_eq!(result.eval_decision, "implicitDeny");
    assert_eq!(result.missing_context_values, Some(text(&["aws:SourceIp", "aws:SecureTransport"])));
    assert_eq!((result.resource_specific_results, result.eval_decision_details), (None, None));
    let entry = |name: &str, kind: &str, value: &str| ContextEntry {
        context_key_name: Some(name.to_owned()),
        context_key_values: Some(text(&[value])),
        context_key_type: Some(kind.to_owned()),
    };
    for (address, decision) in [("203.0.113.7", "allowed"), ("198.51.100.7", "implicitDeny")] {
        let entries = vec![entry("aws:sourceip", "ip", address), entry("aws:SecureTransport", "boolean", "true")];
        let input = SimulateCustomPolicyRequest { context_entries: Some(entries), ..input.clone() };
        let result = simulated(&fixture, input).await.remove(0);
        assert_eq!((result.eval_decision.as_str(), result.missing_context_values), (decision, Some(Vec::new())));
    }
    let on = custom(&policies, &["ec2:RunInstances"], &["arn:aws:ec2:us-east-1:111111111111:instance/i-1"]);
    let result = simulated(&fixture, on).await.remove(0);
    assert_eq!(result.missing_context_values, Some(Vec::new()));
    let specific = result.resource_specific_results.unwrap().remove(0);
    assert_eq!(specific.missing_context_values, Some(text(&["aws:SourceIp", "aws:SecureTransport"])));
    let keys = GetContextKeysForCustomPolicyRequest { policy_input_list: policies.to_vec() };
    let keys = fixture.iam.get_context_keys_for_custom_policy(ours(), keys).await.unwrap();
    assert_eq!(keys.context_key_names, Some(text(&["aws:SourceIp", "aws:SecureTransport"])));
}

#[tokio::test]
async fn boundaries_and_organizations_say_their_own() {
    let fixture = Fixture::new().await;
    let policies = [allow("*")];
    let level =
        |action: &str| OrderedOrganizationPolicyType { service_control_policy_input_list: Some(vec![allow(action)]) };
    for (action, decision, by_boundary, by_organizations) in [
        ("s3:GetObject", "allowed", true, true),
        ("ec2:RunInstances", "implicitDeny", false, true),
        ("sqs:SendMessage", "implicitDeny", true, false),
    ] {
        let input = SimulateCustomPolicyRequest {
            permissions_boundary_policy_input_list: Some(vec![
                allow("s3:*").replace(r#""s3:*""#, r#"["s3:*","sqs:*"]"#),
            ]),
            ordered_organization_policy_input_list: Some(vec![
                level("*"),
                OrderedOrganizationPolicyType {
                    service_control_policy_input_list: Some(vec![allow("s3:*"), allow("ec2:*")]),
                },
            ]),
            ..custom(&policies, &[action], &[])
        };
        let result = simulated(&fixture, input).await.remove(0);
        assert_eq!(result.eval_decision, decision, "{action}");
        let boundary = result.permissions_boundary_decision_detail.unwrap().allowed_by_permissions_boundary;
        let organizations = result.organizations_decision_detail.unwrap().allowed_by_organizations;
        assert_eq!((boundary, organizations), (Some(by_boundary), Some(by_organizations)), "{action}");
    }
}

#[tokio::test]
async fn a_resources_policy_decides_with_the_callers() {
    let fixture = Fixture::new().await;
    let bucket = |account: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:user/Ann"}},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}}]}}"#
        )
    };
    let check = async |policies: &[String], owner: Option<&str>, decision: &str, sides: &[(&str, &str)]| {
        let input = SimulateCustomPolicyRequest {
            resource_policy: Some(bucket("111111111111")),
            resource_owner: owner.map(|owner| format!("arn:aws:iam::{owner}:root")),
            caller_arn: Some(ANN.to_owned()),
            ..custom(policies, &["s3:GetObject"], &["arn:aws:s3:::b/k"])
        };
        let result = simulated(&fixture, input).await.remove(0);
        assert_eq!(result.eval_decision, decision);
        let details = result.eval_decision_details.clone().unwrap();
        let found: Vec<(&str, &str)> = details.iter().map(|(side, word)| (side.as_str(), word.as_str())).collect();
        assert_eq!(found, sides);
        result
    };
    let nothing = [allow("ec2:*")];
    let result = check(&nothing, None, "allowed", &[]).await;
    assert_eq!(matched(&result)[0].1, "Resource Policy");
    let theirs = Some("222222222222");
    let sides = [("IAM Policy", "implicitDeny"), ("Resource Policy", "allowed")];
    check(&nothing, theirs, "implicitDeny", &sides).await;
    check(&[allow("s3:*")], theirs, "allowed", &[("IAM Policy", "allowed"), ("Resource Policy", "allowed")]).await;
    let input = SimulateCustomPolicyRequest {
        resource_policy: Some(bucket("111111111111")),
        ..custom(&nothing, &["s3:GetObject"], &["arn:aws:s3:::b/k"])
    };
    let refused = refusal(fixture.iam.simulate_custom_policy(ours(), input).await);
    assert_eq!(refused.1, "CallerArn is required when a ResourcePolicy is given.");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let fixture = populated().await;
    let check = async |input: SimulateCustomPolicyRequest, words: &str| {
        let (code, message) = refusal(fixture.iam.simulate_custom_policy(ours(), input).await);
        assert_eq!(code, "InvalidInput");
        assert!(message.contains(words), "{message}");
    };
    let good = custom(&[allow("s3:*")], &["s3:GetObject"], &[]);
    for action in ["GetObject", "s3:", ":Get", "s3:*", "s3:Get?bject"] {
        let words = format!("Invalid action name: {action}");
        check(SimulateCustomPolicyRequest { action_names: text(&[action]), ..good.clone() }, &words).await;
    }
    check(SimulateCustomPolicyRequest { policy_input_list: text(&["{"]), ..good.clone() }, "").await;
    let two = Some(vec![allow("s3:*"), allow("s3:*")]);
    let input = SimulateCustomPolicyRequest { permissions_boundary_policy_input_list: two, ..good.clone() };
    check(input, "only one permissions boundary").await;
    for (option, words) in [("EC2-VPC-EBS", "needs a resource of the type instance"), ("Other", "Invalid Resource")] {
        let resource_handling_option = Some(option.to_owned());
        check(SimulateCustomPolicyRequest { resource_handling_option, ..good.clone() }, words).await;
    }
    for (arn, code) in [
        ("arn:aws:sts::111111111111:assumed-role/Ci/session", "InvalidInput"),
        ("arn:aws:iam::111111111111:policy/P", "InvalidInput"),
        ("arn:aws:iam::111111111111:user/nobody", "NoSuchEntity"),
        ("arn:aws:iam::111111111111:user/other/Ann", "NoSuchEntity"),
        ("arn:aws:iam::222222222222:user/Ann", "NoSuchEntity"),
    ] {
        let input = SimulatePrincipalPolicyRequest {
            policy_source_arn: arn.to_owned(),
            action_names: text(&["s3:GetObject"]),
            ..Default::default()
        };
        assert_eq!(refusal(fixture.iam.simulate_principal_policy(ours(), input).await).0, code, "{arn}");
    }
}

#[tokio::test]
async fn a_principals_policies_are_its_own_its_groups_and_its_boundary() {
    let fixture = populated().await;
    store(&fixture, &[MembershipRecord { account: our_account(), user: "ann".into(), group: "devs".into() }]).await;
    let managed = create(&fixture, "/", "Reads").await;
    attach(&fixture, "Ann", &managed).await;
    attach(&fixture, "Ann", "arn:aws:iam::aws:policy/AmazonSQSFullAccess").await;
    let own = PutUserPolicyRequest {
        user_name: "Ann".to_owned(),
        policy_name: "own".to_owned(),
        policy_document: statement("Deny", "sqs:DeleteQueue", "*", ""),
    };
    fixture.iam.put_user_policy(ours(), own).await.unwrap();
    let of_group = PutGroupPolicyRequest {
        group_name: "Devs".to_owned(),
        policy_name: "shared".to_owned(),
        policy_document: statement("Allow", "ec2:*", "*", r#","Condition":{"StringEquals":{"aws:username":"Ann"}}"#),
    };
    fixture.iam.put_group_policy(ours(), of_group).await.unwrap();
    let nothing = SimulatePrincipalPolicyRequest::default;
    for (action, decision, id) in [
        ("s3:GetObject", "allowed", "Reads"),
        ("sqs:SendMessage", "allowed", "AmazonSQSFullAccess"),
        ("sqs:DeleteQueue", "explicitDeny", "user_Ann_own"),
        ("ec2:RunInstances", "allowed", "group_Devs_shared"),
    ] {
        let result = of_ann(&fixture, nothing(), action).await;
        assert_eq!(result.eval_decision, decision, "{action}");
        assert_eq!((matched(&result)[0].0.as_str(), matched(&result)[0].1.as_str()), (id, "IAM Policy"));
        assert!(result.permissions_boundary_decision_detail.is_none());
    }
    let excluded =
        |kind: &str, arn: Option<&str>, inline: Option<InlinePolicyIdentifierType>| SimulatePrincipalPolicyRequest {
            policy_exclusion_list: Some(vec![PolicyIdentifier {
                policy_type: Some(kind.to_owned()),
                policy_arn: arn.map(str::to_owned),
                inline_policy_identifier: inline,
            }]),
            ..nothing()
        };
    let inline = InlinePolicyIdentifierType {
        policy_name: "own".to_owned(),
        attachment_type: "user".to_owned(),
        attachment_name: "Ann".to_owned(),
    };
    for (input, action, decision) in [
        (excluded("user-managed", Some(&managed), None), "s3:GetObject", "implicitDeny"),
        (excluded("aws-managed", Some(&managed), None), "s3:GetObject", "allowed"),
        (excluded("inline", None, Some(inline)), "sqs:DeleteQueue", "allowed"),
    ] {
        assert_eq!(of_ann(&fixture, input, action).await.eval_decision, decision, "{action}");
    }

    store(&fixture, &[UserRecord { boundary: Some(managed), ..user("/", "Ann") }]).await;
    let result = of_ann(&fixture, nothing(), "ec2:RunInstances").await;
    assert_eq!(result.eval_decision, "implicitDeny");
    let by_boundary = result.permissions_boundary_decision_detail.unwrap().allowed_by_permissions_boundary;
    assert_eq!(by_boundary, Some(false));
    let other = SimulatePrincipalPolicyRequest {
        permissions_boundary_policy_input_list: Some(vec![allow("ec2:*")]),
        ..nothing()
    };
    assert_eq!(of_ann(&fixture, other, "ec2:RunInstances").await.eval_decision, "allowed");
    let unbounded = excluded("permission-boundary", None, None);
    assert_eq!(of_ann(&fixture, unbounded, "ec2:RunInstances").await.eval_decision, "allowed");
    let keys = GetContextKeysForPrincipalPolicyRequest {
        policy_source_arn: ANN.to_owned(),
        policy_input_list: Some(vec![statement("Allow", "s3:*", "arn:aws:s3:::${aws:PrincipalTag/Team}/*", "")]),
    };
    let keys = fixture.iam.get_context_keys_for_principal_policy(ours(), keys).await.unwrap();
    assert_eq!(keys.context_key_names, Some(text(&["aws:username", "aws:PrincipalTag/Team"])));
    assert_eq!(fixture.needs_text(), [format!("iam:GetContextKeysForPrincipalPolicy {ANN}")]);
}

#[tokio::test]
async fn the_administrators_matched_statement_is_said_as_aws_says_it() {
    let fixture = populated().await;
    attach(&fixture, "Ann", ADMIN).await;
    let result = of_ann(&fixture, SimulatePrincipalPolicyRequest::default(), "s3:PutObject").await;
    let found = matched(&result);
    assert_eq!((found[0].0.as_str(), found[0].1.as_str()), ("AdministratorAccess", "IAM Policy"));
}

fn statements() -> impl Strategy<Value = String> {
    let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    let action = prop_oneof![Just("s3:*"), Just("s3:Get*"), Just("s3:GetObject"), Just("ec2:*"), Just("*")];
    let resource = prop_oneof![Just("*"), Just("arn:aws:s3:::b/*"), Just("arn:aws:s3:::${aws:username}/*")];
    let condition = prop_oneof![
        Just(""),
        Just(r#","Condition":{"StringEquals":{"aws:username":"Ann"}}"#),
        Just(r#","Condition":{"StringNotEquals":{"aws:PrincipalTag/Team":"blue"}}"#),
        Just(r#","Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/A*"}}"#),
        Just(r#","Condition":{"Null":{"aws:PrincipalTag/Team":"true"}}"#),
    ];
    (effect, action, resource, condition)
        .prop_map(|(effect, action, resource, rest)| statement(effect, action, resource, rest))
}

proptest! {
    #![proptest_config(Config { cases: 64, failure_persistence: None, ..Config::default() })]

    /// What the simulator says of a user is what the authoriser does.
    #[test]
    fn the_simulator_agrees_with_the_authoriser(
        policies in proptest::collection::vec(statements(), 1..4),
        boundary in proptest::option::of(statements()),
        is_tagged in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fixture = populated().await;
            let tags = if is_tagged { vec![("Team".to_owned(), "blue".to_owned())] } else { Vec::new() };
            let arn = match &boundary {
                Some(document) => {
                    let (policy_name, policy_document) = ("Bound".to_owned(), document.clone());
                    let input = api::iam::CreatePolicyRequest { policy_name, policy_document, ..Default::default() };
                    fixture.iam.create_policy(ours(), input).await.unwrap().policy.unwrap().arn
                }
                None => None,
            };
            store(&fixture, &[UserRecord { boundary: arn, tags, ..user("/", "Ann") }]).await;
            for (document, number) in policies.iter().zip(0..) {
                let (user_name, policy_name) = ("Ann".to_owned(), format!("p{number}"));
                let input = PutUserPolicyRequest { user_name, policy_name, policy_document: document.clone() };
                fixture.iam.put_user_policy(ours(), input).await.unwrap();
            }
            let authorizer = PolicyAuthorizer::new(&fixture.store, Arc::new(FixedEffects::default()));
            let call = fixture.user("Ann");
            for (action, resource) in [
                ("s3:GetObject", "arn:aws:s3:::b/k"),
                ("s3:PutObject", "arn:aws:s3:::Ann/k"),
                ("ec2:RunInstances", "arn:aws:ec2:us-east-1:111111111111:instance/*"),
            ] {
                let input = SimulatePrincipalPolicyRequest {
                    policy_source_arn: ANN.to_owned(),
                    action_names: text(&[action]),
                    resource_arns: Some(text(&[resource])),
                    ..Default::default()
                };
                let simulated = fixture.iam.simulate_principal_policy(ours(), input).await.unwrap();
                let simulated = simulated.evaluation_results.unwrap().remove(0).eval_decision;
                let arn: Arn = resource.parse().unwrap();
                let need = Need::on(action, arn);
                let view = fixture.store.view().unwrap();
                let is_allowed = authorizer.authorize(&call, &[need], &view).is_ok();
                assert_eq!(simulated == "allowed", is_allowed, "{policies:?} {boundary:?} {action} {resource}");
            }
        });
    }
}
