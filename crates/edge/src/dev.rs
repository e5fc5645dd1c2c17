//! The mode for people who come from local emulators: whoever shows no key of this region need not prove who they are. It
//! holds for requests from this very machine alone, and not for those that a web page makes there behind its reader's back.
//! A key that this region has given is whose it is, and proven and bound by policies as without the mode.
//! Not here: which accounts there are, and how one is made.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;
use iam::Credential;
use ids::AccountId;
use wire::BoxFuture;

use crate::evidence::{Claimed, Fault};
use crate::front::Edge;
use crate::trace::text_header;

/// Gives the accounts of a region in which everybody is believed.
pub trait DevAccounts: Send + Sync {
    /// What acts as the root of an account, which is made if it is not there.
    ///
    /// # Errors
    /// A text for the log.
    fn root(&self, account: AccountId) -> BoxFuture<'_, Result<Arc<Credential>, String>>;

    /// Whether a key that nobody has is one that this region once gave, by the account that its id tells.
    ///
    /// # Errors
    /// A text for the log.
    fn has_given(&self, access_key: &str) -> Result<bool, String>;
}

/// The address that a request comes from, in its extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) Option<IpAddr>);

/// The mode, while it is on.
#[derive(Clone)]
pub(crate) struct Dev {
    accounts: Arc<dyn DevAccounts>,
}

impl Dev {
    pub(crate) fn new(accounts: Arc<dyn DevAccounts>) -> Self {
        Self { accounts }
    }

    /// Whether a key that nobody has is one that this region once gave: it has been deleted, or is over.
    pub(crate) fn has_given(&self, access_key: &str) -> Result<bool, String> {
        self.accounts.has_given(access_key)
    }

    /// The root of the account that an access key selects: the one that it is, if it has twelve digits.
    pub(crate) async fn credential(&self, access_key: Option<&str>) -> Result<Arc<Credential>, String> {
        let account = access_key.unwrap_or_default().parse().unwrap_or_else(|_| AccountId::zero());
        self.accounts.root(account).await
    }
}

impl Edge {
    /// The mode, if it is on and holds for this request.
    pub(crate) fn dev_for(&self, parts: &Parts, claimed: &Claimed) -> Option<&Dev> {
        let dev = self.dev.as_ref()?;
        let is_from_here = parts.extensions.get::<Peer>().and_then(|peer| peer.0).is_some_and(|ip| ip.is_loopback());
        // With an `Authorization` header a page has to ask for leave first. A bucket may give it to pages of elsewhere, but
        // what it lets them do, they do as whom they can prove to be.
        let has_header = parts.headers.contains_key(http::header::AUTHORIZATION);
        let is_page = is_of_foreign(&parts.headers)
            || (!has_header && (is_cross_site(&parts.headers) || !is_local_host(text_header(parts, "host"))));
        (is_from_here && !is_page && !matches!(claimed, Err(Fault::Two))).then_some(dev)
    }
}

/// Whether a web page of another machine makes this request, by its own word.
fn is_of_foreign(headers: &HeaderMap) -> bool {
    let origin = headers.get("origin").map(|value| value.to_str().unwrap_or("?"));
    origin.is_some_and(|origin| !is_local_host(origin.split_once("://").map_or(origin, |(_, host)| host)))
}

/// Whether a web page of another site makes this request, by the browser's word.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or("?"));
    site.is_some_and(|site| !["same-origin", "none"].contains(&site))
}

/// Whether a host (and port) is a name of this machine that no page of elsewhere can have for its own.
fn is_local_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{is_cross_site, is_local_host, is_of_foreign};

    #[test]
    fn names_of_this_machine() {
        for host in ["localhost", "LOCALHOST:4566", "127.0.0.1:4566", "[::1]:4566", "b.s3.localhost:1", "127.1.2.3"] {
            assert!(is_local_host(host), "{host}");
        }
        for host in
            ["", "example.net", "127.0.0.1.example.net", "localhost.example.net:4566", "10.0.0.1", "null", "[::2]"]
        {
            assert!(!is_local_host(host), "{host}");
        }
    }

    #[test]
    fn requests_of_pages() {
        let check = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            is_of_foreign(&headers) || is_cross_site(&headers)
        };
        assert!(!is_of_foreign(&HeaderMap::new()) && !is_cross_site(&HeaderMap::new()));
        for origin in ["https://example.net", "null", "http://localhost.example.net"] {
            assert!(check("origin", origin), "{origin}");
        }
        assert!(!check("origin", "http://localhost:3000"));
        assert!(check("sec-fetch-site", "cross-site") && check("sec-fetch-site", "same-site"));
        assert!(!check("sec-fetch-site", "none") && !check("sec-fetch-site", "same-origin"));
    }
}
