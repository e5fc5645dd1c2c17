//! The accounts of a region in development mode: any of them, made when first named.
//! Not here: who may be believed, which the edge decides.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use api::Caller;
use edge::DevAccounts;
use iam::{AccountRecord, Credential, account_of_access_key};
use ids::AccountId;
use service::{Effects, RegionFacts};
use store::{Store, StoreError};
use tracing::info;
use wire::BoxFuture;

use crate::bootstrap::make_account;

/// Most accounts that are remembered. When there are more, all are forgotten and looked up anew.
const MAX_KEPT: usize = 1000;

/// Accounts on demand.
pub(crate) struct Accounts {
    store: Store,
    facts: Arc<RegionFacts>,
    effects: Arc<dyn Effects>,
    kept: RwLock<HashMap<AccountId, Arc<Credential>>>,
    /// Held while an account is made, so that two calls at once don't make it twice.
    making: tokio::sync::Mutex<()>,
}

impl Accounts {
    pub(crate) fn new(store: Store, facts: Arc<RegionFacts>, effects: Arc<dyn Effects>) -> Self {
        Self { store, facts, effects, kept: RwLock::default(), making: tokio::sync::Mutex::default() }
    }

    fn kept(&self, account: &AccountId) -> Option<Arc<Credential>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).get(account).cloned()
    }

    async fn find_or_make(&self, account: AccountId) -> Result<Arc<Credential>, String> {
        if let Some(credential) = self.kept(&account) {
            return Ok(credential);
        }
        let _making = self.making.lock().await;
        if let Some(credential) = self.kept(&account) {
            return Ok(credential);
        }
        let view = self.store.view().map_err(|error| error.to_string())?;
        if view.get::<AccountRecord>(&account).map_err(|error| error.to_string())?.is_none() {
            let made =
                make_account(&self.store, Some(&view), account.clone(), "dev", &self.facts, &*self.effects).await;
            made.map_err(|error| format!("account {account}: {error}"))?;
            info!(%account, "made an account that was asked for (--dev)");
        }
        // There is no secret: whoever is believed has shown none.
        let caller = Caller::root(account.clone(), account.as_str());
        let credential = Arc::new(Credential::permanent(String::new(), caller));
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(account, Arc::clone(&credential));
        Ok(credential)
    }
}

impl DevAccounts for Accounts {
    fn root(&self, account: AccountId) -> BoxFuture<'_, Result<Arc<Credential>, String>> {
        Box::pin(self.find_or_make(account))
    }

    fn has_given(&self, access_key: &str) -> Result<bool, String> {
        let is_ours = |account: AccountId| {
            let view = self.store.view()?;
            view.contains::<AccountRecord>(&account)
        };
        let account = account_of_access_key(access_key);
        account.map_or(Ok(false), is_ours).map_err(|error: StoreError| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use edge::DevAccounts;
    use iam::{AccessKeyRecord, AccountRecord};
    use service::{RegionFacts, ZoneFacts};
    use store::{KeyPrefix, Memory, Store};
    use testkit::FixedEffects;

    use super::Accounts;

    #[tokio::test]
    async fn an_account_is_made_once_with_a_key_and_a_network() {
        let store = Store::new(Memory::new());
        let facts = Arc::new(RegionFacts {
            name: "us-east-1".to_owned(),
            zones: vec![ZoneFacts { name: "us-east-1a".to_owned(), id: "use1-az1".to_owned() }],
            endpoint: String::new(),
            public_pool: ([100, 64, 0, 0].into(), 16),
        });
        let accounts = Accounts::new(store.clone(), facts, Arc::new(FixedEffects::default()));
        let account: ids::AccountId = "000000000042".parse().unwrap();
        let (one, other) = tokio::join!(accounts.root(account.clone()), accounts.root(account.clone()));
        assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
        let view = store.view().unwrap();
        assert!(view.get::<AccountRecord>(&account).unwrap().is_some());
        let keys = view.scan::<AccessKeyRecord>(&KeyPrefix::all(), None, 10).unwrap();
        assert_eq!(keys.len(), 1);
        let given = iam::access_key_id("AKIA", &account, [1; 5]);
        let others = iam::access_key_id("AKIA", &"000000000043".parse().unwrap(), [1; 5]);
        for (key, expected) in
            [(given.as_str(), true), (&others, false), ("test", false), ("AKIAIOSFODNN7EXAMPLE", false)]
        {
            assert_eq!(accounts.has_given(key), Ok(expected), "{key}");
        }
    }
}
