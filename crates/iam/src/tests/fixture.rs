//! A region with IAM and STS alone in it, and two accounts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::{Call, Caller, Principal, Session};
use ids::AccountId;
use jiff::Timestamp;
use service::{Authorizer, Denied, Directory, Effects, Need, Refusal, RegionFacts, Runner, ZoneFacts};
use store::{Record, Store, View};
use testkit::FixedEffects;
use wire::ServiceError;

use crate::principals::Principals;
use crate::{Iam, NewAccessKey, PolicyAuthorizer, RoleRecord, Sts, UserRecord, create_account};

/// The account of most calls.
pub(crate) const OURS: &str = "111111111111";
/// Another one.
pub(crate) const THEIRS: &str = "222222222222";

/// The services, the store beneath them and the clock, which stands still until it is moved.
pub(crate) struct Fixture {
    pub iam: Iam,
    pub sts: Sts,
    pub store: Store,
    pub effects: Arc<FixedEffects>,
    asked: Arc<Mutex<Vec<Need>>>,
}

/// Allows everything, and remembers what was asked last.
struct AllowAll(Arc<Mutex<Vec<Need>>>);

impl Authorizer for AllowAll {
    fn directory(&self) -> &dyn Directory {
        &Principals
    }

    fn authorize(&self, _call: &Call, needs: &[Need], _view: &View) -> Result<Vec<Refusal>, Denied> {
        *self.0.lock().unwrap() = needs.to_vec();
        Ok(Vec::new())
    }
}

impl Fixture {
    /// A region in which everybody may do everything.
    pub async fn new() -> Self {
        let asked = Arc::default();
        Self::under(asked, |asked, _, _| Arc::new(AllowAll(asked))).await
    }

    /// A region in which everybody may do what policies say: at first an account's root everything there, and nobody else
    /// anything.
    pub async fn owned() -> Self {
        Self::under(Arc::default(), |_, store, effects| Arc::new(PolicyAuthorizer::new(store, effects))).await
    }

    /// A region with the authoriser that `authorizer` makes over the store.
    pub async fn enforcing(authorizer: impl FnOnce(&Store) -> Arc<dyn Authorizer>) -> Self {
        Self::under(Arc::default(), |_, store, _| authorizer(store)).await
    }

    async fn under(
        asked: Arc<Mutex<Vec<Need>>>,
        authorizer: impl FnOnce(Arc<Mutex<Vec<Need>>>, &Store, Arc<FixedEffects>) -> Arc<dyn Authorizer>,
    ) -> Self {
        let (store, effects) = (testkit::store(), Arc::new(FixedEffects::default()));
        crate::prepare(&store).await.unwrap();
        for (seed, account) in [(1, OURS), (2, THEIRS)] {
            let key = NewAccessKey::from_random([seed; 56]);
            let changes = create_account(account.parse().unwrap(), "test", &key, effects.now()).unwrap();
            store.commit(None, changes).await.unwrap();
        }
        let region = RegionFacts {
            name: "us-east-1".to_owned(),
            zones: vec![ZoneFacts { name: "us-east-1a".to_owned(), id: "use1-az1".to_owned() }],
            endpoint: "localhost:4566".to_owned(),
            public_pool: (std::net::Ipv4Addr::new(198, 51, 100, 0), 24),
        };
        let authorizer = authorizer(Arc::clone(&asked), &store, Arc::clone(&effects));
        let runner = Runner::new(store.clone(), Arc::new(region), effects.clone(), authorizer);
        Self { iam: Iam::new(runner.clone()), sts: Sts::new(runner), store, effects, asked }
    }

    /// What runs the operations, for a service that is not here.
    pub fn runner(&self) -> Runner {
        service::Service::runner(&self.iam).clone()
    }

    /// What the last call needed; only in a region made by [`Fixture::new`].
    pub fn needs(&self) -> Vec<Need> {
        self.asked.lock().unwrap().clone()
    }

    /// The actions and resources that the last call needed, such as `iam:GetUser arn:aws:iam::…:user/ann`.
    pub fn needs_text(&self) -> Vec<String> {
        self.needs().iter().map(|need| format!("{} {}", need.action, need.resource_text())).collect()
    }

