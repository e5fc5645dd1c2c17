//! The policy of an upload from a browser: what its signer lets whoever holds it upload, and until when.
//! Not here: whether the policy is signed.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use wire::ServiceError;

use super::fields::Fields;

/// Most conditions of one policy.
const MAX_CONDITIONS: usize = 1000;

/// A policy that was read.
#[derive(Debug)]
pub(super) struct Policy {
    expires: Timestamp,
    conditions: Vec<Condition>,
    /// The least and the most bytes that the file may have.
    pub(super) range: Option<(u64, u64)>,
}

#[derive(Debug)]
enum Condition {
    Field {
        is_prefix: bool,
        /// The field's name as the policy has it.
        name: String,
        value: String,
    },
    /// S3 takes some conditions that speak of nothing, and lets no form meet them. Here are their texts.
    Never(String),
}

impl Policy {
    /// Reads a policy out of its base64.
    ///
    /// # Errors
    /// `InvalidPolicyDocument`.
    pub(super) fn read(text: &str) -> Result<Self, ServiceError> {
        // Forms may break the text into lines.
        let compact: String = text.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(compact).map_err(|_| invalid("Invalid Base64."))?;
        let document: Value = serde_json::from_slice(&bytes).map_err(|_| invalid("Invalid JSON."))?;
        let document = document.as_object().ok_or_else(|| invalid("Invalid JSON."))?;
        let expiration = document.get("expiration").ok_or_else(|| invalid("Policy missing expiration."))?;
        let text = expiration.as_str().map_or_else(|| expiration.to_string(), str::to_owned);
        let expires = moment(&text).ok_or_else(|| invalid(&format!("Invalid 'expiration' value: '{text}'")))?;
        let conditions = document.get("conditions").ok_or_else(|| invalid("Policy missing conditions."))?;
        let conditions = conditions.as_array().filter(|all| all.len() <= MAX_CONDITIONS);
        let mut policy = Self { expires, conditions: Vec::new(), range: None };
        for condition in conditions.ok_or_else(|| invalid("Invalid 'conditions' value: must be a List."))? {
            policy.add(condition)?;
        }
        Ok(policy)
    }

    fn add(&mut self, condition: &Value) -> Result<(), ServiceError> {
        let senseless = || invalid(&format!("Invalid Condition: {condition}"));
        match condition {
            Value::Object(pairs) if pairs.len() != 1 => {
                Err(invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified."))
            }
            Value::Object(pairs) => {
                for (name, value) in pairs {
                    let value =
                        value.as_str().ok_or_else(|| invalid("Invalid Simple-Condition: value must be a string."))?;
                    self.conditions.push(Condition::named(false, name, value.to_owned()));
                }
                Ok(())
            }
            Value::Array(items) => {
                let [operator, one, other] = items.as_slice() else { return Err(senseless()) };
                let operator = operator.as_str().ok_or_else(senseless)?.to_ascii_lowercase();
                if operator == "content-length-range" {
                    let (one, other) = text_of(one).zip(text_of(other)).ok_or_else(senseless)?;
                    if [&one, &other].into_iter().any(|text| text.parse::<i64>().is_err()) {
                        self.conditions.push(Condition::Never(format!("[\"{operator}\", \"{one}\", \"{other}\"]")));
                        return Ok(());
                    }
                    let (least, most) = one.parse::<u64>().ok().zip(other.parse().ok()).ok_or_else(senseless)?;
                    // Of several ranges all hold.
                    let (low, high) = self.range.unwrap_or((0, u64::MAX));
                    self.range = Some((low.max(least), high.min(most)));
                    return Ok(());
                }
                let name = one.as_str().ok_or_else(senseless)?;
                let value = text_of(other).ok_or_else(senseless)?;
                let is_prefix = match operator.as_str() {
                    "eq" => false,
                    "starts-with" => true,
                    _ => return Err(senseless()),
                };
                self.conditions.push(match name.strip_prefix('$') {
                    Some(name) => Condition::named(is_prefix, name, value),
                    None => Condition::Never(format!("[\"{operator}\", \"{name}\", \"{value}\"]")),
                });
                Ok(())
            }
            _ => Err(senseless()),
        }
    }

    /// Checks a form by the policy.
    ///
    /// # Errors
    /// `AccessDenied`, with what is wrong in S3's words.
    pub(super) fn check(&self, fields: &Fields, now: Timestamp) -> Result<(), ServiceError> {
        if self.expires <= now {
            return Err(denied("Policy expired."));
        }
        for condition in &self.conditions {
            if !condition.holds(fields) {
                return Err(failed(&condition.text()));
            }
        }
        let is_covered = |name: &str| self.conditions.iter().any(|condition| condition.speaks_of(name));
        match fields.names().find(|name| !is_exempt(name) && !is_covered(name)) {
            Some(name) => Err(denied(&format!("Extra input fields: {name}"))),
            None => Ok(()),
        }
    }
}

impl Condition {
    fn named(is_prefix: bool, name: &str, value: String) -> Self {
        Self::Field { is_prefix, name: name.to_owned(), value }
    }

