//! The keys of the region that objects' keys are sealed under. They live beside the store and never in it.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::S3Error;
use crate::owner::hex;

/// The keys of a region, as they are kept in a file: one seals, all open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterKeys {
    /// The name of the key that seals.
    current: String,
    /// All keys by their names, in base64.
    keys: BTreeMap<String, String>,
}

impl MasterKeys {
    /// The keys of a new region: one, of bytes that nobody can guess.
    pub fn new(key: [u8; 32]) -> Self {
        Self { current: String::new(), keys: BTreeMap::new() }.with_next(key)
    }

    /// The same keys and a new one that seals from now on. The others are kept for what they have sealed.
    #[must_use]
    pub fn with_next(mut self, key: [u8; 32]) -> Self {
        self.current = name_of(&key);
        self.keys.insert(self.current.clone(), STANDARD.encode(key));
        self
    }

    /// The name of the key that seals.
    pub fn current(&self) -> &str {
        &self.current
    }

    fn decoded(&self) -> Result<Decoded, String> {
        let mut keys = BTreeMap::new();
        for (name, text) in &self.keys {
            let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
            let bytes = bytes.filter(|bytes| name_of(bytes) == *name);
            keys.insert(name.clone(), bytes.ok_or_else(|| format!("key {name} is damaged"))?);
        }
        if !keys.contains_key(&self.current) {
            return Err(format!("key {}, which is to seal, is not there", self.current));
        }
        Ok(Decoded { current: self.current.clone(), keys })
    }
}

impl std::fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKeys").field("current", &self.current).finish_non_exhaustive()
    }
}

/// A key is called by what it is: another one never takes its name, and a damaged one has lost it.
fn name_of(key: &[u8; 32]) -> String {
    hex(&digest::digest(&digest::SHA256, &[b"welkin master key".as_slice(), key].concat()).as_ref()[..8])
}

struct Decoded {
    current: String,
    keys: BTreeMap<String, [u8; 32]>,
}

/// Reads the keys once more, from where they are kept.
type Reload = Box<dyn Fn() -> Result<MasterKeys, String> + Send + Sync>;

/// The keys of a region in use.
pub struct KeyRing {
    keys: RwLock<Decoded>,
    reload: Option<Reload>,
}

impl KeyRing {
    /// These keys.
    ///
    /// # Errors
    /// What is wrong with them, for the log.
    pub fn new(keys: &MasterKeys) -> Result<Self, String> {
        Ok(Self { keys: RwLock::new(keys.decoded()?), reload: None })
    }

    /// The same keys, which are read once more when a key is asked for that is not among them: another process may have
    /// got a new one.
    #[must_use]
    pub fn reloading(self, reload: impl Fn() -> Result<MasterKeys, String> + Send + Sync + 'static) -> Self {
        Self { reload: Some(Box::new(reload)), ..self }
    }

    /// The key that seals, and its name.
    pub(super) fn current(&self) -> (String, [u8; 32]) {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        (keys.current.clone(), keys.keys[&keys.current])
    }

    /// The key of this name.
    ///
    /// # Errors
    /// [`S3Error::Internal`] if it is nowhere to be found: without it, what it has sealed is lost.
    pub(super) fn get(&self, name: &str) -> Result<[u8; 32], S3Error> {
        let found = || self.keys.read().unwrap_or_else(PoisonError::into_inner).keys.get(name).copied();
        if let Some(key) = found() {
            return Ok(key);
        }
        let lost = |why: String| {
            S3Error::Internal(format!("objects are sealed under master key {name}, which is not there{why}"))
        };
        if let Some(reload) = &self.reload {
            let keys = reload().and_then(|keys| keys.decoded()).map_err(|error| lost(format!(": {error}")))?;
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }
        found().ok_or_else(|| lost(String::new()))
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyRing, MasterKeys};

    #[test]
    fn a_new_key_seals_and_the_old_ones_open() {
        let first = MasterKeys::new([1; 32]);
        let second = first.clone().with_next([2; 32]);
        let ring = KeyRing::new(&second).unwrap();
        assert_eq!(ring.current(), (second.current().to_owned(), [2; 32]));
        assert_eq!(ring.get(first.current()).unwrap(), [1; 32]);
        assert!(ring.get("another").unwrap_err().to_string().contains("master key another"));

        let new = second.current().to_owned();
        let behind = KeyRing::new(&first).unwrap().reloading(move || Ok(second.clone()));
        assert_eq!(behind.get(&new).unwrap(), [2; 32], "another process has made it");
        assert_eq!(behind.current().0, new);
    }

    #[test]
    fn keys_are_written_as_they_are_read_and_never_shown() {
        let keys = MasterKeys::new([7; 32]);
        let text = serde_json::to_string(&keys).unwrap();
        let golden = r#"{"current":"1292cfde0192ef54","keys":{"1292cfde0192ef54":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}}"#;
        assert_eq!(text, golden);
        assert_eq!(serde_json::from_str::<MasterKeys>(&text).unwrap(), keys);
        assert_eq!(format!("{keys:?}"), r#"MasterKeys { current: "1292cfde0192ef54", .. }"#);
        let without = r#"{"current":"1292cfde0192ef54","keys":{}}"#.to_owned();
        for damaged in [without, text.replace("BwcHBwcH", "BwcHBwcI"), text.replace("Bwc=", "")] {
            assert!(KeyRing::new(&serde_json::from_str(&damaged).unwrap()).is_err(), "{damaged}");
        }
    }
}
