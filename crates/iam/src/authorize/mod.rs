//! Who may do what: every policy that bears on a caller and on what it asks for, gathered and decided on.
//! Not here: the language of policies and the logic of deciding, which are `policy`'s.
//!
//! What bears on a caller is read through the view of its call and then kept, together with the version that it was
//! read in. It is used again as long as no commit to IAM's tables is newer than that version. Commits wake their watches
//! before they are acknowledged, and who looks up the credentials of a request first hears of the commits of other
//! processes ([`store::Store::refresh`]); so a change holds from the next request on, in every process. A call that finds
//! everything in memory reads nothing.

use std::sync::Arc;

use api::{Call, Caller, VerdictPolicy};
use ids::AccountId;
use policy::{Attached, Context, Decision, PolicySet, Request, Source, SourceKind, decide};
use service::{Authorizer, Denied, Directory, Effects, Need, Refusal, ResourcePolicy};
use store::{Store, StoreError, View};
use tokio::sync::watch;

use self::because::because;
use self::bundle::Bundle;
use self::cache::Cache;
use self::context::Asked;
use self::documents::{Document, Documents};
use crate::principals::Principals;
use crate::uses::LastUses;

mod because;
mod bundle;
mod cache;
mod context;
mod decode;
mod documents;
mod managed;
mod message;
#[cfg(test)]
mod tests;
mod verdict;

pub use message::{MessageKeyRecord, make_message_key};

/// Most callers whose policies are kept in each of the cache's generations.
const MAX_CALLERS: usize = 10_000;

/// Authorises by policies.
pub struct PolicyAuthorizer {
    effects: Arc<dyn Effects>,
    /// The last commit that touched what IAM keeps.
    changed: watch::Receiver<u64>,
    bundles: Cache<String, Arc<Bundle>>,
    documents: Documents,
    uses: Arc<LastUses>,
}

/// Most parts of one call whose refusal is explained in its record.
const MAX_EXPLAINED: usize = 64;

/// A document, or why it is none.
type Read = Result<Arc<Document>, StoreError>;

/// What is decided on a need.
enum Decided {
    /// It is a root user's, whom nothing binds.
    Unbound,
    /// It is decided by policies; of a refusal, also what was looked at.
    Otherwise(Box<Decision>, Vec<VerdictPolicy>),
}

impl PolicyAuthorizer {
    /// An authoriser over a store, with the time and the random bytes of `effects`.
    pub fn new(store: &Store, effects: Arc<dyn Effects>) -> Self {
        let changed = store.watch_tables("iam/").receiver();
        Self { effects, changed, bundles: Cache::new(MAX_CALLERS), documents: Documents::new(), uses: Arc::default() }
    }

    /// What it notes of who uses which services, and what else is known of last uses.
    pub fn uses(&self) -> Arc<LastUses> {
        Arc::clone(&self.uses)
    }

    /// What bears on a caller: kept, or read through the view.
    fn bundle(&self, caller: &Caller, view: &View) -> Result<Arc<Bundle>, StoreError> {
        let Some(key) = &caller.access_key else {
            return Ok(Arc::new(Bundle::read(view, caller, &self.documents)?));
        };
        if let Some(kept) = self.bundles.get(key.as_str())
            && kept.version >= *self.changed.borrow()
            && kept.is_of(caller)
        {
            return Ok(kept);
        }
        let bundle = Arc::new(Bundle::read(view, caller, &self.documents)?);
        // What a view does not hold yet that was taken before the last change is good for this call alone.
        if bundle.version >= *self.changed.borrow() {
            self.bundles.put(key.clone(), Arc::clone(&bundle));
        }
        Ok(bundle)
    }

