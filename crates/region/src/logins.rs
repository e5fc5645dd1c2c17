//! People who sign in: looked up in the store, a few at a time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{Caller, Principal};
use edge::Logins;
use iam::{LOGIN_BYTES, LoginError, LoginRequest, LoginTries, LogoutRequest, SessionRecord, UserRecord};
use service::Effects;
use store::{CommitError, Store};
use tokio::sync::Semaphore;
use wire::BoxFuture;

/// People who are looked at at a time: each costs 19 MiB and a core for some 30 ms.
const MAX_AT_A_TIME: usize = 2;
/// Longest wait for one's turn.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Attempts at a commit that others keep from being made.
const MAX_ATTEMPTS: u32 = 8;

/// The sign-ins of a region.
pub(crate) struct StoreLogins {
    store: Store,
    effects: Arc<dyn Effects>,
    tries: Arc<LoginTries>,
    places: Semaphore,
}

impl StoreLogins {
    pub(crate) fn new(store: Store, effects: Arc<dyn Effects>) -> Self {
        Self { store, effects, tries: Arc::default(), places: Semaphore::new(MAX_AT_A_TIME) }
    }

    async fn enter(
        &self,
        request: LoginRequest,
        source: Option<IpAddr>,
    ) -> Result<(Caller, SessionRecord), LoginError> {
        let _place = tokio::time::timeout(MAX_WAIT, self.places.acquire()).await.map_err(|_| LoginError::Busy)?;
        let request = Arc::new(request);
        for _ in 0..MAX_ATTEMPTS {
            let (store, effects, tries) = (self.store.clone(), Arc::clone(&self.effects), Arc::clone(&self.tries));
            let request = Arc::clone(&request);
            // Hashing takes a core, and must not take one of those that serve everybody.
            let entered = tokio::task::spawn_blocking(move || {
                let view = store.view()?;
                let mut random = [0; LOGIN_BYTES];
                effects.fill(&mut random);
                let (user, session, changes) = iam::enter(&view, &tries, &request, source, (effects.now(), &random))?;
                Ok::<_, LoginError>((user, session, Store::decide(&view, changes)?))
            });
            let (user, session, decided) = entered.await.map_err(|_| LoginError::Busy)??;
            match self.store.commit_decided(decided).await {
                Ok(_) => return Ok((caller(user, &session), session)),
                Err(CommitError::Conflict) => {}
                Err(CommitError::Store(cause)) => return Err(cause.into()),
            }
        }
        Err(LoginError::Busy)
    }

    async fn leave(&self, request: LogoutRequest) -> Result<(), LoginError> {
        for _ in 0..MAX_ATTEMPTS {
            let view = self.store.view()?;
            let changes = iam::leave(&view, &request)?;
            match self.store.commit(Some(&view), changes).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict) => {}
                Err(CommitError::Store(cause)) => return Err(cause.into()),
            }
        }
        Err(LoginError::Busy)
    }
}

fn caller(user: UserRecord, session: &SessionRecord) -> Caller {
    let UserRecord { account, name, path, id, .. } = user;
    Caller {
        account: Some(account),
        principal: Principal::User { name, path, id },
        access_key: Some(session.id.clone()),
        session: None,
    }
}

impl Logins for StoreLogins {
    fn login(
        &self,
        request: LoginRequest,
        source: Option<IpAddr>,
    ) -> BoxFuture<'_, Result<(Caller, SessionRecord), LoginError>> {
        Box::pin(self.enter(request, source))
    }

    fn logout(&self, request: LogoutRequest) -> BoxFuture<'_, Result<(), LoginError>> {
        Box::pin(self.leave(request))
    }
}
