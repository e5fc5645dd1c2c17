//! The keys of the region that objects' keys are sealed under. They live beside the store and never in it.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::S3Error;

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
        let name = "1".to_owned();
        Self { keys: BTreeMap::from([(name.clone(), STANDARD.encode(key))]), current: name }
    }

    /// The same keys and a new one that seals from now on. The others are kept for what they have sealed.
    #[must_use]
    pub fn with_next(mut self, key: [u8; 32]) -> Self {
        let last = self.keys.keys().filter_map(|name| name.parse::<u64>().ok()).max().unwrap_or(0);
        self.current = (last + 1).to_string();
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
            keys.insert(name.clone(), bytes.ok_or_else(|| format!("key {name} is not 32 bytes in base64"))?);
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
        assert_eq!(ring.current(), ("2".to_owned(), [2; 32]));
        assert_eq!(ring.get("1").unwrap(), [1; 32]);
        assert!(ring.get("3").unwrap_err().to_string().contains("master key 3"));

        let behind = KeyRing::new(&first).unwrap().reloading(move || Ok(second.clone()));
        assert_eq!(behind.get("2").unwrap(), [2; 32], "another process has made it");
        assert_eq!(behind.current().0, "2");
    }

    #[test]
    fn keys_are_written_as_they_are_read_and_never_shown() {
        let keys = MasterKeys::new([7; 32]);
        let text = serde_json::to_string(&keys).unwrap();
        assert_eq!(text, r#"{"current":"1","keys":{"1":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}}"#);
        assert_eq!(serde_json::from_str::<MasterKeys>(&text).unwrap(), keys);
        assert_eq!(format!("{keys:?}"), r#"MasterKeys { current: "1", .. }"#);
        for damaged in [r#"{"current":"2","keys":{}}"#, r#"{"current":"1","keys":{"1":"Bw=="}}"#] {
            assert!(KeyRing::new(&serde_json::from_str(damaged).unwrap()).is_err(), "{damaged}");
        }
    }
}
