//! Making a backup, while everything goes on.
//!
//! The order makes it consistent: first the blobs are held, so that none goes away; then the snapshot is taken, whose
//! every named blob is on disk by then, since a blob is safe before a record names it; then the snapshot is written
//! and let go; then the blobs. The audit trail comes last: what it says of calls before the snapshot is in it, and what it
//! says of later ones happened too.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use blobs::{BlobError, BlobId, BlobStore};
use futures_util::StreamExt;
use store::{Direction, Engine, KeyRange, Pair, StoreError, Version, successor};
use tokio::runtime::Handle;

use crate::contents::{Manifest, Summary, TrailFile};
use crate::error::BackupError;
use crate::format::{Kind, RecordWriter};

/// The blob that a row names, if it is a row that names one.
pub type BlobNames = fn(&[u8], &[u8]) -> Result<Option<BlobId>, StoreError>;

/// The files of the audit trail.
pub type TrailFiles = Box<dyn Fn() -> io::Result<Vec<TrailFile>> + Send + Sync>;

/// Pairs of a record at most.
const MAX_PAIRS: usize = 1024;
/// Bytes of pairs after which a record takes no more.
const PAIRS_BYTES: usize = 4 << 20;
/// Bytes of a blob or a file in one record at most.
const PIECE: usize = 256 << 10;
/// Bytes that a file of the data folder may have.
const MAX_FILE: u64 = 1 << 20;

/// What is backed up.
pub struct Source {
    /// Every fact.
    pub engine: Arc<dyn Engine>,
    /// The object bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// Tells which rows name blobs.
    pub names: BlobNames,
    /// The data folder, and the names of those small files in it that go along; one that isn't there is left out.
    pub files: Option<(PathBuf, &'static [&'static str])>,
    /// Lists the files of the audit trail, as they are when it is called.
    pub trail: Option<TrailFiles>,
    /// The region's name.
    pub region: String,
    /// The version of Welkin.
    pub welkin: String,
    /// The time, as RFC 3339 writes it.
    pub made_at: String,
}

/// Writes a backup to `out`. Blocks on the disk and on `out`, for as long as it takes: call it on a thread made for
/// that, within a runtime. A blob that is damaged is left out and listed in the summary.
///
/// # Errors
/// See [`BackupError`]. What was written until then says why, as far as `out` still takes it.
pub fn write(source: &Source, out: impl Write) -> Result<Summary, BackupError> {
    let mut records = RecordWriter::begin(out)?;
    match copy(source, &mut records) {
        Ok(summary) => {
            records.write(Kind::End, &json(&summary)?)?;
            records.finish()?;
            Ok(summary)
        }
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(inner) = cause {
                text.push_str(": ");
                text.push_str(&inner.to_string());
                cause = inner.source();
            }
            // The error that counts is the first one.
            let _ = records.write(Kind::Abandoned, text.as_bytes()).and_then(|()| records.finish());
            Err(error)
        }
    }
}

fn copy<W: Write>(source: &Source, records: &mut RecordWriter<W>) -> Result<Summary, BackupError> {
    let hold = source.blobs.hold().map_err(BackupError::Blobs)?;
    let snapshot = source.engine.long_snapshot()?;
    let mut summary = Summary::default();
    records.write(Kind::Manifest, &json(&manifest(source, snapshot.version()))?)?;
    copy_files(source, records, &mut summary)?;

    let mut named = Vec::new();
    let (mut range, mut limit) = (KeyRange::all(), 64);
    loop {
        let pairs = snapshot.scan(range.clone(), Direction::Ascending, limit)?;
        let Some((last, _)) = pairs.last() else { break };
        range.start = successor(last);
        for (key, value) in &pairs {
            named.extend((source.names)(key, value)?);
        }
        let size = size_of(&pairs);
        summary.pairs += pairs.len() as u64;
        write_pairs(records, pairs)?;
        limit = if size > PAIRS_BYTES { (limit / 2).max(1) } else { (limit * 2).min(MAX_PAIRS) };
    }
    drop(snapshot);
    named.sort_unstable();
    named.dedup();
    for id in named {
        copy_blob(source, records, &mut summary, id)?;
    }
    drop(hold);
    copy_trail(source, records, &mut summary)?;
    Ok(summary)
}

fn manifest(source: &Source, version: Version) -> Manifest {
    Manifest { welkin: source.welkin.clone(), made_at: source.made_at.clone(), region: source.region.clone(), version }
}

