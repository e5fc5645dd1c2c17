//! Reading a backup: part after part, each checked before it is given, and the whole counted at the end.

use std::io::Read;

use blobs::BlobId;
use store::{Pair, limits};

use crate::contents::{Item, Manifest, Summary};
use crate::error::BackupError;
use crate::format::{Kind, RecordReader};

/// Reads a backup. Only when it has given [`Item::End`] is it known to be whole.
pub struct Reader<R> {
    records: RecordReader<R>,
    manifest: Manifest,
    /// What has come so far.
    seen: Summary,
    /// What has begun and not ended.
    open: Option<Open>,
    last_key: Option<Vec<u8>>,
    is_over: bool,
}

/// A blob, or a file of the trail, whose bytes are coming.
struct Open {
    is_blob: bool,
    length: u64,
    missing: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the header and the manifest.
    ///
    /// # Errors
    /// [`BackupError::Foreign`], [`BackupError::Newer`], or damage.
    pub fn begin(input: R) -> Result<Self, BackupError> {
        let mut records = RecordReader::begin(input)?;
        let at = records.position();
        let (kind, payload) = records.read()?;
        if kind == Kind::Abandoned {
            return Err(abandoned(&payload));
        }
        let manifest = (kind == Kind::Manifest).then(|| serde_json::from_slice(&payload).ok()).flatten();
        let manifest = manifest.ok_or(BackupError::Damaged { at, what: "there is no manifest" })?;
        Ok(Self { records, manifest, seen: Summary::default(), open: None, last_key: None, is_over: false })
    }

    /// What the backup says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The next part. Call it no more after [`Item::End`] or an error.
    ///
    /// # Errors
    /// [`BackupError::CutOff`], [`BackupError::Damaged`], [`BackupError::Abandoned`], [`BackupError::Read`].
    #[expect(clippy::should_implement_trait, reason = "an iterator would go on after an error")]
    pub fn next(&mut self) -> Result<Item, BackupError> {
        let at = self.records.position();
        let damaged = |what| BackupError::Damaged { at, what };
        if self.is_over {
            return Err(damaged("it is read beyond its end"));
        }
        let (kind, payload) = self.records.read()?;
        if self.open.is_some() && !matches!(kind, Kind::Bytes | Kind::BlobEnd | Kind::BlobLost | Kind::Abandoned) {
            return Err(damaged("a blob has no end"));
        }
        match kind {
            Kind::Manifest => Err(damaged("there is a second manifest")),
            Kind::Abandoned => Err(abandoned(&payload)),
            Kind::File => {
                self.seen.files += 1;
                file(payload).ok_or(damaged("a file has no name"))
            }
            Kind::Pairs => {
                let pairs = pairs(&payload).ok_or(damaged("a batch of records has no end"))?;
                self.check(&pairs).map_err(damaged)?;
                self.seen.pairs += pairs.len() as u64;
                Ok(Item::Pairs(pairs))
            }
            Kind::Blob => {
                let id = payload.first_chunk::<16>().copied().map(BlobId::from);
                let length = payload.get(16..).and_then(|rest| rest.try_into().ok()).map(u64::from_le_bytes);
                let (id, length) = id.zip(length).ok_or(damaged("a blob has no length"))?;
                self.open = Some(Open { is_blob: true, length, missing: length });
                Ok(Item::Blob { id, length })
            }
            Kind::Trail => {
                let (length, name) = payload.split_first_chunk().ok_or(damaged("a file has no length"))?;
                let name = str::from_utf8(name).map_err(|_| damaged("a file has no name"))?.to_owned();
                let length = u64::from_le_bytes(*length);
                self.open = Some(Open { is_blob: false, length, missing: length });
                Ok(Item::TrailFile { name, length })
            }
            Kind::Bytes => {
                let open = self.open.as_mut().ok_or(damaged("bytes of no blob"))?;
                open.missing = open.missing.checked_sub(payload.len() as u64).ok_or(damaged("a blob is too long"))?;
                Ok(Item::Bytes(payload))
            }
            Kind::BlobEnd => match self.open.take() {
                Some(Open { is_blob, length, missing: 0 }) => {
                    let (count, bytes) = if is_blob {
                        (&mut self.seen.blobs, &mut self.seen.blob_bytes)
                    } else {
                        (&mut self.seen.trail_files, &mut self.seen.trail_bytes)
                    };
                    *count += 1;
                    *bytes += length;
                    Ok(Item::BlobEnd)
                }
                _ => Err(damaged("a blob is too short")),
            },
            Kind::BlobLost => {
                self.open.take().ok_or(damaged("no blob is lost"))?;
                Ok(Item::BlobLost)
            }
            Kind::End => {
                let summary: Summary = serde_json::from_slice(&payload).map_err(|_| damaged("its end is not one"))?;
                self.seen.lost.clone_from(&summary.lost);
                self.seen.lost_trail_files = summary.lost_trail_files;
                if summary != self.seen {
                    return Err(damaged("its end counts other parts than there are"));
                }
                if !self.records.is_at_end()? {
                    return Err(damaged("there is something after its end"));
                }
                self.is_over = true;
                Ok(Item::End(summary))
            }
        }
    }

    /// Keys ascend, and everything is within what a store takes.
    fn check(&mut self, pairs: &[Pair]) -> Result<(), &'static str> {
        for (key, value) in pairs {
            if key.len() > limits::MAX_KEY || value.len() > limits::MAX_VALUE {
                return Err("a record is larger than records are");
            }
            let is_next = self.last_key.as_ref().is_none_or(|last| key > last);
            if !is_next {
                return Err("its records are not in order");
            }
            self.last_key = Some(key.clone());
        }
        Ok(())
    }
}

fn abandoned(payload: &[u8]) -> BackupError {
    BackupError::Abandoned(String::from_utf8_lossy(payload).into_owned())
}

fn file(payload: Vec<u8>) -> Option<Item> {
    let length = usize::from(u16::from_le_bytes(*payload.first_chunk()?));
    let name = String::from_utf8(payload.get(2..2 + length)?.to_vec()).ok()?;
    let is_plain = !name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != "..";
    is_plain.then(|| Item::File { name, bytes: payload[2 + length..].to_vec() })
}

fn pairs(mut rest: &[u8]) -> Option<Vec<Pair>> {
    let mut next = || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (part, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = after;
        Some((part.to_vec(), after.is_empty()))
    };
    let mut pairs = Vec::new();
    loop {
        let (key, _) = next()?;
        let (value, is_last) = next()?;
        pairs.push((key, value));
        if is_last {
            return Some(pairs);
        }
    }
}
