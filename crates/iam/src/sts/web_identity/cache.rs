//! The keys of providers, as they were last published: kept for an hour, and asked for anew when a token names a key that
//! was not there, which is how providers change keys. A provider is asked by one call at a time, and seldom: whoever sends
//! tokens with keys that nobody has cannot make us ask more often.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::keys::KeySet;
use crate::OidcProviderRecord;

/// How long keys are kept.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(1);
/// How long a provider that does not answer is not asked again.
const PAUSE: SignedDuration = SignedDuration::from_secs(2);
/// In such a time a provider is asked [`MAX_ASKED`] times at most, whatever keys tokens name.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);
const MAX_ASKED: u32 = 5;
/// Providers whose keys are kept; when there are more, all are forgotten.
const MAX_PROVIDERS: usize = 1000;

/// Why nothing was fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The server does not answer, or not as it should; a text for the log.
    #[error("{0}")]
    Unreachable(String),
    /// Its certificate is neither from an authority that is trusted here nor one of the thumbprints.
    #[error("its certificate is not trusted")]
    Untrusted,
}

/// Fetches documents from identity providers. Every wait in it has an end, and what it gives a limit.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The document at an address, `https://…` or `http://` on this machine. The server's certificate is from an authority
    /// that this machine trusts, or its chain has a certificate with one of the thumbprints (SHA-1 in lower-case
    /// hexadecimal digits).
    ///
    /// # Errors
    /// See [`FetchError`].
    async fn fetch(&self, url: &str, thumbprints: &[String]) -> Result<Vec<u8>, FetchError>;
}

/// Reaches nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFetch;

#[async_trait]
impl Fetch for NoFetch {
    async fn fetch(&self, _url: &str, _thumbprints: &[String]) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::Unreachable("this region asks no identity provider".to_owned()))
    }
}

/// The keys of all providers.
pub(crate) struct Keys {
    fetch: Arc<dyn Fetch>,
    kept: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Kept>>>>,
}

#[derive(Default)]
struct Kept {
    keys: Option<(Arc<KeySet>, Timestamp)>,
    /// The failure of the last time, and when that was.
    failed: Option<(FetchError, Timestamp)>,
    /// Since when it is counted how often the provider was asked, and how often that was.
    asked: Option<(Timestamp, u32)>,
}

impl Keys {
    pub(crate) fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { fetch, kept: Mutex::default() }
    }

    /// The keys of a provider, among them the one of this name if it publishes one.
    pub(super) async fn of(
        &self,
        provider: &OidcProviderRecord,
        key_id: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<KeySet>, FetchError> {
        // Other thumbprints are another trust: what was fetched under one is not used under the other.
        let name = [provider.issuer().as_str(), &provider.thumbprints.join(",")].join(" ");
        let kept = {
            let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= MAX_PROVIDERS && !all.contains_key(&name) {
                all.clear();
            }
            Arc::clone(all.entry(name).or_default())
        };
        // Whoever is before us fetches, or finds what is there: both end soon.
        let mut kept = kept.lock().await;
        if let Some((keys, fetched)) = &kept.keys
            && now.duration_since(*fetched) < MAX_AGE
            && (keys.knows(key_id) || !kept.may_ask(now))
        {
            return Ok(Arc::clone(keys));
        }
        if let Some((error, failed)) = &kept.failed
            && now.duration_since(*failed) < PAUSE
        {
            return Err(error.clone());
        }
        kept.count(now);
        match self.ask(provider).await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                (kept.keys, kept.failed) = (Some((Arc::clone(&keys), now)), None);
                Ok(keys)
            }
            Err(error) => {
                kept.failed = Some((error.clone(), now));
                Err(error)
            }
        }
    }

    /// Source: <https://openid.net/specs/openid-connect-discovery-1_0.html>.
    async fn ask(&self, provider: &OidcProviderRecord) -> Result<KeySet, FetchError> {
        let issuer = provider.issuer();
        let wrong = |what: &str| FetchError::Unreachable(format!("{issuer}: {what}"));
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let discovery = self.fetch.fetch(&address, &provider.thumbprints).await?;
        let discovery: Value = serde_json::from_slice(&discovery).map_err(|_| wrong("its configuration is no JSON"))?;
        if discovery.get("issuer").and_then(Value::as_str) != Some(&issuer) {
            return Err(wrong("its configuration names another issuer"));
        }
        let address = discovery.get("jwks_uri").and_then(Value::as_str);
        let address = address.ok_or_else(|| wrong("its configuration has no jwks_uri"))?;
        let keys = self.fetch.fetch(address, &provider.thumbprints).await?;
        KeySet::parse(&keys).ok_or_else(|| wrong("its keys are no key set"))
    }
}

impl Kept {
    fn may_ask(&self, now: Timestamp) -> bool {
        self.asked.is_none_or(|(since, count)| now.duration_since(since) >= WINDOW || count < MAX_ASKED)
    }

    fn count(&mut self, now: Timestamp) {
        self.asked = match self.asked {
            Some((since, count)) if now.duration_since(since) < WINDOW => Some((since, count.saturating_add(1))),
            _ => Some((now, 1)),
        };
    }
}
