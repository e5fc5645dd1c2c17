//! Reads the bytes of an object that is made of parts: one stream out of many blobs. Two of them are open at a time, and
//! the records of a few are in memory, however many there are.

use std::collections::VecDeque;
use std::ops::Range;

use blobs::BlobReader;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::task::JoinHandle;
use wire::{ByteStream, StreamError};

use super::assembly::{Pieces, assembly, part};
use super::lease::Lease;
use super::record::PartRecord;
use super::with_view;
use crate::encryption::{CustomerHeaders, KeptHeaders, Place, opening};
use crate::objects::ObjectRecord;
use crate::{S3, S3Error};

/// How many parts are looked up at once.
const BATCH: usize = 64;

/// Opens a range of the bytes of an object that is the parts of `upload`, or all of them. A reader goes on undisturbed
/// when its object is deleted. What turns out to be damaged, or gone, in the middle ends the stream with an error.
///
/// # Errors
/// Those of the key, the blob store's and the store's, where they show before the first byte.
pub(crate) async fn open_parts(
    service: &S3,
    object: &ObjectRecord,
    upload: &str,
    customer: CustomerHeaders<'_>,
    range: Option<Range<u64>>,
) -> Result<ByteStream, S3Error> {
    let (range, id) = (range.unwrap_or(0..object.length), upload.to_owned());
    let length = range.end - range.start;
    let pieces = with_view(service, move |view| Ok(assembly(view, &id)?.pieces(range))).await?;
    let ahead = Ahead {
        service: service.clone(),
        upload: upload.to_owned(),
        place: (object.bucket.clone(), object.key.clone()),
        customer: customer.keep(),
        pieces: Some(pieces),
        batch: VecDeque::new(),
    };
    let (ahead, first) = ahead.open().await;
    let Some(first) = first? else { return Ok(ByteStream::from_bytes(Bytes::new())) };
    let reading = Reading { current: first, next: Some(ahead.open_meanwhile()), _lease: Lease::take(service, upload) };
    let bytes = stream::try_unfold(reading, Reading::advance);
    Ok(ByteStream::new(bytes.map_err(|error| StreamError::Broken(Box::new(error))), Some(length)))
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
    /// The bucket and the key of the object.
    place: (String, String),
    customer: KeptHeaders,
    /// What is to be read of the parts that are not looked up yet; none while they are.
    pieces: Option<Pieces>,
    batch: VecDeque<(PartRecord, Range<u64>)>,
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
        let Some((part, range)) = self.batch.pop_front() else { return Ok(None) };
        let PartRecord { number, blob, encryption, .. } = part;
        let lost = || S3Error::Internal(format!("part {number} of {} has no bytes", self.upload));
        let place = Place { bucket: &self.place.0, key: &self.place.1 };
        let cipher = opening(&encryption, place, self.customer.headers(), self.service.keys())?;
        Ok(Some(self.service.blobs().open_with(&blob.ok_or_else(lost)?, Some(range), cipher).await?))
    }

    async fn look_up(&mut self) -> Result<(), S3Error> {
        let Some(mut pieces) = self.pieces.take() else { return Ok(()) };
        let upload = self.upload.clone();
        let look_up = move |view: &store::View| {
            let mut batch = VecDeque::new();
            for (number, range) in pieces.by_ref().take(BATCH) {
                batch.push_back((part(view, &upload, number)?, range));
            }
            Ok((pieces, batch))
        };
        let (pieces, batch) = with_view(&self.service, look_up).await?;
        (self.pieces, self.batch) = (Some(pieces), batch);
        Ok(())
    }
}
