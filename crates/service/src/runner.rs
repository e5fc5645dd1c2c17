//! Runs operations: authorise, apply to a view, commit, retry on conflict, log.

use std::any::Any;
use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use api::Call;
use ids::AccountId;
use jiff::Timestamp;
use store::{CommitError, Store, StoreError, View};
use tokio::sync::{Semaphore, SemaphorePermit};
use wire::ServiceError;

use crate::threads::Threads;
use crate::{
    Applied, Authorizer, Cx, Denied, Despite, Effects, Need, Operation, PageTokens, Refusal, RegionFacts, Scope,
    Service, Streaming,
};

/// Attempts at one call before it is given up for contention.
const MAX_ATTEMPTS: u32 = 12;
/// Calls that read or compute at one time; more wait. Bounds the threads of the blocking pool.
const MAX_CONCURRENT: usize = 64;
/// Longest wait for a free place among them.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// What an operation gives, whatever its type: what is the same for all of them is compiled once, and not for each.
type Output = Box<dyn Any + Send>;
/// What a call needs.
type Needs<'a> = dyn Fn(&View, &Scope) -> Result<Vec<Need>, ServiceError> + 'a;
/// Decides a call on a view.
type Decide = dyn Fn(&View, &mut Cx) -> Result<Applied<Output>, ServiceError> + Send + Sync;

/// Runs the operations of every service of a region. Cheap to clone.
#[derive(Clone)]
pub struct Runner {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    region: Arc<RegionFacts>,
    effects: Arc<dyn Effects>,
    authorizer: Arc<dyn Authorizer>,
    places: Semaphore,
    threads: Threads,
    pages: Arc<OnceLock<PageTokens>>,
}

impl Runner {
    /// A runner over a store.
    pub fn new(
        store: Store,
        region: Arc<RegionFacts>,
        effects: Arc<dyn Effects>,
        authorizer: Arc<dyn Authorizer>,
    ) -> Self {
        let places = Semaphore::new(MAX_CONCURRENT);
        let threads = Threads::of_this_runtime();
        Self { shared: Arc::new(Shared { store, region, effects, authorizer, places, threads, pages: Arc::default() }) }
    }

    /// The same runner, whose tokens of pages are sealed with the region's key ([`crate::page_key`]). Without it they do
    /// not outlive the process.
    #[must_use]
    pub fn with_pages(self, pages: PageTokens) -> Self {
        // It is set once, before the first call.
        let _ = self.shared.pages.set(pages);
        self
    }

    /// The store beneath.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The region.
    pub fn region(&self) -> &Arc<RegionFacts> {
        &self.shared.region
    }

    /// The time, as operations see it.
    pub fn now(&self) -> Timestamp {
        self.shared.effects.now()
    }

    /// Runs one operation to its committed answer.
    ///
    /// # Errors
    /// The refusal of the authoriser, the operation's error, or `Unavailable`/`InternalFailure` of the store.
    pub async fn run<S, O>(&self, service: &S, call: Call, mut input: O::Input) -> Result<O::Output, ServiceError>
    where
        S: Service,
        O: Operation<S>,
        O::Input: Send + Sync + 'static,
        O::Output: Send + 'static,
    {
        if let Some(prepared) = O::prepare(service, &call, &mut input) {
            prepared.await.map_err(|error| in_words_of(S::NAME, temporary(error.into())))?;
        }
        let runner = self.clone();
        let decide = move |view: &View, cx: &mut Cx| {
            cx.refused =
                runner.permit::<S>(cx, view, &|view, scope| O::needs(&input, view, scope).map_err(Into::into))?;
            permitted::<O>(&input)?;
            O::apply(&input, view, cx).map(any).map_err(Into::into)
        };
        let done = self.commit(call, Arc::new(decide)).await.and_then(of_any);
        done.map_err(|error| in_words_of(S::NAME, error))
    }