    fn decide(
        &self,
        (call, need): (&Call, &Need),
        document: Option<&Read>,
        owner: Option<&str>,
        bundle: &Bundle,
        is_explained: bool,
    ) -> Result<Decided, StoreError> {
        let is_own = owner.is_none_or(|owner| bundle.subject.account.as_deref() == Some(owner));
        let is_masters = bundle.is_unbound && is_own;
        let document = match (&need.policy, document) {
            // Its owner's root user can always mend the policy of a bucket, whatever that says. Rule:
            // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>.
            (Some(_), _) if is_masters && is_about_policy(&need.action) => None,
            (Some(policy), Some(Ok(document))) => Some((Arc::clone(document), policy.must_allow)),
            (Some(_), Some(Err(StoreError::Corrupt(_)))) if is_masters => None,
            (Some(_), Some(Err(error))) => return Err(error.clone()),
            (None, _) | (_, None) => None,
        };
        if is_masters && document.is_none() {
            return Ok(Decided::Unbound);
        }
        let asked_by_resource = document.iter().flat_map(|(document, _)| &document.keys);
        let context =
            if bundle.keys.is_empty() && document.as_ref().is_none_or(|(document, _)| document.keys.is_empty()) {
                Context::new()
            } else {
                self.asked(call, need, owner, bundle).only(bundle.keys.iter().chain(asked_by_resource))
            };
        let resource = document.as_ref().map(|(document, _)| Attached {
            source: Arc::new(Source {
                kind: SourceKind::Resource,
                id: need.resource_text().to_owned(),
                attached_to: need.resource_text().to_owned(),
            }),
            policy: Arc::clone(&document.policy),
        });
        let set = PolicySet {
            identity: &bundle.identity,
            boundary: bundle.boundary.as_ref(),
            session: bundle.session.as_deref(),
            service_control: &bundle.service_control,
            resource: resource.as_ref(),
            resource_only_denies: need.only_denies,
            granted: need.granted,
            owner,
            needs_resource_policy: document.is_some_and(|(_, must_allow)| must_allow),
        };
        let request = Request {
            subject: &bundle.subject,
            action: &need.action,
            resource: need.resource_text(),
            context: &context,
        };
        let decision = decide(&request, &set);
        let considered = if decision.is_allowed() || !is_explained {
            Vec::new()
        } else {
            verdict::considered(&decision, &request, &set)
        };
        Ok(Decided::Otherwise(Box::new(decision), considered))
    }

    /// The policy of a resource, with those whom it names as they are called now.
    fn read(&self, policy: &ResourcePolicy, view: &View) -> Read {
        if policy.principals.is_empty() {
            return self.documents.read(&policy.document, policy.kind);
        }
        self.documents.read(&Principals.in_force(view, &policy.document, &policy.principals)?, policy.kind)
    }

    fn asked<'a>(&self, call: &'a Call, need: &'a Need, owner: Option<&'a str>, bundle: &'a Bundle) -> Asked<'a> {
        Asked { call, bundle, need, owner, now: self.effects.now() }
    }

    /// The refusal, with its message sealed where the service sends one: EC2, for what has a resource.
    fn refusal(
        &self,
        call: &Call,
        need: &Need,
        owner: Option<&str>,
        bundle: &Bundle,
        decision: &Decision,
        view: &View,
    ) -> Result<Box<Refusal>, StoreError> {
        let because = because(decision, need).into_owned();
        let mut encoded = None;
        if let (true, Some(account)) = (has_message(need), &bundle.subject.account) {
            let id = call.caller.user_id().unwrap_or_default();
            let context = self.asked(call, need, owner, bundle).all();
            let message = message::message(decision, need, (&id, &bundle.subject.arn), &context);
            encoded = message::seal(view, &*self.effects, account, &message)?;
        }
        Ok(Box::new(Refusal { need: need.clone(), because, encoded }))
    }
}

impl Authorizer for PolicyAuthorizer {
    fn directory(&self) -> &dyn Directory {
        &Principals
    }

    fn authorize(&self, call: &Call, needs: &[Need], view: &View) -> Result<Vec<Refusal>, Denied> {
        if needs.is_empty() {
            return Ok(Vec::new());
        }
        self.uses.note_needs(&call.caller, &call.region, needs, self.effects.now());
        let bundle = self.bundle(&call.caller, view)?;
        let mut refusals: Vec<Refusal> = Vec::new();
        // The needs of one call are mostly under one policy, which is read once.
        let mut read: Option<(&Arc<ResourcePolicy>, Read)> = None;
        for need in needs {
            if need.part.is_some() && refusals.last().is_some_and(|refusal| refusal.need.part == need.part) {
                continue;
            }
            if let Some(policy) = &need.policy
                && !read.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(known, policy))
            {
                read = Some((policy, self.read(policy, view)));
            }
            let owner = need.owner.as_ref().map(AccountId::as_str).or_else(|| owner_by_name(need));
            let document = read.as_ref().map(|(_, document)| document);
            match self.decide((call, need), document, owner, &bundle, refusals.len() < MAX_EXPLAINED)? {
                Decided::Unbound => call.verdicts.push(verdict::unbound(need, &call.caller)),
                Decided::Otherwise(decision, considered) => {
                    call.verdicts.push(verdict::decided(need, &decision, considered));
                    if !decision.is_allowed() {
                        let refusal = self.refusal(call, need, owner, &bundle, &decision, view)?;
                        if need.part.is_none() {
                            return Err(Denied::Refused(refusal));
                        }
                        refusals.push(*refusal);
                    }
                }
            }
        }
        Ok(refusals)
    }
}

/// The account in the resource's ARN, if there is one.
fn owner_by_name(need: &Need) -> Option<&str> {
    let account = need.resource.as_ref()?.account();
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
}

fn is_about_policy(action: &str) -> bool {
    matches!(action, "s3:GetBucketPolicy" | "s3:PutBucketPolicy" | "s3:DeleteBucketPolicy")
}

fn has_message(need: &Need) -> bool {
    need.action.starts_with("ec2:") && need.resource.is_some()
}
