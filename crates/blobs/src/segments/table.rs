//! What a segment file says of the blobs in it: a head, then a table with one entry for each blob, then their extents.
//!
//! ```text
//! head     4096  magic "WELKSEGM", version u16 (1), zero u16, entries u32 (4096), segment u64, crc u32; the rest is zero
//! entry      32  place u32, length u32, tag 6, state u8 (1 live, 2 deleted), zero u8, written at u64, batch u32, crc u32
//! extents        from 135,168 on: see `format.rs`
//! ```
//!
//! Numbers are little-endian; a crc is CRC-32C. An entry's covers the segment's number, the entry's and what stands
//! before it; an entry of zeros is none. Times are milliseconds since 1970. *Batch* counts the writes that were made
//! safe together.
//!
//! A blob's id says where to look: segment (8 bytes), entry (2), tag (6), all most significant byte first.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::BlobId;
use crate::format::crc32c;

/// How many blobs a segment takes.
pub const ENTRIES: u16 = 4096;
/// Bytes of an entry.
pub const ENTRY: usize = 32;
/// Bytes before the table.
pub const HEAD: usize = 4096;
/// Where the extents begin.
pub const DATA: u64 = HEAD as u64 + ENTRIES as u64 * ENTRY as u64;
/// A segment is full when its extents have so many bytes.
pub const FULL: u64 = 64 << 20;

const MAGIC: &[u8; 8] = b"WELKSEGM";
const VERSION: u16 = 1;

/// The number of a segment: 64 random bits, written as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u64);

impl SegmentId {
    /// Whose file this is.
    pub fn of_file_name(name: &str) -> Option<Self> {
        Self::of_digits(name.strip_suffix(".segment")?)
    }

    /// Reads 16 lower-case hexadecimal digits.
    pub fn of_digits(digits: &str) -> Option<Self> {
        let is_number = digits.len() == 16 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_number.then(|| u64::from_str_radix(digits, 16).ok().map(Self)).flatten()
    }

    /// The segment that a blob of this id is in, if it is in one.
    pub fn of_blob(id: &BlobId) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *id.as_bytes();
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    /// The name of its file.
    pub fn file_name(self) -> String {
        format!("{self}.segment")
    }

    /// Its first byte, which names the folder that it is in.
    pub fn first_byte(self) -> u8 {
        self.0.to_be_bytes()[0]
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Where a blob's id says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The segment.
    pub segment: SegmentId,
    /// The number of its entry.
    pub number: u16,
    /// What tells it from another blob that once had the same entry.
    pub tag: [u8; 6],
}

impl Place {
    /// Where this blob is if it is in a segment; none if no segment can have it.
    pub fn of(id: &BlobId) -> Option<Self> {
        let bytes = id.as_bytes();
        let number = u16::from_be_bytes([bytes[8], bytes[9]]);
        let mut tag = [0; 6];
        tag.copy_from_slice(&bytes[10..]);
        (number < ENTRIES).then_some(Self { segment: SegmentId::of_blob(id), number, tag })
    }

    /// The blob's id.
    pub fn id(&self) -> BlobId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.segment.0.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.number.to_be_bytes());
        bytes[10..].copy_from_slice(&self.tag);
        BlobId::from(bytes)
    }
}

/// Whether a blob is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is.
    Live,
    /// It was; its bytes are garbage.
    Deleted,
}

/// What the table says of one blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Where in the file its extent begins.
    pub place: u32,
    /// How many bytes the blob has.
    pub length: u32,
    /// The end of its id.
    pub tag: [u8; 6],
    /// Whether it is there.
    pub state: State,
    /// When it was written, in milliseconds since 1970.
    pub written_at: u64,
    /// The write that it was part of.
    pub batch: u32,
}

/// What is found at an entry's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Nothing was written, or what was is compacted away.
    Empty,
    /// An entry.
    Entry(Entry),
    /// Something that was not written so.
    Damaged,
}

impl Entry {
    /// The bytes of entry `number` of a segment.
    pub fn encode(&self, segment: SegmentId, number: u16) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        bytes[..4].copy_from_slice(&self.place.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..14].copy_from_slice(&self.tag);
        bytes[14] = match self.state {
            State::Live => 1,
            State::Deleted => 2,
        };
        bytes[16..24].copy_from_slice(&self.written_at.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.batch.to_le_bytes());
        let crc = entry_crc(segment, number, &bytes);
        bytes[28..].copy_from_slice(&crc);
        bytes
    }

    /// The end of its extent.
    pub fn end(&self) -> u64 {
        u64::from(self.place) + self.extent()
    }

    /// How many bytes its extent has.
    pub fn extent(&self) -> u64 {
        crate::format::extent_length(u64::from(self.length)).unwrap_or(u64::MAX)
    }

    /// When the blob was written.
    pub fn written_at(&self) -> SystemTime {
        time_of(self.written_at)
    }
}

