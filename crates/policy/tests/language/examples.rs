//! Policies out of AWS's guides, and what their pages say of them.

use policy::{Context, Kind, PolicySet, Request, Subject, SubjectKind, decide};

use crate::support::{ACCOUNT, ask_text, attached, attached_text, context, root, session, user};

type Keys<'a> = &'a [(&'static str, &'a [&'a str])];

/// Requests with what is known of them, and whether the policy allows them. An allowance of everything is beside a policy
/// that only denies.
#[track_caller]
fn check(statements: &str, asked: &[(&str, &str, Keys<'_>, bool)]) {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    for (action, resource, keys, is_allowed) in asked {
        let decision = ask_text(&text, action, resource, &context(keys));
        assert_eq!(decision.is_allowed(), *is_allowed, "{action} {resource} {keys:?}");
    }
}

const ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws-dates.html>.
#[test]
fn access_between_dates() {
    let statement = r#"{"Effect":"Allow","Action":"service-prefix:action-name","Resource":"*","Condition":{
        "DateGreaterThan":{"aws:CurrentTime":"2020-04-01T00:00:00Z"},"DateLessThan":{"aws:CurrentTime":"2020-06-30T23:59:59Z"}}}"#;
    let asked = |time| ("service-prefix:action-name", "*", time);
    for (time, is_allowed) in [
        ("2020-04-01T00:00:01Z", true),
        ("2020-04-01T00:00:00Z", false),
        ("2020-06-30T23:59:58Z", true),
        ("2020-07-01T00:00:00Z", false),
        ("1590000000", true),
    ] {
        let (action, resource, time) = asked(time);
        check(statement, &[(action, resource, &[("aws:CurrentTime", &[time])], is_allowed)]);
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_deny-ip.html>.
#[test]
fn deny_from_elsewhere_unless_a_service_asks() {
    let statement = r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{
        "NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","203.0.113.0/24"]},"Bool":{"aws:ViaAWSService":"false"}}}"#;
    let both = format!("{statement},{ALL}");
    let outside: &[&str] = &["198.51.100.1"];
    check(
        &both,
        &[
            ("ec2:RunInstances", "*", &[("aws:SourceIp", &["192.0.2.7"]), ("aws:ViaAWSService", &["false"])], true),
            ("ec2:RunInstances", "*", &[("aws:SourceIp", outside), ("aws:ViaAWSService", &["false"])], false),
            ("ec2:RunInstances", "*", &[("aws:SourceIp", outside), ("aws:ViaAWSService", &["true"])], true),
            ("ec2:RunInstances", "*", &[("aws:ViaAWSService", &["false"])], false),
        ],
    );
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_deny-requested-region.html>.
#[test]
fn deny_outside_of_two_regions() {
    let statement = r#"{"Sid":"DenyAllOutsideRequestedRegions","Effect":"Deny","NotAction":["cloudfront:*","iam:*","route53:*","support:*"],
        "Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-central-1","eu-west-1"]}}}"#;
    let both = format!("{statement},{ALL}");
    check(
        &both,
        &[
            ("ec2:RunInstances", "*", &[("aws:RequestedRegion", &["eu-west-1"])], true),
            ("ec2:RunInstances", "*", &[("aws:RequestedRegion", &["us-east-1"])], false),
            ("iam:CreateUser", "*", &[("aws:RequestedRegion", &["us-east-1"])], true),
        ],
    );
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_ec2_tag-owner.html>.
#[test]
fn instances_of_their_owner() {
    let statements = r#"{"Effect":"Allow","Action":["ec2:StartInstances","ec2:StopInstances"],"Resource":"arn:aws:ec2:*:*:instance/*",
        "Condition":{"StringEquals":{"aws:ResourceTag/Owner":"${aws:username}"}}},
        {"Effect":"Allow","Action":"ec2:DescribeInstances","Resource":"*"}"#;
    let own = "arn:aws:ec2:us-east-1:123456789012:instance/i-1";
    check(
        statements,
        &[
            ("ec2:StartInstances", own, &[("aws:username", &["bob"]), ("aws:resourcetag/owner", &["bob"])], true),
            ("ec2:StartInstances", own, &[("aws:username", &["bob"]), ("aws:ResourceTag/Owner", &["Bob"])], false),
            ("ec2:StartInstances", own, &[("aws:username", &["bob"])], false),
            ("ec2:StartInstances", own, &[("aws:ResourceTag/Owner", &["bob"])], false),
            ("ec2:TerminateInstances", own, &[("aws:username", &["bob"]), ("aws:ResourceTag/Owner", &["bob"])], false),
            ("ec2:DescribeInstances", "*", &[], true),
        ],
    );
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition_examples-multi-valued-context-keys.html>.
#[test]
fn tag_keys() {
    let only = r#"{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*","Condition":{
        "StringEquals":{"aws:RequestTag/environment":["preprod","production"]},
        "ForAllValues:StringEquals":{"aws:TagKeys":["environment","CostCenter"]}}}"#;
    let value: (&'static str, &[&str]) = ("aws:RequestTag/environment", &["preprod"]);
    check(
        only,
        &[
            ("ec2:CreateTags", "*", &[value, ("aws:TagKeys", &["environment"])], true),
            ("ec2:CreateTags", "*", &[value, ("aws:TagKeys", &["environment", "CostCenter"])], true),
            ("ec2:CreateTags", "*", &[value, ("aws:TagKeys", &["environment", "other"])], false),
            ("ec2:CreateTags", "*", &[value], true),
            (
                "ec2:CreateTags",
                "*",
                &[("aws:RequestTag/environment", &["test"]), ("aws:TagKeys", &["environment"])],
                false,
            ),
            ("ec2:CreateTags", "*", &[], false),
        ],
    );
    let present = r#"{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*","Condition":{
        "ForAllValues:StringEquals":{"aws:TagKeys":["environment"]},"Null":{"aws:TagKeys":"false"}}}"#;
    check(
        present,
        &[("ec2:CreateTags", "*", &[], false), ("ec2:CreateTags", "*", &[("aws:TagKeys", &["environment"])], true)],
    );
    let deny = r#"{"Effect":"Deny","Action":"ec2:CreateTags","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"webserver"}}}"#;
    let both = format!("{deny},{ALL}");
    check(
        &both,
        &[
            ("ec2:CreateTags", "*", &[("aws:TagKeys", &["environment", "webserver"])], false),
            ("ec2:CreateTags", "*", &[("aws:TagKeys", &["environment"])], true),
            ("ec2:CreateTags", "*", &[], true),
        ],
    );
}

