//! Bodies of requests that the edge itself takes apart: compressed ones, and the policies of browsers' forms.

use std::io::Write;

use edge::hostile::{form_is_allowed, gunzip};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::input::Input;

/// More than an input inflates to by accident, and less than one that means harm would.
const LIMIT: usize = 1 << 16;
/// A field that a policy speaks of only if it was written to break this.
const UNHEARD_OF: &str = "x-amz-meta-unheard-of";

/// An input is a body that says it is compressed.
pub(crate) fn gzip(bytes: &[u8]) {
    if let Ok(Some(plain)) = gunzip(bytes, LIMIT) {
        let exact = gunzip(bytes, plain.len()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(exact.as_ref(), Some(&plain), "the limit is part of what is allowed");
        if let Some(less) = plain.len().checked_sub(1) {
            assert!(gunzip(bytes, less).is_ok_and(|found| found.is_none()), "{} bytes in {less}", plain.len());
        }
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let sound = encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_else(|error| panic!("{error}"));
    assert!(gunzip(&sound, bytes.len()).is_ok_and(|found| found.as_deref() == Some(bytes)), "it does not come back");
    assert!(
        sound.len() < 2 || gunzip(&sound[..sound.len() - 1], bytes.len()).is_err(),
        "half of it was taken for whole"
    );
}

/// An input is a field on each line, `name=value`, an empty line, and the policy's JSON.
pub(crate) fn post_policy(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut fields = Vec::new();
    loop {
        let Ok(line) = str::from_utf8(input.line()) else { return };
        if line.is_empty() {
            break;
        }
        fields.push(line.split_once('=').unwrap_or((line, "")));
    }
    let json = input.0;
    let allowed = form_is_allowed(json, &fields);
    fields.reverse();
    assert_eq!(form_is_allowed(json, &fields), allowed, "with the fields the other way round");
    let Ok(mut document) = serde_json::from_slice::<Value>(json) else {
        assert_eq!(allowed, None, "this is no JSON");
        return;
    };
    if let Some(conditions) = document.get_mut("conditions").and_then(Value::as_array_mut) {
        conditions.reverse();
    }
    let turned = document.to_string();
    assert_eq!(form_is_allowed(turned.as_bytes(), &fields), allowed, "with the conditions the other way round");
    if allowed.is_some() && !turned.to_ascii_lowercase().contains(UNHEARD_OF) {
        if !fields.iter().any(|(name, _)| name.eq_ignore_ascii_case(UNHEARD_OF)) {
            fields.push((UNHEARD_OF, ""));
        }
        assert_eq!(form_is_allowed(json, &fields), None, "with a field that the policy does not speak of");
    }
    if let Some(object) = document.as_object_mut() {
        object.insert("expiration".to_owned(), Value::from(edge::hostile::NOW.to_string()));
        assert_eq!(form_is_allowed(document.to_string().as_bytes(), &fields), None, "after its time");
    }
}
