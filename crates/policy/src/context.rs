//! What is known of a request besides who, what and whereon: the condition keys and their values.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Condition keys and their values. Keys are compared without regard to case, values as they are.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// By the key in lower case: the key as it was given, and its values.
    keys: BTreeMap<String, (Cow<'static, str>, Vec<String>)>,
}

impl Context {
    /// Nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Says the value of a key that has one.
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.set_all(key, vec![value.into()]);
    }

    /// Says the values of a key that may have several (or none).
    pub fn set_all(&mut self, key: impl Into<Cow<'static, str>>, values: Vec<String>) {
        let key = key.into();
        self.keys.insert(key.to_ascii_lowercase(), (key, values));
    }

    /// As [`Context::set`], for a chain.
    #[must_use]
    pub fn with(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// The values of a key; none if it is not in the context.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.keys.get(&key.to_ascii_lowercase()).map(|(_, values)| values.as_slice())
    }

    /// As [`Context::get`], of a key in lower case.
    pub(crate) fn get_lower(&self, key: &str) -> Option<&[String]> {
        self.keys.get(key).map(|(_, values)| values.as_slice())
    }

    /// Every key as it was given, with its values, in the order of the keys in lower case.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.keys.values().map(|(key, values)| (key.as_ref(), values.as_slice()))
    }

    /// Adds what another one knows; where both know a key, what `other` says holds.
    pub fn extend(&mut self, other: &Self) {
        self.keys.extend(other.keys.iter().map(|(key, values)| (key.clone(), values.clone())));
    }
}