/// The home folders of <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_s3_home-directory-console.html>.
#[test]
fn home_folders() {
    let statements = r#"{"Effect":"Allow","Action":["s3:ListAllMyBuckets","s3:GetBucketLocation"],"Resource":"*"},
        {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::bucket",
         "Condition":{"StringLike":{"s3:prefix":["","home/","home/${aws:username}/*"]}}},
        {"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::bucket/home/${aws:username}","arn:aws:s3:::bucket/home/${aws:username}/*"]}"#;
    let bob: (&'static str, &[&str]) = ("aws:username", &["bob"]);
    check(
        statements,
        &[
            ("s3:ListAllMyBuckets", "*", &[bob], true),
            ("s3:ListBucket", "arn:aws:s3:::bucket", &[bob, ("s3:prefix", &[""])], true),
            ("s3:ListBucket", "arn:aws:s3:::bucket", &[bob, ("s3:prefix", &["home/bob/a"])], true),
            ("s3:ListBucket", "arn:aws:s3:::bucket", &[bob, ("s3:prefix", &["home/eve/"])], false),
            ("s3:ListBucket", "arn:aws:s3:::bucket", &[bob], false),
            ("s3:PutObject", "arn:aws:s3:::bucket/home/bob/a/b", &[bob], true),
            ("s3:PutObject", "arn:aws:s3:::bucket/home/bobby", &[bob], false),
            ("s3:PutObject", "arn:aws:s3:::bucket/home/", &[], false),
        ],
    );
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html>.
#[test]
fn a_third_party_with_its_external_id() {
    let trust = attached(
        Kind::Trust,
        &[r#""Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"sts:AssumeRole",
             "Condition":{"StringEquals":{"sts:ExternalId":"12345"}}"#],
    );
    let may = attached(Kind::Identity, &[r#""Effect":"Allow","Action":"sts:AssumeRole","Resource":"*""#]);
    let subject = Subject {
        account: Some("999999999999".to_owned()),
        arn: "arn:aws:iam::999999999999:user/them".to_owned(),
        ..user("")
    };
    let role = "arn:aws:iam::123456789012:role/theirs";
    for (external, is_allowed) in [(Some("12345"), true), (Some("54321"), false), (None, false)] {
        let mut context = Context::new();
        external.into_iter().for_each(|id| context.set("sts:ExternalId", id));
        let request = Request { subject: &subject, action: "sts:AssumeRole", resource: role, context: &context };
        let identity = [may.clone()];
        let set = PolicySet {
            identity: &identity,
            resource: Some(&trust),
            owner: Some(ACCOUNT),
            needs_resource_policy: true,
            ..PolicySet::default()
        };
        assert_eq!(decide(&request, &set).is_allowed(), is_allowed, "{external:?}");
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html>.
#[test]
fn a_repository_that_builds() {
    let provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
    let trust = attached_text(
        Kind::Trust,
        &format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"{provider}"}},
            "Action":"sts:AssumeRoleWithWebIdentity","Condition":{{
            "StringEquals":{{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}},
            "StringLike":{{"token.actions.githubusercontent.com:sub":"repo:us/it:ref:refs/heads/*"}}}}}}]}}"#
        ),
    );
    let subject = Subject { kind: SubjectKind::WebIdentity, arn: provider.to_owned(), ..user("") };
    for (name, is_allowed) in [("repo:us/it:ref:refs/heads/main", true), ("repo:they/it:ref:refs/heads/main", false)] {
        let context = context(&[
            ("token.actions.githubusercontent.com:aud", &["sts.amazonaws.com"]),
            ("token.actions.githubusercontent.com:sub", &[name]),
        ]);
        let action = "sts:AssumeRoleWithWebIdentity";
        let request =
            Request { subject: &subject, action, resource: "arn:aws:iam::123456789012:role/ci", context: &context };
        let set = PolicySet {
            resource: Some(&trust),
            owner: Some(ACCOUNT),
            needs_resource_policy: true,
            ..PolicySet::default()
        };
        assert_eq!(decide(&request, &set).is_allowed(), is_allowed, "{name}");
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>: Shirley, who may do what S3, CloudWatch
/// and EC2 allow at most, is allowed `iam:CreateUser` by her policy, and cannot.
#[test]
fn shirley_and_her_boundary() {
    let boundary =
        attached(Kind::Identity, &[r#""Effect":"Allow","Action":["s3:*","cloudwatch:*","ec2:*"],"Resource":"*""#]);
    let identity =
        [attached(Kind::Identity, &[r#""Effect":"Allow","Action":["iam:CreateUser","s3:ListBucket"],"Resource":"*""#])];
    let (shirley, context) = (user("ShirleyRodriguez"), Context::new());
    for (action, is_allowed) in [("iam:CreateUser", false), ("s3:ListBucket", true), ("ec2:RunInstances", false)] {
        let request = Request { subject: &shirley, action, resource: "*", context: &context };
        let set = PolicySet { identity: &identity, boundary: Some(&boundary), ..PolicySet::default() };
        assert_eq!(decide(&request, &set).is_allowed(), is_allowed, "{action}");
    }
}

/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>: what one level
/// does not allow, no account below it has.
#[test]
fn an_organization_with_allow_and_deny_lists() {
    let full = || attached(Kind::ServiceControl, &[r#""Effect":"Allow","Action":"*","Resource":"*""#]);
    let no_leaving = attached(
        Kind::ServiceControl,
        &[r#""Effect":"Deny","Action":"organizations:LeaveOrganization","Resource":"*""#],
    );
    let some = attached(Kind::ServiceControl, &[r#""Effect":"Allow","Action":["s3:*","ec2:*"],"Resource":"*""#]);
    let levels = [vec![full(), no_leaving], vec![some], vec![full()]];
    let context = Context::new();
    let identity = [attached(Kind::Identity, &[r#""Effect":"Allow","Action":"*","Resource":"*""#])];
    for subject in [user("bob"), root(), session("r")] {
        for (action, is_allowed) in [
            ("s3:GetObject", true),
            ("ec2:RunInstances", true),
            ("iam:CreateUser", false),
            ("organizations:LeaveOrganization", false),
        ] {
            let request = Request { subject: &subject, action, resource: "*", context: &context };
            let set = PolicySet { identity: &identity, service_control: &levels, ..PolicySet::default() };
            assert_eq!(decide(&request, &set).is_allowed(), is_allowed, "{} {action}", subject.arn);
        }
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn> and the
/// page on evaluation: with everyone as principal, a role is granted directly, whatever its boundary leaves out.
#[test]
fn a_role_by_its_arn_in_a_condition() {
    let policy = attached(
        Kind::Resource,
        &[r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*",
             "Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/r"}}"#],
    );
    let boundary = attached(Kind::Identity, &[r#""Effect":"Allow","Action":"ec2:*","Resource":"*""#]);
    for (role, is_allowed) in [("r", true), ("other", false)] {
        let subject = session(role);
        let context = context(&[("aws:PrincipalArn", &[&format!("arn:aws:iam::123456789012:role/{role}")])]);
        let request =
            Request { subject: &subject, action: "s3:GetObject", resource: "arn:aws:s3:::bucket/k", context: &context };
        let set = PolicySet {
            resource: Some(&policy),
            boundary: Some(&boundary),
            owner: Some(ACCOUNT),
            ..PolicySet::default()
        };
        assert_eq!(decide(&request, &set).is_allowed(), is_allowed, "{role}");
    }
}
