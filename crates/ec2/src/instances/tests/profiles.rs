//! Instance profiles: named by requests, shown, passed, and what the metadata service of an instance says of its role.

use api::ec2::{
    AssociateIamInstanceProfileRequest, DescribeIamInstanceProfileAssociationsRequest,
    DisassociateIamInstanceProfileRequest, Ec2Api, IamInstanceProfileSpecification,
    ReplaceIamInstanceProfileAssociationRequest, RunInstancesRequest,
};
use iam::{InstanceProfileRecord, RoleRecord};
use jiff::Timestamp;
use store::{Changes, Record};

use super::rig::{Rig, account, root, vpc};
use crate::{InstanceCredentialsRecord, IssuedCredentials};

async fn put<R: Record>(rig: &Rig, record: &R) {
    let mut changes = Changes::new();
    changes.put(record).unwrap();
    rig.store.commit(None, changes).await.unwrap();
}

fn profile(name: &str, role: Option<&str>) -> InstanceProfileRecord {
    InstanceProfileRecord {
        account: account(1),
        name: name.to_owned(),
        path: "/".into(),
        id: format!("AIPA{name}"),
        created: Timestamp::UNIX_EPOCH,
        role: role.map(str::to_owned),
        tags: Vec::new(),
    }
}

async fn rig() -> Rig {
    let rig = Rig::new().await;
    let role = RoleRecord {
        account: account(1),
        name: "Web".into(),
        path: "/".into(),
        id: "AROAWEB".into(),
        created: Timestamp::UNIX_EPOCH,
        trust: "{}".into(),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: vec![("team".into(), "blue".into())],
        linked_service: None,
    };
    put(&rig, &role).await;
    put(&rig, &profile("web", Some("web"))).await;
    put(&rig, &profile("other", Some("web"))).await;
    put(&rig, &profile("empty", None)).await;
    rig
}

fn named(name: Option<&str>, arn: Option<&str>) -> IamInstanceProfileSpecification {
    IamInstanceProfileSpecification { name: name.map(str::to_owned), arn: arn.map(str::to_owned) }
}