    fn speaks_of(&self, field: &str) -> bool {
        matches!(self, Self::Field { name, .. } if name.eq_ignore_ascii_case(field))
    }

    fn holds(&self, fields: &Fields) -> bool {
        let Self::Field { is_prefix, name, value } = self else { return false };
        let given = fields.get(name).unwrap_or_default();
        if !is_prefix {
            return given == value;
        }
        // A list of types begins as it should only if each of them does.
        if name.eq_ignore_ascii_case("content-type") {
            return given.split(',').all(|kind| kind.trim_start().starts_with(value));
        }
        given.starts_with(value)
    }

    fn text(&self) -> String {
        match self {
            Self::Field { is_prefix, name, value } => {
                let operator = if *is_prefix { "starts-with" } else { "eq" };
                format!("[\"{operator}\", \"${name}\", \"{value}\"]")
            }
            Self::Never(text) => text.clone(),
        }
    }
}

/// The moment that the text is in S3's form: a day, a `T`, a time, and `Z`.
fn moment(text: &str) -> Option<Timestamp> {
    let is_ours = text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z');
    text.parse().ok().filter(|_| is_ours)
}

/// Fields that no policy needs to speak of. Those that hold a checksum of the file are among them: a form that is wrong there
/// is refused anyway, and who signs a policy beforehand can't know them.
fn is_exempt(name: &str) -> bool {
    let names = ["x-amz-signature", "file", "policy", "awsaccesskeyid", "signature"];
    let name = name.to_ascii_lowercase();
    names.contains(&name.as_str()) || name.starts_with("x-ignore-") || name.starts_with("x-amz-checksum-")
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn invalid(what: &str) -> ServiceError {
    ServiceError::bad_request("InvalidPolicyDocument", format!("Invalid Policy: {what}"))
}

fn denied(what: &str) -> ServiceError {
    ServiceError::sender("AccessDenied", 403, format!("Invalid according to Policy: {what}"))
}

fn failed(condition: &str) -> ServiceError {
    denied(&format!("Policy Condition failed: {condition}"))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use jiff::Timestamp;
    use proptest::prelude::{any, proptest};

    use super::Policy;
    use crate::post::fields::Fields;

    const NOW: Timestamp = Timestamp::constant(1_795_248_000, 0);

    fn check(policy: &str, fields: &[(&str, &str)]) -> String {
        let mut form = Fields::new("my-bucket");
        for (name, value) in fields {
            form.add(name, (*value).to_owned()).unwrap();
        }
        let read = Policy::read(&STANDARD.encode(policy));
        match read.and_then(|policy| policy.check(&form, NOW)) {
            Ok(()) => "ok".to_owned(),
            Err(error) => format!("{}: {}", error.code, error.message),
        }
    }

    fn with(conditions: &str) -> String {
        format!(
            "{{\"expiration\":\"2030-01-01T00:00:00Z\",\"conditions\":[{{\"bucket\":\"my-bucket\"}},{conditions}]}}"
        )
    }

    #[test]
    fn conditions() {
        let policy = with(
            r#"["starts-with","$key","user/"],{"acl":"private"},["EQ","$Success_Action_Status",201],["starts-with","$Content-Type","image/"],["content-length-range",1,9],["starts-with","$x-amz-meta-a",""]"#,
        );
        let good = [
            ("key", "user/a"),
            ("acl", "private"),
            ("success_action_status", "201"),
            ("Content-Type", "image/png, image/gif"),
            ("x-ignore-me", "1"),
            ("policy", "p"),
            ("X-Amz-Signature", "s"),
        ];
        assert_eq!(check(&policy, &good), "ok");
        for (name, value, expected) in [
            (
                "key",
                "other/a",
                r#"AccessDenied: Invalid according to Policy: Policy Condition failed: ["starts-with", "$key", "user/"]"#,
            ),
            (
                "acl",
                "public-read",
                r#"AccessDenied: Invalid according to Policy: Policy Condition failed: ["eq", "$acl", "private"]"#,
            ),
            (
                "Content-Type",
                "image/png,text/html",
                r#"AccessDenied: Invalid according to Policy: Policy Condition failed: ["starts-with", "$Content-Type", "image/"]"#,
            ),
        ] {
            let changed: Vec<_> =
                good.iter().map(|field| if field.0 == name { (name, value) } else { *field }).collect();
            assert_eq!(check(&policy, &changed), expected);
        }
        let more = [&good[..], &[("x-amz-meta-b", "1")]].concat();
        assert_eq!(
            check(&policy, &more),
            "AccessDenied: Invalid according to Policy: Extra input fields: x-amz-meta-b"
        );
        let other = policy.replace("my-bucket", "another");
        assert!(check(&other, &good).ends_with(r#"["eq", "$bucket", "another"]"#));
        assert!(check(&policy.replace("2030", "2020"), &good).ends_with("Policy expired."));
    }

    #[test]
    fn ranges_that_meet() {
        let text = with(r#"["content-length-range",1,9],["content-length-range","0",5]"#);
        assert_eq!(Policy::read(&STANDARD.encode(text)).unwrap().range, Some((1, 5)));
    }

    #[test]
    fn conditions_that_nothing_meets() {
        for (condition, shown) in [
            (r#"["eq","key","a"]"#, r#"["eq", "key", "a"]"#),
            (r#"["content-length-range","test","10"]"#, r#"["content-length-range", "test", "10"]"#),
        ] {
            let refused = check(&with(condition), &[("key", "a")]);
            assert_eq!(refused, format!("AccessDenied: Invalid according to Policy: Policy Condition failed: {shown}"));
        }
    }

    #[test]
    fn checksums_need_no_condition() {
        let policy = with(r#"{"key":"a"}"#);
        assert_eq!(check(&policy, &[("key", "a"), ("x-amz-checksum-sha256", "s")]), "ok");
        assert!(check(&policy, &[("key", "a"), ("content-md5", "s")]).ends_with("Extra input fields: content-md5"));
    }

    #[test]
    fn documents_that_are_none() {
        for (policy, expected) in [
            ("", "InvalidPolicyDocument: Invalid Policy: Invalid JSON."),
            ("[]", "InvalidPolicyDocument: Invalid Policy: Invalid JSON."),
            ("{}", "InvalidPolicyDocument: Invalid Policy: Policy missing expiration."),
            (r#"{"expiration":"soon"}"#, "InvalidPolicyDocument: Invalid Policy: Invalid 'expiration' value: 'soon'"),
            (
                r#"{"expiration":"2030-01-01 00:00:00Z"}"#,
                "InvalidPolicyDocument: Invalid Policy: Invalid 'expiration' value: '2030-01-01 00:00:00Z'",
            ),
            (
                r#"{"expiration":"2030-01-01T00:00:00+00:00"}"#,
                "InvalidPolicyDocument: Invalid Policy: Invalid 'expiration' value: '2030-01-01T00:00:00+00:00'",
            ),
            (r#"{"expiration":5}"#, "InvalidPolicyDocument: Invalid Policy: Invalid 'expiration' value: '5'"),
            (
                r#"{"expiration":"2030-01-01T00:00:00.000Z"}"#,
                "InvalidPolicyDocument: Invalid Policy: Policy missing conditions.",
            ),
        ] {
            assert_eq!(check(policy, &[]), expected);
        }
        for condition in [
            "1",
            "[]",
            r#"["like","$key","a"]"#,
            r#"["content-length-range",-1,5]"#,
            r#"["content-length-range",0]"#,
            r#"{"key":[]}"#,
            r#"{"key":1}"#,
            r#"{}"#,
            r#"{"key":"a","acl":"private"}"#,
        ] {
            let refused = check(&with(condition), &[]);
            assert!(refused.starts_with("InvalidPolicyDocument: Invalid Policy: Invalid "), "{condition}: {refused}");
        }
        assert!(Policy::read("!").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_a_result(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,60}", json in r#"[\[\]{}",:$a-z0-9 -]{0,80}"#) {
            let _ = Policy::read(&STANDARD.encode(bytes));
            let _ = Policy::read(&text);
            let _ = check(&with(&json), &[("key", &text)]);
        }
    }
}
