//! Reads a form piece by piece: the fields before the file are held, the file is a stream.
//! Memory: the fields, one head of a part and one boundary; whatever the file's size.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::stream::{StreamExt, unfold};
use wire::multipart::{Event, Parser};
use wire::{ByteStream, ServiceError, StreamError};

use super::fields::{Fields, argument};
use crate::failures::stream_error;

/// A form up to its file.
pub(super) struct Form {
    pub(super) fields: Fields,
    /// What the file's name is, if the browser says it.
    pub(super) filename: Option<String>,
    rest: Rest,
}

/// The body behind the head of the file's part.
struct Rest {
    body: ByteStream,
    parser: Parser,
    ready: VecDeque<Event>,
}

impl Rest {
    /// The next event; none when the body is over.
    async fn next(&mut self) -> Result<Option<Event>, StreamError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(piece) = self.body.next().await else { return Ok(None) };
            self.ready.extend(self.parser.feed(&piece?).map_err(malformed_stream)?);
        }
    }
}

impl Form {
    /// Reads the fields before the file.
    ///
    /// # Errors
    /// `MalformedPOSTRequest` and what bounds and duplicates are refused with; `InvalidArgument` if there is no file.
    pub(super) async fn read(body: ByteStream, parser: Parser, bucket: &str) -> Result<Self, ServiceError> {
        let mut rest = Rest { body, parser, ready: VecDeque::new() };
        let mut fields = Fields::new(bucket);
        let mut current: Option<(String, Vec<u8>)> = None;
        while let Some(event) = rest.next().await.map_err(read_error)? {
            match event {
                Event::Part { name, filename } if name.eq_ignore_ascii_case("file") => {
                    return Ok(Self { fields, filename, rest });
                }
                Event::Part { name, .. } if name.is_empty() => return Err(malformed()),
                Event::Part { name, .. } => {
                    fields.weigh(name.len())?;
                    current = Some((name, Vec::new()));
                }
                Event::Data(data) => {
                    fields.weigh(data.len())?;
                    if let Some((_, value)) = &mut current {
                        value.extend_from_slice(&data);
                    }
                }
                Event::End => {
                    if let Some((name, value)) = current.take() {
                        fields.add(&name, String::from_utf8(value).map_err(|_| malformed())?)?;
                    }
                }
            }
        }
        if !rest.parser.is_done() {
            return Err(malformed());
        }
        Err(argument("POST requires exactly one file upload per request.", "file", "0"))
    }

    /// The file, which must have at least `least` bytes and at most `most`. What follows it in the form means nothing,
    /// but the form must end as it should.
    pub(super) fn into_file(self, least: u64, most: u64) -> (ByteStream, Arc<AtomicU64>) {
        let seen = Arc::new(AtomicU64::new(0));
        let file = File { rest: self.rest, least, most, seen: Arc::clone(&seen) };
        let pieces = unfold(Some(file), |state| async move {
            let mut file = state?;
            match file.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(file))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        (ByteStream::new(pieces.fuse(), None).with_limit(most), seen)
    }
}

struct File {
    rest: Rest,
    least: u64,
    most: u64,
    seen: Arc<AtomicU64>,
}

impl File {
    async fn next(&mut self) -> Result<Option<Bytes>, StreamError> {
        match self.rest.next().await? {
            Some(Event::Data(piece)) => {
                let seen = self.seen.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64;
                if seen > self.most {
                    return Err(StreamError::Invalid { code: TOO_LARGE.0, message: TOO_LARGE.1 });
                }
                Ok(Some(piece))
            }
            Some(Event::End) => {
                if self.seen.load(Ordering::Relaxed) < self.least {
                    return Err(StreamError::Invalid { code: TOO_SMALL.0, message: TOO_SMALL.1 });
                }
                self.drain().await?;
                Ok(None)
            }
            Some(Event::Part { .. }) | None => Err(malformed_stream(())),
        }
    }

    /// Reads what follows the file, at most as much as fields before it may have.
    async fn drain(&mut self) -> Result<(), StreamError> {
        let mut left = MAX_TAIL;
        while !self.rest.parser.is_done() {
            match self.rest.next().await? {
                None if self.rest.parser.is_done() => {}
                None => return Err(malformed_stream(())),
                Some(Event::Data(piece)) if piece.len() > left => return Err(malformed_stream(())),
                Some(Event::Data(piece)) => left -= piece.len(),
                Some(Event::Part { .. } | Event::End) => {}
            }
        }
        // The end of the body is read too, so that its promised length is checked and the connection goes on.
        while let Some(piece) = self.rest.body.next().await {
            let length = piece?.len();
            left = left.checked_sub(length).ok_or_else(|| malformed_stream(()))?;
        }
        Ok(())
    }
}

/// Most bytes behind the file.
const MAX_TAIL: usize = 64 * 1024;

const TOO_LARGE: (&str, &str) = ("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
const TOO_SMALL: (&str, &str) = ("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
const MALFORMED: (&str, &str) =
    ("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.");

/// S3's refusal of a body that is no form.
pub(super) fn malformed() -> ServiceError {
    ServiceError::bad_request(MALFORMED.0, MALFORMED.1)
}

fn malformed_stream(_cause: impl Sized) -> StreamError {
    StreamError::Invalid { code: MALFORMED.0, message: MALFORMED.1 }
}

fn read_error(error: StreamError) -> ServiceError {
    match error {
        StreamError::WrongLength { .. } => malformed(),
        other => stream_error(other),
    }
}

#[cfg(test)]
mod tests {
    use wire::ByteStream;
    use wire::multipart::Parser;

    use super::Form;

    async fn read(name: &str) -> String {
        let part = |name: &str, value: &str| {
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = format!("{}{}--edge--\r\n", part(name, &"x".repeat(40 * 1024)), part("file", "its bytes"));
        let parser = Parser::for_content_type("multipart/form-data; boundary=edge").unwrap();
        let form = Form::read(ByteStream::from_bytes(body.into()), parser, "bucket").await;
        form.map_or_else(|error| error.code.into_owned(), |_| "ok".to_owned())
    }

    /// As from a client that gives the part of its file no name: it is not that its fields were too many.
    #[tokio::test]
    async fn a_part_without_a_name_makes_no_form() {
        assert_eq!(read("").await, "MalformedPOSTRequest");
        assert_eq!(read("x-ignore-me").await, "MaxPostPreDataLengthExceeded");
    }
}
