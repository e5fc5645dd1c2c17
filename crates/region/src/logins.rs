//! People who sign in: looked up in the store, a few at a time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{Caller, Principal};
use edge::Logins;
use iam::{LOGIN_BYTES, LoginError, LoginRequest, LogoutRequest, SessionRecord, Try, UserRecord};
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
    places: Semaphore,
}

impl StoreLogins {
    pub(crate) fn new(store: Store, effects: Arc<dyn Effects>) -> Self {
        Self { store, effects, places: Semaphore::new(MAX_AT_A_TIME) }
    }

    async fn enter(
        &self,
        request: LoginRequest,
        source: Option<IpAddr>,
    ) -> Result<(Caller, SessionRecord), LoginError> {
        let _place = tokio::time::timeout(MAX_WAIT, self.places.acquire()).await.map_err(|_| LoginError::Busy)?;
        let request = Arc::new(request);
        let begun = Arc::new(self.begin(&request, source).await?);
        for _ in 0..MAX_ATTEMPTS {
            let (store, effects) = (self.store.clone(), Arc::clone(&self.effects));
            let (request, begun) = (Arc::clone(&request), Arc::clone(&begun));
            // Hashing takes a core, and must not take one of those that serve everybody.
            let entered = tokio::task::spawn_blocking(move || {
                let view = store.view()?;
                let mut random = [0; LOGIN_BYTES];
                effects.fill(&mut random);
                let (entered, changes) = iam::enter(&view, &begun, &request, (effects.now(), &random))?;
                Ok::<_, LoginError>((entered, Store::decide(&view, changes)?))
            });
            let (entered, decided) = entered.await.map_err(|_| LoginError::Busy)??;
            match self.store.commit_decided(decided).await {
                Ok(_) => return entered.map(|(user, session)| (caller(user, &session), session)),
                Err(CommitError::Conflict) => {}
                Err(CommitError::Store(cause)) => return Err(cause.into()),
            }
        }
        Err(LoginError::Busy)
    }

    /// Counts a try before it is looked at, so that a process that dies over it has counted it.
    async fn begin(&self, request: &LoginRequest, source: Option<IpAddr>) -> Result<Try, LoginError> {
        for _ in 0..MAX_ATTEMPTS {
            let view = self.store.view()?;
            let (begun, changes) = iam::begin(&view, request, source, self.effects.now())?;
            match self.store.commit(Some(&view), changes).await {
                Ok(_) => return Ok(begun),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use edge::Logins;
    use iam::{AccountRecord, AccountStatus, GuessRecord, LoginError, LoginRequest};
    use service::Effects;
    use store::{Changes, KeyPrefix, Store};
    use testkit::FixedEffects;

    use super::StoreLogins;

    fn guess(user: &str) -> LoginRequest {
        LoginRequest {
            account: "111111111111".into(),
            user: user.into(),
            password: "guess".into(),
            code: None,
            new_password: None,
            seconds: None,
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn guesses_are_counted_over_all_processes_of_a_region_and_outlive_them() {
        let engine = testkit::engine();
        let effects = Arc::new(FixedEffects::default());
        let process = || StoreLogins::new(Store::shared(Arc::clone(&engine)), Arc::<FixedEffects>::clone(&effects));
        let store = Store::shared(Arc::clone(&engine));
        store.prepare::<GuessRecord>().await.unwrap();
        let (name, status, created) = ("root".to_owned(), AccountStatus::Active, effects.now());
        let mut changes = Changes::new();
        changes.put(&AccountRecord { id: "111111111111".parse().unwrap(), name, status, created }).unwrap();
        store.commit(None, changes).await.unwrap();

        let source = Some("192.0.2.1".parse().unwrap());
        let both = [Arc::new(process()), Arc::new(process())];
        let guesses = (0..14).map(|number: usize| {
            let one = Arc::clone(&both[number % 2]);
            tokio::spawn(async move {
                loop {
                    match one.login(guess("ann"), source).await.map(drop) {
                        // Of many at once some are turned away, and not counted.
                        Err(LoginError::Busy) => {}
                        other => return other,
                    }
                }
            })
        });
        let (mut looked_at, mut slowed) = (0, 0);
        for guess in guesses.collect::<Vec<_>>() {
            match guess.await.unwrap() {
                Err(LoginError::Wrong) => looked_at += 1,
                Err(LoginError::Slow(_)) => slowed += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((looked_at, slowed), (8, 6));
        let counted = store.view().unwrap().scan::<GuessRecord>(&KeyPrefix::all(), None, 10).unwrap();
        assert_eq!(counted.iter().map(|guesses| guesses.wrong).collect::<Vec<_>>(), [8; 3]);

        drop(both);
        let begun_anew = process().login(guess("ann"), source).await;
        assert!(matches!(begun_anew, Err(LoginError::Slow(_))), "{begun_anew:?}");
        let another = process().login(guess("bob"), source).await;
        assert!(matches!(another, Err(LoginError::Wrong)), "{another:?}");
    }
}
