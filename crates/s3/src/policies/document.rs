//! A policy as S3 takes it for a bucket: what the language asks of it, and beyond that that it is about this bucket.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html>; the texts are S3's, as
//! clients report them.

use policy::{Kind, Policy};
use serde_json::{Map, Value};

use super::actions::{ON_BUCKETS, ON_OBJECTS};
use super::{conditions, public};
use crate::S3Error;
use crate::buckets::bucket_arn;

/// The most bytes of a policy, spaces between its parts not counted.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html>.
const MAX_BYTES: usize = 20 * 1024;

/// A policy that may be put on a bucket.
#[derive(Debug)]
pub(super) struct Document {
    statements: Vec<Map<String, Value>>,
}

impl Document {
    /// Reads a policy for `bucket`.
    ///
    /// # Errors
    /// [`S3Error::MalformedPolicy`], with S3's text.
    pub(super) fn read(text: &str, bucket: &str) -> Result<Self, S3Error> {
        let is_object = text.starts_with('{');
        let json = serde_json::from_str::<Value>(text).ok().filter(|_| is_object);
        let json = json.ok_or_else(|| malformed("Policies must be valid JSON and the first byte must be '{'"))?;
        if json.to_string().len() > MAX_BYTES {
            return Err(malformed("Policy exceeds the maximum allowed document size."));
        }
        Policy::parse(text, Kind::Resource).map_err(|fault| malformed(fault.message))?;
        let statements = match json.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().filter_map(Value::as_object).cloned().collect(),
            Some(Value::Object(statement)) => vec![statement.clone()],
            _ => Vec::new(),
        };
        for statement in &statements {
            check(statement, bucket)?;
        }
        Ok(Self { statements })
    }

    /// Whether it gives something to everyone.
    pub(super) fn is_public(&self) -> bool {
        self.statements.iter().any(public::is_public)
    }
}

/// Refuses a statement that is not about the bucket, or whose actions are not on what it is about.
fn check(statement: &Map<String, Value>, bucket: &str) -> Result<(), S3Error> {
    let (mut has_bucket, mut has_objects) = (true, true);
    if let Some(resources) = statement.get("Resource") {
        (has_bucket, has_objects) = (false, false);
        for resource in texts(resources) {
            let (is_bucket, is_object) = kinds(resource, bucket);
            if !is_bucket && !is_object {
                return Err(malformed("Policy has invalid resource"));
            }
            (has_bucket, has_objects) = (has_bucket || is_bucket, has_objects || is_object);
        }
    }
    let operators = statement.get("Condition").and_then(Value::as_object).into_iter().flat_map(Map::values);
    if operators.filter_map(Value::as_object).flat_map(Map::keys).any(|key| conditions::is_unknown(key)) {
        return Err(malformed("Policy has an invalid condition key"));
    }
    for element in ["Action", "NotAction"] {
        for action in statement.get(element).map(texts).unwrap_or_default() {
            let name = action.to_ascii_lowercase();
            let Some(name) = (if name == "*" { Some("*") } else { name.strip_prefix("s3:") }) else {
                return Err(malformed("Policy has invalid action"));
            };
            let is_among = |known: &[&str]| known.iter().any(|known| is_like(name, known));
            let (on_objects, on_buckets) = (is_among(ON_OBJECTS), is_among(ON_BUCKETS));
            if !on_objects && !on_buckets {
                return Err(malformed("Policy has invalid action"));
            }
            let applies = (on_objects && has_objects) || (on_buckets && has_bucket);
            if element == "Action" && !applies {
                return Err(malformed("Action does not apply to any resource(s) in statement"));
            }
        }
    }
    Ok(())
}

/// Whether a resource can mean the bucket, and whether it can mean objects in it.
fn kinds(resource: &str, bucket: &str) -> (bool, bool) {
    let arn = bucket_arn(bucket);
    // Which elsewhere means everything, S3 takes for no resource of its own.
    if resource == "*" {
        return (false, false);
    }
    let is_own = match resource.split_once('/') {
        Some((of_bucket, _)) => is_like(of_bucket, arn.as_str()),
        // A wildcard at the end of the name takes in the slash behind it too.
        None => is_like(resource, arn.as_str()),
    };
    let is_bucket = is_own && is_like(resource, arn.as_str());
    let is_object = is_own && (resource.contains('/') || resource.ends_with('*'));
    (is_bucket, is_object)
}

