//! Which documents are none, and what AWS says of them.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>; the texts are AWS's answers
//! as clients of IAM record them.

use policy::{Kind, Policy};

const SYNTAX: &str = "Syntax errors in policy.";
const VERSION: &str = "Policy document must be version 2012-10-17 or greater.";
const LEGACY: &str = "The policy failed legacy parsing";
const VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const ONE_COLON: &str = "Actions/Condition can contain only one colon.";
const NO_ACTIONS: &str = "Policy statement must contain actions.";
const NO_RESOURCES: &str = "Policy statement must contain resources.";
const OF_IAM: &str = "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, \
    instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.";

#[track_caller]
fn check(kind: Kind, text: &str, wanted: Option<&str>) {
    let message = Policy::parse(text, kind).err().map(|malformed| malformed.message);
    assert_eq!(message.as_deref(), wanted, "{text}");
}

fn of_2012(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)
}

#[track_caller]
fn identity(statement: &str, wanted: Option<&str>) {
    check(Kind::Identity, &of_2012(statement), wanted);
}

/// A sound statement with one element more.
fn with(element: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::bucket",{element}}}"#)
}

const SOUND: &str = r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::bucket"}"#;

#[test]
fn documents_have_a_version_and_statements() {
    for (text, wanted) in [
        ("This is not a json document".to_owned(), SYNTAX),
        (String::new(), SYNTAX),
        ("[]".to_owned(), SYNTAX),
        (of_2012(SOUND) + "x", SYNTAX),
        (format!(r#"{{"Statement":{SOUND}}}"#), VERSION),
        (format!(r#"{{"Version":"2008-10-17","Statement":{SOUND}}}"#), VERSION),
        (format!(r#"{{"Version":"2013-10-17","Statement":{SOUND}}}"#), SYNTAX),
        (format!(r#"{{"Version":20121017,"Statement":{SOUND}}}"#), SYNTAX),
        (r#"{"Version":"2012-10-17"}"#.to_owned(), SYNTAX),
        (of_2012("[]"), SYNTAX),
        (of_2012(r#"["afd"]"#), SYNTAX),
        (of_2012("\"a\""), SYNTAX),
        (format!(r#"{{"Version":"2012-10-17","Statement":{SOUND},"Extra field":"value"}}"#), SYNTAX),
        (format!(r#"{{"Version":"2012-10-17","Version":"2012-10-17","Statement":{SOUND}}}"#), SYNTAX),
        (format!(r#"{{"Version":"2012-10-17","Id":["a"],"Statement":{SOUND}}}"#), SYNTAX),
        (format!(r#"{{"Version":"2012-10-17","Id":{{}},"Statement":{SOUND}}}"#), SYNTAX),
        (r#"{"Statement":{"Effect":"denY","Action":"s3:ListBucket","Resource":"*"}}"#.to_owned(), VERSION),
        (r#"{"Statement":[{"Sid":"a","Effect":"Allow","Action":"s3:a","Resource":"*"},{"Sid":"a","Effect":"Allow"}]}"#.to_owned(), VERSION),
    ] {
        check(Kind::Identity, &text, Some(wanted));
    }
    check(Kind::Identity, &of_2012(SOUND), None);
    check(Kind::Identity, &of_2012(&format!("[{SOUND},{SOUND}]")), None);
    check(Kind::Identity, &format!("\n{}\n", of_2012(SOUND)), None);
    check(Kind::Identity, &format!(r#"{{"Version":"2012-10-17","Id":"a b","Statement":{SOUND}}}"#), None);
}

#[test]
fn inline_policies_are_of_either_version() {
    let refused = |text: &str| Policy::parse_inline(text).err().map(|malformed| malformed.message);
    for version in ["", r#""Version":"2008-10-17","#, r#""Version":"2012-10-17","#] {
        assert_eq!(refused(&format!(r#"{{{version}"Statement":{SOUND}}}"#)), None, "{version}");
    }
    assert_eq!(refused("x").as_deref(), Some(SYNTAX));
    let principal = of_2012(&with(r#""Principal":"*""#));
    assert_eq!(refused(&principal).as_deref(), Some("Policy document should not specify a principal."));
}

#[test]
fn statements_have_their_elements_in_the_right_types() {
    for (statement, wanted) in [
        (with(r#""Extra field":"value""#), SYNTAX),
        (with(r#""NotResource":[]"#), SYNTAX),
        (with(r#""NotResource":"*""#), SYNTAX),
        (with(r#""NotAction":"s3:a""#), SYNTAX),
        (with(r#""Action":"s3:a""#), SYNTAX),
        (with(r#""Sid":{}"#), SYNTAX),
        (with(r#""Sid":[]"#), SYNTAX),
        (
            with(r#""Sid":"a-b""#),
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ),
        (with(r#""Principal":"*""#), "Policy document should not specify a principal."),
        (r#"{"Action":"s3:ListBucket","Resource":"arn:aws:s3:::bucket"}"#.to_owned(), SYNTAX),
        (r#"{"Effect":"invalid","Action":"s3:ListBucket","Resource":"*"}"#.to_owned(), SYNTAX),
        (r#"{"Effect":"denY","Action":"s3:ListBucket","Resource":"*"}"#.to_owned(), LEGACY),
        (r#"{"Effect":"allow","Resource":"arn:aws:s3:us-east-1::bucket"}"#.to_owned(), LEGACY),
        (r#"{"Effect":"Allow","Action":{},"Resource":"*"}"#.to_owned(), SYNTAX),
        (r#"{"Effect":"Deny","Action":[[]],"Resource":"*"}"#.to_owned(), SYNTAX),
        (r#"{"Effect":"Deny","Action":[null],"Resource":"*"}"#.to_owned(), SYNTAX),
        (r#"{"Effect":"Deny","Action":"s3:a","Resource":["adfdf",{}]}"#.to_owned(), SYNTAX),
        (r#"{"Effect":"Deny","Action":"s3:a","Resource":{"a":"arn:aws:s3:::bucket"}}"#.to_owned(), SYNTAX),
        (
            r#"[{"Sid":"a","Effect":"Allow","Action":"s3:a","Resource":"*"},{"Sid":"a","Effect":"Allow"}]"#.to_owned(),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
        (
            r#"[{"Sid":"a","Effect":"aLLow","Action":"s3:a","Resource":"*"},{"Sid":"a","Effect":"Allow"}]"#.to_owned(),
            LEGACY,
        ),
    ] {
        identity(&statement, Some(wanted));
    }
    identity(&with(r#""Sid":"abc123""#), None);
    identity(
        r#"[{"Sid":"","Effect":"Allow","Action":"s3:a","Resource":"*"},{"Sid":"","Effect":"Allow","Action":"s3:b","Resource":"*"}]"#,
        None,
    );
    identity(r#"{"Effect":"Allow","NotAction":"s3:a","NotResource":"*"}"#, None);
}

#[test]
fn actions_have_one_vendor() {
    let check = |action: &str, wanted: Option<&str>| {
        identity(&format!(r#"{{"Effect":"Allow","Action":{action},"Resource":"*"}}"#), wanted);
        identity(&format!(r#"{{"Effect":"Allow","NotAction":{action},"Resource":"*"}}"#), wanted);
    };
    for (action, wanted) in [
        (r#""invalid""#, VENDOR),
        (r#""""#, VENDOR),
        (r#"["s3:a","invalid"]"#, VENDOR),
        (r#""a a:ListBucket""#, "Vendor a a is not valid"),
        (r#""s*:ListBucket""#, "Vendor s* is not valid"),
        (r#""s3:List:Bucket""#, ONE_COLON),
        ("[]", NO_ACTIONS),
    ] {
        check(action, Some(wanted));
    }
    for action in [r#""*""#, r#""*:*""#, r#""s3:*""#, r#""iam: a b ""#, r#""s3-s:ListBucket""#, r#"["s3.s:a","x:?"]"#] {
        check(action, None);
    }
    identity(r#"{"Effect":"Allow"}"#, Some(NO_ACTIONS));
    identity(r#"{"Effect":"Allow","Resource":"*"}"#, Some(NO_ACTIONS));
    identity(r#"[{"Effect":"Deny"},{"Effect":"Allow","Action":"s3:a","Resource":"*"}]"#, Some(NO_ACTIONS));
    identity(
        r#"[{"Effect":"Allow","Action":"s3s:a","Resource":"*"},{"Effect":"Allow","Action":"s:3s:a","Resource":"*"}]"#,
        Some(ONE_COLON),
    );
}

#[test]
fn resources_are_arns() {
    let check = |resource: &str, wanted: Option<&str>| {
        identity(&format!(r#"{{"Effect":"Allow","Action":"s3:ListBucket","Resource":{resource}}}"#), wanted);
        identity(&format!(r#"{{"Effect":"Allow","NotAction":"s3:ListBucket","NotResource":{resource}}}"#), wanted);
    };
    for (resource, wanted) in [
        (r#""invalid resource""#, r#"Resource invalid resource must be in ARN format or "*"."#),
        (r#""""#, r#"Resource  must be in ARN format or "*"."#),
        (r#"["adf"]"#, r#"Resource adf must be in ARN format or "*"."#),
        (r#""a:bsdfdsafsad""#, r#"Partition "bsdfdsafsad" is not valid for resource "arn:bsdfdsafsad:*:*:*:*"."#),
        (r#""a:b:cadfsdf""#, r#"Partition "b" is not valid for resource "arn:b:cadfsdf:*:*:*"."#),
        (r#""a:b:c:d:e:f:g:h""#, r#"Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h"."#),
        (r#""aws:s3:::bucket""#, r#"Partition "s3" is not valid for resource "arn:s3:::bucket:*"."#),
        (
            r#"["arn:error:s3:::bucket","arn:error:s3::bucket"]"#,
            r#"Partition "error" is not valid for resource "arn:error:s3:::bucket"."#,
        ),
        (r#""arn:aws""#, "Resource vendor must be fully qualified and cannot contain regexes."),
        (r#""arn:aws:*:::bucket""#, "Resource vendor must be fully qualified and cannot contain regexes."),
        (r#""arn:aws:iam:::bucket""#, OF_IAM),
        (
            r#""arn:aws:iam:us-east-1::bucket""#,
            "IAM resource arn:aws:iam:us-east-1::bucket cannot contain region information.",
        ),
        (
            r#""arn:aws:s3:us-east-1::bucket""#,
            "Resource arn:aws:s3:us-east-1::bucket can not contain region information.",
        ),
        (r#""arn:aws:s3::bucket""#, LEGACY),
        (r#""arn:aws::::bucket""#, LEGACY),
        (r#""arn:aws::fdsasf""#, LEGACY),
        ("[]", NO_RESOURCES),
    ] {
        check(resource, Some(wanted));
    }
    for resource in [
        r#""*""#,
        r#"["arn:aws:s3:::bucket","*"]"#,
        r#""arn:aws:iam:::user/bob""#,
        r#""arn:aws:iam::123456789012:*""#,
        r#""arn:aws:iam::123456789012:root""#,
        r#""arn:aws:s33:::bucket""#,
        r#""arn:aws:fdsasf""#,
        r#""arn:*:s3:::bucket""#,
        r#""arn:aws:cloudwatch:us-east-1::bucket""#,
        r#""arn:aws:invalid-service:us-east-1::bucket""#,
        r#"["*",null]"#,
        r#""arn:aws:s3:us-west-2:123456789012:accesspoint/mine/object/*""#,
        r#""arn:aws:iam::*:user/${aws:username}""#,
        r#""arn:aws-us-gov:s3:::bucket""#,
    ] {
        check(resource, None);
    }
    identity(r#"{"Effect":"Allow","Action":"s3:ListBucket"}"#, Some(NO_RESOURCES));
    identity(r#"{"Effect":"Allow","Action":"invalid"}"#, Some(NO_RESOURCES));
    identity(r#"{"Effect":"Allow","Resource":"arn:aws:s3::bucket"}"#, Some(LEGACY));
    identity(
        r#"{"Effect":"Allow","Action":"s:3:ListBucket","Resource":"a"}"#,
        Some(r#"Resource a must be in ARN format or "*"."#),
    );
}

#[test]
fn conditions_are_operators_with_keys() {
    let check = |condition: &str, wanted: Option<&str>| identity(&with(&format!(r#""Condition":{condition}"#)), wanted);
    for (condition, wanted) in [
        ("[]", SYNTAX),
        (r#""a""#, SYNTAX),
        (r#"{"a":"b"}"#, SYNTAX),
        (r#"{"DateGreaterThan":"b"}"#, SYNTAX),
        (r#"{"DateGreaterThan":[]}"#, SYNTAX),
        (r#"{"DateGreaterThan":{"a":{}}}"#, SYNTAX),
        (r#"{"StringEquals":{"a":null}}"#, SYNTAX),
        (r#"{"StringEquals":{"a":[["b"]]}}"#, SYNTAX),
        (r#"{"x":{"a":"1"}}"#, SYNTAX),
        (r#"{"stringequals":{"a":"1"}}"#, SYNTAX),
        (r#"{"NullIfExists":{"a":"true"}}"#, SYNTAX),
        (r#"{"ForAnyValue::StringEqualsIfExists":{"a":"asf"}}"#, SYNTAX),
        (r#"{"StringEquals":{"a":"1"},"StringEquals":{"b":"1"}}"#, SYNTAX),
        (r#"[{"ForAllValues:StringEquals":{"aws:TagKeys":"Department"}}]"#, SYNTAX),
        (r#"{"DateGreaterThan":{"a":"sdfdsf"}}"#, LEGACY),
        (r#"{"DateLessThanEquals":{"a":"234-13"}}"#, LEGACY),
        (r#"{"DateLessThanEquals":{"a":"2016-12-13t2:00:00.593194+1"}}"#, LEGACY),
        (r#"{"DateLessThanEquals":{"a":"2016-12-13t2:00:00.1999999999+10:59"}}"#, LEGACY),
        (r#"{"DateLessThan":{"a":"9223372036854775808"}}"#, LEGACY),
        (r#"{"IpAddress":{"aws:SourceIp":"not an address"}}"#, LEGACY),
        (r#"{"NumericEquals":{"a":"${aws:username}"}}"#, LEGACY),
    ] {
        check(condition, Some(wanted));
    }
    for condition in [
        "{}",
        r#"{"a":{}}"#,
        r#"{"x":{},"y":{}}"#,
        r#"{"DateGreaterThan":{}}"#,
        r#"{"DateGreaterThan":{"a":[]}}"#,
        r#"{"DateGreaterThan":{"a":"01T"}}"#,
        r#"{"DateLessThanEquals":{"a":"2019-07-01T13:20:15Z"}}"#,
        r#"{"DateLessThanEquals":{"a":"2016-12-13T21:20:37.593194+00:00"}}"#,
        r#"{"DateLessThanEquals":{"a":"2016-12-13t2:00:00.593194+23"}}"#,
        r#"{"DateLessThan":{"a":"-292275054"}}"#,
        r#"{"StringEqualsIfExists":{"a":"asf"}}"#,
        r#"{"ForAnyValue:StringEqualsIfExists":{"a":"asf"}}"#,
        r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["A-1","B-2"]}}"#,
        r#"{"Bool":{"a":true,"b":["false",false]},"NumericEquals":{"c":[1,2.5,"3"]}}"#,
        r#"{"Null":{"a":"true"}}"#,
    ] {
        check(condition, None);
    }
    identity(r#"{"Effect":"Allow","Resource":"*","Condition":{"DateGreaterThan":{"a":{}}}}"#, Some(SYNTAX));
    identity(r#"{"Effect":"Allow","Condition":{"DateGreaterThan":{"a":"sdfdsf"}}}"#, Some(LEGACY));
    identity(
        r#"{"Effect":"Allow","Action":"s3:a","Resource":"arn:error:s3:::b","Condition":{"DateGreaterThan":{"a":"x"}}}"#,
        Some(LEGACY),
    );
}

#[test]
fn trust_policies_name_who_may_assume_the_role_and_no_resource() {
    let check = |statement: &str, wanted: Option<&str>| check(Kind::Trust, &of_2012(statement), wanted);
    let trust = |principal: &str| format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#);
    for principal in [
        r#"{"Service":"ec2.amazonaws.com"}"#,
        r#"{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]}"#,
        r#"{"AWS":"123456789012"}"#,
        r#"{"AWS":["arn:aws:iam::123456789012:root","arn:aws:iam::123456789012:role/a/b"]}"#,
        r#"{"AWS":"arn:aws:sts::123456789012:assumed-role/role/session"}"#,
        r#"{"AWS":"*"}"#,
        r#"{"AWS":"AIDAJQABLZS4A3QDU576Q"}"#,
        r#"{"Federated":"arn:aws:iam::123456789012:oidc-provider/a.example"}"#,
        r#"{"Federated":"accounts.google.com","AWS":"123456789012"}"#,
    ] {
        check(&trust(principal), None);
    }
    for principal in [
        "arn:aws:iam::123456789012:user/*",
        "arn:aws:iam::1234:root",
        "arn:aws:s3:::bucket",
        "bob",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:group/g",
    ] {
        let wanted = format!(r#"Invalid principal in policy: "AWS":"{principal}""#);
        check(&trust(&format!(r#"{{"AWS":"{principal}"}}"#)), Some(&wanted));
    }
    check(&trust("{}"), Some("Missing required field Principal cannot be empty!"));
    check(&trust(r#"{"Everyone":"*"}"#), Some(r#"Invalid principal in policy: "Everyone""#));
    check(&trust("[]"), Some("Syntax error in policy."));
    check(&trust("\"*\""), Some("Principal must be a JSON object."));
    let but = |effect: &str| {
        format!(r#"{{"Effect":"{effect}","NotPrincipal":{{"AWS":"123456789012"}},"Action":"sts:AssumeRole"}}"#)
    };
    check(&but("Allow"), Some("Allow with NotPrincipal is not allowed."));
    check(&but("Deny"), Some("AssumeRole policy must not contain NotPrincipal field."));
    check("[]", Some("Could not parse the policy: Statement is empty!"));
    check(r#"{"Effect":"allow"}"#, Some("Invalid effect: allow"));
    check(r#"{"Action":"sts:AssumeRole"}"#, Some("Missing required field Effect"));
    check(r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#, Some("Missing required field Principal"));
    let with = |rest: &str| format!(r#"{{"Effect":"Allow","Principal":{{"Service":"ec2.amazonaws.com"}},{rest}}}"#);
    let of_sts = "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity";
    check(&with(r#""Action":"sts:BadAssumeRole""#), Some(of_sts));
    let others = "AssumeRole policy may only specify STS AssumeRole actions.";
    check(&with(r#""Action":"s3:GetObject""#), Some(others));
    check(&with(r#""Action":["sts:AssumeRole","*"]"#), Some(others));
    check(&with(r#""Sid":"a b""#), Some("Missing required field Action"));
    check(&with(r#""Action":"sts:AssumeRole","NotAction":"sts:TagSession""#), Some("Syntax error in policy."));
    check(&with(r#""Action":"sts:AssumeRole","Comment":"x""#), Some("Unknown field Comment"));
    check(&with(r#""Action":"sts:AssumeRole","Condition":{"x":{"a":"b"}}"#), Some("Syntax error in policy."));
    check(&with(r#""Action":["sts:AssumeRole","sts:TagSession","sts:AssumeRoleWith*"]"#), None);
    check(&with(r#""Action":"sts:AssumeRole","Resource":"*""#), Some("Has prohibited field Resource"));
    check(
        &with(r#""Action":"sts:AssumeRole","NotResource":"*""#),
        Some("AssumeRole policy must not contain resources."),
    );
    let twice = with(r#""Action":"sts:AssumeRole","Sid":"a""#);
    check(&format!("[{twice},{twice}]"), Some("The Statement Ids in the policy are not unique"));
    self::check(Kind::Trust, "{invalid", Some("This policy contains invalid Json"));
    self::check(Kind::Trust, r#"{"Version":"2013-10-17"}"#, Some("The policy must contain a valid version string"));
    self::check(Kind::Trust, &format!(r#"{{"Version":"2008-10-17","Statement":{}}}"#, trust(r#"{"AWS":"*"}"#)), None);
}

#[test]
fn policies_of_resources_are_refused_in_the_words_of_s3() {
    let check = |text: &str, wanted: Option<&str>| check(Kind::Resource, text, wanted);
    let statement =
        |rest: &str| of_2012(&format!(r#"{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",{rest}}}"#));
    check(&statement(r#""Resource":"arn:aws:s3:::bucket/*""#), None);
    check(&statement(r#""Resource":"arn:aws:s3:::bucket/*","Sid":"a b-c""#), None);
    check("x", Some("Policies must be valid JSON and the first byte must be '{'"));
    check(r#"{"Version":"2013-10-17","Statement":[]}"#, Some("The policy must contain a valid version string"));
    check(r#"{"Version":"2012-10-17","Statement":[]}"#, Some("Could not parse the policy: Statement is empty!"));
    check(r#"{"Version":"2012-10-17"}"#, Some("Missing required field Statement"));
    check(r#"{"Version":"2012-10-17","Statement":[{}]}"#, Some("Missing required field Effect"));
    check(&of_2012(r#"{"Effect":"Allow","Action":"s3:a","Resource":"*"}"#), Some("Missing required field Principal"));
    check(&of_2012(r#"{"Effect":"Allow","Principal":"*","Resource":"*"}"#), Some("Missing required field Action"));
    check(&of_2012(r#"{"Effect":"Allow","Principal":"*","Action":"s3:a"}"#), Some("Missing required field Resource"));
    check(&of_2012(r#"{"Effect":"Maybe"}"#), Some("Invalid effect: Maybe"));
    check(
        &statement(r#""Resource":"*""#).replace("Principal", "NotPrincipal"),
        Some("Allow with NotPrincipal is not allowed."),
    );
    check(
        &statement(r#""Resource":"*""#).replace("\"*\",\"A", "{},\"A"),
        Some("Missing required field Principal cannot be empty!"),
    );
    check(
        &of_2012(r#"{"Effect":"Allow","Principal":{"AWS":"bob"},"Action":"s3:a","Resource":"*"}"#),
        Some("Invalid principal in policy"),
    );
    check(&statement(r#""Resource":"bucket""#), Some("Policy has invalid resource"));
    check(&statement(r#""Resource":"arn:aws:s3:bucket""#), Some("Policy has invalid resource"));
    check(&statement(r#""Resource":"*","Conditon":{}"#), Some("Unknown field Conditon"));
    check(&statement(r#""Resource":"*","Condition":{"Equals":{"a":"b"}}"#), Some("Invalid Condition type : Equals"));
}

#[test]
fn service_control_policies_are_refused_in_one_text() {
    let refused = "The provided policy document does not meet the requirements of the specified policy type.";
    let check = |text: &str, wanted: Option<&str>| check(Kind::ServiceControl, text, wanted);
    check("x", Some(refused));
    check(&of_2012(r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#), Some(refused));
    check(&of_2012(r#"{"Effect":"Deny","Action":"*"}"#), Some(refused));
    check(&of_2012(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#), None);
    check(
        &of_2012(
            r#"{"Effect":"Allow","NotAction":"s3:*","NotResource":"arn:aws:s3:::b","Condition":{"Bool":{"a":true}}}"#,
        ),
        None,
    );
}
