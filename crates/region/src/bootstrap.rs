//! The first start: the first account, its root key, and the network that every account begins with.

use iam::NewAccessKey;
use ids::AccountId;
use service::{Effects, RegionFacts};
use store::{Changes, CommitError, Store, StoreError, View};

/// The root access key of an account.
#[derive(Clone)]
pub struct RootKey {
    /// The account.
    pub account: AccountId,
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret: String,
}

/// The first account could not be made or found.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The store failed.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    /// The store refused the commit.
    #[error("the first account cannot be written")]
    Commit(#[from] CommitError),
    /// The first account is there, but its root has no access key.
    #[error("account {0} has no root access key")]
    NoRootKey(AccountId),
}

/// The root key of the first account, which is made if there is none. All in one commit: either there is an account
/// with a key and a network, or there is nothing. It is called `first`, or by random digits.
pub(crate) async fn first_account(
    store: &Store,
    region: &RegionFacts,
    effects: &dyn Effects,
    first: Option<AccountId>,
) -> Result<RootKey, BootstrapError> {
    if let Some(key) = find(store)? {
        return Ok(key);
    }
    let account = first.unwrap_or_else(|| AccountId::from_random(random(effects)));
    make_account(store, None, account, "root", region, effects).await
}

/// Makes an account with a root key and a network, if what was read through `view` is unchanged.
pub(crate) async fn make_account(
    store: &Store,
    view: Option<&View>,
    account: AccountId,
    name: &str,
    region: &RegionFacts,
    effects: &dyn Effects,
) -> Result<RootKey, BootstrapError> {
    let key = NewAccessKey::of_account(&account, random(effects));
    let changes = account_changes(account.clone(), name, &key, region, effects)?;
    store.commit(view, changes).await?;
    Ok(RootKey { account, access_key: key.id, secret: key.secret })
}

/// The changes that make an account with a root key and a network.
pub(crate) fn account_changes(
    account: AccountId,
    name: &str,
    key: &NewAccessKey,
    region: &RegionFacts,
    effects: &dyn Effects,
) -> Result<Changes, StoreError> {
    let mut changes = iam::create_account(account.clone(), name, key, effects.now())?;
    let (network, _) = ec2::default_network(&account, region, &mut || random(effects))?;
    changes.merge(network);
    Ok(changes)
}

fn find(store: &Store) -> Result<Option<RootKey>, BootstrapError> {
    let view = store.view()?;
    let Some(account) = iam::first_account(&view)? else { return Ok(None) };
    let root = iam::root_keys(&view, &account.id)?.into_iter().min_by_key(|key| key.created);
    let root = root.ok_or_else(|| BootstrapError::NoRootKey(account.id.clone()))?;
    Ok(Some(RootKey { account: account.id, access_key: root.id, secret: root.secret }))
}

pub(crate) fn random<const N: usize>(effects: &dyn Effects) -> [u8; N] {
    let mut bytes = [0; N];
    effects.fill(&mut bytes);
    bytes
}
