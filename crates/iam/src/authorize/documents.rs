//! Policy documents that were read: each text once.

use std::sync::Arc;

use policy::{Kind, Policy};
use store::StoreError;

use super::cache::Cache;

/// Most documents that are kept in each of the cache's generations. A large one has 20 kB.
const MAX_KEPT: usize = 4096;

/// A document, and the condition keys that it asks for.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) policy: Arc<Policy>,
    /// Each once, in lower case.
    pub(super) keys: Vec<String>,
}

/// The documents by their texts.
#[derive(Debug)]
pub(super) struct Documents {
    identity: Cache<String, Arc<Document>>,
    resource: Cache<String, Arc<Document>>,
    trust: Cache<String, Arc<Document>>,
    service_control: Cache<String, Arc<Document>>,
}

impl Documents {
    pub(super) fn new() -> Self {
        let cache = || Cache::new(MAX_KEPT);
        Self { identity: cache(), resource: cache(), trust: cache(), service_control: cache() }
    }

    /// The document with this text.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a text that is none. Nothing that is none was ever stored, so what it meant to deny is
    /// not known, and whoever it bears on may do nothing until it is mended.
    pub(super) fn read(&self, text: &str, kind: Kind) -> Result<Arc<Document>, StoreError> {
        let cache = match kind {
            Kind::Identity => &self.identity,
            Kind::Resource => &self.resource,
            Kind::Trust => &self.trust,
            Kind::ServiceControl => &self.service_control,
        };
        if let Some(found) = cache.get(text) {
            return Ok(found);
        }
        let policy = Policy::parse(text, kind);
        let policy = policy.map_err(|fault| StoreError::Corrupt(format!("a policy that is none: {fault}")))?;
        let keys = policy.context_keys().iter().map(|key| key.to_ascii_lowercase()).collect();
        let document = Arc::new(Document { keys, policy: Arc::new(policy) });
        cache.put(text.to_owned(), Arc::clone(&document));
        Ok(document)
    }
}
