//! Blobs in a bucket of an S3-compatible server, for a region that outgrows its machine: Ceph's gateway, or another region.
//! An object is a blob's extent as it would lie on disk, so every byte that comes back is verified here, whoever had it.
//!
//! An upload goes to a local folder first, and to the bucket when it is whole: slow clients cost what they cost with a
//! folder, and the bucket gets one request of a known length.
//! Not here: blobs larger than one request may be (5 GiB); caches.
#![forbid(unsafe_code)]

mod bucket;

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use blobs::format::{self, FRAME, FRAME_HEADER, TRAILER};
use blobs::{
    BlobError, BlobHold, BlobId, BlobListed, BlobReader, BlobStore, BlobWritten, ByteSource, Cipher, DigestKind,
    FolderBlobs, FolderLimits, Holds,
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, try_unfold};
use http::{StatusCode, header};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http1::SendRequest;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;

use bucket::{ANSWER, Body, Bucket};

pub use bucket::Place;

/// Largest object of one request, less what frames add.
const MAX_BYTES: u64 = 5_360_000_000;
/// Bytes that are read from the staged file at once.
const PIECE: usize = 256 << 10;
/// Objects on their way to the bucket at a time; others wait in the local folder.
const TRANSFERS: usize = 64;
/// How long they wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// Keeps blobs in a bucket.
pub struct BucketBlobs {
    staging: FolderBlobs,
    folder: PathBuf,
    shared: Arc<Shared>,
    transfers: Semaphore,
}

struct Shared {
    bucket: Bucket,
    holds: Holds,
}

impl BucketBlobs {
    /// Blobs at `place`, of which uploads are staged in `staging`, a folder that no other process uses. Blocks on the
    /// disk. Errors: as [`FolderBlobs::open`], and [`BlobError::Io`] for a place that cannot be.
    pub fn open(place: Place, staging: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let folder = staging.into();
        let bucket = Bucket::new(place).map_err(|error| BlobError::io("use a bucket for blobs", error))?;
        let limits = FolderLimits { small: 0, ..FolderLimits::default() };
        let staging = FolderBlobs::open(&folder, limits)?;
        // What is there was on its way when a process ended, and promised to nobody.
        for byte in 0..=u8::MAX {
            let shard = folder.join(format!("{byte:02x}"));
            let failed = |error| BlobError::io(format!("clear {}", shard.display()), error);
            for entry in std::fs::read_dir(&shard).map_err(failed)? {
                std::fs::remove_file(entry.map_err(failed)?.path()).map_err(failed)?;
            }
        }
        let shared = Arc::new(Shared { bucket, holds: Holds::default() });
        Ok(Self { staging, folder, shared, transfers: Semaphore::new(TRANSFERS) })
    }

    /// Copies a staged blob to the bucket; gives when the server says that it has it.
    async fn transfer(&self, id: &BlobId) -> Result<SystemTime, BlobError> {
        let _place = match tokio::time::timeout(PATIENCE, self.transfers.acquire()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) | Err(_) => return Err(BlobError::Busy),
        };
        let failed = |error| BlobError::io(format!("put blob {id} into its bucket"), error);
        let file = tokio::fs::File::open(self.staging.file_of(id)).await.map_err(failed)?;
        let length = file.metadata().await.map_err(failed)?.len();
        let pieces = try_unfold(file, |mut file| async move {
            let mut piece = BytesMut::with_capacity(PIECE);
            Ok(match file.read_buf(&mut piece).await? {
                0 => None,
                _ => Some((Frame::data(piece.freeze()), file)),
            })
        });
        let body: Body = StreamBody::new(pieces).boxed_unsync();
        let headers = [(header::CONTENT_LENGTH, length.to_string())];
        let bucket = &self.shared.bucket;
        let answer = bucket.send("PUT", Some(&id.to_string()), "", &headers, Some(body)).await.map_err(failed)?;
        let (parts, text) = bucket.document(answer).await.map_err(failed)?;
        match parts.status {
            StatusCode::OK => Ok(date(parts.headers.get(header::DATE).and_then(|date| date.to_str().ok()))),
            StatusCode::INSUFFICIENT_STORAGE => Err(BlobError::NoSpace),
            status => Err(failed(refused(status, &text))),
        }
    }
}

