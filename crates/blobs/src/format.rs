//! How a blob lies on disk: as one *extent*, a run of bytes that can be read knowing only the file, where in it the
//! extent begins, and how long it is. The file of a large blob is one extent. A segment, which small blobs share, has
//! one extent after the other: each can be told from the next by walking forwards, and carries its blob's id.
//!
//! ```text
//! header   32  magic "WELKBLOB", version u16 (1), frame size as a power of two u8 (16), zero u8, blob id 16, crc u32
//! frame  8+n   n u32, crc u32, n bytes; every frame is full (65,536 bytes) but the last; an empty blob has none
//! trailer  16  magic "TAIL", blob length u64, crc u32
//! ```
//!
//! Numbers are little-endian; a crc is CRC-32C. The header's covers what stands before it. A frame's covers the blob
//! id, the frame's index (u64), `n` and the bytes: a frame that a disk put in another's place does not pass. The
//! trailer's covers the blob id, the magic and the length. So every bit of an extent is covered, and CRC-32C finds
//! every single flipped bit. "TAIL" as a number is more than any `n`. The header keeps its size, magic, version and
//! crc in every later version.

use bytes::Bytes;

use crate::{BlobError, BlobId};

/// The version that is written, and the only one that is read.
pub const VERSION: u16 = 1;
/// Data bytes of a full frame.
pub const FRAME: usize = 1 << FRAME_BITS;
/// Bytes before a frame's data.
pub const FRAME_HEADER: usize = 8;
/// Bytes before the first frame.
pub const HEADER: usize = 32;
/// Bytes after the last frame.
pub const TRAILER: usize = 16;

const FRAME_BITS: u8 = 16;
const MAGIC: &[u8; 8] = b"WELKBLOB";
const TAIL: &[u8; 4] = b"TAIL";

/// How many frames a blob of `length` bytes has.
pub fn frame_count(length: u64) -> u64 {
    length.div_ceil(FRAME as u64)
}

/// How many bytes the extent of a blob of `length` bytes takes; none if that is more than a number holds.
pub fn extent_length(length: u64) -> Option<u64> {
    let overhead = frame_count(length).checked_mul(FRAME_HEADER as u64)?.checked_add((HEADER + TRAILER) as u64)?;
    length.checked_add(overhead)
}

/// Where frame `index` begins within the extent.
pub fn frame_offset(index: u64) -> u64 {
    HEADER as u64 + index * (FRAME_HEADER + FRAME) as u64
}

/// How many data bytes frame `index` of a blob of `length` bytes has.
pub fn frame_length(index: u64, length: u64) -> usize {
    usize::try_from(length.saturating_sub(index * FRAME as u64)).map_or(FRAME, |rest| rest.min(FRAME))
}

/// The header of a blob's extent.
pub fn header(id: &BlobId) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    bytes[10] = FRAME_BITS;
    bytes[12..28].copy_from_slice(id.as_bytes());
    let crc = crc32c(&[&bytes[..28]]);
    bytes[28..].copy_from_slice(&crc);
    bytes
}

/// Checks that `bytes` are the header of this blob, in a version that is read.
pub fn check_header(id: &BlobId, bytes: &[u8; HEADER]) -> Result<(), BlobError> {
    if crc32c(&[&bytes[..28]]) != bytes[28..] || &bytes[..8] != MAGIC {
        return Err(BlobError::corrupt(*id, "its header does not match its checksum"));
    }
    let version = u16::from_le_bytes([bytes[8], bytes[9]]);
    if version != VERSION {
        return Err(BlobError::Unsupported { id: *id, version });
    }
    if bytes != &header(id) {
        return Err(BlobError::corrupt(*id, "its header is that of another blob"));
    }
    Ok(())
}

/// The trailer of a blob of `length` bytes.
pub fn trailer(id: &BlobId, length: u64) -> [u8; TRAILER] {
    let mut bytes = [0; TRAILER];
    bytes[..4].copy_from_slice(TAIL);
    bytes[4..12].copy_from_slice(&length.to_le_bytes());
    let crc = crc32c(&[id.as_bytes(), &bytes[..12]]);
    bytes[12..].copy_from_slice(&crc);
    bytes
}

/// Checks a trailer and gives the blob's length.
pub fn check_trailer(id: &BlobId, bytes: &[u8; TRAILER]) -> Result<u64, BlobError> {
    let mut length = [0; 8];
    length.copy_from_slice(&bytes[4..12]);
    let length = u64::from_le_bytes(length);
    if bytes == &trailer(id, length) {
        Ok(length)
    } else {
        Err(BlobError::corrupt(*id, "its trailer does not match its checksum"))
    }
}

