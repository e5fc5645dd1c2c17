//! Access keys for the edge: read from the store once, and again only after one of them has changed.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use api::Caller;
use edge::Credentials;
use iam::{Credential, LastUses};
use jiff::Timestamp;
use store::Store;
use tokio::sync::watch;

/// Most access keys that are kept. When there are more, all are forgotten and read anew.
const MAX_KEPT: usize = 10_000;

/// Credentials of a store. A change of a key, its owner or an account holds from the next request on: commits wake their watchers
/// before they are acknowledged, and nothing that was read before a wake-up is used after it. Where several processes
/// share a store, it is asked at each request whether another one has committed something.
pub(crate) struct StoreCredentials {
    store: Store,
    entities: watch::Receiver<u64>,
    sessions: watch::Receiver<u64>,
    kept: RwLock<HashMap<String, (Age, Arc<Credential>)>>,
    uses: Arc<LastUses>,
    region: String,
}

/// The last commits that touched what IAM keeps and sessions when something was read.
type Age = (u64, u64);

impl StoreCredentials {
    pub(crate) fn new(store: Store) -> Self {
        let entities = store.watch_tables("iam/").receiver();
        let sessions = store.watch_tables("sts/").receiver();
        Self { store, entities, sessions, kept: RwLock::default(), uses: Arc::default(), region: String::new() }
    }

    /// The same, which notes uses of keys in a region of this name.
    pub(crate) fn noting(self, uses: Arc<LastUses>, region: &str) -> Self {
        Self { uses, region: region.to_owned(), ..self }
    }

    /// Sessions come and go with every `AssumeRole`, which is nothing to those who hold permanent keys.
    fn age(&self, access_key: &str) -> Age {
        let is_session = access_key.starts_with("ASIA");
        (*self.entities.borrow(), if is_session { *self.sessions.borrow() } else { 0 })
    }
}

impl Credentials for StoreCredentials {
    fn find(&self, access_key: &str) -> Result<Option<Arc<Credential>>, String> {
        self.store.refresh().map_err(|error| error.to_string())?;
        // Taken before the store is read: what is read may be newer than its age says, never older.
        let age = self.age(access_key);
        if let Some((kept_age, credential)) = self.kept.read().unwrap_or_else(PoisonError::into_inner).get(access_key)
            && *kept_age == age
        {
            return Ok(Some(Arc::clone(credential)));
        }
        let view = self.store.view().map_err(|error| error.to_string())?;
        let Some(found) = iam::find_credential(&view, access_key).map_err(|error| error.to_string())? else {
            // Keys that nobody has are not kept: there is no end of them.
            return Ok(None);
        };
        let found = Arc::new(found);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(access_key.to_owned(), (age, Arc::clone(&found)));
        Ok(Some(found))
    }

    fn used(&self, caller: &Caller, service: &'static str) {
        self.uses.note_call(caller, service, &self.region, Timestamp::now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use api::{Call, Verdicts};
    use edge::Credentials;
    use iam::{
        AccessKeyRecord, InlinePolicyRecord, KeyOwner, KeyStatus, NewAccessKey, PolicyAuthorizer, RoleRecord,
        SessionHolder, SessionRecord, TokenFault, UserRecord,
    };
    use jiff::Timestamp;
    use service::{Authorizer, Need};
    use store::{Changes, Memory, Store};
    use testkit::FixedEffects;
    use testkit::postgres::Server;

    use super::StoreCredentials;

    #[tokio::test]
    async fn a_key_that_is_switched_off_is_refused_from_the_next_request_on() {
        let store = Store::new(Memory::new());
        switch_off_and_on(&store, &store).await;
    }

    /// Two engines on one database stand for two processes.
    #[tokio::test]
    async fn a_key_that_is_switched_off_in_one_process_is_refused_by_the_other_from_the_next_request_on() {
        let database = Server::shared().database();
        for _ in 0..5 {
            switch_off_and_on(&Store::new(database.open()), &Store::new(database.open())).await;
            database.sql("TRUNCATE welkin.kv");
        }
    }

    /// The same of what its holder may do: the authoriser asks nobody, since whoever looked up the key did.
    #[tokio::test]
    async fn a_policy_that_is_changed_in_one_process_holds_in_the_other_from_the_next_request_on() {
        let database = Server::shared().database();
        for _ in 0..5 {
            allow_and_deny(&Store::new(database.open()), &Store::new(database.open())).await;
            database.sql("TRUNCATE welkin.kv");
        }
    }

    async fn allow_and_deny(store: &Store, other: &Store) {
        let account: ids::AccountId = "123456789012".parse().unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let root = NewAccessKey::from_random([7; 56]);
        let mut made = iam::create_account(account.clone(), "a", &root, now).unwrap();
        let user = UserRecord {
            account: account.clone(),
            name: "ann".into(),
            path: "/".into(),
            id: "AIDA1".into(),
            created: now,
            boundary: None,
            tags: Vec::new(),
        };
        made.put(&user).unwrap();
        let key = NewAccessKey::from_random([8; 56]);
        let owner = KeyOwner::User { name: "ann".into(), id: "AIDA1".into() };
        made.put(&AccessKeyRecord::new(&key, account.clone(), owner, now)).unwrap();
        store.commit(None, made).await.unwrap();

        let (credentials, effects) = (StoreCredentials::new(other.clone()), Arc::new(FixedEffects::default()));
        let authorizer = PolicyAuthorizer::new(other, effects);
        let is_allowed = || {
            let caller = credentials.find(&key.id).unwrap().unwrap().caller().clone();
            let call = Call {
                caller,
                request_id: String::new(),
                source_ip: None,
                is_secure: true,
                user_agent: String::new(),
                manner: Arc::default(),
                region: "us-east-1".into(),
                verdicts: Verdicts::default(),
            };
            let view = other.view().unwrap();
            authorizer.authorize(&call, &[Need::any("ec2:DescribeVpcs")], &view).is_ok()
        };
        assert!(!is_allowed());
        for round in 0..10 {
            let effect = if round % 2 == 0 { "Allow" } else { "Deny" };
            let document = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":"*","Resource":"*"}}]}}"#
            );
            let (owner, name) = ("user/ann".to_owned(), "P".to_owned());
            let mut changes = Changes::new();
            changes.put(&InlinePolicyRecord { account: account.clone(), owner, name, document }).unwrap();
            store.commit(None, changes).await.unwrap();
            assert_eq!(is_allowed(), effect == "Allow", "{round}");
            assert_eq!(is_allowed(), effect == "Allow", "{round}, from memory");
        }
    }

    async fn switch_off_and_on(store: &Store, other: &Store) {
        let key = NewAccessKey::from_random([7; 56]);
        let account = "123456789012".parse().unwrap();
        let made = iam::create_account(account, "a", &key, Timestamp::UNIX_EPOCH).unwrap();
        store.commit(None, made).await.unwrap();
        let credentials = StoreCredentials::new(other.clone());
        let first = credentials.find(&key.id).unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &credentials.find(&key.id).unwrap().unwrap()), "the second time from memory");

