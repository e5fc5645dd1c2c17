//! Tokens of pages: where a list goes on, sealed so that only who got one can use it, and only for the same list.
//!
//! A token is a tag and the state in base64. The tag is an HMAC over the region's page key, the account, the list's scope
//! (service, operation, filters) and the state: a token that was changed, made up, or belongs to another list is none. It
//! holds nothing that its reader has not seen already, so it is not encrypted. The key is in the store, so tokens outlive
//! the process, and every process of a region takes those of the others. Tokens never expire, as the state is a place
//! in an order and not a snapshot.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ids::AccountId;
use serde::{Deserialize, Serialize};
use store::{Changes, CommitError, Record, Store};

use crate::Effects;

/// How much of the tag is kept: 128 bits, which nobody guesses.
const TAG: usize = 16;
/// The longest token that is looked at: S3's keys have up to 1024 bytes.
const MAX_TOKEN: usize = 4096;

/// The key that a region seals its tokens with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageKeyRecord {
    /// 32 random bytes in base64.
    pub key: String,
}

impl Record for PageKeyRecord {
    const TABLE: &'static str = "service/page-key";
    const VERSION: u16 = 1;
    type Key = (String,);

    fn key(&self) -> Self::Key {
        ("current".to_owned(),)
    }
}

/// Brings the table of the page key to the shape of this program.
///
/// # Errors
/// See [`Store::prepare`].
pub async fn prepare(store: &Store) -> Result<(), CommitError> {
    store.prepare::<PageKeyRecord>().await.map(drop)
}

/// Reads the region's page key, and makes it at the first start. Of two processes that start at once, the second takes
/// what the first has made.
///
/// # Errors
/// What the store gives.
pub async fn page_key(store: &Store, effects: &dyn Effects) -> Result<PageTokens, CommitError> {
    loop {
        let view = store.view()?;
        if let Some(record) = view.get::<PageKeyRecord>(&("current".to_owned(),))? {
            return Ok(PageTokens::new(record.key.as_bytes()));
        }
        let mut bytes = [0; 32];
        effects.fill(&mut bytes);
        let record = PageKeyRecord { key: URL_SAFE_NO_PAD.encode(bytes) };
        let mut changes = Changes::new();
        changes.put(&record)?;
        match store.commit(Some(&view), changes).await {
            Ok(_) => return Ok(PageTokens::new(record.key.as_bytes())),
            // Whoever was first has committed, so the next look ends this.
            Err(CommitError::Conflict) => {}
            Err(other) => return Err(other),
        }
    }
}

/// The tokens of one account.
#[derive(Clone, Copy)]
pub struct Pages<'a> {
    tokens: &'a PageTokens,
    account: &'a AccountId,
}

impl<'a> Pages<'a> {
    /// Those of `account`.
    pub fn new(tokens: &'a PageTokens, account: &'a AccountId) -> Self {
        Self { tokens, account }
    }

    /// The token with which the list `scope` (service, operation, filters) goes on at `state`.
    pub fn seal(&self, scope: &[&str], state: &str) -> String {
        self.tokens.seal(&self.whole(scope), state)
    }

    /// The state in a `token` that a client sent for the list `scope`; none if we did not give it to this account for
    /// that list.
    pub fn open(&self, scope: &[&str], token: &str) -> Option<String> {
        self.tokens.open(&self.whole(scope), token)
    }

    fn whole<'b>(&'b self, scope: &[&'b str]) -> Vec<&'b str> {
        [self.account.as_str()].iter().chain(scope).copied().collect()
    }
}

/// Seals and opens tokens.
pub struct PageTokens(hmac::Key);

impl PageTokens {
    /// Tokens under `key`, which is as secret as it is random.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    fn tag(&self, scope: &[&str], state: &str) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in scope.iter().chain([&state]) {
            // With its length before each part, no two lists of parts are the same bytes.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.sign()
    }

    /// The token with which the list `scope` goes on at `state`.
    pub fn seal(&self, scope: &[&str], state: &str) -> String {
        let tag = self.tag(scope, state);
        let mut bytes: Vec<u8> = tag.as_ref().iter().copied().take(TAG).collect();
        bytes.extend_from_slice(state.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The state in `token`; none if [`PageTokens::seal`] did not give it for this very list.
    pub fn open(&self, scope: &[&str], token: &str) -> Option<String> {
        let bytes = Some(token).filter(|token| token.len() <= MAX_TOKEN)?;
        let bytes = URL_SAFE_NO_PAD.decode(bytes).ok()?;
        let (tag, state) = bytes.split_at_checked(TAG)?;
        let state = std::str::from_utf8(state).ok()?;
        let expected = self.tag(scope, state);
        let expected = expected.as_ref().get(..TAG)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(expected, tag).ok()?;
        Some(state.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use jiff::Timestamp;
    use store::{Memory, Store};

    use super::{PageKeyRecord, PageTokens, page_key};
    use crate::{Effects, KeyAlgorithm, KeyMaterial};

    #[test]
    fn stored_shapes() {
        let record = PageKeyRecord { key: "AAAA".into() };
        store::conformance::check_shapes(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes"), &[(1, record)]);
    }

    /// Each fill gives other bytes.
    struct Counting(AtomicU8);

    impl Effects for Counting {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }

        fn new_key(&self, _algorithm: KeyAlgorithm) -> Result<KeyMaterial, String> {
            Err("no keys here".to_owned())
        }
    }

    #[tokio::test]
    async fn tokens_outlive_the_process_and_are_those_of_every_process() {
        let (store, effects) = (Store::new(Memory::new()), Counting(AtomicU8::new(0)));
        let (one, other) = tokio::join!(page_key(&store, &effects), page_key(&store, &effects));
        let token = one.unwrap().seal(&["a"], "state");
        assert!(other.unwrap().open(&["a"], &token).is_some());
        assert!(page_key(&store, &effects).await.unwrap().open(&["a"], &token).is_some());
        let elsewhere = page_key(&Store::new(Memory::new()), &effects).await.unwrap();
        assert!(elsewhere.open(&["a"], &token).is_none());
    }

    #[test]
    fn a_token_opens_for_its_list_and_key_alone() {
        let tokens = PageTokens::new(b"key");
        let scope = ["111111111111", "ec2", "DescribeVpcs", ""];
        let token = tokens.seal(&scope, "vpc-1\né");
        assert_eq!(tokens.open(&scope, &token).as_deref(), Some("vpc-1\né"));
        assert_eq!(PageTokens::new(b"key").open(&scope, &token).as_deref(), Some("vpc-1\né"), "after a restart");
        assert_eq!(PageTokens::new(b"other").open(&scope, &token), None);
        for other in [["222222222222", "ec2", "DescribeVpcs", ""], ["111111111111", "ec2", "DescribeVpc", "s"]] {
            assert_eq!(tokens.open(&other, &token), None, "{other:?}");
        }
        assert_eq!(tokens.seal(&[], "").len(), 22, "a tag alone");
    }

    #[test]
    fn a_changed_token_is_none() {
        let tokens = PageTokens::new(b"key");
        let token = tokens.seal(&["a"], "state");
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(tokens.open(&["a"], std::str::from_utf8(&bytes).unwrap()), None, "{at}");
        }
        for made_up in ["", "x", "!", &token[..20], &format!("{token}A"), &"A".repeat(5000)] {
            assert_eq!(tokens.open(&["a"], made_up), None, "{made_up}");
        }
    }
}