/// The eight bytes before the data of frame `index`.
pub fn frame_header(id: &BlobId, index: u64, data: &[u8]) -> [u8; FRAME_HEADER] {
    let length = (data.len() as u32).to_le_bytes();
    let mut bytes = [0; FRAME_HEADER];
    bytes[..4].copy_from_slice(&length);
    bytes[4..].copy_from_slice(&crc32c(&[id.as_bytes(), &index.to_le_bytes(), &length, data]));
    bytes
}

/// Checks a whole frame, header and data, which must be as long as frame `index` ought to be.
pub fn check_frame(id: &BlobId, index: u64, frame: &[u8]) -> Result<(), BlobError> {
    let (head, data) = frame.split_at(FRAME_HEADER.min(frame.len()));
    check_frame_data(id, index, head, data)
}

/// As [`check_frame`], of what stands before a frame, and its data.
pub fn check_frame_data(id: &BlobId, index: u64, head: &[u8], data: &[u8]) -> Result<(), BlobError> {
    if head == frame_header(id, index, data) {
        Ok(())
    } else {
        Err(BlobError::corrupt(*id, format!("frame {index} does not match its checksum")))
    }
}

/// Adds the extent of a blob of `length` bytes, which are those of `frames`, to `out`.
pub fn write_extent(id: &BlobId, length: u64, frames: &[Bytes], out: &mut Vec<u8>) {
    out.extend_from_slice(&header(id));
    for (index, frame) in (0..).zip(frames) {
        out.extend_from_slice(&frame_header(id, index, frame));
        out.extend_from_slice(frame);
    }
    out.extend_from_slice(&trailer(id, length));
}

/// Checks the whole extent of a blob of `length` bytes, and gives the data of its frames.
pub fn check_extent(id: &BlobId, length: u64, mut extent: Bytes) -> Result<Vec<Bytes>, BlobError> {
    if extent_length(length) != Some(extent.len() as u64) {
        return Err(BlobError::corrupt(*id, "its extent has another length than its frames"));
    }
    let mut head = [0; HEADER];
    head.copy_from_slice(&extent.split_to(HEADER));
    check_header(id, &head)?;
    let mut frames = Vec::with_capacity(frame_count(length) as usize);
    for index in 0..frame_count(length) {
        let frame = extent.split_to(FRAME_HEADER + frame_length(index, length));
        check_frame(id, index, &frame)?;
        frames.push(frame.slice(FRAME_HEADER..));
    }
    let mut tail = [0; TRAILER];
    tail.copy_from_slice(&extent);
    if check_trailer(id, &tail)? == length {
        Ok(frames)
    } else {
        Err(BlobError::corrupt(*id, "its trailer tells another length"))
    }
}

/// CRC-32C of parts one after the other.
pub fn crc32c(parts: &[&[u8]]) -> [u8; 4] {
    let mut crc = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    for part in parts {
        crc.update(part);
    }
    (crc.finalize() as u32).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::{FRAME, check_header, extent_length, frame_count, frame_header, frame_length, header, trailer};
    use crate::{BlobError, BlobId};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn version_1_stays_as_it_was_first_written() {
        let id = BlobId::from([0x5a; 16]);
        let golden = format!(
            "{} {} {}",
            hex(&header(&id)),
            hex(&frame_header(&id, 3, b"hello")),
            hex(&trailer(&id, 3 * FRAME as u64 + 5))
        );
        let expected = "57454c4b424c4f42010010005a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5af823b446 \
                        05000000fe9fa6ca 5441494c050003000000000059d00618";
        assert_eq!(golden, expected);
    }

    #[test]
    fn frames_add_up_to_the_extent() {
        let full = FRAME as u64;
        for (length, count, last) in [(0, 0, 0), (1, 1, 1), (full, 1, FRAME), (full + 1, 2, 1), (3 * full, 3, FRAME)] {
            assert_eq!(frame_count(length), count, "{length}");
            assert_eq!(extent_length(length), Some(48 + 8 * count + length));
            assert_eq!(frame_length(count.saturating_sub(1), length), last, "{length}");
        }
        assert_eq!(extent_length(u64::MAX), None);
    }

    #[test]
    fn a_sound_header_of_a_later_version_is_unsupported_and_not_corrupt() {
        let id = BlobId::from([7; 16]);
        let mut bytes = header(&id);
        bytes[8] = 2;
        assert!(matches!(check_header(&id, &bytes), Err(BlobError::Corrupt { .. })));
        let crc = super::crc32c(&[&bytes[..28]]);
        bytes[28..].copy_from_slice(&crc);
        assert!(matches!(check_header(&id, &bytes), Err(BlobError::Unsupported { version: 2, .. })));
    }
}
