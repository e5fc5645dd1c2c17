//! The bytes of an object, or a range of them, as a stream.

use std::ops::Range;

use bytes::Bytes;
use futures_util::TryStreamExt;
use wire::{ByteStream, StreamError};

use super::record::Content;
use crate::{S3, S3Error};

/// Opens the bytes of `range`, or all of them.
///
/// # Errors
/// The blob store's.
pub(crate) async fn open(service: &S3, content: &Content, range: Option<Range<u64>>) -> Result<ByteStream, S3Error> {
    match content {
        Content::Blob(blob) => {
            let reader = service.blobs().open(blob, range).await?;
            let length = reader.length();
            Ok(ByteStream::new(reader.map_err(|error| StreamError::Broken(Box::new(error))), Some(length)))
        }
        Content::Empty => Ok(ByteStream::from_bytes(Bytes::new())),
        Content::Parts(_) => Err(S3Error::NotImplemented("partNumber")),
    }
}