#[tokio::test]
async fn a_launch_names_a_profile_that_is_there_and_has_a_role() {
    let rig = rig().await;
    let arn = |name: &str| profile(name, None).arn();
    let (web, elsewhere) = (arn("web"), arn("web").replace("instance-profile/", "instance-profile/x/"));
    for (given, expected) in [
        (named(Some("web"), None), ""),
        (named(Some("WEB"), None), ""),
        (named(None, Some(&web)), ""),
        (
            named(Some("none"), None),
            "InvalidParameterValue: Value (none) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
        ),
        (
            named(None, Some("x")),
            "InvalidParameterValue: Value (x) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN",
        ),
        (
            named(None, Some(&elsewhere)),
            "InvalidParameterValue: Value (arn:aws:iam::111111111111:instance-profile/x/web) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN",
        ),
        (
            named(Some("empty"), None),
            "InvalidParameterValue: IAM Instance Profile \"arn:aws:iam::111111111111:instance-profile/empty\" has no associated IAM Roles",
        ),
        (
            named(Some("web"), Some(&web)),
            "InvalidParameterCombination: The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'",
        ),
        (
            named(Some(r#"{"Found":{"arn":"a","id":"i","role":"r","tags":[]}}"#), None),
            r#"InvalidParameterValue: Value ({"Found":{"arn":"a","id":"i","role":"r","tags":[]}}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"#,
        ),
    ] {
        let input = RunInstancesRequest { iam_instance_profile: Some(given.clone()), ..rig.request() };
        let found = match rig.launch(root(1), input).await {
            Ok(made) => {
                let shown = made.instances.unwrap().remove(0).iam_instance_profile.unwrap();
                assert_eq!((shown.arn, shown.id.as_deref()), (Some(web.clone()), Some("AIPAweb")));
                String::new()
            }
            Err(error) => format!("{}: {}", error.code, error.message),
        };
        assert_eq!(found, expected, "{given:?}");
    }
}

#[tokio::test]
async fn a_repetition_is_one_whatever_iam_says_meanwhile() {
    let rig = rig().await;
    let input = || RunInstancesRequest {
        iam_instance_profile: Some(named(Some("web"), None)),
        client_token: Some("t".into()),
        ..rig.request()
    };
    let first = rig.launch_one(input()).await;
    let role = rig.store.view().unwrap().get::<RoleRecord>(&(account(1), "web".into())).unwrap().unwrap();
    put(&rig, &RoleRecord { tags: Vec::new(), ..role }).await;
    assert_eq!(rig.launch_one(input()).await.instance_id, first.instance_id);
}

#[tokio::test]
async fn a_profile_is_put_on_replaced_and_taken_off() {
    let rig = rig().await;
    let id = rig.launch_one(rig.request()).await.instance_id.unwrap();
    let associate = |name: &str| AssociateIamInstanceProfileRequest {
        iam_instance_profile: named(Some(name), None),
        instance_id: id.clone(),
    };
    let made = rig.ec2.associate_iam_instance_profile(root(1), associate("web")).await.unwrap();
    let first = made.iam_instance_profile_association.unwrap();
    assert_eq!(first.state.as_deref(), Some("associating"));
    let again = rig.ec2.associate_iam_instance_profile(root(1), associate("other")).await.unwrap_err();
    assert_eq!(
        (&*again.code, again.message),
        ("IncorrectState", format!("There is an existing association for instance {id}"))
    );
    let foreign = rig.ec2.associate_iam_instance_profile(root(2), associate("web")).await.unwrap_err();
    assert_eq!(foreign.code, "InvalidInstanceID.NotFound");
    let input = ReplaceIamInstanceProfileAssociationRequest {
        iam_instance_profile: named(Some("other"), None),
        association_id: first.association_id.clone().unwrap(),
    };
    let second = rig.ec2.replace_iam_instance_profile_association(root(1), input).await.unwrap();
    let second = second.iam_instance_profile_association.unwrap();
    let all = DescribeIamInstanceProfileAssociationsRequest::default;
    let listed = rig.ec2.describe_iam_instance_profile_associations(root(1), all()).await.unwrap();
    let listed = listed.iam_instance_profile_associations.unwrap();
    assert_eq!((listed.len(), &listed[0].association_id), (1, &second.association_id));
    assert_eq!(rig.instance(&id).await.iam_instance_profile.unwrap().id.as_deref(), Some("AIPAother"));
    for (association, expected) in
        [(first.association_id, Some("InvalidAssociationID.NotFound")), (second.association_id, None)]
    {
        let input = DisassociateIamInstanceProfileRequest { association_id: association.unwrap() };
        let outcome = rig.ec2.disassociate_iam_instance_profile(root(1), input).await;
        assert_eq!(outcome.err().map(|error| error.code.into_owned()).as_deref(), expected);
    }
    assert!(rig.instance(&id).await.iam_instance_profile.is_none());
}

#[tokio::test]
async fn the_metadata_service_gives_the_credentials_of_the_present_profile() {
    let rig = rig().await;
    let input = RunInstancesRequest { iam_instance_profile: Some(named(Some("web"), None)), ..rig.request() };
    let id = rig.launch_one(input).await.instance_id.unwrap();
    let issued = IssuedCredentials {
        access_key: "ASIA1".into(),
        secret: "s3cret".into(),
        token: "t0ken".into(),
        expires: "2026-11-22T14:00:00Z".parse().unwrap(),
    };
    let credentials = |profile_id: &str, issued| InstanceCredentialsRecord {
        account: account(1),
        instance: id.parse().unwrap(),
        profile_id: profile_id.into(),
        role_id: "AROAWEB".into(),
        role: "Web".into(),
        updated: "2026-11-22T08:00:00Z".parse().unwrap(),
        issued,
    };
    let leaf = |path: &'static str, part: &'static str| {
        let networks = rig.networks.clone();
        move || {
            let applied = networks.applied(&vpc(1))?;
            let leaves = &applied.interfaces.first()?.metadata.leaves;
            leaves.get(path).is_some_and(|text| text.contains(part)).then_some(())
        }
    };
    put(&rig, &credentials("AIPAweb", Some(issued.clone()))).await;
    let path = "meta-data/iam/security-credentials/Web";
    let found = leaf(path, r#""SecretAccessKey": "s3cret""#);
    rig.reconcile_until(async || found()).await;
    let found = leaf("meta-data/iam/info", r#""InstanceProfileId": "AIPAweb""#);
    rig.reconcile_until(async || found()).await;
    put(&rig, &credentials("AIPAweb", None)).await;
    let found = leaf(path, r#""Code": "AssumeRoleUnauthorizedAccess""#);
    rig.reconcile_until(async || found()).await;
    put(&rig, &credentials("AIPAolder", Some(issued))).await;
    let networks = rig.networks.clone();
    let is_gone =
        || networks.applied(&vpc(1)).filter(|it| !it.interfaces[0].metadata.leaves.contains_key(path)).map(drop);
    rig.reconcile_until(async || is_gone()).await;
    rig.terminate(root(1), &id).await.unwrap();
    rig.until(&id, "terminated").await;
    let all = DescribeIamInstanceProfileAssociationsRequest::default();
    let listed = rig.ec2.describe_iam_instance_profile_associations(root(1), all).await.unwrap();
    assert_eq!(listed.iam_instance_profile_associations, Some(Vec::new()));
}
