//! What holds of settings whatever is in the file: it is the operator's own, so a search on every run is enough for it.

use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;

use super::{KEYS, Settings, from_toml};

/// Values that some key takes, or nearly.
const KNOWN: &[&str] = &[
    "",
    "on",
    "off",
    "true",
    "0",
    "1",
    "65536",
    "4294967296",
    "-1",
    "1e9",
    "us-east-1",
    "eu-a-1,eu-b-1",
    "sqlite",
    "postgres://",
    "postgres://u:p@h/d?x=y",
    "127.0.0.1:4566",
    "[::1]:0",
    "0.0.0.0:99999",
    "198.18.7.0/24",
    "0.0.0.0/0",
    "10.0.0.0/8,::/0",
    "json",
    "info,edge=debug",
    "a..b",
    ".",
    "\u{0}",
    "é",
];

/// What people write: one of those, or anything.
fn value() -> impl Strategy<Value = String> {
    proptest::prop_oneof![select(KNOWN).prop_map(str::to_owned), any::<String>()]
}

fn line() -> impl Strategy<Value = (String, String)> {
    (select(KEYS).prop_map(|(key, _)| key.to_owned()), value())
}

proptest! {
    #[test]
    fn any_text_is_settings_or_an_error(text in any::<String>()) {
        if let Ok(values) = from_toml(&text) {
            prop_assert!(values.keys().all(|key| KEYS.iter().any(|(known, _)| known == key)));
        }
    }

    #[test]
    fn what_is_written_is_what_is_read(lines in prop::collection::btree_map(select(KEYS).prop_map(|(key, _)| key), value(), 0..6)) {
        let table: toml::Table = lines.iter().map(|(key, value)| ((*key).to_owned(), value.clone().into())).collect();
        let values = from_toml(&table.to_string()).unwrap();
        let read: Vec<(&str, &String)> = values.iter().map(|(key, value)| (key.as_str(), value)).collect();
        prop_assert_eq!(read, lines.iter().map(|(key, value)| (*key, value)).collect::<Vec<_>>());
    }

    #[test]
    fn any_values_are_settings_or_an_error_that_names_a_key(lines in prop::collection::vec(line(), 0..4)) {
        let values = lines.into_iter().collect();
        match Settings::from_values(&values) {
            Ok(settings) => {
                let again = Settings::from_values(&values).unwrap();
                prop_assert_eq!(format!("{settings:?}"), format!("{again:?}"));
            }
            Err(error) => {
                let text = format!("{error:#}");
                prop_assert!(values.keys().any(|key| text.contains(key.as_str())), "{text}");
            }
        }
    }
}
