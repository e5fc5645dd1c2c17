//! The accounts of a region: made, listed and closed by the operator, and made for organizations that ask.
//! Not here: what an account is, which is IAM's; who may ask Organizations for one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use iam::{AccountRecord, AccountRequestRecord, AccountStatus, NewAccessKey};
use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service::{Effects, Pass, ReconcileError, Reconciler, RegionFacts};
use store::{Changes, CommitError, KeyPrefix, Store};
use tokio::sync::watch;

use crate::bootstrap::{account_changes, make_account, random};

/// Most accounts that are listed.
const MOST: usize = 10_000;
/// Longest name of an account. Source:
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html>.
const MAX_NAME: usize = 50;

/// What the operator asks of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountOrder {
    /// A new one of this name.
    Create(String),
    /// All of them.
    List,
    /// No call of this one is answered any more.
    Close(AccountId),
}

/// What the operator is told of accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountAnswer {
    /// It was made.
    Created {
        /// The account.
        account: AccountId,
        /// The access key id of its root.
        access_key: String,
        /// The secret access key, which is shown this once.
        secret: String,
    },
    /// All of them, in the order of their ids.
    Listed(Vec<AccountLine>),
    /// It is closed.
    Closed,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLine {
    /// Its id.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Whether it can be used.
    pub is_active: bool,
    /// Since when it is there.
    pub created: Timestamp,
}

/// Keeps the accounts of a region. Clones are the same.
#[derive(Clone)]
pub struct AccountKeeper {
    store: Store,
    facts: Arc<RegionFacts>,
    effects: Arc<dyn Effects>,
}

impl AccountKeeper {
    pub(crate) fn new(store: Store, facts: Arc<RegionFacts>, effects: Arc<dyn Effects>) -> Self {
        Self { store, facts, effects }
    }

    /// Does what the operator asks, or says in one line why not.
    pub(crate) async fn carry_out(&self, order: AccountOrder) -> Result<AccountAnswer, String> {
        match order {
            AccountOrder::Create(name) => self.create(&name).await,
            AccountOrder::List => self.list(),
            AccountOrder::Close(account) => self.close(&account).await,
        }
    }

    async fn create(&self, name: &str) -> Result<AccountAnswer, String> {
        if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(format!("a name has 1 to {MAX_NAME} characters, none of them a control character"));
        }
        loop {
            let view = self.store.view().map_err(|error| error.to_string())?;
            let account = AccountId::from_random(random(&*self.effects));
            if view.contains::<AccountRecord>(&account).map_err(|error| error.to_string())? {
                continue;
            }
            let made = make_account(&self.store, Some(&view), account, name, &self.facts, &*self.effects);
            let key = made.await.map_err(|error| error.to_string())?;
            let (account, access_key, secret) = (key.account, key.access_key, key.secret);
            return Ok(AccountAnswer::Created { account, access_key, secret });
        }
    }

    fn list(&self) -> Result<AccountAnswer, String> {
        let view = self.store.view().map_err(|error| error.to_string())?;
        let all = view.scan::<AccountRecord>(&KeyPrefix::all(), None, MOST).map_err(|error| error.to_string())?;
        let line = |account: AccountRecord| AccountLine {
            account: account.id,
            name: account.name,
            is_active: account.status == AccountStatus::Active,
            created: account.created,
        };
        Ok(AccountAnswer::Listed(all.into_iter().map(line).collect()))
    }

    async fn close(&self, id: &AccountId) -> Result<AccountAnswer, String> {
        let view = self.store.view().map_err(|error| error.to_string())?;
        let found = view.get::<AccountRecord>(id).map_err(|error| error.to_string())?;
        let mut account = found.ok_or_else(|| format!("there is no account {id}; `welkin account list` shows all"))?;
        let first = iam::first_account(&view).map_err(|error| error.to_string())?;
        if first.is_some_and(|first| first.id == *id) {
            return Err(format!("account {id} is the region's first one, which `welkin env` speaks for: it stays"));
        }
        if account.status == AccountStatus::Suspended {
            return Err(format!("account {id} is closed already"));
        }
        account.status = AccountStatus::Suspended;
        let mut changes = Changes::new();
        changes.put(&account).map_err(|error| error.to_string())?;
        self.store.commit(Some(&view), changes).await.map_err(|error| error.to_string())?;
        Ok(AccountAnswer::Closed)
    }
}

/// Makes the accounts that organizations have asked for.
pub(crate) struct AccountReconciler {
    store: Store,
    facts: Arc<RegionFacts>,
    effects: Arc<dyn Effects>,
}

/// Most accounts that are made in one activation.
const BATCH: usize = 100;

