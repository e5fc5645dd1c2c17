//! Condition operators, by the tables of their pages.
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>.

use crate::support::{ask, context};

/// A condition, and the values that the key `k` has in requests for which it holds, and for which it does not.
#[track_caller]
fn check(operator: &str, wanted: &str, holds: &[&[&str]], fails: &[&[&str]]) {
    for (list, is_allowed) in [(holds, true), (fails, false)] {
        for values in list {
            assert_eq!(is_held(operator, wanted, Some(values)), is_allowed, "{operator} {wanted} {values:?}");
        }
    }
}

/// Whether it holds for requests without the key.
#[track_caller]
fn without(operator: &str, wanted: &str, is_allowed: bool) {
    assert_eq!(is_held(operator, wanted, None), is_allowed, "{operator} {wanted}");
}

fn is_held(operator: &str, wanted: &str, values: Option<&[&str]>) -> bool {
    let statement =
        format!(r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{{"{operator}":{{"k":{wanted}}}}}"#);
    let context = match values {
        Some(values) => context(&[("K", values), ("aws:username", &["bob"])]),
        None => context(&[("aws:username", &["bob"])]),
    };
    ask(&[&statement], "s3:GetObject", "*", &context).is_allowed()
}

#[test]
fn strings() {
    check("StringEquals", r#""a""#, &[&["a"]], &[&["A"], &["b"], &[""], &["a "]]);
    check("StringEquals", r#"["a","b"]"#, &[&["a"], &["b"]], &[&["c"]]);
    check("StringEquals", r#""a*""#, &[&["a*"]], &[&["ab"]]);
    check("StringEquals", r#""${aws:username}""#, &[&["bob"]], &[&["${aws:username}"]]);
    check("StringEquals", r#""""#, &[&[""]], &[&["a"], &[]]);
    check("StringNotEquals", r#"["a","b"]"#, &[&["c"], &["A"], &[]], &[&["a"], &["b"]]);
    check("StringEqualsIgnoreCase", r#""aÉ""#, &[&["Aé"], &["aÉ"]], &[&["ae"]]);
    check("StringNotEqualsIgnoreCase", r#""a""#, &[&["b"]], &[&["A"]]);
    check(
        "StringLike",
        r#"["a*c","x?"]"#,
        &[&["ac"], &["abbc"], &["a:/c"], &["xy"], &["xé"]],
        &[&["abd"], &["x"], &["xyz"], &["AC"]],
    );
    check("StringLike", r#""${*}""#, &[&["*"]], &[&["a"]]);
    check("StringNotLike", r#""a*""#, &[&["b"]], &[&["a"], &["ab"]]);
}

#[test]
fn numbers() {
    check("NumericEquals", "10", &[&["10"], &["10.0"]], &[&["9"], &["ten"]]);
    check("NumericNotEquals", r#"["1","2"]"#, &[&["3"]], &[&["1"], &["2.0"]]);
    check("NumericLessThan", r#""10""#, &[&["9.99"]], &[&["10"], &["11"]]);
    check("NumericLessThanEquals", r#""10""#, &[&["10"], &["-1"]], &[&["10.5"]]);
    check("NumericGreaterThan", r#""10""#, &[&["11"]], &[&["10"], &["x"]]);
    check("NumericGreaterThanEquals", r#""10""#, &[&["10"]], &[&["9"]]);
}

#[test]
fn dates() {
    let day = r#""2020-01-02T00:00:00Z""#;
    let (before, at, after): (&[&str], &[&str], &[&str]) =
        (&["2020-01-01T23:59:59Z"], &["2020-01-02T01:00:00+01:00"], &["2020-01-02T00:00:01Z"]);
    check("DateEquals", day, &[at, &["1577923200"]], &[before, after, &["x"]]);
    check("DateNotEquals", day, &[before, after], &[at]);
    check("DateLessThan", day, &[before], &[at, after]);
    check("DateLessThanEquals", day, &[before, at], &[after]);
    check("DateGreaterThan", day, &[after], &[before, at]);
    check("DateGreaterThanEquals", "1577923200", &[at, after], &[before]);
}

#[test]
fn booleans_and_bytes() {
    check("Bool", r#""true""#, &[&["true"], &["True"]], &[&["false"], &["yes"]]);
    check("Bool", "false", &[&["false"]], &[&["true"]]);
    check("BinaryEquals", r#""QmluYXJ5VmFsdWVJbkJhc2U2NA==""#, &[&["QmluYXJ5VmFsdWVJbkJhc2U2NA=="]], &[&["QmluYXJ5"]]);
}

#[test]
fn addresses() {
    let both = r#"["203.0.113.0/24","2001:DB8:1234:5678::/64"]"#;
    let (inside, outside): (&[&[&str]], &[&[&str]]) =
        (&[&["203.0.113.9"], &["2001:db8:1234:5678::1"]], &[&["203.0.114.9"], &["2001:db8::1"]]);
    check("IpAddress", both, inside, outside);
    check("NotIpAddress", both, outside, inside);
    check("IpAddress", r#""203.0.113.9""#, &[&["203.0.113.9"]], &[&["203.0.113.8"], &["x"]]);
}

#[test]
fn arns_are_compared_part_by_part() {
    for operator in ["ArnEquals", "ArnLike"] {
        let name = |arn: &str| is_held(operator, r#""arn:aws:*:us-?ast-*:1*:a/*""#, Some(&[arn]));
        assert!(name("arn:aws:s3:us-east-1:123:a/b:c/d"));
        assert!(!name("arn:aws:s3:x:us-east-1:123:a/b"));
        assert!(!name("arn:aws:s3:us-west-1:123:a/b"));
        assert!(!name("arn:aws:s3:us-east-1:2:a/b"));
        check(operator, r#""arn:aws:sns:*""#, &[], &[&["arn:aws:sns:us-east-1:123:t"]]);
        check(operator, r#""*""#, &[&["arn:aws:sns:us-east-1:123:t"]], &[]);
    }
    check("ArnNotEquals", r#""arn:aws:sns:*:*:t""#, &[&["arn:aws:sns:r:1:u"]], &[&["arn:aws:sns:r:1:t"]]);
    check("ArnNotLike", r#""arn:aws:sns:*:*:t*""#, &[&["arn:aws:sqs:r:1:t"]], &[&["arn:aws:sns:r:1:t2"]]);
    check(
        "ArnLike",
        r#""arn:aws:iam::1:user/${aws:username}""#,
        &[&["arn:aws:iam::1:user/bob"]],
        &[&["arn:aws:iam::1:user/eve"]],
    );
}

/// Keys that a request does not have: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.
#[test]
fn missing_keys() {
    let values = [
        ("StringEquals", "\"a\"", false),
        ("StringNotEquals", "\"a\"", true),
        ("StringEqualsIgnoreCase", "\"a\"", false),
        ("StringNotEqualsIgnoreCase", "\"a\"", true),
        ("StringLike", "\"*\"", false),
        ("StringNotLike", "\"*\"", true),
        ("NumericEquals", "1", false),
        ("NumericNotEquals", "1", true),
        ("NumericLessThan", "1", false),
        ("DateEquals", "\"2020-01-01\"", false),
        ("DateNotEquals", "\"2020-01-01\"", true),
        ("Bool", "true", false),
        ("BinaryEquals", "\"YQ==\"", false),
        ("IpAddress", "\"::/0\"", false),
        ("NotIpAddress", "\"::/0\"", true),
        ("ArnLike", "\"*\"", false),
        ("ArnNotLike", "\"*\"", true),
    ];
    for (operator, wanted, is_allowed) in values {
        without(operator, wanted, is_allowed);
        without(&format!("{operator}IfExists"), wanted, true);
        without(&format!("ForAllValues:{operator}"), wanted, true);
        without(&format!("ForAnyValue:{operator}"), wanted, false);
        without(&format!("ForAnyValue:{operator}IfExists"), wanted, true);
    }
    check("StringEqualsIfExists", "\"a\"", &[&["a"]], &[&["b"]]);
    check("StringNotEqualsIfExists", "\"a\"", &[&["b"]], &[&["a"]]);
    without("Null", "\"true\"", true);
    without("Null", "false", false);
    check("Null", "true", &[&[]], &[&["a"], &[""]]);
    check("Null", "\"false\"", &[&["a"], &[""]], &[&[]]);
}

#[test]
fn keys_with_several_values() {
    let two = r#"["a","b"]"#;
    check("ForAllValues:StringEquals", two, &[&["a"], &["a", "b"], &[], &[""]], &[&["a", "c"], &["c"]]);
    check("ForAnyValue:StringEquals", two, &[&["a", "c"], &["b"]], &[&["c", "d"], &[]]);
    check("ForAllValues:StringNotEquals", two, &[&["c"], &["c", "d"], &[]], &[&["a", "c"]]);
    check("ForAnyValue:StringNotEquals", two, &[&["a", "c"], &["c"]], &[&["a", "b"], &[]]);
    check("ForAllValues:StringLike", "\"a*\"", &[&["a", "ab"]], &[&["a", "b"]]);
    check("StringEquals", two, &[&["c", "a"]], &[&["c", "d"]]);
    check("StringNotEquals", two, &[&["c", "d"]], &[&["c", "a"]]);
    check("ForAllValues:Bool", "true", &[&["true", "true"]], &[&["true", "false"]]);
}

#[test]
fn lists_without_values_match_nothing() {
    check("StringEquals", "[]", &[], &[&["a"], &[""]]);
    check("StringNotEquals", "[]", &[&["a"]], &[]);
    without("StringEquals", "[]", false);
    without("StringEqualsIfExists", "[]", true);
}

#[test]
fn variables_without_a_value_make_a_statement_void() {
    let nobody = r#""${aws:PrincipalTag/none}""#;
    check("StringEquals", nobody, &[], &[&["a"], &["${aws:PrincipalTag/none}"]]);
    check("StringNotEquals", nobody, &[], &[&["a"]]);
    check("StringLike", r#"["a","${aws:PrincipalTag/none}"]"#, &[&["a"]], &[&["b"]]);
    check("StringEquals", r#""${aws:PrincipalTag/none, 'a'}""#, &[&["a"]], &[&["b"]]);
    check("NumericEquals", "1", &[&["1"]], &[&["2"]]);
}

#[test]
fn all_operators_and_all_keys_must_hold() {
    let statement = r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"a":"1","b":"2"},"Bool":{"c":true}}"#;
    let is_allowed = |a: &str, b: &str, c: &str| {
        ask(&[statement], "s3:a", "*", &context(&[("a", &[a]), ("b", &[b]), ("c", &[c])])).is_allowed()
    };
    assert!(is_allowed("1", "2", "true"));
    assert!(!is_allowed("x", "2", "true"));
    assert!(!is_allowed("1", "x", "true"));
    assert!(!is_allowed("1", "2", "false"));
}

#[test]
fn what_was_asked_for_in_vain_is_said_once() {
    let statement = r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}","Condition":{
        "StringEquals":{"s3:prefix":"${aws:PrincipalTag/team}"},"StringLike":{"S3:Prefix":"x"},"Bool":{"there":"true"}}"#;
    let there = context(&[("there", &["true"]), ("aws:username", &["bob"])]);
    let decision = ask(&[statement, statement], "s3:a", "arn:aws:s3:::b/bob", &there);
    assert_eq!(decision.missing, ["aws:PrincipalTag/team", "s3:prefix"]);
    assert_eq!(ask(&[statement], "ec2:a", "arn:aws:s3:::b/bob", &there).missing, Vec::<String>::new());
}
