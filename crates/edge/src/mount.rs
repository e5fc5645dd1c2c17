//! What a service gives the edge: its schema, and how to reach it.

use std::sync::Arc;

use api::Call;
use wire::{BoxFuture, Decoded, Encoded, OperationShape, ServiceError, ServiceShape};

use crate::web::Web;

/// Hands a decoded request to a service and gives its answer.
type Dispatch = Box<
    dyn Fn(&'static OperationShape, Call, Decoded) -> BoxFuture<'static, Result<Encoded, ServiceError>> + Send + Sync,
>;

/// A service that the edge serves.
pub struct Mount {
    pub(crate) service: &'static ServiceShape,
    pub(crate) dispatch: Dispatch,
    pub(crate) web: Option<Arc<dyn Web>>,
}

impl Mount {
    /// A service by its schema, and how to reach it.
    pub fn new<F>(service: &'static ServiceShape, dispatch: F) -> Self
    where
        F: Fn(&'static OperationShape, Call, Decoded) -> BoxFuture<'static, Result<Encoded, ServiceError>>
            + Send
            + Sync
            + 'static,
    {
        Self { service, dispatch: Box::new(dispatch), web: None }
    }

    /// The same service, which does this for browsers besides.
    #[must_use]
    pub fn with_web(self, web: Arc<dyn Web>) -> Self {
        Self { web: Some(web), ..self }
    }
}