    /// Runs one operation with a stream of bytes on either side.
    ///
    /// # Errors
    /// As [`Runner::run`].
    pub async fn run_streaming<S, O>(
        &self,
        service: &S,
        call: Call,
        mut input: O::Input,
    ) -> Result<O::Output, ServiceError>
    where
        S: Service,
        O: Streaming<S>,
        O::Input: Send + Sync + 'static,
        O::Output: Send + 'static,
    {
        if let Some(nothing) = O::nothing_to_stage() {
            let (runner, input) = (self.clone(), Arc::new(input));
            let asked = Arc::clone(&input);
            let decide = move |view: &View, cx: &mut Cx| {
                cx.refused =
                    runner.permit::<S>(cx, view, &|view, scope| O::needs(&asked, view, scope).map_err(Into::into))?;
                permitted::<O>(&asked)?;
                O::apply(&asked, &nothing, view, cx).map(any).map_err(Into::into)
            };
            let found = self.commit(call, Arc::new(decide)).await.and_then(of_any);
            let found = found.map_err(|error| in_words_of(S::NAME, error))?;
            return O::finish(service, &input, found).await.map_err(Into::into);
        }
        {
            let _place = self.place().await?;
            let (runner, cx) = (self.clone(), self.cx(&call));
            let check = move || {
                let view = runner.view().map_err(store_error)?;
                runner.permit_whole::<S, O>(&input, &view, &cx)?;
                O::check(&input, &view, &cx).map_err(|error| temporary(error.into()))?;
                Ok(input)
            };
            input = self.shared.threads.run(check).await.map_err(|error| in_words_of(S::NAME, error))?;
        }
        let cx = self.cx(&call);
        let staged = O::stage(service, &mut input, &cx).await.map_err(Into::into)?;
        let both = Arc::new((input, staged));
        let decided = Arc::clone(&both);
        let decide =
            move |view: &View, cx: &mut Cx| O::apply(&decided.0, &decided.1, view, cx).map(any).map_err(Into::into);
        match self.commit(call, Arc::new(decide)).await.and_then(of_any) {
            Ok(found) => O::finish(service, &both.0, found).await.map_err(Into::into),
            Err(error) => {
                // After a failed write nobody knows whether it is on disk; what names the bytes decides, later.
                // On a full disk everybody knows, and the room is wanted.
                if error.status < 500 || matches!(store_cause(&error), Some(StoreError::Full)) {
                    O::abandon(service, &both.1).await;
                }
                Err(in_words_of(S::NAME, error))
            }
        }
    }

    /// Looks something up that is no operation: whatever it gives, nobody's permission was asked.
    ///
    /// # Errors
    /// Those of `look`, or the store's.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let _place = self.place().await?;
        let runner = self.clone();
        self.shared.threads.run(move || look(&runner.view().map_err(store_error)?).map_err(temporary)).await
    }

    async fn commit(&self, call: Call, decide: Arc<Decide>) -> Result<Output, ServiceError> {
        let _place = self.place().await?;
        for attempt in 0..MAX_ATTEMPTS {
            let (runner, decide, mut cx) = (self.clone(), Arc::clone(&decide), self.cx(&call));
            let threads = &self.shared.threads;
            let (decided, answer) = threads
                .run(move || {
                    let view = runner.view().map_err(store_error)?;
                    let (answer, changes) = match decide(&view, &mut cx) {
                        Ok(Applied { output, changes }) => (Ok(output), changes),
                        Err(error) => (Err(temporary(error)), cx.despite.take()),
                    };
                    if changes.is_empty() {
                        return Ok((None, answer));
                    }
                    // The view ends here: one that waited until the call goes on would keep other calls from reading.
                    Ok::<_, ServiceError>((Some(Store::decide(&view, changes).map_err(store_error)?), answer))
                })
                .await?;
            let Some(decided) = decided else { return answer };
            match self.shared.store.commit_decided(decided).await {
                Ok(_) => return answer,
                Err(CommitError::Conflict) => {
                    let pause = Duration::from_millis(1 << attempt.min(6));
                    tokio::time::sleep(pause).await;
                }
                Err(CommitError::Store(error)) => return Err(store_error(error)),
            }
        }
        Err(unavailable("the call kept conflicting with others"))
    }

    /// A place among the calls that read.
    async fn place(&self) -> Result<SemaphorePermit<'_>, ServiceError> {
        let place = tokio::time::timeout(MAX_WAIT, self.shared.places.acquire());
        place.await.ok().and_then(Result::ok).ok_or_else(|| unavailable("too many calls are waiting"))
    }

    fn view(&self) -> Result<View, StoreError> {
        self.shared.store.view()
    }

    /// Goes on if the call may have what it needs, as the view has it, with the refusals of its parts.
    fn permit<S>(&self, cx: &Cx, view: &View, needs: &Needs<'_>) -> Result<Vec<Refusal>, ServiceError>
    where
        S: Service,
    {
        let call = &cx.call;
        let (region, caller) = (self.shared.region.name.clone(), call.caller.clone());
        let scope = Scope { region, account: caller.account.clone(), caller, now: cx.now, despite: cx.despite.clone() };
        let needs = needs(view, &scope).map_err(temporary)?;
        call.verdicts.clear();
        self.shared.authorizer.authorize(call, &needs, view).map_err(|denied| match denied {
            Denied::Refused(refusal) => S::unauthorized(call, &refusal),
            Denied::Store(error) => store_error(error),
        })
    }

    /// As [`Runner::permit`], for a stream that is taken in, which has no parts.
    fn permit_whole<S, O>(&self, input: &O::Input, view: &View, cx: &Cx) -> Result<(), ServiceError>
    where
        S: Service,
        O: Streaming<S>,
    {
        let needs = |view: &View, scope: &Scope| O::needs(input, view, scope).map_err(Into::into);
        let refused = self.permit::<S>(cx, view, &needs)?;
        if let Some(refusal) = refused.first() {
            return Err(S::unauthorized(&cx.call, refusal));
        }
        permitted::<O>(input)
    }

    fn cx(&self, call: &Call) -> Cx {
        let nobody = || AccountId::from_random([0; 8]);
        Cx {
            account: call.caller.account.clone().unwrap_or_else(nobody),
            call: call.clone(),
            now: self.shared.effects.now(),
            region: Arc::clone(&self.shared.region),
            effects: Arc::clone(&self.shared.effects),
            authorizer: Arc::clone(&self.shared.authorizer),
            refused: Vec::new(),
            pages: Arc::clone(&self.shared.pages),
            despite: Despite::default(),
        }
    }
}