fn copy_files<W: Write>(
    source: &Source,
    records: &mut RecordWriter<W>,
    summary: &mut Summary,
) -> Result<(), BackupError> {
    let Some((folder, names)) = &source.files else { return Ok(()) };
    for name in *names {
        let failed = |cause| BackupError::File { name: (*name).to_owned(), cause };
        let path = folder.join(name);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
            Ok(metadata) if metadata.len() > MAX_FILE => return Err(failed(io::ErrorKind::FileTooLarge.into())),
            Ok(_) => {}
        }
        let mut payload = (name.len() as u16).to_le_bytes().to_vec();
        payload.extend_from_slice(name.as_bytes());
        payload.extend_from_slice(&fs::read(&path).map_err(failed)?);
        records.write(Kind::File, &payload)?;
        summary.files += 1;
    }
    Ok(())
}

/// Writes the files of the audit trail. One that has gone meanwhile was the oldest, and too old.
fn copy_trail<W: Write>(
    source: &Source,
    records: &mut RecordWriter<W>,
    summary: &mut Summary,
) -> Result<(), BackupError> {
    let Some(list) = &source.trail else { return Ok(()) };
    let failed = |cause| BackupError::File { name: "the audit trail".to_owned(), cause };
    for TrailFile { name, path, length } in list().map_err(failed)? {
        let mut file = match File::open(&path) {
            Ok(file) => file.take(length),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(_) => {
                summary.lost_trail_files += 1;
                continue;
            }
        };
        records.write(Kind::Trail, &[&length.to_le_bytes()[..], name.as_bytes()].concat())?;
        let (mut piece, mut left) = (vec![0; PIECE], length);
        while left > 0 {
            match file.read(&mut piece) {
                Ok(count) if count > 0 => {
                    records.write(Kind::Bytes, &piece[..count])?;
                    left -= count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Shorter than it was, or damaged: not worth the backup.
                Ok(_) | Err(_) => break,
            }
        }
        if left > 0 {
            summary.lost_trail_files += 1;
            records.write(Kind::BlobLost, &[])?;
            continue;
        }
        summary.trail_files += 1;
        summary.trail_bytes += length;
        records.write(Kind::BlobEnd, &[])?;
    }
    Ok(())
}

/// Writes pairs as one record, or as several where they are large.
fn write_pairs<W: Write>(records: &mut RecordWriter<W>, pairs: Vec<Pair>) -> Result<(), BackupError> {
    let mut payload = Vec::with_capacity(size_of(&pairs).min(PAIRS_BYTES) + pairs.len() * 8);
    for (key, value) in pairs {
        for part in [key, value] {
            payload.extend_from_slice(&(part.len() as u32).to_le_bytes());
            payload.extend_from_slice(&part);
        }
        if payload.len() >= PAIRS_BYTES {
            records.write(Kind::Pairs, &payload)?;
            payload.clear();
        }
    }
    if payload.is_empty() { Ok(()) } else { records.write(Kind::Pairs, &payload) }
}

fn size_of(pairs: &[Pair]) -> usize {
    pairs.iter().map(|(key, value)| key.len() + value.len()).sum()
}

fn copy_blob<W: Write>(
    source: &Source,
    records: &mut RecordWriter<W>,
    summary: &mut Summary,
    id: BlobId,
) -> Result<(), BackupError> {
    let runtime = Handle::current();
    let is_of_this_blob = |error: &BlobError| {
        matches!(
            error,
            BlobError::NotFound(_) | BlobError::Corrupt { .. } | BlobError::Unsupported { .. } | BlobError::Io { .. }
        )
    };
    let mut reader = match runtime.block_on(source.blobs.open(&id, None)) {
        Ok(reader) => reader,
        Err(error) if is_of_this_blob(&error) => {
            summary.lost.push(id);
            return Ok(());
        }
        Err(error) => return Err(BackupError::Blobs(error)),
    };
    let length = reader.length();
    records.write(Kind::Blob, &[&id.as_bytes()[..], &length.to_le_bytes()].concat())?;
    while let Some(chunk) = runtime.block_on(reader.next()) {
        match chunk {
            Ok(bytes) => {
                for piece in bytes.chunks(PIECE) {
                    records.write(Kind::Bytes, piece)?;
                }
            }
            Err(error) if is_of_this_blob(&error) => {
                summary.lost.push(id);
                return records.write(Kind::BlobLost, &[]);
            }
            Err(error) => return Err(BackupError::Blobs(error)),
        }
    }
    summary.blobs += 1;
    summary.blob_bytes += length;
    records.write(Kind::BlobEnd, &[])
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, BackupError> {
    serde_json::to_vec(value).map_err(|error| BackupError::Write(error.into()))
}
