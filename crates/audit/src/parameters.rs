//! What a call was asked and what it answered, as the record shows it: bounded, and without secrets.
//!
//! Names are those of AWS's model with a small first letter, as in CloudTrail. What the model calls sensitive is
//! replaced, and so is what is a secret by its name where the model forgot to say so.

use std::fmt::Write as _;

use wire::{Kind, Member, Shape, Value};

use crate::json;
use crate::resources::{self, Resource};

/// The most bytes that the parameters of one record have; the rest is left out, and the record says so.
pub const MAX_BYTES: usize = 6 * 1024;
/// The most bytes of one string.
const MAX_TEXT: usize = 1024;
/// Resources that one record names.
const MAX_RESOURCES: usize = 16;
/// What stands for a secret. CloudTrail's own words.
const REMOVED: &str = "<sensitiveDataRemoved>";
/// Parts of names, in lower case, whose values are secrets whatever the model says.
const SECRET_NAMES: [&str; 16] = [
    "password",
    "secret",
    "sessiontoken",
    "securitytoken",
    "authtoken",
    "accesstoken",
    "identitytoken",
    "tokencode",
    "authenticationcode",
    "samlassertion",
    "userdata",
    "keymaterial",
    "privatekey",
    "customerkey",
    "credentialreport",
    "authorizationdata",
];

/// Parameters as JSON, with the resources that they name.
#[derive(Debug, Default)]
pub struct Parameters {
    /// A JSON object; empty if there is none.
    pub(crate) json: String,
    pub(crate) resources: Vec<Resource>,
    pub(crate) is_cut: bool,
}

impl Parameters {
    /// The members of `value`, which is of `shape`.
    pub fn of(shape: &'static Shape, value: &Value) -> Self {
        let mut all = Self::default();
        if !matches!(value, Value::Structure(members) if members.is_empty()) {
            all.write(shape, value);
        }
        all
    }

    fn write(&mut self, shape: &'static Shape, value: &Value) {
        match value {
            Value::Bool(value) => self.plain(value),
            Value::Integer(value) => self.plain(value),
            Value::Float(value) if value.is_finite() => self.plain(value),
            Value::Float(value) => json::string(&mut self.json, &value.to_string()),
            Value::String(text) => json::bounded(&mut self.json, text, MAX_TEXT),
            Value::Blob(bytes) => json::string(&mut self.json, &format!("<{} bytes>", bytes.len())),
            Value::Timestamp(time) => json::string(&mut self.json, &time.to_string()),
            // Nobody says what in it is a secret.
            Value::Document(_) => json::string(&mut self.json, "<document>"),
            Value::List(items) => self.list(shape, items),
            Value::Map(pairs) => self.map(shape, pairs),
            Value::Structure(members) => self.structure(shape, members),
        }
    }

    fn plain(&mut self, value: impl std::fmt::Display) {
        // Writing to a string can't fail.
        let _ = write!(self.json, "{value}");
    }

    fn has_room(&mut self) -> bool {
        let has_room = self.json.len() < MAX_BYTES;
        self.is_cut |= !has_room;
        has_room
    }

    fn structure(&mut self, shape: &'static Shape, members: &[(u16, Value)]) {
        self.json.push('{');
        let known = shape.members();
        for (position, value) in members {
            let Some(member) = known.get(usize::from(*position)) else { continue };
            if !self.has_room() {
                break;
            }
            self.name(member.name);
            if is_secret(member) {
                json::string(&mut self.json, REMOVED);
            } else {
                self.note(member, value);
                self.write(&member.shape, value);
            }
        }
        self.json.push('}');
    }

    /// A member's name: `bucketName` for S3's `Bucket`, as CloudTrail has it, else with a small first letter.
    fn name(&mut self, name: &str) {
        if name == "Bucket" {
            return json::key(&mut self.json, "bucketName");
        }
        if !self.json.ends_with('{') {
            self.json.push(',');
        }
        self.json.push('"');
        let mut letters = name.chars();
        if let Some(first) = letters.next() {
            self.json.push(first.to_ascii_lowercase());
        }
        self.json.push_str(letters.as_str());
        self.json.push_str("\":");
    }

    fn list(&mut self, shape: &'static Shape, items: &[Value]) {
        let Kind::List { member, .. } = &shape.kind else { return self.json.push_str("null") };
        let member: &'static Shape = member;
        self.json.push('[');
        for (index, item) in items.iter().enumerate() {
            if !self.has_room() {
                break;
            }
            if index > 0 {
                self.json.push(',');
            }
            self.write(member, item);
        }
        self.json.push(']');
    }

