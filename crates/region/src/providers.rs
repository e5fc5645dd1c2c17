//! How STS reaches identity providers.

use async_trait::async_trait;
use fetch::Fetcher;
use iam::{Fetch, FetchError};
use tracing::warn;

/// Fetches from providers, and tells the operator where that fails.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProviderFetch(Fetcher);

#[async_trait]
impl Fetch for ProviderFetch {
    async fn fetch(&self, url: &str, thumbprints: &[String]) -> Result<Vec<u8>, FetchError> {
        self.0.fetch(url, thumbprints).await.map_err(|error| {
            warn!(url, %error, "an identity provider was asked in vain");
            match error {
                fetch::FetchError::Untrusted(_) => FetchError::Untrusted,
                other => FetchError::Unreachable(other.to_string()),
            }
        })
    }
}
