//! What the tests of this crate share: services by name, and JSON to values by schema.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value as Json};
use wire::{Document, Kind, RequestParts, ServiceShape, Shape, Value};

/// Every generated service.
pub const SERVICES: [&ServiceShape; 7] = [
    &api::cloudtrail::SERVICE,
    &api::ec2::SERVICE,
    &api::iam::SERVICE,
    &api::organizations::SERVICE,
    &api::s3::SERVICE,
    &api::s3control::SERVICE,
    &api::sts::SERVICE,
];

/// A file of `tests/golden`.
pub fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// `json`, whose objects bear the model's member names, as a value of `shape`.
pub fn value_of(shape: &Shape, json: &Json) -> Value {
    let text = || json.as_str().unwrap();
    match &shape.kind {
        Kind::Boolean => Value::Bool(json.as_bool().unwrap()),
        Kind::Integer | Kind::Long => Value::Integer(json.as_i64().unwrap()),
        Kind::Float | Kind::Double => Value::Float(json.as_f64().unwrap()),
        Kind::String => Value::String(text().to_owned()),
        Kind::Timestamp(_) => Value::Timestamp(text().parse().unwrap()),
        Kind::Blob => Value::Blob(STANDARD.decode(text()).unwrap().into()),
        Kind::List { member, .. } => {
            Value::List(json.as_array().unwrap().iter().map(|item| value_of(member, item)).collect())
        }
        Kind::Map { value, .. } => {
            let pairs = json.as_object().unwrap().iter();
            Value::Map(pairs.map(|(key, item)| (key.clone(), value_of(value, item))).collect())
        }
        Kind::Structure { members, .. } => {
            let object = &merged(shape, json.as_object().unwrap());
            let unknown = object.keys().find(|key| members.iter().all(|member| member.name != key.as_str()));
            assert_eq!(unknown, None, "{} has no such member", shape.name);
            let fields = (0_u16..).zip(*members).filter_map(|(index, member)| {
                object.get(member.name).map(|inner| (index, value_of(&member.shape, inner)))
            });
            Value::Structure(fields.collect())
        }
        Kind::Document => Value::Document(document_of(json)),
    }
}

/// The members as our shapes have them: versions and delete markers, which the model has in two lists, are one sequence.
fn merged(shape: &Shape, object: &Map<String, Json>) -> Map<String, Json> {
    let mut object = object.clone();
    let is_ours = shape.members().iter().any(|member| member.name == "Entries");
    if shape.name == "ListObjectVersionsOutput" && is_ours {
        let mut entries = Vec::new();
        for (list, one) in [("Versions", "Version"), ("DeleteMarkers", "DeleteMarker")] {
            let listed = object.remove(list);
            let listed = listed.iter().flat_map(|listed| listed.as_array().unwrap());
            entries.extend(listed.map(|entry| Json::Object(Map::from_iter([(one.to_owned(), entry.clone())]))));
        }
        object.insert("Entries".to_owned(), Json::Array(entries));
    }
    object
}

/// `json` as a document.
fn document_of(json: &Json) -> Document {
    match json {
        Json::Null => Document::Null,
        Json::Bool(inner) => Document::Bool(*inner),
        Json::Number(inner) => {
            inner.as_i64().map_or_else(|| Document::Float(inner.as_f64().unwrap()), Document::Integer)
        }
        Json::String(inner) => Document::String(inner.clone()),
        Json::Array(items) => Document::List(items.iter().map(document_of).collect()),
        Json::Object(pairs) => {
            Document::Map(pairs.iter().map(|(key, inner)| (key.clone(), document_of(inner))).collect())
        }
    }
}

/// The same value with its maps in the order of their keys: headers have no order of their own.
pub fn sorted(value: Value) -> Value {
    match value {
        Value::Map(mut pairs) => {
            pairs.sort_by(|left, right| left.0.cmp(&right.0));
            Value::Map(pairs.into_iter().map(|(key, inner)| (key, sorted(inner))).collect())
        }
        Value::List(items) => Value::List(items.into_iter().map(sorted).collect()),
        Value::Structure(fields) => {
            Value::Structure(fields.into_iter().map(|(index, inner)| (index, sorted(inner))).collect())
        }
        other => other,
    }
}

/// A request.
pub fn parts(method: &str, query: &str, headers: &[(&str, &str)], body: &str) -> RequestParts {
    let mut map = HeaderMap::new();
    for (name, text) in headers {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(text).unwrap());
    }
    RequestParts {
        method: method.parse().unwrap(),
        labels: Vec::new(),
        query: wire::parse_query(query).unwrap(),
        headers: map,
        body: body.to_owned().into(),
    }
}