        let mut record = store.view().unwrap().get::<AccessKeyRecord>(&key.id).unwrap().unwrap();
        for (status, is_found) in [(KeyStatus::Inactive, false), (KeyStatus::Active, true)] {
            record.status = status;
            let mut changes = Changes::new();
            changes.put(&record).unwrap();
            store.commit(None, changes).await.unwrap();
            assert_eq!(credentials.find(&key.id).unwrap().is_some(), is_found);
        }
        assert!(credentials.find("AKIANOBODY").unwrap().is_none());
    }

    /// What was read of a session before something changed is not used after it.
    #[tokio::test]
    async fn a_session_ends_with_its_record_with_its_role_and_in_time() {
        let store = Store::new(Memory::new());
        let key = NewAccessKey::from_random([7; 56]);
        let account: ids::AccountId = "123456789012".parse().unwrap();
        let now = Timestamp::from_second(1_795_248_000).unwrap();
        store.commit(None, iam::create_account(account.clone(), "a", &key, now).unwrap()).await.unwrap();
        let role = |id: &str| RoleRecord {
            account: account.clone(),
            name: "Ci".into(),
            path: "/".into(),
            id: id.into(),
            created: now,
            trust: "{}".into(),
            description: None,
            max_session: 3600,
            boundary: None,
            tags: Vec::new(),
            linked_service: None,
        };
        let holder = SessionHolder::Role { id: "AROA1".into(), session: "s".into() };
        let session = iam::new_session(&[7; iam::SESSION_BYTES], account.clone(), holder, now, 900);
        let put = async |change: &dyn Fn(&mut Changes)| {
            let mut changes = Changes::new();
            change(&mut changes);
            store.commit(None, changes).await.unwrap();
        };
        let credentials = StoreCredentials::new(store.clone());
        let is_good = || credentials.find(&session.id).unwrap().is_some();
        assert!(!is_good());
        put(&|changes| changes.put(&session).unwrap()).await;
        assert!(!is_good(), "there is no role yet");
        put(&|changes| changes.put(&role("AROA1")).unwrap()).await;
        assert!(is_good());
        let found = credentials.find(&session.id).unwrap().unwrap();
        assert_eq!(found.check_token(Some(&session.token), now), Ok(()));
        assert_eq!(found.check_token(Some(&session.token), session.expires), Err(TokenFault::Expired));
        assert_eq!(found.caller().arn().unwrap(), "arn:aws:sts::123456789012:assumed-role/Ci/s");
        put(&|changes| changes.delete::<RoleRecord>(&(account.clone(), "ci".to_owned()))).await;
        assert!(!is_good(), "its role is gone");
        put(&|changes| changes.put(&role("AROA2")).unwrap()).await;
        assert!(!is_good(), "another role of the same name");
        put(&|changes| changes.put(&role("AROA1")).unwrap()).await;
        assert!(is_good());
        put(&|changes| changes.delete::<SessionRecord>(&session.id)).await;
        assert!(!is_good(), "it was revoked");
    }
}