impl AccountReconciler {
    pub(crate) fn new(store: Store, facts: Arc<RegionFacts>, effects: Arc<dyn Effects>) -> Self {
        Self { store, facts, effects }
    }

    /// Makes one account: it, its network and its place in the organization in one commit, so that it is whole or not
    /// there.
    async fn make(&self, id: &str) -> Result<bool, ReconcileError> {
        let view = self.store.view().map_err(ReconcileError::new)?;
        let request = view.get::<AccountRequestRecord>(&id.to_owned()).map_err(ReconcileError::new)?;
        let Some(request) = request.filter(|request| request.completed.is_none()) else { return Ok(false) };
        let now = self.effects.now();
        let (is_wanted, mut changes) =
            iam::finish_account(&request, &view, now, random(&*self.effects)).map_err(ReconcileError::new)?;
        if is_wanted {
            // Its root has a key that nobody is told: the managing account comes in by the role that was made.
            let key = NewAccessKey::from_random(random(&*self.effects));
            let own = account_changes(request.account.clone(), &request.name, &key, &self.facts, &*self.effects);
            changes.merge(own.map_err(ReconcileError::new)?);
        }
        match self.store.commit(Some(&view), changes).await {
            Ok(_) => Ok(true),
            // Somebody has changed the organization meanwhile: the next activation looks again.
            Err(CommitError::Conflict) => Ok(false),
            Err(error) => Err(ReconcileError::new(error)),
        }
    }
}

#[async_trait]
impl Reconciler for AccountReconciler {
    fn name(&self) -> &'static str {
        "accounts"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn signals(&self) -> Vec<watch::Receiver<u64>> {
        vec![self.store.watch::<AccountRequestRecord>().receiver()]
    }

    async fn activate(&self) -> Result<Pass, ReconcileError> {
        let open = {
            let view = self.store.view().map_err(ReconcileError::new)?;
            view.by_index::<AccountRequestRecord>("open", (), None, BATCH).map_err(ReconcileError::new)?
        };
        let mut pass = Pass { examined: open.len(), ..Pass::default() };
        for request in open {
            let is_made = self.make(&request.id).await?;
            pass.changed += usize::from(is_made);
            pass.waiting += usize::from(!is_made);
        }
        Ok(pass)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use iam::{AccountRecord, AccountStatus};
    use service::{RegionFacts, ZoneFacts};
    use store::{Memory, Store};
    use testkit::FixedEffects;

    use super::{AccountAnswer, AccountKeeper, AccountOrder};
    use crate::bootstrap::first_account;

    fn facts() -> Arc<RegionFacts> {
        Arc::new(RegionFacts {
            name: "us-east-1".to_owned(),
            zones: vec![ZoneFacts { name: "us-east-1a".to_owned(), id: "use1-az1".to_owned() }],
            endpoint: String::new(),
            public_pool: ([100, 64, 0, 0].into(), 16),
        })
    }

    #[tokio::test]
    async fn accounts_are_made_listed_and_closed_but_the_first() {
        let store = Store::new(Memory::new());
        let effects = Arc::new(FixedEffects::default());
        let first = first_account(&store, &facts(), &*effects, None).await.unwrap();
        let keeper = AccountKeeper::new(store.clone(), facts(), effects);
        let made = keeper.carry_out(AccountOrder::Create("lab".to_owned())).await.unwrap();
        let AccountAnswer::Created { account, access_key, .. } = made else { panic!("{made:?}") };
        let credential = iam::find_credential(&store.view().unwrap(), &access_key).unwrap().unwrap();
        assert_eq!(credential.caller().account.as_ref(), Some(&account));

        let listed = keeper.carry_out(AccountOrder::List).await.unwrap();
        let AccountAnswer::Listed(lines) = listed else { panic!("{listed:?}") };
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().any(|line| line.account == account && line.name == "lab" && line.is_active));

        assert!(keeper.carry_out(AccountOrder::Close(first.account)).await.unwrap_err().contains("first one"));
        keeper.carry_out(AccountOrder::Close(account.clone())).await.unwrap();
        let view = store.view().unwrap();
        assert_eq!(view.get::<AccountRecord>(&account).unwrap().unwrap().status, AccountStatus::Suspended);
        assert!(iam::find_credential(&view, &access_key).unwrap().is_none(), "its keys are nobody's");
        assert!(keeper.carry_out(AccountOrder::Close(account)).await.unwrap_err().contains("already"));
        let unknown = "000000000007".parse().unwrap();
        assert!(keeper.carry_out(AccountOrder::Close(unknown)).await.unwrap_err().contains("no account"));
        for name in ["", "a\nb", &"x".repeat(51)] {
            assert!(keeper.carry_out(AccountOrder::Create(name.to_owned())).await.is_err());
        }
    }
}
