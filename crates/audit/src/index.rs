//! The index beside each file of records: an entry of fixed size for each record, from which a lookup tells which
//! records it must read. Names are kept as hashes; a record that only hashes alike is found out when it is read.

/// Where a record goes. Each lane has its own files and its own share of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Calls that change something.
    Changes,
    /// Calls that read, and refused ones whose caller is not proven.
    Reads,
    /// Calls on what is in a resource, where they are recorded.
    Data,
}

impl Lane {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Changes, Self::Reads, Self::Data];

    /// What the names of its files begin with.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Reads => "reads",
            Self::Data => "data",
        }
    }

    /// Its share of the room for all records.
    pub(crate) fn share(self, total: u64) -> u64 {
        match self {
            Self::Changes => total / 2,
            Self::Reads | Self::Data => total / 4,
        }
    }

    pub(crate) fn position(self) -> usize {
        match self {
            Self::Changes => 0,
            Self::Reads => 1,
            Self::Data => 2,
        }
    }
}

/// Bytes of an entry.
pub(crate) const ENTRY: usize = 64;

/// What is known of a record without reading it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Microseconds since 1970.
    pub(crate) time: u64,
    /// Where the record begins in its file.
    pub(crate) offset: u64,
    /// Its bytes, with the end of its line.
    pub(crate) length: u32,
    /// Bit 0: it only read. Bit 1: a management event.
    pub(crate) flags: u32,
    /// The account's number and one; 0 for none.
    pub(crate) account: u64,
    pub(crate) event_name: u32,
    pub(crate) event_source: u32,
    pub(crate) access_key: u32,
    pub(crate) username: u32,
    pub(crate) event_id: u64,
    /// A Bloom filter of the names and types of its resources.
    pub(crate) resources: u64,
}

pub(crate) const READ_ONLY: u32 = 1;
pub(crate) const MANAGEMENT: u32 = 2;

impl Entry {
    pub(crate) fn to_bytes(self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        let parts: [&[u8]; 11] = [
            &self.time.to_le_bytes(),
            &self.offset.to_le_bytes(),
            &self.length.to_le_bytes(),
            &self.flags.to_le_bytes(),
            &self.account.to_le_bytes(),
            &self.event_name.to_le_bytes(),
            &self.event_source.to_le_bytes(),
            &self.access_key.to_le_bytes(),
            &self.username.to_le_bytes(),
            &self.event_id.to_le_bytes(),
            &self.resources.to_le_bytes(),
        ];
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; ENTRY]) -> Self {
        let long = |at: usize| {
            let mut part = [0; 8];
            part.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(part)
        };
        let short = |at: usize| {
            let mut part = [0; 4];
            part.copy_from_slice(&bytes[at..at + 4]);
            u32::from_le_bytes(part)
        };
        Self {
            time: long(0),
            offset: long(8),
            length: short(16),
            flags: short(20),
            account: long(24),
            event_name: short(32),
            event_source: short(36),
            access_key: short(40),
            username: short(44),
            event_id: long(48),
            resources: long(56),
        }
    }
}

/// FNV-1a, which is written to disk and so never changes.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The same, short; 0 only for an empty text.
pub(crate) fn short_hash(text: &str) -> u32 {
    if text.is_empty() {
        return 0;
    }
    let long = hash(text);
    (u32::try_from((long >> 32) ^ (long & 0xffff_ffff)).unwrap_or(1)).max(1)
}

/// The bits of a text in a filter of resources.
pub(crate) fn filter_bits(text: &str) -> u64 {
    let hash = hash(text);
    1 << (hash & 63) | 1 << (hash >> 6 & 63)
}

/// An account's number and one.
pub(crate) fn account_number(account: &str) -> u64 {
    account.parse::<u64>().map_or(0, |number| number + 1)
}

#[cfg(test)]
mod tests {
    use super::{Entry, filter_bits, short_hash};

    #[test]
    fn an_entry_comes_back() {
        let entry = Entry {
            time: 1,
            offset: 2,
            length: 3,
            flags: 4,
            account: 5,
            event_name: 6,
            event_source: 7,
            access_key: 8,
            username: 9,
            event_id: 10,
            resources: 11,
        };
        assert_eq!(Entry::from_bytes(&entry.to_bytes()), entry);
    }

    #[test]
    fn hashes_on_disk_stay_what_they_are() {
        assert_eq!(short_hash("RunInstances"), 0x70a4_4bff);
        assert_eq!(filter_bits("").count_ones(), 2);
    }
}
