//! The context of one call: time, randomness and identity. An operation has no other source of any of them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use api::Call;
use ids::AccountId;
use jiff::Timestamp;
use store::{Changes, StoreError, View};

use crate::{Authorizer, Denied, Directory, Named, Need, PageTokens, Pages, Refusal};

/// What a region is, as operations need to know it.
#[derive(Debug, Clone)]
pub struct RegionFacts {
    /// Its name, such as `us-east-1`.
    pub name: String,
    /// Its availability zones, at least one.
    pub zones: Vec<ZoneFacts>,
    /// Host and port under which clients reach it.
    pub endpoint: String,
    /// The block that public addresses come from: base address and prefix length.
    pub public_pool: (std::net::Ipv4Addr, u8),
}

/// One availability zone.
#[derive(Debug, Clone)]
pub struct ZoneFacts {
    /// Its name, such as `us-east-1a`.
    pub name: String,
    /// Its id, such as `use1-az1`.
    pub id: String,
}

/// The algorithms of EC2 key pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA with 2048 bits.
    Rsa,
    /// Ed25519.
    Ed25519,
}

/// A new key pair.
#[derive(Clone)]
pub struct KeyMaterial {
    /// The private key as PEM: PKCS#1 for RSA, OpenSSH's format for Ed25519.
    pub private_pem: String,
    /// The public key as a line of `authorized_keys`, without a comment.
    pub public_openssh: String,
    /// The fingerprint as EC2 shows it.
    pub fingerprint: String,
}

/// What the outside world gives to operations. Tests give a clock that stands still and bytes that repeat.
pub trait Effects: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Fills a buffer with bytes that nobody can guess.
    fn fill(&self, bytes: &mut [u8]);

    /// Makes a key pair.
    ///
    /// # Errors
    /// A text for the log.
    fn new_key(&self, algorithm: KeyAlgorithm) -> Result<KeyMaterial, String>;
}

/// The context of one call. Held for one attempt at it.
pub struct Cx {
    /// Who calls, from where.
    pub call: Call,
    /// The account that acts. Anonymous callers have none and get no context of this kind but for streaming
    /// operations; there it is the all-zero account, which owns nothing.
    pub account: AccountId,
    /// When.
    pub now: Timestamp,
    /// Where.
    pub region: Arc<RegionFacts>,
    pub(crate) effects: Arc<dyn Effects>,
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) refused: Vec<Refusal>,
    pub(crate) pages: Arc<OnceLock<PageTokens>>,
    /// What is committed although the call is refused.
    pub despite: Despite,
}

/// Changes that are committed although a call is about to be refused, and before it is: that somebody guessed wrong must be
/// known before anybody is told so. Of a call that is not refused they are dropped. Clones are the same.
#[derive(Clone, Default)]
pub struct Despite(Arc<Mutex<Changes>>);

impl Despite {
    /// Adds changes.
    pub fn add(&self, changes: Changes) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).merge(changes);
    }

    /// Takes all of them.
    pub(crate) fn take(&self) -> Changes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Despite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Despite")
    }
}

/// What a region does of its own accord asks nobody, and knows nobody by name.
struct Deserted;

impl Authorizer for Deserted {
    fn directory(&self) -> &dyn Directory {
        self
    }

    fn authorize(&self, _call: &Call, needs: &[Need], _view: &View) -> Result<Vec<Refusal>, Denied> {
        let Some(need) = needs.first() else { return Ok(Vec::new()) };
        let because = "because nobody is asked here".to_owned();
        Err(Denied::Refused(Box::new(Refusal { need: need.clone(), because, encoded: None })))
    }
}

impl Directory for Deserted {
    fn named(&self, _view: &View, _name: &str) -> Result<Named, StoreError> {
        Ok(Named::Nobody)
    }

    fn arn_of(&self, _view: &View, _id: &str) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    fn accounts(&self, _view: &View) -> Result<Vec<AccountId>, StoreError> {
        Ok(Vec::new())
    }
}

impl Cx {
    /// The context of what a region does of its own accord, at `now`, as if by this call.
    pub fn within(call: Call, now: Timestamp, region: Arc<RegionFacts>, effects: Arc<dyn Effects>) -> Self {
        let account = call.caller.account.clone().unwrap_or_else(|| AccountId::from_random([0; 8]));
        let (authorizer, refused) = (Arc::new(Deserted), Vec::new());
        let (pages, despite) = (Arc::default(), Despite::default());
        Self { call, account, now, region, effects, authorizer, refused, pages, despite }
    }

    /// Random bytes for an id or a secret.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.effects.fill(&mut bytes);
        bytes
    }

    /// A new key pair.
    ///
    /// # Errors
    /// A text for the log.
    pub fn new_key(&self, algorithm: KeyAlgorithm) -> Result<KeyMaterial, String> {
        self.effects.new_key(algorithm)
    }

    /// The tokens of pages for the account that acts.
    pub fn pages(&self) -> Pages<'_> {
        // Without a key from the store, which is the case in tests, tokens live as long as the process.
        let tokens = self.pages.get_or_init(|| PageTokens::new(&self.random::<32>()));
        Pages::new(tokens, &self.account)
    }

    /// The refusal of a part of the call, if what it needs was refused ([`crate::Need::for_part`]).
    pub fn refused(&self, part: usize) -> Option<&Refusal> {
        self.refused.iter().find(|refusal| refusal.need.part == Some(part))
    }

    /// Who there is, as policies name principals.
    pub fn directory(&self) -> &dyn Directory {
        self.authorizer.directory()
    }

    /// The name of the region.
    pub fn region_name(&self) -> &str {
        &self.region.name
    }
}
