//! What can be said of a decoded tree without knowing what it means.

use wire::{Kind, Shape, Value};

/// Panics unless `value` is what the generated types expect of `shape`: they answer "internal error" to anything else.
pub(crate) fn assert_fits(shape: &Shape, value: &Value) {
    let fits = match (&shape.kind, value) {
        (Kind::Boolean, Value::Bool(_))
        | (Kind::Long, Value::Integer(_))
        | (Kind::Float | Kind::Double, Value::Float(_))
        | (Kind::String, Value::String(_))
        | (Kind::Timestamp(_), Value::Timestamp(_))
        | (Kind::Blob, Value::Blob(_))
        | (Kind::Document, Value::Document(_)) => true,
        (Kind::Integer, Value::Integer(number)) => i32::try_from(*number).is_ok(),
        (Kind::List { member, .. }, Value::List(items)) => {
            items.iter().for_each(|item| assert_fits(member, item));
            true
        }
        (Kind::Map { value: shape, .. }, Value::Map(pairs)) => {
            let mut keys: Vec<&str> = pairs.iter().map(|(key, _)| key.as_str()).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), pairs.len(), "a map has two entries of one key");
            pairs.iter().for_each(|(_, item)| assert_fits(shape, item));
            true
        }
        (Kind::Structure { members, is_union }, Value::Structure(fields)) => {
            assert!(fields.windows(2).all(|pair| pair[0].0 < pair[1].0), "members are not ascending");
            for (index, field) in fields {
                let member = members.get(usize::from(*index)).expect("a decoded member is one of the schema's");
                assert_fits(&member.shape, field);
            }
            for (index, member) in (0_u16..).zip(*members).filter(|(_, member)| member.is_required) {
                let is_there = member.is_streaming || fields.iter().any(|(position, _)| *position == index);
                assert!(is_there, "{}.{} is required", shape.name, member.name);
            }
            !is_union || fields.len() == 1
        }
        _ => false,
    };
    assert!(fits, "{} cannot be {value:?}", shape.name);
}

/// How many values a tree has: what it costs to hold.
pub(crate) fn count(value: &Value) -> usize {
    1 + match value {
        Value::List(items) => items.iter().map(count).sum(),
        Value::Map(pairs) => pairs.iter().map(|(_, value)| count(value)).sum(),
        Value::Structure(fields) => fields.iter().map(|(_, value)| count(value)).sum(),
        _ => 0,
    }
}

/// The same tree without what no protocol can carry both ways: a number that is none equals itself here, and times
/// have the milliseconds that answers have.
pub(crate) fn comparable(value: &Value) -> Value {
    match value {
        Value::Float(number) if number.is_nan() => Value::String("NaN".to_owned()),
        Value::Timestamp(time) => Value::Integer(time.as_millisecond()),
        // Numbers that are none do not equal themselves; as text they do.
        Value::Document(document) => Value::String(format!("{document:?}")),
        Value::List(items) => Value::List(items.iter().map(comparable).collect()),
        Value::Map(pairs) => Value::Map(pairs.iter().map(|(key, value)| (key.clone(), comparable(value))).collect()),
        Value::Structure(fields) => {
            Value::Structure(fields.iter().map(|(index, value)| (*index, comparable(value))).collect())
        }
        other => other.clone(),
    }
}
