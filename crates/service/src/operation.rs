//! The shape of an operation. All around it (authorise, commit, retry, log) is the [`crate::Runner`]'s.

use api::Call;
use async_trait::async_trait;
use store::{Changes, View};
use wire::{BoxFuture, ServiceError};

use crate::{Cx, Need, Refusal, Runner, Scope};

/// What an operation gives: its answer, and the changes to commit before the answer is sent.
pub struct Applied<T> {
    /// The answer.
    pub output: T,
    /// What to commit; nothing for an operation that only reads.
    pub changes: Changes,
}

impl<T> Applied<T> {
    /// An answer that changes nothing.
    pub fn read(output: T) -> Self {
        Self { output, changes: Changes::new() }
    }

    /// An answer that holds once `changes` are committed.
    pub fn with(output: T, changes: Changes) -> Self {
        Self { output, changes }
    }
}

/// A service: the thing that implements the generated trait of its API.
pub trait Service: Clone + Send + Sync + 'static {
    /// The signing name, such as `ec2`.
    const NAME: &'static str;

    /// What runs its operations.
    fn runner(&self) -> &Runner;

    /// The error that this service gives for a refused permission.
    fn unauthorized(call: &Call, refusal: &Refusal) -> ServiceError;
}

/// The meaning of one operation of the service `S`.
pub trait Operation<S: Service>: wire::OperationType {
    /// The service's error type.
    type Error: Into<ServiceError>;

    /// What has to be asked of another service before anything is decided, and written into the input; none for nearly
    /// all operations. It refuses nothing but for its own failures: who may not call learns nothing by it.
    fn prepare<'a>(
        _service: &'a S,
        _call: &'a Call,
        _input: &'a mut Self::Input,
    ) -> Option<BoxFuture<'a, Result<(), Self::Error>>> {
        None
    }

    /// What the caller must be allowed to do. There is no default, so that it cannot be forgotten. The view tells what
    /// conditions ask about the resources (their tags, their policies). Input that makes no sense is not refused here:
    /// only who may ask learns what is wrong with the question.
    ///
    /// # Errors
    /// The store's, in the service's words.
    fn needs(input: &Self::Input, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error>;

    /// Validates against the view and gives the answer with the changes to commit. May run several times for one
    /// call, each time on a fresh view: a pure function of its arguments.
    ///
    /// # Errors
    /// The service's; nothing is changed then, but what [`Cx::despite`] has.
    fn apply(input: &Self::Input, view: &View, cx: &Cx) -> Result<Applied<Self::Output>, Self::Error>;
}

/// The meaning of an operation that takes in or gives out a stream of bytes. The bytes go beside the store: in before
/// the commit that names them, out after the view that found them.
#[async_trait]
pub trait Streaming<S: Service>: wire::OperationType {
    /// The service's error type.
    type Error: Into<ServiceError> + Send;
    /// Where the incoming bytes were put.
    type Staged: Send + Sync + 'static;
    /// What was found or committed, from which the answer is made.
    type Found: Send + 'static;

    /// As [`Operation::needs`].
    ///
    /// # Errors
    /// As there.
    fn needs(input: &Self::Input, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error>;

    /// What stands for the staged bytes of an operation that takes none in: it is decided and authorised in one view, and
    /// neither `check` nor `stage` is called. None for those that do take some.
    fn nothing_to_stage() -> Option<Self::Staged> {
        None
    }

    /// Refuses early, before any byte is taken in: what `apply` would refuse whatever the bytes are.
    ///
    /// # Errors
    /// The service's.
    fn check(input: &Self::Input, view: &View, cx: &Cx) -> Result<(), Self::Error>;

    /// Takes in the stream of the input. If a later step fails, [`Streaming::abandon`] gives the bytes up.
    ///
    /// # Errors
    /// The service's.
    async fn stage(service: &S, input: &mut Self::Input, cx: &Cx) -> Result<Self::Staged, Self::Error>;

    /// As [`Operation::apply`].
    ///
    /// # Errors
    /// The service's; nothing is changed then.
    fn apply(
        input: &Self::Input,
        staged: &Self::Staged,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<Self::Found>, Self::Error>;

    /// Gives up what was staged.
    async fn abandon(service: &S, staged: &Self::Staged);

    /// Makes the answer, opening the outgoing stream if there is one.
    ///
    /// # Errors
    /// The service's.
    async fn finish(service: &S, input: &Self::Input, found: Self::Found) -> Result<Self::Output, Self::Error>;
}
