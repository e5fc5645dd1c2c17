//! Bodies: held whole within a bound, or streamed with every promise of their headers checked on the way.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::unread::Incoming;
use aws_lc_rs::{constant_time, digest};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{Stream, StreamExt, unfold};
use http_body::Frame;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use tokio::time::Instant;
use wire::aws_chunked::{ChunkError, Decoder};
use wire::sigv4::hex;
use wire::{ByteStream, StreamError};

use crate::budget::{Exhausted, Reservation};
use crate::limits::Limits;
use crate::pace::Pace;

/// The body of an answer.
pub(crate) type AnswerBody = BoxBody<Bytes, StreamError>;

/// A body that is held already.
pub(crate) fn full(bytes: Bytes) -> AnswerBody {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

/// A body that is read while it is sent.
pub(crate) fn streamed(stream: ByteStream) -> AnswerBody {
    AnswerStream(stream).boxed()
}

struct AnswerStream(ByteStream);

impl http_body::Body for AnswerStream {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        Pin::new(&mut self.0).poll_next(cx).map(|item| item.map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.length().map_or_else(http_body::SizeHint::default, http_body::SizeHint::with_exact)
    }
}

/// Why a body could not be held.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CollectError {
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the body did not arrive within {0:?}, or too slowly")]
    TooSlow(Duration),
    #[error("there is no memory left for the body")]
    Exhausted(#[from] Exhausted),
    #[error("the connection broke off")]
    Broken(#[from] hyper::Error),
}

/// Memory is reserved in steps of this size, so that small bodies reserve once.
const STEP: usize = 16 * 1024;

/// Holds a body whole, if it has no more bytes than `limit`, in memory reserved as it arrives.
pub(crate) async fn collect(
    mut body: Incoming,
    limit: usize,
    limits: &Limits,
    memory: &mut Reservation,
) -> Result<Bytes, CollectError> {
    let announced = http_body::Body::size_hint(&body).lower();
    if announced > limit as u64 {
        return Err(CollectError::TooLarge(limit));
    }
    let gather = async {
        let mut pace = Pace::new(limits);
        let mut held: Option<Bytes> = None;
        let mut all = BytesMut::new();
        while let Some(frame) = next_frame(&mut body, &mut pace, limits.pace_time).await {
            let Ok(data) = frame.map_err(|_| CollectError::TooSlow(limits.body_time))??.into_data() else { continue };
            let length = all.len() + held.as_ref().map_or(0, Bytes::len) + data.len();
            if length > limit {
                return Err(CollectError::TooLarge(limit));
            }
            if let Err(full) = memory.grow_to(length.next_multiple_of(STEP), limits.held_wait).await {
                drop((held, all, data));
                memory.release();
                let _ = tokio::time::timeout(limits.held_wait, pass_over(&mut body, limit)).await;
                return Err(full.into());
            }
            // Nearly every body is a single piece, which needs no copy.
            match held.take() {
                None if all.is_empty() => held = Some(data),
                None => all.extend_from_slice(&data),
                Some(first) => {
                    all.extend_from_slice(&first);
                    all.extend_from_slice(&data);
                }
            }
        }
        Ok(held.unwrap_or_else(|| all.freeze()))
    };
    match tokio::time::timeout(limits.body_time, gather).await {
        Ok(result) => result,
        Err(_) => Err(CollectError::TooSlow(limits.body_time)),
    }
}

/// Reads what is left of a body of no more than `limit` bytes. Who is still sending when the connection is closed does not
/// see the answer: the kernel throws it away with what was not read.
async fn pass_over(body: &mut Incoming, limit: usize) {
    let mut passed = 0;
    while let Some(Ok(frame)) = body.frame().await {
        passed += frame.data_ref().map_or(0, Bytes::len);
        if passed > limit {
            return;
        }
    }
}

/// The peer paused for too long, or sends less than it must.
struct TooSlow;

/// The next frame of a body, if it comes within `pause` and at the rate that is asked of everybody.
async fn next_frame(
    body: &mut Incoming,
    pace: &mut Pace,
    pause: Duration,
) -> Option<Result<Result<Frame<Bytes>, hyper::Error>, TooSlow>> {
    let started = Instant::now();
    match tokio::time::timeout(pause, body.frame()).await {
        Err(_) => Some(Err(TooSlow)),
        Ok(Some(Ok(frame))) => {
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            Some(if pace.note(started.elapsed(), length) { Ok(Ok(frame)) } else { Err(TooSlow) })
        }
        Ok(other) => other.map(Ok),
    }
}

/// What the headers of a streamed body promise.
pub(crate) struct Promise {
    /// Its length once decoded.
    pub length: Option<u64>,
    /// Its SHA-256 in hexadecimal.
    pub sha256: Option<String>,
    /// Takes off its `aws-chunked` framing.
    pub framing: Option<Decoder>,
}

/// A stream of a request's body that ends in an error unless every promise was kept.
pub(crate) fn stream(body: Incoming, promise: Promise, limits: &Limits) -> ByteStream {
    let trailers = Arc::new(OnceLock::new());
    let length = promise.length;
    let reader = Reader {
        body,
        framing: promise.framing,
        hash: promise.sha256.map(|expected| (digest::Context::new(&digest::SHA256), expected)),
        announced: length,
        seen: 0,
        idle_time: limits.idle_time,
        pace: Pace::new(limits),
        ready: Vec::new().into_iter(),
        trailers: Arc::clone(&trailers),
    };
    let pieces = unfold(Some(reader), |state| async move {
        let mut reader = state?;
        match reader.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(reader))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    ByteStream::new(pieces.fuse(), length).with_trailers(trailers)
}

struct Reader {
    body: Incoming,
    framing: Option<Decoder>,
    hash: Option<(digest::Context, String)>,
    announced: Option<u64>,
    seen: u64,
    idle_time: Duration,
    pace: Pace,
    ready: std::vec::IntoIter<Bytes>,
    trailers: Arc<OnceLock<Vec<(String, String)>>>,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Bytes>, StreamError> {
        loop {
            if let Some(piece) = self.ready.next() {
                self.seen += piece.len() as u64;
                if let Some(announced) = self.announced.filter(|announced| self.seen > *announced) {
                    return Err(StreamError::WrongLength { announced, seen: self.seen });
                }
                if let Some((hash, _)) = &mut self.hash {
                    hash.update(&piece);
                }
                return Ok(Some(piece));
            }
            let Some(frame) = next_frame(&mut self.body, &mut self.pace, self.idle_time).await else {
                self.finish()?;
                return Ok(None);
            };
            let frame = frame.map_err(|_| StreamError::Invalid { code: "RequestTimeout", message: TOO_SLOW })?;
            let frame = frame.map_err(|cause| StreamError::Broken(Box::new(cause)))?;
            let Ok(data) = frame.into_data() else { continue };
            let decoded = match &mut self.framing {
                Some(decoder) => decoder.feed(data).map_err(chunk_error)?,
                None => vec![data],
            };
            self.ready = decoded.into_iter();
        }
    }

    fn finish(&mut self) -> Result<(), StreamError> {
        if let Some(decoder) = self.framing.take() {
            // Set once: this is the end of the stream.
            let _ = self.trailers.set(decoder.finish().map_err(chunk_error)?);
        }
        if let Some(announced) = self.announced.filter(|announced| *announced != self.seen) {
            return Err(StreamError::WrongLength { announced, seen: self.seen });
        }
        if let Some((hash, expected)) = self.hash.take() {
            let computed = hex(hash.finish().as_ref());
            if constant_time::verify_slices_are_equal(computed.as_bytes(), expected.as_bytes()).is_err() {
                let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
                return Err(StreamError::Invalid { code: "XAmzContentSHA256Mismatch", message });
            }
        }
        Ok(())
    }
}

const TOO_SLOW: &str =
    "Your socket connection to the server was not read from or written to within the timeout period.";

fn chunk_error(error: ChunkError) -> StreamError {
    match error {
        ChunkError::Signature => StreamError::Invalid {
            code: "SignatureDoesNotMatch",
            message: "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        },
        ChunkError::Malformed(_) => StreamError::Invalid {
            code: "InvalidRequest",
            message: "The request body is not a valid aws-chunked upload.",
        },
        ChunkError::Incomplete => {
            StreamError::Invalid { code: "IncompleteBody", message: "The request body terminated unexpectedly" }
        }
    }
}