/// Whether `text` is of the pattern, in which `*` stands for any text and `?` for one character.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut of, mut star) = (0, 0, None);
    while of < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[of] => (at, of) = (at + 1, of + 1),
            _ => match &mut star {
                Some((back, from)) => {
                    *from += 1;
                    (at, of) = (*back + 1, *from);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// The texts of an element that is one text or a list of them.
pub(super) fn texts(element: &Value) -> Vec<&str> {
    match element {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn malformed(text: impl Into<String>) -> S3Error {
    S3Error::MalformedPolicy(text.into())
}

#[cfg(test)]
mod tests {
    use super::{Document, is_like};

    fn check(action: &str, resource: &str, expected: &str) {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":{action},"Resource":{resource}}}]}}"#
        );
        let found = Document::read(&text, "bucket").map(|document| document.is_public());
        assert_eq!(found.map_or_else(|error| error.to_string(), |it| it.to_string()), expected, "{text}");
    }

    #[test]
    fn a_policy_is_about_its_bucket() {
        const OBJECTS: &str = r#""arn:aws:s3:::bucket/*""#;
        const BUCKET: &str = r#""arn:aws:s3:::bucket""#;
        check(r#""s3:GetObject""#, OBJECTS, "true");
        check(r#"["s3:GetObject","s3:ListBucket"]"#, &format!("[{OBJECTS},{BUCKET}]"), "true");
        check(r#""s3:*""#, BUCKET, "true");
        check(r#""S3:getobject""#, r#""arn:aws:s3:::buck*""#, "true");
        check(r#""s3:GetObject""#, BUCKET, "Action does not apply to any resource(s) in statement");
        check(r#""s3:ListBucket""#, OBJECTS, "Action does not apply to any resource(s) in statement");
        check(r#""s3:GetObject""#, r#""arn:aws:s3:::other/*""#, "Policy has invalid resource");
        check(r#""s3:GetObject""#, r#""arn:aws:s3:::bucket2/*""#, "Policy has invalid resource");
        check(r#""s3:GetObject""#, r#""*""#, "Policy has invalid resource");
        check(r#""s3:ListBucket""#, r#"["arn:aws:s3:::*","arn:aws:s3:::*/*"]"#, "true");
        check(r#""s3:Fly""#, OBJECTS, "Policy has invalid action");
        check(r#""ec2:RunInstances""#, OBJECTS, "Policy has invalid action");
    }

    #[test]
    fn a_condition_asks_for_what_s3_knows() {
        for (key, expected) in [("s3:x-amz-acl", "false"), ("s3:x-acl", "Policy has an invalid condition key")] {
            let text = format!(
                r#"{{"Statement":[{{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*","Condition":{{"StringEquals":{{"{key}":"x"}}}}}}]}}"#
            );
            let found = Document::read(&text, "bucket").map(|document| document.is_public());
            assert_eq!(found.map_or_else(|error| error.to_string(), |it| it.to_string()), expected, "{key}");
        }
    }

    #[test]
    fn what_is_no_policy() {
        for text in ["", "[]", " {}", "{", "null"] {
            let error = Document::read(text, "bucket").unwrap_err().to_string();
            assert_eq!(error, "Policies must be valid JSON and the first byte must be '{'", "{text}");
        }
        let large = format!(r#"{{"Version":"2012-10-17","Id":"{}"}}"#, "x".repeat(super::MAX_BYTES));
        let error = Document::read(&large, "bucket").unwrap_err().to_string();
        assert_eq!(error, "Policy exceeds the maximum allowed document size.");
    }

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("a?c", "abc", true),
            ("a*", "a", true),
            ("a*b*c", "aXbXbc", true),
            ("a", "ab", false),
            ("*b", "abc", false),
        ] {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        }
    }
}
