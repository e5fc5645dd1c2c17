//! A configuration stored as it came: by the names that AWS's model gives its members, so that whatever a client puts
//! comes back to it, whether it means something here or not.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json};
use wire::{Kind, Shape, Shaped, Value};

/// A structure of AWS's model, stored with the names of its members. One that a later model adds is absent from what
/// was stored before; one that it takes away is passed over.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Faithful<T>(pub T);

impl<T: Shaped + Clone> Serialize for Faithful<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        to_json(T::SHAPE, self.0.clone().into_value()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de, T: Shaped> Deserialize<'de> for Faithful<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        let value = from_json(T::SHAPE, json).map_err(D::Error::custom)?;
        T::from_value(value).map(Self).map_err(D::Error::custom)
    }
}

/// What has no stored form, or is none.
#[derive(Debug)]
struct Unfit(&'static str);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no value of {}", self.0)
    }
}

fn to_json(shape: &Shape, value: Value) -> Result<Json, Unfit> {
    Ok(match (&shape.kind, value) {
        (Kind::Structure { members, .. }, Value::Structure(set)) => {
            let mut object = Map::new();
            for (position, value) in set {
                let member = members.get(usize::from(position)).ok_or(Unfit(shape.name))?;
                object.insert(member.name.to_owned(), to_json(&member.shape, value)?);
            }
            Json::Object(object)
        }
        (Kind::List { member, .. }, Value::List(items)) => {
            Json::Array(items.into_iter().map(|item| to_json(member, item)).collect::<Result<_, _>>()?)
        }
        (Kind::Map { value: of, .. }, Value::Map(pairs)) => {
            let pairs = pairs.into_iter().map(|(key, value)| Ok((key, to_json(of, value)?)));
            Json::Object(pairs.collect::<Result<_, _>>()?)
        }
        (_, Value::Bool(inner)) => inner.into(),
        (_, Value::Integer(inner)) => inner.into(),
        (_, Value::Float(inner)) => inner.into(),
        (_, Value::String(inner)) => inner.into(),
        (_, Value::Timestamp(inner)) => inner.to_string().into(),
        (_, Value::Blob(inner)) => STANDARD.encode(inner).into(),
        _ => return Err(Unfit(shape.name)),
    })
}

fn from_json(shape: &Shape, json: Json) -> Result<Value, Unfit> {
    let unfit = Unfit(shape.name);
    Ok(match (&shape.kind, json) {
        (Kind::Structure { members, .. }, Json::Object(mut object)) => {
            let mut set = Vec::new();
            for (position, member) in (0..).zip(members.iter()) {
                if let Some(value) = object.remove(member.name) {
                    set.push((position, from_json(&member.shape, value)?));
                }
            }
            Value::Structure(set)
        }
        (Kind::List { member, .. }, Json::Array(items)) => {
            Value::List(items.into_iter().map(|item| from_json(member, item)).collect::<Result<_, _>>()?)
        }
        (Kind::Map { value: of, .. }, Json::Object(pairs)) => {
            let pairs = pairs.into_iter().map(|(key, value)| Ok((key, from_json(of, value)?)));
            Value::Map(pairs.collect::<Result<_, _>>()?)
        }
        (Kind::Boolean, Json::Bool(inner)) => Value::Bool(inner),
        (Kind::Integer | Kind::Long, Json::Number(inner)) => Value::Integer(inner.as_i64().ok_or(unfit)?),
        (Kind::Float | Kind::Double, Json::Number(inner)) => Value::Float(inner.as_f64().ok_or(unfit)?),
        (Kind::String, Json::String(inner)) => Value::String(inner),
        (Kind::Timestamp(_), Json::String(inner)) => Value::Timestamp(inner.parse::<Timestamp>().map_err(|_| unfit)?),
        (Kind::Blob, Json::String(inner)) => Value::Blob(STANDARD.decode(inner).map_err(|_| unfit)?.into()),
        _ => return Err(unfit),
    })
}

#[cfg(test)]
mod tests {
    use api::s3::{
        AnalyticsConfiguration, BucketLifecycleConfiguration, IntelligentTieringConfiguration, InventoryConfiguration,
        LoggingEnabled, MetricsConfiguration, NotificationConfiguration, Tagging,
    };
    use jiff::Timestamp;
    use proptest::prelude::*;
    use wire::{Kind, Shape, Shaped, Value};

    use super::Faithful;

    /// Any value of a shape, some members left out.
    fn any_value(shape: &'static Shape) -> BoxedStrategy<Value> {
        match &shape.kind {
            Kind::Boolean => any::<bool>().prop_map(Value::Bool).boxed(),
            Kind::Integer => any::<i32>().prop_map(|inner| Value::Integer(inner.into())).boxed(),
            Kind::Long => any::<i64>().prop_map(Value::Integer).boxed(),
            Kind::Float | Kind::Double => any::<i32>().prop_map(|inner| Value::Float(inner.into())).boxed(),
            Kind::String => ".{0,8}".prop_map(Value::String).boxed(),
            Kind::Timestamp(_) => (0..4_000_000_000_i64)
                .prop_map(|second| Value::Timestamp(Timestamp::from_second(second).unwrap()))
                .boxed(),
            Kind::Blob => any::<Vec<u8>>().prop_map(|inner| Value::Blob(inner.into())).boxed(),
            Kind::List { member, .. } => {
                proptest::collection::vec(any_value(of(member)), 0..3).prop_map(Value::List).boxed()
            }
            Kind::Structure { members, .. } => {
                let each: Vec<_> = members
                    .iter()
                    .map(|member| {
                        let value = any_value(of(&member.shape));
                        if member.is_required {
                            value.prop_map(Some).boxed()
                        } else {
                            proptest::option::of(value).boxed()
                        }
                    })
                    .collect();
                let set = |each: Vec<Option<Value>>| {
                    (0..).zip(each).filter_map(|(position, value)| Some((position, value?))).collect()
                };
                each.prop_map(move |each| Value::Structure(set(each))).boxed()
            }
            Kind::Map { .. } | Kind::Document => unreachable!("no configuration of S3 has one"),
        }
    }

    fn of(shape: &'static wire::ShapeRef) -> &'static Shape {
        shape
    }

    fn check<T: Shaped + Clone + PartialEq + std::fmt::Debug>() {
        proptest!(ProptestConfig::with_cases(64), |(value in any_value(T::SHAPE))| {
            let there = Faithful(T::from_value(value).unwrap());
            let text = serde_json::to_string(&there).unwrap();
            let back: Faithful<T> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(there, back);
        });
    }

    #[test]
    fn every_configuration_comes_back_as_it_was_put() {
        check::<AnalyticsConfiguration>();
        check::<BucketLifecycleConfiguration>();
        check::<IntelligentTieringConfiguration>();
        check::<InventoryConfiguration>();
        check::<LoggingEnabled>();
        check::<MetricsConfiguration>();
        check::<NotificationConfiguration>();
        check::<Tagging>();
    }

    #[test]
    fn what_a_later_model_no_longer_has_is_passed_over() {
        let read = |text| serde_json::from_str::<Faithful<Tagging>>(text);
        let text = r#"{"TagSet":[{"Key":"k","Value":"v","Colour":1}],"Gone":[]}"#;
        assert_eq!(read(text).unwrap().0.tag_set[0].key, "k");
        assert!(read(r#"{"TagSet":[{"Key":1,"Value":"v"}]}"#).is_err());
    }
}