    /// What is known to conditions of the first need of the last call, as `key=value,value`.
    pub fn context(&self) -> Vec<String> {
        let needs = self.needs();
        let context = needs.first().map(|need| need.context.clone()).unwrap_or_default();
        context.iter().map(|(key, values)| format!("{key}={}", values.join(","))).collect()
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.effects.now()
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.effects.advance(by);
    }

    /// The stored record with this key.
    pub fn get<R: Record>(&self, key: &R::Key) -> Option<R> {
        self.store.view().unwrap().get::<R>(key).unwrap()
    }

    /// A call by the user of this name of [`ours`], who is stored.
    pub fn user(&self, name: &str) -> Call {
        let user = self.get::<UserRecord>(&(our_account(), name.to_ascii_lowercase())).unwrap();
        caller(Principal::User { name: user.name, path: user.path, id: user.id }, None)
    }

    /// A call by a session of the role of this name of [`ours`], which is stored.
    pub fn role(&self, name: &str, session: &str) -> Call {
        let role = self.get::<RoleRecord>(&(our_account(), name.to_ascii_lowercase())).unwrap();
        let RoleRecord { name, path, id, .. } = role;
        let facts =
            Session { issued: self.now(), expires: self.now() + Duration::from_secs(3600), ..Session::default() };
        caller(Principal::Role { name, path, id, session: session.to_owned() }, Some(Arc::new(facts)))
    }
}

/// The account of most calls.
pub(crate) fn our_account() -> AccountId {
    OURS.parse().unwrap()
}

/// A call by the root of [`OURS`].
pub(crate) fn ours() -> Call {
    call(Caller::root(our_account(), "AKIAOURS"))
}

/// A call by the root of [`THEIRS`].
pub(crate) fn theirs() -> Call {
    call(Caller::root(THEIRS.parse().unwrap(), "AKIATHEIRS"))
}

/// A call by nobody.
pub(crate) fn anonymous() -> Call {
    call(Caller::ANONYMOUS)
}

fn caller(principal: Principal, session: Option<Arc<Session>>) -> Call {
    call(Caller { principal, session, ..Caller::root(our_account(), "AKIAOURS") })
}

/// A call by this caller.
pub(crate) fn call(caller: Caller) -> Call {
    Call {
        caller,
        request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
        source_ip: Some(std::net::Ipv4Addr::LOCALHOST.into()),
        is_secure: true,
        user_agent: "test".to_owned(),
        manner: Arc::default(),
        region: "us-east-1".to_owned(),
        verdicts: api::Verdicts::default(),
    }
}

/// Code and text of the error that a call gave.
#[track_caller]
pub(crate) fn refusal<T>(result: Result<T, ServiceError>) -> (String, String) {
    let Err(error) = result else { panic!("the call should have been refused") };
    (error.code.into_owned(), error.message)
}

mod tests {
    use api::iam::{GetUserRequest, IamApi};
    use api::sts::{GetCallerIdentityRequest, StsApi};

    use super::{Fixture, anonymous, ours, refusal, theirs};

    #[tokio::test]
    async fn callers_are_who_they_are() {
        let fixture = Fixture::new().await;
        for (call, arn) in [(ours(), "arn:aws:iam::111111111111:root"), (theirs(), "arn:aws:iam::222222222222:root")] {
            let identity = fixture.sts.get_caller_identity(call, GetCallerIdentityRequest {}).await.unwrap();
            assert_eq!(identity.arn.as_deref(), Some(arn));
        }
        assert!(fixture.iam.get_user(ours(), GetUserRequest::default()).await.is_ok());
        assert_eq!(fixture.needs_text(), ["iam:GetUser *"]);
    }

    #[tokio::test]
    async fn an_enforcing_region_refuses() {
        let fixture = Fixture::owned().await;
        let refused = fixture.iam.get_user(anonymous(), GetUserRequest::default()).await;
        assert_eq!(refusal(refused).0, "AccessDenied");
    }
}