    fn map(&mut self, shape: &'static Shape, pairs: &[(String, Value)]) {
        let Kind::Map { value: inner, .. } = &shape.kind else { return self.json.push_str("null") };
        let inner: &'static Shape = inner;
        self.json.push('{');
        for (name, value) in pairs {
            if !self.has_room() {
                break;
            }
            json::key(&mut self.json, name.get(..256).unwrap_or(name));
            if is_secret_name(name) {
                json::string(&mut self.json, REMOVED);
            } else {
                self.write(inner, value);
            }
        }
        self.json.push('}');
    }

    /// Remembers the resources that a member names.
    fn note(&mut self, member: &Member, value: &Value) {
        let Some(kind) = resources::kind_of(member.name) else { return };
        let mut add = |value: &Value| {
            if let Value::String(name) = value
                && self.resources.len() < MAX_RESOURCES
                && (1..=MAX_TEXT).contains(&name.len())
                && !self.resources.iter().any(|known| known.name == *name)
            {
                self.resources.push(Resource { kind, name: name.clone() });
            }
        };
        match value {
            Value::List(items) => items.iter().take(MAX_RESOURCES).for_each(add),
            other => add(other),
        }
    }
}

fn is_secret(member: &Member) -> bool {
    member.is_sensitive || is_secret_name(member.name)
}

fn is_secret_name(name: &str) -> bool {
    // Nearly no name is long; those that are get the slow way.
    let mut small = [0_u8; 48];
    let Some(small) = small.get_mut(..name.len()) else {
        let name = name.to_ascii_lowercase();
        return SECRET_NAMES.iter().any(|part| name.contains(part));
    };
    small.copy_from_slice(name.as_bytes());
    small.make_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| small.windows(part.len()).any(|window| window == part.as_bytes()))
}

#[cfg(test)]
mod tests {
    use wire::{Member, Shape, Value, scalars};

    use super::{MAX_BYTES, Parameters};

    static NAMES: Shape = Shape::list("Names", &scalars::STRING, None);
    static TAGS: Shape = Shape::map("Tags", &scalars::STRING, None, None);
    static MEMBERS: [Member; 7] = [
        Member::new("InstanceId", &scalars::STRING),
        Member::new("Anything", &scalars::STRING).sensitive(),
        Member::new("DBPassword", &scalars::STRING),
        Member::new("NextToken", &scalars::STRING),
        Member::new("VpcIds", &NAMES),
        Member::new("Attributes", &TAGS),
        Member::new("Bucket", &scalars::STRING),
    ];
    static SHAPE: Shape = Shape::structure("Request", &MEMBERS);

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    fn check(members: Vec<(u16, Value)>) -> (serde_json::Value, Parameters) {
        let parameters = Parameters::of(&SHAPE, &Value::Structure(members));
        (serde_json::from_str(&parameters.json).unwrap(), parameters)
    }

    #[test]
    fn secrets_by_model_and_by_name_are_removed() {
        let map = Value::Map(vec![("MasterPassword".into(), text("hunter2")), ("Engine".into(), text("pg"))]);
        let (json, parameters) =
            check(vec![(0, text("i-1")), (1, text("hunter2")), (2, text("hunter2")), (3, text("page")), (5, map)]);
        assert!(!parameters.json.contains("hunter2"), "{}", parameters.json);
        assert_eq!(json["anything"], "<sensitiveDataRemoved>");
        assert_eq!(json["nextToken"], "page");
        assert_eq!(json["attributes"]["Engine"], "pg");
    }

    #[test]
    fn resources_are_noted() {
        let ids = Value::List(vec![text("vpc-1"), text("vpc-2"), text("vpc-1")]);
        let (json, parameters) = check(vec![(0, text("i-1")), (4, ids), (6, text("box"))]);
        assert_eq!(json["bucketName"], "box");
        let named: Vec<_> = parameters.resources.iter().map(|found| (found.kind, found.name.as_str())).collect();
        let wanted = [
            ("AWS::EC2::Instance", "i-1"),
            ("AWS::EC2::VPC", "vpc-1"),
            ("AWS::EC2::VPC", "vpc-2"),
            ("AWS::S3::Bucket", "box"),
        ];
        assert_eq!(named, wanted);
    }

    #[test]
    fn whatever_comes_the_record_is_bounded_and_sound() {
        let (_, long) = check(vec![(0, text(&"\u{1}".repeat(100_000)))]);
        assert!(long.json.len() < MAX_BYTES + 6 * 1024 + 64, "{}", long.json.len());
        let many = Value::List((0..100_000).map(|number| text(&number.to_string())).collect());
        let (json, parameters) = check(vec![(4, many), (6, text("box"))]);
        assert!(parameters.is_cut && parameters.json.len() < MAX_BYTES + 64);
        assert_eq!(json["bucketName"], serde_json::Value::Null);
    }
}