#[async_trait]
impl BlobStore for BucketBlobs {
    async fn put_with(
        &self,
        source: ByteSource,
        limit: u64,
        digests: &[DigestKind],
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<BlobWritten, BlobError> {
        let mut written = self.staging.put_with(source, limit.min(MAX_BYTES), digests, cipher).await?;
        let staged = Staged(self.staging.file_of(&written.id));
        written.written_at = self.transfer(&written.id).await?;
        drop(staged);
        Ok(written)
    }

    async fn open_with(
        &self,
        id: &BlobId,
        range: Option<Range<u64>>,
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<BlobReader, BlobError> {
        let length = self.shared.length(id).await?;
        let range = range.unwrap_or(0..length);
        if range.start > range.end || range.end > length {
            return Err(BlobError::OutOfRange { blob_length: length });
        }
        if range.is_empty() {
            return Ok(BlobReader::new(0, length, futures_util::stream::empty().boxed()));
        }
        let mut incoming = self.shared.frames(*id, length, range.clone(), cipher).await?;
        let first = incoming.next().await?;
        let rest =
            try_unfold(
                incoming,
                |mut incoming| async move { Ok(incoming.next().await?.map(|chunk| (chunk, incoming))) },
            );
        let chunks = futures_util::stream::iter(first.map(Ok)).chain(rest).boxed();
        Ok(BlobReader::new(range.end - range.start, length, chunks))
    }

    async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        if self.shared.holds.defer(id)? { Ok(()) } else { self.shared.delete(id).await }
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobListed>, BlobError> {
        let (mut listed, mut after): (Vec<BlobListed>, _) = (Vec::new(), after);
        while listed.len() < limit {
            let page = self.shared.page(after, (limit - listed.len()).min(1000)).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            listed.extend(page);
        }
        Ok(listed)
    }

    fn hold(&self) -> Result<BlobHold, BlobError> {
        self.shared.holds.begin();
        let (shared, runtime) = (Arc::clone(&self.shared), tokio::runtime::Handle::current());
        Ok(BlobHold::new(move || {
            let deferred = shared.holds.end();
            if deferred.is_empty() {
                return;
            }
            // What cannot be deleted is a blob that no record names.
            let work = async move {
                for id in deferred {
                    let _ = shared.delete(&id).await;
                }
            };
            // Whoever drops a hold may wait, but not within the runtime.
            let _ = std::thread::spawn(move || runtime.block_on(work)).join();
        }))
    }

    fn folder(&self) -> Option<PathBuf> {
        Some(self.folder.clone())
    }
}

/// A staged file, which goes when it has been copied or could not be.
struct Staged(PathBuf);

impl Drop for Staged {
    fn drop(&mut self) {
        // What cannot be removed goes at the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Shared {
    /// How many bytes a blob has, as its trailer says.
    async fn length(&self, id: &BlobId) -> Result<u64, BlobError> {
        let failed = |error| BlobError::io(format!("open blob {id} in its bucket"), error);
        let headers = [(header::RANGE, format!("bytes=-{TRAILER}"))];
        let answer = self.bucket.send("GET", Some(&id.to_string()), "", &headers, None).await.map_err(failed)?;
        let (parts, bytes) = self.bucket.document(answer).await.map_err(failed)?;
        let short = || BlobError::Corrupt { id: *id, detail: "its object is too short".to_owned() };
        match parts.status {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::NOT_FOUND => return Err(BlobError::NotFound(*id)),
            StatusCode::OK | StatusCode::RANGE_NOT_SATISFIABLE => return Err(short()),
            status => return Err(failed(refused(status, &bytes))),
        }
        let trailer: [u8; TRAILER] = bytes.as_ref().try_into().map_err(|_| short())?;
        let length = format::check_trailer(id, &trailer)?;
        let whole = parts.headers.get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok()?.rsplit_once('/'));
        if whole.and_then(|(_, size)| size.parse().ok()) == format::extent_length(length) {
            Ok(length)
        } else {
            Err(short())
        }
    }

    /// Asks for the frames that `range` is in.
    async fn frames(
        self: &Arc<Self>,
        id: BlobId,
        length: u64,
        range: Range<u64>,
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<Frames, BlobError> {
        let failed = |error| BlobError::io(format!("read blob {id} from its bucket"), error);
        let (first, last) = (range.start / FRAME as u64, (range.end - 1) / FRAME as u64);
        let end = format::frame_offset(last) + (FRAME_HEADER + format::frame_length(last, length)) as u64;
        let headers = [(header::RANGE, format!("bytes={}-{}", format::frame_offset(first), end - 1))];
        let answer = self.bucket.send("GET", Some(&id.to_string()), "", &headers, None).await.map_err(failed)?;
        match answer.response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::NOT_FOUND => return Err(BlobError::NotFound(id)),
            status => return Err(failed(refused(status, b""))),
        }
        let (body, sender) = answer.into_parts();
        let shared = Arc::clone(self);
        let body = StreamExt::boxed(BodyStream::new(body));
        Ok(Frames {
            shared,
            body,
            sender: Some(sender),
            id,
            length,
            range,
            index: first,
            buffer: BytesMut::new(),
            cipher,
        })
    }

    async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        let failed = |error| BlobError::io(format!("delete blob {id} in its bucket"), error);
        let answer = self.bucket.send("DELETE", Some(&id.to_string()), "", &[], None).await.map_err(failed)?;
        let (parts, text) = self.bucket.document(answer).await.map_err(failed)?;
        match parts.status {
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            status => Err(failed(refused(status, &text))),
        }
    }

    /// Some blobs after `after`; none at the end.
    async fn page(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobListed>, BlobError> {
        let failed = |error| BlobError::io("list the blobs of a bucket", error);
        let prefix = &self.bucket.prefix;
        let start = after.map_or_else(|| prefix.clone(), |after| format!("{prefix}{after}"));
        let text = |text: &str| wire::encode_query(text);
        let query = format!("list-type=2&max-keys={limit}&prefix={}&start-after={}", text(prefix), text(&start));
        let answer = self.bucket.send("GET", None, &query, &[], None).await.map_err(failed)?;
        let (parts, document) = self.bucket.document(answer).await.map_err(failed)?;
        if parts.status != StatusCode::OK {
            return Err(failed(refused(parts.status, &document)));
        }
        let document = String::from_utf8_lossy(&document);
        // Keys are ours: hexadecimal digits after a prefix, so nothing in them is escaped but what may be in that.
        let entries = document.split("<Contents>").skip(1);
        Ok(entries.filter_map(listed).collect())
    }
}

fn listed(entry: &str) -> Option<BlobListed> {
    let between = |tag: &str| {
        let (_, after) = entry.split_once(&format!("<{tag}>"))?;
        after.split_once(&format!("</{tag}>")).map(|(text, _)| text)
    };
    let key = between("Key")?;
    let id = key.rsplit('/').next()?.parse().ok()?;
    let written_at = between("LastModified")?.parse::<Timestamp>().ok()?;
    Some(BlobListed { id, written_at: SystemTime::from(written_at) })
}

/// Frames on their way from the bucket.
struct Frames {
    shared: Arc<Shared>,
    body: BoxStream<'static, Result<Frame<Bytes>, hyper::Error>>,
    sender: Option<SendRequest<Body>>,
    id: BlobId,
    length: u64,
    /// What is still to be given.
    range: Range<u64>,
    /// The frame that comes next.
    index: u64,
    buffer: BytesMut,
    cipher: Option<Arc<dyn Cipher>>,
}

impl Frames {
    /// What is wanted of the next frame.
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        let id = self.id;
        let failed = |error| BlobError::io(format!("read blob {id} from its bucket"), error);
        if self.range.is_empty() {
            if let Some(sender) = self.sender.take() {
                self.shared.bucket.keep(sender);
            }
            return Ok(None);
        }
        let data_length = format::frame_length(self.index, self.length);
        while self.buffer.len() < FRAME_HEADER + data_length {
            let piece = tokio::time::timeout(ANSWER, self.body.next()).await;
            match piece.map_err(|_| failed(io::ErrorKind::TimedOut.into()))? {
                Some(Ok(piece)) => self.buffer.extend_from_slice(piece.data_ref().map_or(&[], |data| data)),
                Some(Err(error)) => return Err(failed(io::Error::other(error))),
                None => return Err(failed(io::ErrorKind::UnexpectedEof.into())),
            }
        }
        let mut frame = self.buffer.split_to(FRAME_HEADER + data_length);
        format::check_frame(&id, self.index, &frame)?;
        let begin = self.index * FRAME as u64;
        let (from, to) = (self.range.start - begin, (self.range.end - begin).min(data_length as u64));
        let mut wanted = frame.split_off(FRAME_HEADER + from as usize);
        wanted.truncate((to - from) as usize);
        if let Some(cipher) = &self.cipher {
            cipher.apply(begin + from, &mut wanted);
        }
        self.range.start = begin + to;
        self.index += 1;
        Ok(Some(wanted.freeze()))
    }
}

fn refused(status: StatusCode, text: &[u8]) -> io::Error {
    let text: String = String::from_utf8_lossy(text).chars().take(500).collect();
    io::Error::other(format!("the server says {status}: {text}"))
}

/// The time of a `Date` header, or ours.
fn date(text: Option<&str>) -> SystemTime {
    let time = text.and_then(|text| rfc2822::parse(text).ok());
    time.map_or_else(SystemTime::now, |time| SystemTime::from(time.timestamp()))
}
