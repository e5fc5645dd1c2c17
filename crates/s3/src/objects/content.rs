//! Reads the bytes of an object, wherever they are: one stream out of one blob, or out of as many as it has parts. Of
//! those only two are open at a time, and only some of their records are in memory.

use std::collections::VecDeque;
use std::ops::Range;

use blobs::{BlobError, BlobId, BlobReader};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::task::JoinHandle;
use wire::{ByteStream, StreamError};

use super::record::{Content, ObjectRecord};
use crate::uploads::{Lease, Pieces, assembly, part, with_view};
use crate::{S3, S3Error};

/// How many parts are looked up at once.
const BATCH: usize = 64;

/// Opens an object for reading, all of it or a range of its bytes, which must lie within it. A reader goes on
/// undisturbed when its object is deleted. What turns out to be damaged, or gone, in the middle ends the stream with an
/// error.
///
/// # Errors
/// The blob store's and the store's, where they show before the first byte.
pub(crate) async fn open(
    service: &S3,
    object: &ObjectRecord,
    range: Option<Range<u64>>,
) -> Result<ByteStream, S3Error> {
    match &object.content {
        Content::Empty => Ok(ByteStream::from_bytes(Bytes::new())),
        Content::Blob(blob) => {
            let reader = service.blobs().open(blob, range).await?;
            let length = reader.length();
            Ok(ByteStream::new(reader.map_err(broken), Some(length)))
        }
        Content::Parts(upload) => open_parts(service, upload, range.unwrap_or(0..object.length)).await,
    }
}

async fn open_parts(service: &S3, upload: &str, range: Range<u64>) -> Result<ByteStream, S3Error> {
    let (length, id) = (range.end - range.start, upload.to_owned());
    let pieces = with_view(service, move |view| Ok(assembly(view, &id)?.pieces(range))).await?;
    let ahead =
        Ahead { service: service.clone(), upload: upload.to_owned(), pieces: Some(pieces), batch: VecDeque::new() };
    let (ahead, first) = ahead.open().await;
    let Some(first) = first? else { return Ok(ByteStream::from_bytes(Bytes::new())) };
    let reading = Reading { _lease: Lease::take(service, upload), current: first, next: Some(ahead.open_meanwhile()) };
    let bytes = stream::try_unfold(reading, Reading::advance);
    Ok(ByteStream::new(bytes.map_err(broken_by), Some(length)))
}

/// The part that is being read, and the one after it.
struct Reading {
    current: BlobReader,
    next: Option<Opening>,
    _lease: Lease,
}

impl Reading {
    async fn advance(mut self) -> Result<Option<(Bytes, Self)>, S3Error> {
        loop {
            if let Some(piece) = self.current.next().await {
                return Ok(Some((piece?, self)));
            }
            let Some(opening) = self.next.take() else { return Ok(None) };
            let (ahead, opened) = opening.end().await?;
            let Some(opened) = opened? else { return Ok(None) };
            self.current = opened;
            self.next = Some(ahead.open_meanwhile());
        }
    }
}

/// A part that is being opened. It is given up with whoever waits for it.
struct Opening(JoinHandle<Opened>);

type Opened = (Ahead, Result<Option<BlobReader>, S3Error>);

impl Opening {
    async fn end(mut self) -> Result<Opened, S3Error> {
        (&mut self.0).await.map_err(|error| S3Error::Internal(error.to_string()))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The parts that are not open yet.
struct Ahead {
    service: S3,
    upload: String,
    /// What is to be read of the parts that are not looked up yet; none while they are.
    pieces: Option<Pieces>,
    batch: VecDeque<(BlobId, Range<u64>)>,
}

impl Ahead {
    fn open_meanwhile(self) -> Opening {
        Opening(tokio::spawn(self.open()))
    }

    /// Opens the next part; none after the last.
    async fn open(mut self) -> Opened {
        let opened = self.open_next().await;
        (self, opened)
    }

    async fn open_next(&mut self) -> Result<Option<BlobReader>, S3Error> {
        if self.batch.is_empty() {
            self.look_up().await?;
        }
        let Some((blob, range)) = self.batch.pop_front() else { return Ok(None) };
        Ok(Some(self.service.blobs().open(&blob, Some(range)).await?))
    }

    async fn look_up(&mut self) -> Result<(), S3Error> {
        let Some(mut pieces) = self.pieces.take() else { return Ok(()) };
        let upload = self.upload.clone();
        let look_up = move |view: &store::View| {
            let mut batch = VecDeque::new();
            for (number, range) in pieces.by_ref().take(BATCH) {
                let blob = part(view, &upload, number)?.blob;
                let blob = blob.ok_or_else(|| S3Error::Internal(format!("part {number} of {upload} has no bytes")))?;
                batch.push_back((blob, range));
            }
            Ok((pieces, batch))
        };
        let (pieces, batch) = with_view(&self.service, look_up).await?;
        (self.pieces, self.batch) = (Some(pieces), batch);
        Ok(())
    }
}

fn broken(error: BlobError) -> StreamError {
    StreamError::Broken(Box::new(error))
}

fn broken_by(error: S3Error) -> StreamError {
    StreamError::Broken(Box::new(error))
}