fn any<T: Send + 'static>(applied: Applied<T>) -> Applied<Output> {
    let Applied { output, changes } = applied;
    Applied { output: Box::new(output), changes }
}

/// What [`any`] was given: the types are those of one operation.
fn of_any<T: 'static>(output: Output) -> Result<T, ServiceError> {
    output
        .downcast()
        .map(|output| *output)
        .map_err(|_| ServiceError::internal("an operation gave another one's output"))
}

/// A dry run ends where the permission is known.
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html> (`DryRun`).
fn permitted<O: wire::OperationType>(input: &O::Input) -> Result<(), ServiceError> {
    if O::is_dry_run(input) {
        let text = "Request would have succeeded, but DryRun flag is set.";
        return Err(ServiceError::sender("DryRunOperation", 412, text));
    }
    Ok(())
}

pub(crate) fn unavailable(why: impl Into<Box<dyn Error + Send + Sync>>) -> ServiceError {
    ServiceError::receiver("Unavailable", 503, "The server is overloaded and cannot handle the request.").because(why)
}

fn store_error(error: StoreError) -> ServiceError {
    if is_temporary(&error) { unavailable(error) } else { ServiceError::internal(error) }
}

/// A store that is busy, away or on a full disk is there again soon: clients try again by themselves after a 503.
fn is_temporary(error: &StoreError) -> bool {
    use StoreError::{Busy, Full, SnapshotExpired, Unavailable};
    matches!(error, Busy | Full | SnapshotExpired | Unavailable(_))
}

/// As [`store_error`], where an operation's own error has the store's within.
fn temporary(error: ServiceError) -> ServiceError {
    match store_cause(&error) {
        Some(store) if is_temporary(store) => unavailable(store.clone()),
        _ => error,
    }
}

/// The store's error within.
fn store_cause(error: &ServiceError) -> Option<&StoreError> {
    error.cause.as_deref().and_then(|cause| cause.downcast_ref::<StoreError>())
}

/// `Unavailable` is EC2's word; the others say `ServiceUnavailable`. Sources:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
/// <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>.
fn in_words_of(service: &str, mut error: ServiceError) -> ServiceError {
    if error.status == 503 && error.code == "Unavailable" && service != "ec2" {
        error.code = "ServiceUnavailable".into();
        error.message = "The request has failed due to a temporary failure of the server.".into();
    }
    error
}

#[cfg(test)]
mod tests {
    use store::StoreError;

    use super::{in_words_of, store_cause, store_error};

    #[test]
    fn a_full_disk_is_said_so_that_clients_try_again() {
        for (service, code) in [("ec2", "Unavailable"), ("s3", "ServiceUnavailable"), ("sts", "ServiceUnavailable")] {
            let error = in_words_of(service, store_error(StoreError::Full));
            assert_eq!((&*error.code, error.status), (code, 503), "{service}");
            assert!(matches!(store_cause(&error), Some(StoreError::Full)), "for the log");
        }
        let broken = in_words_of("s3", store_error(StoreError::Corrupt("x".into())));
        assert_eq!(broken.status, 500);
    }
}
