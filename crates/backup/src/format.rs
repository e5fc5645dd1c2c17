//! How a backup's bytes lie.
//!
//! ```text
//! header   16  magic "WELKIN BACKUP\n", format u16
//! record 9+n   kind u8, n u32, crc u32, n bytes
//! ```
//!
//! Numbers are little-endian. A record's crc is CRC-32C of the record's index (u64), kind, n and bytes, so that records
//! which were left out, doubled or moved are found as well as flipped bits. The first record is the manifest, the last
//! one the end, which counts the others; a file without it was cut off. The header keeps its size, and where the format
//! stands in it, in every later format.
//!
//! ```text
//! manifest   JSON
//! file       length of the name u16, name, bytes
//! trail      length u64, name
//! pairs      for each: length of the key u32, key, length of the value u32, value
//! blob       id 16, length u64
//! bytes      of the blob or the file of the trail, at most 256 KiB
//! blob end, blob lost   nothing
//! end        JSON
//! abandoned  why, as text
//! ```

use std::io::{self, Read, Write};

use crate::error::BackupError;

/// The format that is written. Formats from 1 to this one are read.
///
/// Format 2 has files of the audit trail, which come after the blobs.
pub const FORMAT: u16 = 2;
/// The most bytes of a record: a batch of pairs may hold one pair of the largest size beyond what fills it.
pub(crate) const MAX_RECORD: usize = 16 << 20;
const MAGIC: &[u8; 14] = b"WELKIN BACKUP\n";

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Manifest = 1,
    File = 2,
    Pairs = 3,
    Blob = 4,
    Bytes = 5,
    BlobEnd = 6,
    BlobLost = 7,
    End = 8,
    Abandoned = 9,
    Trail = 10,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        use Kind::{Abandoned, Blob, BlobEnd, BlobLost, Bytes, End, File, Manifest, Pairs, Trail};
        let all = [Manifest, File, Pairs, Blob, Bytes, BlobEnd, BlobLost, End, Abandoned, Trail];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// Writes records.
pub(crate) struct RecordWriter<W> {
    out: W,
    index: u64,
}

impl<W: Write> RecordWriter<W> {
    /// Begins a backup.
    pub(crate) fn begin(mut out: W) -> Result<Self, BackupError> {
        out.write_all(MAGIC).and_then(|()| out.write_all(&FORMAT.to_le_bytes())).map_err(BackupError::Write)?;
        Ok(Self { out, index: 0 })
    }

    pub(crate) fn write(&mut self, kind: Kind, payload: &[u8]) -> Result<(), BackupError> {
        let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MAX_RECORD);
        let length = length.ok_or_else(|| BackupError::Write(io::Error::other("a record is too large")))?;
        let crc = checksum(self.index, kind as u8, length, payload);
        let mut head = [kind as u8, 0, 0, 0, 0, 0, 0, 0, 0];
        head[1..5].copy_from_slice(&length.to_le_bytes());
        head[5..].copy_from_slice(&crc.to_le_bytes());
        self.index += 1;
        self.out.write_all(&head).and_then(|()| self.out.write_all(payload)).map_err(BackupError::Write)
    }

    pub(crate) fn finish(mut self) -> Result<(), BackupError> {
        self.out.flush().map_err(BackupError::Write)
    }
}

/// Reads records.
pub(crate) struct RecordReader<R> {
    input: R,
    index: u64,
    /// Where the next byte stands.
    at: u64,
}

impl<R: Read> RecordReader<R> {
    /// Checks the header.
    pub(crate) fn begin(mut input: R) -> Result<Self, BackupError> {
        let mut header = [0; 16];
        let got = fill(&mut input, &mut header)?;
        if !header[..got].starts_with(&MAGIC[..got.min(MAGIC.len())]) || got == 0 {
            return Err(BackupError::Foreign);
        }
        if got < header.len() {
            return Err(BackupError::CutOff(got as u64));
        }
        match u16::from_le_bytes([header[14], header[15]]) {
            0 => Err(BackupError::Damaged { at: 14, what: "there is no format 0" }),
            1..=FORMAT => Ok(Self { input, index: 0, at: 16 }),
            newer => Err(BackupError::Newer(newer)),
        }
    }

    /// Where the next record begins.
    pub(crate) fn position(&self) -> u64 {
        self.at
    }

    /// The next record.
    pub(crate) fn read(&mut self) -> Result<(Kind, Vec<u8>), BackupError> {
        let at = self.at;
        let mut head = [0; 9];
        self.exactly(&mut head)?;
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
        let kind = Kind::of(head[0]).ok_or(BackupError::Damaged { at, what: "there is no such kind of record" })?;
        if length as usize > MAX_RECORD {
            return Err(BackupError::Damaged { at, what: "a record is longer than records are" });
        }
        let mut payload = vec![0; length as usize];
        self.exactly(&mut payload)?;
        let crc = u32::from_le_bytes([head[5], head[6], head[7], head[8]]);
        if crc != checksum(self.index, head[0], length, &payload) {
            return Err(BackupError::Damaged { at, what: "a record does not match its checksum" });
        }
        self.index += 1;
        Ok((kind, payload))
    }

    /// Whether there is nothing more.
    pub(crate) fn is_at_end(&mut self) -> Result<bool, BackupError> {
        Ok(fill(&mut self.input, &mut [0])? == 0)
    }

    fn exactly(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        let got = fill(&mut self.input, bytes)?;
        self.at += got as u64;
        if got < bytes.len() { Err(BackupError::CutOff(self.at)) } else { Ok(()) }
    }
}

/// Reads until `bytes` are full or the input ends. Gives how many there are.
fn fill(input: &mut impl Read, bytes: &mut [u8]) -> Result<usize, BackupError> {
    let mut got = 0;
    while got < bytes.len() {
        match input.read(&mut bytes[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(BackupError::Read(error)),
        }
    }
    Ok(got)
}

fn checksum(index: u64, kind: u8, length: u32, payload: &[u8]) -> u32 {
    let mut crc = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    crc.update(&index.to_le_bytes());
    crc.update(&[kind]);
    crc.update(&length.to_le_bytes());
    crc.update(payload);
    crc.finalize() as u32
}