impl Slot {
    /// Reads entry `number` of a segment.
    pub fn decode(segment: SegmentId, number: u16, bytes: &[u8; ENTRY]) -> Self {
        if bytes == &[0; ENTRY] {
            return Self::Empty;
        }
        let state = match bytes[14] {
            1 => State::Live,
            2 => State::Deleted,
            _ => return Self::Damaged,
        };
        if entry_crc(segment, number, bytes) != bytes[28..] {
            return Self::Damaged;
        }
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let mut tag = [0; 6];
        tag.copy_from_slice(&bytes[8..14]);
        let written_at = u64::from(u32_at(16)) | u64::from(u32_at(20)) << 32;
        Self::Entry(Entry { place: u32_at(0), length: u32_at(4), tag, state, written_at, batch: u32_at(24) })
    }

    /// The entry, if it is that of a blob that is there.
    pub fn live(self) -> Option<Entry> {
        match self {
            Self::Entry(entry) if entry.state == State::Live => Some(entry),
            Self::Empty | Self::Entry(_) | Self::Damaged => None,
        }
    }
}

fn entry_crc(segment: SegmentId, number: u16, bytes: &[u8; ENTRY]) -> [u8; 4] {
    crc32c(&[&segment.0.to_le_bytes(), &number.to_le_bytes(), &bytes[..28]])
}

/// The beginning of a segment's file, up to its table.
pub fn head(segment: SegmentId) -> [u8; HEAD] {
    let mut bytes = [0; HEAD];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&u32::from(ENTRIES).to_le_bytes());
    bytes[16..24].copy_from_slice(&segment.0.to_le_bytes());
    let crc = crc32c(&[&bytes[..24]]);
    bytes[24..28].copy_from_slice(&crc);
    bytes
}

/// Where in the file entry `number` is.
pub fn entry_offset(number: u16) -> u64 {
    HEAD as u64 + u64::from(number) * ENTRY as u64
}

/// Now, in milliseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

/// The time of milliseconds since 1970.
pub fn time_of(millis: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::{Entry, Place, SegmentId, Slot, State, head};
    use crate::BlobId;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    const ENTRY: Entry = Entry {
        place: 0x0102_0304,
        length: 5,
        tag: [6; 6],
        state: State::Live,
        written_at: 0x0700_0000_0008,
        batch: 9,
    };

    #[test]
    fn version_1_stays_as_it_was_first_written() {
        let segment = SegmentId(0x1122_3344_5566_7788);
        assert_eq!(hex(&head(segment)[..32]), "57454c4b5345474d01000000001000008877665544332211e6f95a2900000000",);
        assert_eq!(hex(&ENTRY.encode(segment, 3)), "0403020105000000060606060606010008000000000700000900000010d203da",);
    }

    #[test]
    fn an_entry_is_of_one_place_and_every_flipped_bit_of_it_is_found() {
        let segment = SegmentId(7);
        let bytes = ENTRY.encode(segment, 3);
        assert_eq!(Slot::decode(segment, 3, &bytes), Slot::Entry(ENTRY));
        assert_eq!(Slot::decode(segment, 4, &bytes), Slot::Damaged);
        assert_eq!(Slot::decode(SegmentId(8), 3, &bytes), Slot::Damaged);
        assert_eq!(Slot::decode(segment, 3, &[0; 32]), Slot::Empty);
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Slot::decode(segment, 3, &bytes), Slot::Damaged, "bit {bit}");
        }
    }

    #[test]
    fn ids_tell_the_place_and_sort_by_it() {
        let place = Place { segment: SegmentId(0xfe), number: 4095, tag: [1, 2, 3, 4, 5, 6] };
        assert_eq!(place.id().to_string(), "00000000000000fe0fff010203040506");
        assert_eq!(Place::of(&place.id()), Some(place));
        assert_eq!(Place::of(&BlobId::from([0xff; 16])), None);
        assert_eq!(SegmentId::of_file_name("00000000000000fe.segment"), Some(place.segment));
        for name in ["fe.segment", "00000000000000FE.segment", "00000000000000fe", "+0000000000000fe.segment"] {
            assert_eq!(SegmentId::of_file_name(name), None, "{name}");
        }
    }
}
