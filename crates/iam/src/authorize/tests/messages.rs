//! The encoded authorization failure message.

use ids::Arn;
use serde_json::Value;
use service::Need;
use store::Store;

use super::super::message;
use super::world::{ACCOUNT, OTHER, Still, World, call, doc_if, on};
use crate::authorize::MessageKeyRecord;

fn run_instances() -> Need {
    let need = Need::on("ec2:RunInstances", Arn::new("ec2", "eu-lab-1", ACCOUNT, "instance/*"));
    need.with("ec2:InstanceType", "t3.nano")
}

#[tokio::test]
async fn a_refusal_of_ec2_carries_the_whole_decision() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    let conditions = r#"{"StringEquals":{"ec2:InstanceType":"t3.nano"}}"#;
    world.inline("user/ann", &doc_if("Deny", "ec2:*", "*", conditions)).await;
    let (_, verdict, refusal) = world.asks_with(&call(&ann), run_instances());
    assert_eq!(verdict.unwrap().statements[0].sid.as_deref(), Some("One"));
    let encoded = refusal.unwrap().encoded.unwrap();
    let view = world.store.view().unwrap();
    let decoded = message::open(&view, ACCOUNT, &encoded).unwrap().unwrap();
    let decoded: Value = serde_json::from_str(&decoded).unwrap();
    assert_eq!((&decoded["allowed"], &decoded["explicitDeny"]), (&Value::Bool(false), &Value::Bool(true)));
    assert_eq!(decoded["matchedStatements"]["items"][0]["statementId"], "One");
    assert_eq!(decoded["matchedStatements"]["items"][0]["effect"], "DENY");
    let context = &decoded["context"];
    assert_eq!(context["principal"]["id"], "AIDAann");
    assert_eq!(context["principal"]["arn"], format!("arn:aws:iam::{ACCOUNT}:user/staff/ann"));
    assert_eq!(context["action"], "ec2:RunInstances");
    let value = |key: &str| {
        let items = context["conditions"]["items"].as_array().unwrap();
        let found = items.iter().find(|item| item["key"] == key);
        found.map(|item| item["values"]["items"][0]["value"].as_str().unwrap().to_owned())
    };
    assert_eq!(value("ec2:InstanceType").as_deref(), Some("t3.nano"));
    assert_eq!(value("aws:SourceIp").as_deref(), Some("203.0.113.7"));
    assert_eq!(value("aws:MultiFactorAuthPresent"), None);
    assert!(!encoded.contains("nano"));
}

#[tokio::test]
async fn it_is_for_its_account_alone_and_nobody_makes_one_up() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    let (_, _, refusal) = world.asks_with(&call(&ann), run_instances());
    let encoded = refusal.unwrap().encoded.unwrap();
    let view = world.store.view().unwrap();
    assert!(message::open(&view, ACCOUNT, &encoded).unwrap().is_some());
    assert_eq!(message::open(&view, OTHER, &encoded).unwrap(), None);
    for at in (0..encoded.len()).step_by(7) {
        let mut bytes = encoded.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert_eq!(message::open(&view, ACCOUNT, &changed).unwrap(), None, "{at}");
    }
    for made_up in ["", "A", "line\nbreak", "AAAAAAAAAAAAAAAA", &"A".repeat(10_000)] {
        assert_eq!(message::open(&view, ACCOUNT, made_up).unwrap(), None);
    }
}

#[tokio::test]
async fn only_what_ec2_refuses_of_a_resource_carries_one() {
    let world = World::new().await;
    let ann = world.user("ann", None).await;
    for need in [on("s3:GetObject", "b/k"), Need::any("ec2:DescribeVpcs")] {
        let (_, _, refusal) = world.asks_with(&call(&ann), need);
        assert_eq!(refusal.unwrap().encoded, None);
    }
}

#[tokio::test]
async fn the_key_is_made_once() {
    let store = Store::new(store::Memory::new());
    let effects = Still::default();
    let (one, other) =
        tokio::join!(crate::make_message_key(&store, &effects), crate::make_message_key(&store, &effects));
    assert!(one.is_ok() && other.is_ok());
    let key = |store: &Store| store.view().unwrap().get::<MessageKeyRecord>(&("current".to_owned(),)).unwrap().unwrap();
    let first = key(&store);
    crate::make_message_key(&store, &effects).await.unwrap();
    assert!(first == key(&store));
    assert_eq!(format!("{first:?}"), "MessageKeyRecord(..)", "secrets are not for logs");
}

#[test]
fn stored_shapes() {
    let record = MessageKeyRecord { key: "AAAA".into() };
    store::conformance::check_shapes(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes"), &[(1, record)]);
}
