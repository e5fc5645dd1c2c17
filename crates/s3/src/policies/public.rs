//! Whether a policy is public: whether it gives something to more than fixed accounts, people, networks or services.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>, "The meaning
//! of public".

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::document::texts;

/// The condition keys that narrow a policy to somebody, when their values are fixed.
const NARROWING: [&str; 20] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:userid",
    "aws:username",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];

/// Whether a statement, which is an object, lets everyone in.
pub(super) fn is_public(statement: &Map<String, Value>) -> bool {
    let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
    let is_for_all = statement.contains_key("NotPrincipal") || statement.get("Principal").is_some_and(is_everyone);
    allows && is_for_all && !statement.get("Condition").is_some_and(is_narrow)
}

fn is_everyone(principal: &Value) -> bool {
    match principal {
        Value::Object(classes) => classes.values().any(|names| texts(names).contains(&"*")),
        other => texts(other).contains(&"*"),
    }
}

/// Whether one of the conditions, which must all hold, fixes who is meant.
fn is_narrow(conditions: &Value) -> bool {
    let Value::Object(operators) = conditions else { return false };
    operators.iter().any(|(operator, keys)| match keys {
        Value::Object(keys) => keys.iter().any(|(key, values)| narrows(operator, key, &texts(values))),
        _ => false,
    })
}

fn narrows(operator: &str, key: &str, values: &[&str]) -> bool {
    let operator = operator.strip_prefix("ForAnyValue:").unwrap_or(operator).to_ascii_lowercase();
    let key = key.to_ascii_lowercase();
    if operator == "ipaddress" {
        return key == "aws:sourceip" && values.iter().all(|block| is_narrow_block(block));
    }
    let is_positive = ["stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"];
    is_positive.contains(&&*operator) && NARROWING.contains(&&*key) && values.iter().all(|value| is_fixed(value))
}

/// Whether a value has neither wildcards nor variables in it.
fn is_fixed(value: &str) -> bool {
    !value.contains(['*', '?']) && !value.contains("${")
}

/// Whether a block of addresses is so small that it can be somebody's: of IPv4 at least `/8`, of IPv6 at least `/32`.
fn is_narrow_block(block: &str) -> bool {
    let (address, length) = match block.split_once('/') {
        Some((address, length)) => (address, length.parse::<u8>().ok()),
        None => (block, Some(128)),
    };
    match (address.parse::<IpAddr>(), length) {
        (Ok(IpAddr::V4(_)), Some(length)) => length >= 8,
        (Ok(IpAddr::V6(_)), Some(length)) => length >= 32,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_public;

    #[test]
    fn examples_of_the_user_guide() {
        let check = |principal: serde_json::Value, condition: serde_json::Value, expected: bool| {
            let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::b/*", "Condition": condition});
            assert_eq!(is_public(statement.as_object().unwrap()), expected, "{statement}");
        };
        check(json!("*"), json!({}), true);
        check(json!({"AWS": ["111111111111", "*"]}), json!({}), true);
        check(json!({"AWS": "111111111111"}), json!({}), false);
        check(json!({"Service": "cloudtrail.amazonaws.com"}), json!({}), false);
        check(json!("*"), json!({"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}), false);
        check(json!("*"), json!({"StringLike": {"aws:SourceVpc": "vpc-*"}}), true);
        check(json!("*"), json!({"StringEquals": {"aws:SourceVpc": ["vpc-1", "${aws:username}"]}}), true);
        check(json!("*"), json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), false);
        check(json!("*"), json!({"StringNotEquals": {"aws:SourceVpc": "vpc-91237329"}}), true);
        check(json!("*"), json!({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}), true);
        check(json!("*"), json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}), false);
        check(json!("*"), json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/0"]}}), true);
        check(json!("*"), json!({"StringEquals": {"s3:prefix": "public/"}}), true);
        let denial = json!({"Effect": "Deny", "Principal": "*"});
        assert!(!is_public(denial.as_object().unwrap()));
        let others = json!({"Effect": "Allow", "NotPrincipal": {"AWS": "111111111111"}});
        assert!(is_public(others.as_object().unwrap()));
    }
}
