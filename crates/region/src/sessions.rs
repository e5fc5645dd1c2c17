//! The sessions of a region, as the operator sees and ends them.
//! Not here: how sessions come to be, which is STS's.

use std::sync::Arc;

use iam::SessionRecord;
use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service::Effects;
use store::{Changes, Direction, KeyPrefix, Store};

/// Most sessions that are listed.
const MOST: usize = 1000;

/// What the operator asks of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionOrder {
    /// Those that are good now, the ones that last longest first.
    List,
    /// The one with this access key id ends now.
    Revoke(String),
}

/// What the operator is told of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionAnswer {
    /// Those that are good now.
    Listed(Vec<SessionLine>),
    /// It is over.
    Revoked,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLine {
    /// Its access key id.
    pub access_key: String,
    /// The account it acts in.
    pub account: AccountId,
    /// Who it acts as.
    pub arn: String,
    /// Since when.
    pub issued: Timestamp,
    /// Until when.
    pub expires: Timestamp,
}

/// Keeps the sessions of a region. Clones are the same.
#[derive(Clone)]
pub(crate) struct SessionKeeper {
    store: Store,
    effects: Arc<dyn Effects>,
}

impl SessionKeeper {
    pub(crate) fn new(store: Store, effects: Arc<dyn Effects>) -> Self {
        Self { store, effects }
    }

    /// Does what the operator asks, or says in one line why not.
    pub(crate) async fn carry_out(&self, order: SessionOrder) -> Result<SessionAnswer, String> {
        match order {
            SessionOrder::List => self.list().map_err(|error| error.to_string()),
            SessionOrder::Revoke(access_key) => self.revoke(access_key).await,
        }
    }

    fn list(&self) -> Result<SessionAnswer, store::StoreError> {
        let (view, now) = (self.store.view()?, self.effects.now());
        let longest =
            view.scan_index::<SessionRecord>("expires", &KeyPrefix::all(), None, Direction::Descending, MOST)?;
        let mut lines = Vec::new();
        for (_, session) in longest.into_iter().take_while(|(_, session)| session.expires > now) {
            // One whose user or role is gone is good for nothing.
            let Some(credential) = iam::find_credential(&view, &session.id)? else { continue };
            lines.push(SessionLine {
                arn: credential.caller().arn().unwrap_or_default(),
                access_key: session.id,
                account: session.account,
                issued: session.issued,
                expires: session.expires,
            });
        }
        Ok(SessionAnswer::Listed(lines))
    }

    async fn revoke(&self, access_key: String) -> Result<SessionAnswer, String> {
        let view = self.store.view().map_err(|error| error.to_string())?;
        if !view.contains::<SessionRecord>(&access_key).map_err(|error| error.to_string())? {
            return Err(format!("there is no session {access_key}; `welkin session list` shows all"));
        }
        let mut changes = Changes::new();
        changes.delete::<SessionRecord>(&access_key);
        self.store.commit(Some(&view), changes).await.map_err(|error| error.to_string())?;
        Ok(SessionAnswer::Revoked)
    }
}
