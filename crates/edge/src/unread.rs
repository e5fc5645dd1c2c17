//! A request's body that nobody reads to its end, because the answer is a refusal: what is left of it is read and thrown
//! away beside the answer, up to a limit. Who is still sending when a connection is closed does not see its answer, and over
//! TLS most clients don't even ask again. Not here: bodies that wait for a `100 Continue`, which are never sent, and those
//! of HTTP/2, whose streams are closed one by one.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

/// As much of a refused body is read: SDKs of today ask before they send more than two mebibytes, older tools send a part
/// of five or eight unasked.
const MOST: usize = 10 << 20;

/// For as long.
const LONGEST: Duration = Duration::from_secs(5);

/// A body as hyper hands it over, whose rest is read when it is dropped.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// None once its rest is with a task of its own.
    body: Option<hyper::body::Incoming>,
    is_read_anyhow: bool,
}

impl Incoming {
    /// `is_read_anyhow`: whether the rest is to be read when this is dropped.
    pub(crate) fn new(body: hyper::body::Incoming, is_read_anyhow: bool) -> Self {
        Self { body: Some(body), is_read_anyhow }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.is_read_anyhow = false;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let Some(mut body) = self.body.take().filter(|body| self.is_read_anyhow && !body.is_end_stream()) else {
            return;
        };
        // Nobody waits for more than the connection lets through, and that is closed if this gives up.
        if body.size_hint().lower() > MOST as u64 {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let all = async {
                let mut passed = 0;
                while let Some(Ok(frame)) = body.frame().await {
                    passed += frame.data_ref().map_or(0, Bytes::len);
                    if passed > MOST {
                        return;
                    }
                }
            };
            let _ = tokio::time::timeout(LONGEST, all).await;
        });
    }
}
