//! What the tests of this crate share: random values of a shape.

use jiff::Timestamp;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop};
use wire::{Document, Kind, Shape, ShapeRef, TimestampFormat, Value};

fn time(millis: i64) -> Value {
    Value::Timestamp(Timestamp::from_millisecond(millis).unwrap())
}

fn documents() -> impl Strategy<Value = Document> {
    let leaf = prop::strategy::Union::new([
        Just(Document::Null).boxed(),
        any::<bool>().prop_map(Document::Bool).boxed(),
        any::<i64>().prop_map(Document::Integer).boxed(),
        any::<String>().prop_map(Document::String).boxed(),
    ]);
    leaf.prop_recursive(4, 20, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Document::List);
        let map = prop::collection::btree_map(any::<String>(), inner, 0..4);
        list.boxed().prop_union(map.prop_map(|pairs| Document::Map(pairs.into_iter().collect())).boxed())
    })
}

/// Values of `shape`. In `forms` a blob is the text that stands for it, as a test's own encoder writes it.
pub fn values(shape: &'static Shape, forms: bool) -> BoxedStrategy<Value> {
    match &shape.kind {
        Kind::Boolean => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Integer => any::<i32>().prop_map(|number| Value::Integer(number.into())).boxed(),
        Kind::Long => any::<i64>().prop_map(Value::Integer).boxed(),
        Kind::Double => (-1000..1000).prop_map(|number| Value::Float(f64::from(number) / 8.0)).boxed(),
        Kind::Float => (-1000_i16..1000).prop_map(|number| Value::Float(f64::from(number) / 8.0)).boxed(),
        Kind::Timestamp(Some(TimestampFormat::HttpDate)) => {
            (-2_000_000_000_i64..4_000_000_000).prop_map(|seconds| time(seconds * 1000)).boxed()
        }
        Kind::Timestamp(_) => (-2_000_000_000_000_i64..4_000_000_000_000).prop_map(time).boxed(),
        Kind::Document => {
            // Null is how a client says that it gives none.
            documents().prop_filter("not null", |it| *it != Document::Null).prop_map(Value::Document).boxed()
        }
        Kind::Blob if !forms => prop::collection::vec(any::<u8>(), 0..9).prop_map(|b| Value::Blob(b.into())).boxed(),
        Kind::Blob => Just(Value::String("aGk".to_owned())).boxed(),
        Kind::List { member, .. } => {
            let ShapeRef::Now(member) = *member else { panic!("a static") };
            prop::collection::vec(values(member, forms), 0..12).prop_map(Value::List).boxed()
        }
        Kind::Map { value, .. } => {
            let ShapeRef::Now(value) = *value else { panic!("a static") };
            prop::collection::btree_map(any::<String>(), values(value, forms), 0..12)
                .prop_map(|pairs| Value::Map(pairs.into_iter().collect()))
                .boxed()
        }
        Kind::Structure { members, is_union } => {
            let fields: Vec<_> = (0_u16..)
                .zip(*members)
                .map(|(index, member)| {
                    let ShapeRef::Now(shape) = member.shape else { panic!("a static") };
                    (Just(index), values(shape, forms))
                })
                .collect();
            if *is_union {
                return prop::strategy::Union::new(fields).prop_map(|field| Value::Structure(vec![field])).boxed();
            }
            fields.prop_map(Value::Structure).boxed()
        }
        _ => any::<String>().prop_map(Value::String).boxed(),
    }
}
