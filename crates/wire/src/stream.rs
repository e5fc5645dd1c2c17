//! Bodies too large to hold: S3's object bytes.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

/// Why a byte stream broke off.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The peer went away or its transport failed.
    #[error("the stream broke off")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Fewer or more bytes came than were announced.
    #[error("the stream ended after {seen} of {announced} bytes")]
    WrongLength {
        /// What was announced.
        announced: u64,
        /// What came.
        seen: u64,
    },
    /// The bytes contradict their signature, their checksum or their framing.
    #[error("the stream is invalid: {code}")]
    Invalid {
        /// AWS's error code, such as `SignatureDoesNotMatch`.
        code: &'static str,
        /// AWS's text for the caller.
        message: &'static str,
    },
}

/// A body read piece by piece, whose length may be known beforehand.
pub struct ByteStream {
    /// Never contended: only the owner polls. The mutex makes requests `Sync`, which a stream need not be.
    pieces: Mutex<BoxStream<'static, Result<Bytes, StreamError>>>,
    length: Option<u64>,
    limit: Option<u64>,
    trailers: Option<Trailers>,
}

/// Headers that follow a body, by name in lower case. Set when the stream has ended.
pub type Trailers = Arc<OnceLock<Vec<(String, String)>>>;

impl ByteStream {
    /// A stream of `pieces` that will add up to `length` bytes, if that is known. The stream trusts its maker on that.
    pub fn new(pieces: impl Stream<Item = Result<Bytes, StreamError>> + Send + 'static, length: Option<u64>) -> Self {
        Self { pieces: Mutex::new(pieces.boxed()), length, limit: length, trailers: None }
    }

    /// The stream of these bytes.
    pub fn from_bytes(bytes: Bytes) -> Self {
        let length = bytes.len() as u64;
        Self::new(stream::iter((!bytes.is_empty()).then_some(Ok(bytes))), Some(length))
    }

    /// The same stream, whose trailing headers will be found in `trailers` once it has ended.
    #[must_use]
    pub fn with_trailers(mut self, trailers: Trailers) -> Self {
        self.trailers = Some(trailers);
        self
    }

    /// The same stream, of which is known that it ends in an error rather than with more bytes than `limit`.
    #[must_use]
    pub fn with_limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The most bytes that there can be, if that is known.
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Where the trailing headers will be, if there can be any.
    pub fn trailers(&self) -> Option<Trailers> {
        self.trailers.clone()
    }

    /// How many bytes there will be, if that is known.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// All bytes at once, or an error if there are more than `limit`.
    ///
    /// # Errors
    /// What the stream gives, or [`StreamError::WrongLength`] past the limit.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, StreamError> {
        let mut all = Vec::new();
        while let Some(piece) = self.next().await {
            let piece = piece?;
            if piece.len() > limit.saturating_sub(all.len()) {
                let seen = all.len() as u64 + piece.len() as u64;
                return Err(StreamError::WrongLength { announced: limit as u64, seen });
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.into())
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.get_mut().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(cx)
    }
}

impl From<Bytes> for ByteStream {
    fn from(bytes: Bytes) -> Self {
        Self::from_bytes(bytes)
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").field("length", &self.length).finish_non_exhaustive()
    }
}
