//! Elements other than conditions.
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html> and the pages below it,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>.

use policy::{Context, Effect, Kind, Policy, Position};

use crate::support::{ask, ask_text, context, document};

#[track_caller]
fn check(element: &str, asked: &[(&str, &str, bool)]) {
    let known = context(&[("aws:username", &["bob"]), ("aws:PrincipalTag/team", &["red*"]), ("s3:many", &["a", "b"])]);
    for (action, resource, is_allowed) in asked {
        let decision = ask(&[&format!(r#""Effect":"Allow",{element}"#)], action, resource, &known);
        assert_eq!(decision.is_allowed(), *is_allowed, "{element} {action} {resource}");
    }
}

#[test]
fn actions_have_wildcards_and_no_case() {
    let one = |action: &str, asked: &[(&str, bool)]| {
        let asked: Vec<_> = asked.iter().map(|(name, is_allowed)| (*name, "*", *is_allowed)).collect();
        check(&format!(r#""Action":{action},"Resource":"*""#), &asked);
        let inverse: Vec<_> =
            asked.iter().map(|(name, resource, is_allowed)| (*name, *resource, !is_allowed)).collect();
        check(&format!(r#""NotAction":{action},"Resource":"*""#), &inverse);
    };
    one(r#""*""#, &[("s3:GetObject", true), ("iam:x", true)]);
    one(r#""*:*""#, &[("s3:GetObject", true)]);
    one(r#""S3:getObject""#, &[("s3:GetObject", true), ("s3:GetObjectAcl", false), ("s3:GetObjec", false)]);
    one(
        r#""iam:*AccessKey*""#,
        &[("iam:CreateAccessKey", true), ("iam:ListAccessKeys", true), ("iam:CreateUser", false)],
    );
    one(r#""iam:Get?ser""#, &[("iam:GetUser", true), ("iam:Getser", false)]);
    one(
        r#"["s3:Get*","ec2:*"]"#,
        &[("s3:GetX", true), ("ec2:RunInstances", true), ("s3:PutX", false), ("ec2x:a", false)],
    );
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>.
#[test]
fn resources_have_wildcards_and_case() {
    let one = |resource: &str, asked: &[(&str, bool)]| {
        let asked: Vec<_> = asked.iter().map(|(name, is_allowed)| ("s3:a", *name, *is_allowed)).collect();
        check(&format!(r#""Action":"*","Resource":{resource}"#), &asked);
        let inverse: Vec<_> = asked.iter().map(|(action, name, is_allowed)| (*action, *name, !is_allowed)).collect();
        check(&format!(r#""Action":"*","NotResource":{resource}"#), &inverse);
    };
    one(r#""*""#, &[("*", true), ("arn:aws:s3:::b", true)]);
    one(
        r#""arn:aws:s3:::b/*""#,
        &[
            ("arn:aws:s3:::b/k", true),
            ("arn:aws:s3:::b/k/l:m", true),
            ("arn:aws:s3:::b", false),
            ("arn:aws:s3:::B/k", false),
            ("*", false),
        ],
    );
    one(
        r#""arn:aws:s3:::b/*/test/*""#,
        &[
            ("arn:aws:s3:::b/1/test/object.jpg", true),
            ("arn:aws:s3:::b/1/2/test/3/object.jpg", true),
            ("arn:aws:s3:::b/1/2/test.jpg", false),
        ],
    );
    one(
        r#""arn:aws:s3:::b/t?st""#,
        &[("arn:aws:s3:::b/test", true), ("arn:aws:s3:::b/tést", true), ("arn:aws:s3:::b/tst", false)],
    );
    one(
        r#""arn:aws:iam::*:user/bob""#,
        &[("arn:aws:iam::123456789012:user/bob", true), ("arn:aws:iam::123456789012:user/bobby", false)],
    );
    one(
        r#""arn:aws:ec2:*:*:instance/*""#,
        &[("arn:aws:ec2:us-east-1:1:instance/i-1", true), ("arn:aws:ec2:us-east-1:1:volume/i-1", false)],
    );
    // "If the * wildcard is the last character of a resource ARN segment, it can expand to match beyond the colon boundaries."
    one(
        r#""arn:aws:ec2:us-*""#,
        &[("arn:aws:ec2:us-east-1:1:instance/i-1", true), ("arn:aws:ec2:eu-west-1:1:instance/i-1", false)],
    );
    one(
        r#""arn:aws:sqs:us-*-1:1:q""#,
        &[("arn:aws:sqs:us-east-1:1:q", true), ("arn:aws:sqs:us-east-2:x-1:1:q", false)],
    );
    one(r#""arn:aws:sqs:us?east:1:q""#, &[("arn:aws:sqs:us-east:1:q", true), ("arn:aws:sqs:us:east:1:q", false)]);
    one(
        r#"["arn:aws:s3:::a","arn:aws:s3:::b"]"#,
        &[("arn:aws:s3:::a", true), ("arn:aws:s3:::b", true), ("arn:aws:s3:::c", false)],
    );
}

#[test]
fn variables_stand_for_what_is_known_of_the_request() {
    let one = |resource: &str, asked: &[(&str, bool)]| {
        let asked: Vec<_> = asked.iter().map(|(name, is_allowed)| ("s3:a", *name, *is_allowed)).collect();
        check(&format!(r#""Action":"*","Resource":"arn:aws:s3:::{resource}""#), &asked);
    };
    one(
        "b/${aws:username}/*",
        &[("arn:aws:s3:::b/bob/k", true), ("arn:aws:s3:::b/eve/k", false), ("arn:aws:s3:::b/${aws:username}/k", false)],
    );
    one("${AWS:UserName}", &[("arn:aws:s3:::bob", true)]);
    one("b/${aws:PrincipalTag/team}", &[("arn:aws:s3:::b/red*", true), ("arn:aws:s3:::b/redder", false)]);
    one(
        "b/${aws:PrincipalTag/none}",
        &[("arn:aws:s3:::b/", false), ("arn:aws:s3:::b/${aws:PrincipalTag/none}", false)],
    );
    one(
        "b/${aws:PrincipalTag/none, 'company-wide'}/*",
        &[("arn:aws:s3:::b/company-wide/k", true), ("arn:aws:s3:::b/k", false)],
    );
    one(
        "b/${aws:PrincipalTag/team, 'company-wide'}",
        &[("arn:aws:s3:::b/red*", true), ("arn:aws:s3:::b/company-wide", false)],
    );
    one("b/${*}${?}${$}", &[("arn:aws:s3:::b/*?$", true), ("arn:aws:s3:::b/ab$", false)]);
    one("b/${s3:many}", &[("arn:aws:s3:::b/a", false), ("arn:aws:s3:::b/", false)]);
    one("b/${", &[("arn:aws:s3:::b/${", true)]);
    check(r#""Action":"*","NotResource":"arn:aws:s3:::b/${none}""#, &[("s3:a", "arn:aws:s3:::c", false)]);
}

#[test]
fn variables_are_text_before_version_2012() {
    let text = r#"{"Version":"2008-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:a","Resource":"arn:aws:s3:::${aws:username}",
        "Condition":{"StringEquals":{"k":"${aws:username}"}}}}"#;
    let policy = Policy::parse(text, Kind::Resource).unwrap();
    assert_eq!(policy.context_keys(), ["k"]);
    assert_eq!(Policy::parse(&policy.to_string(), Kind::Resource).unwrap().to_string(), policy.to_string());
}

#[test]
fn a_deny_wins_in_any_order() {
    let (allow, deny) =
        (r#""Effect":"Allow","Action":"s3:*","Resource":"*""#, r#""Effect":"Deny","Action":"s3:Put*","Resource":"*""#);
    for statements in [[allow, deny], [deny, allow]] {
        assert!(ask(&statements, "s3:GetObject", "*", &Context::new()).is_allowed());
        assert!(!ask(&statements, "s3:PutObject", "*", &Context::new()).is_allowed());
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage.html>, in part.
#[test]
fn a_user_without_mfa_can_only_set_it_up() {
    let text = document(&[
        r#""Effect":"Allow","Action":["iam:ListVirtualMFADevices","iam:GetUser"],"Resource":"*""#,
        r#""Effect":"Allow","Action":"iam:CreateAccessKey","Resource":"arn:aws:iam::*:user/${aws:username}""#,
        r#""Effect":"Deny","NotAction":["iam:CreateVirtualMFADevice","iam:GetUser","iam:ListVirtualMFADevices"],"Resource":"*",
           "Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}"#,
    ]);
    let own = "arn:aws:iam::123456789012:user/bob";
    for (mfa, action, resource, is_allowed) in [
        (Some("false"), "iam:GetUser", own, true),
        (Some("false"), "iam:CreateAccessKey", own, false),
        (None, "iam:CreateAccessKey", own, false),
        (Some("true"), "iam:CreateAccessKey", own, true),
        (Some("true"), "iam:CreateAccessKey", "arn:aws:iam::123456789012:user/eve", false),
    ] {
        let mut known = context(&[("aws:username", &["bob"])]);
        mfa.into_iter().for_each(|mfa| known.set("aws:MultiFactorAuthPresent", mfa));
        assert_eq!(ask_text(&text, action, resource, &known).is_allowed(), is_allowed, "{mfa:?} {action} {resource}");
    }
}

#[test]
fn a_document_says_what_is_in_it() {
    let text = r#"{"Version":"2012-10-17","Statement":[
  {"Sid":"one","Effect":"Allow","Principal":{"AWS":["*","123456789012"],"Service":"ec2.amazonaws.com"},"Action":["s3:Get*"],
   "Resource":"arn:aws:s3:::b/${aws:username}","Condition":{"StringLike":{"s3:prefix":"${aws:UserName}/${aws:PrincipalTag/é}"}}},
  {"Effect":"Deny","NotPrincipal":{"AWS":"123456789012"},"NotAction":"ec2:*","Resource":"*"}]}"#;
    let policy = Policy::parse(text, Kind::Resource).unwrap();
    assert_eq!(policy.statement_count(), 2);
    assert_eq!((policy.statement_effect(0), policy.statement_sid(0)), (Some(Effect::Allow), Some("one")));
    assert_eq!((policy.statement_effect(1), policy.statement_sid(1)), (Some(Effect::Deny), None));
    assert_eq!((policy.statement_effect(2), policy.statement_span(2)), (None, None));
    assert_eq!(policy.context_keys(), ["aws:username", "s3:prefix", "aws:PrincipalTag/é"]);
    let named = [("AWS", "*"), ("AWS", "123456789012"), ("Service", "ec2.amazonaws.com"), ("AWS", "123456789012")];
    assert_eq!(policy.principals(), named);
    // The last character of its last line is the comma behind it.
    let column = u32::try_from(text.lines().nth(2).unwrap().chars().count()).unwrap();
    let span = policy.statement_span(0).unwrap();
    assert_eq!((span.start, span.end), (Position { line: 1, column: 38 }, Position { line: 3, column }));
    assert_eq!(policy.statement_span(1).unwrap().start, span.end, "behind the one before");
    assert!(policy.names_everyone(0) && policy.names_everyone(1) && !policy.names_everyone(2));
    let second = r#"{"Effect":"Deny","NotPrincipal":{"AWS":["123456789012"]},"NotAction":["ec2:*"],"Resource":["*"]}"#;
    assert_eq!((policy.statement_text(1).as_deref(), policy.statement_text(2)), (Some(second), None));
    assert!(policy.allows_service("S3") && !policy.allows_service("iam"));
}

/// The positions of the example in <https://docs.aws.amazon.com/cli/latest/reference/iam/simulate-custom-policy.html>.
#[test]
fn statements_stand_where_aws_says() {
    let text = concat!(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","#,
        r#""Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}"#
    );
    let span = Policy::parse(text, Kind::Identity).unwrap().statement_span(0).unwrap();
    assert_eq!((span.start, span.end), (Position { line: 1, column: 38 }, Position { line: 1, column: 167 }));
    let text = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \
                \"Action\": \"*\",\n      \"Resource\": \"*\"\n    }\n  ]\n}";
    let span = Policy::parse(text, Kind::Identity).unwrap().statement_span(0).unwrap();
    assert_eq!((span.start, span.end), (Position { line: 3, column: 17 }, Position { line: 8, column: 6 }));
}

#[test]
fn services_that_a_policy_allows() {
    let allows = |statement: &str, service: &str| {
        Policy::parse(&document(&[statement]), Kind::Identity).unwrap().allows_service(service)
    };
    for (action, s3, ec2) in [
        (r#""Action":"s3:GetObject""#, true, false),
        (r#""Action":"*""#, true, true),
        (r#""Action":["ec2:*","s3:a"]"#, true, true),
        (r#""NotAction":"s3:*""#, false, true),
        (r#""NotAction":"s3:Get*""#, true, true),
        (r#""NotAction":"*""#, false, false),
    ] {
        let statement = format!(r#""Effect":"Allow",{action},"Resource":"*""#);
        assert_eq!((allows(&statement, "s3"), allows(&statement, "ec2")), (s3, ec2), "{action}");
    }
    assert!(!allows(r#""Effect":"Deny","Action":"s3:*","Resource":"*""#, "s3"));
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>.
#[test]
fn policies_that_are_public() {
    let is_public = |statement: &str| {
        let statement = format!(r#"{statement},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#);
        Policy::parse(&document(&[&statement]), Kind::Resource).unwrap().is_public()
    };
    let with = |condition: &str| format!(r#""Effect":"Allow","Principal":"*","Condition":{{{condition}}}"#);
    assert!(is_public(r#""Effect":"Allow","Principal":"*""#));
    assert!(is_public(r#""Effect":"Allow","Principal":{"AWS":["123456789012","*"]}"#));
    assert!(!is_public(r#""Effect":"Deny","Principal":"*""#));
    assert!(!is_public(r#""Effect":"Allow","Principal":{"AWS":"123456789012"}"#));
    assert!(!is_public(&with(r#""StringEquals":{"aws:SourceVpc":"vpc-91237329"}"#)));
    assert!(is_public(&with(r#""StringLike":{"aws:SourceVpc":"vpc-*"}"#)));
    assert!(is_public(&with(r#""StringNotEquals":{"aws:SourceVpc":"vpc-91237329"}"#)));
    assert!(!is_public(&with(r#""IpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#)));
    assert!(is_public(&with(r#""IpAddress":{"aws:SourceIp":"0.0.0.0/1"}"#)));
    assert!(is_public(&with(r#""StringEquals":{"aws:Referer":"a"}"#)));
}
