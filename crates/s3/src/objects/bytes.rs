//! The bytes of an object, or a range of them, as a stream.

use std::ops::Range;

use bytes::Bytes;
use futures_util::TryStreamExt;
use wire::{ByteStream, StreamError};

use super::record::{Content, ObjectRecord};
use crate::encryption::{CustomerHeaders, opening};
use crate::uploads::open_parts;
use crate::{S3, S3Error};

/// Opens the bytes of `range`, or all of them, with the key that `customer` brings if they need one.
///
/// # Errors
/// Those of the key, the blob store's.
pub(crate) async fn open(
    service: &S3,
    object: &ObjectRecord,
    customer: CustomerHeaders<'_>,
    range: Option<Range<u64>>,
) -> Result<ByteStream, S3Error> {
    match &object.content {
        Content::Blob(blob) => {
            let cipher = opening(&object.traits.encryption, object.place(), customer, service.keys())?;
            let reader = service.blobs().open_with(blob, range, cipher).await?;
            let length = reader.length();
            Ok(ByteStream::new(reader.map_err(|error| StreamError::Broken(Box::new(error))), Some(length)))
        }
        Content::Empty => Ok(ByteStream::from_bytes(Bytes::new())),
        Content::Parts(upload) => open_parts(service, object, upload, customer, range).await,
    }
}
