//! Finds records by their index, newest first, in bounded time: a lookup looks at so many entries of the index and no
//! more, and says where it stopped.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::event::number_of;
use crate::index::{ENTRY, Entry, Lane, MANAGEMENT, READ_ONLY, account_number, filter_bits, short_hash};
use crate::segment::{Segment, list};
use crate::stored::Stored;
use crate::trails::folders;

/// Entries of the index that one lookup looks at. Their 16 MB are read in some 10 ms.
const MAX_ENTRIES: usize = 250_000;
/// Records that one lookup reads.
const MAX_RECORDS: usize = 2_000;
/// Entries that are read at a time.
const CHUNK: usize = 1024;
/// The longest record that is believed.
const MAX_RECORD: usize = 1 << 20;

/// By what records are looked up: CloudTrail's lookup attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// `EventId`.
    EventId(String),
    /// `EventName`.
    EventName(String),
    /// `EventSource`, such as `ec2.amazonaws.com`.
    EventSource(String),
    /// `ReadOnly`.
    ReadOnly(bool),
    /// `Username`.
    Username(String),
    /// `AccessKeyId`.
    AccessKeyId(String),
    /// `ResourceName`.
    ResourceName(String),
    /// `ResourceType`.
    ResourceType(String),
}

/// What is looked up: management events of one account.
#[derive(Debug, Clone)]
pub struct Query {
    /// The account.
    pub account: String,
    /// What they must have.
    pub attribute: Option<Attribute>,
    /// Their earliest time, in microseconds since 1970.
    pub since: u64,
    /// Their latest.
    pub until: u64,
    /// How many.
    pub limit: usize,
    /// Where an earlier lookup stopped.
    pub from: Option<Position>,
}

/// Where a lookup stopped: in each process's trail, by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// The places. A trail that has none began later.
    pub places: Vec<(String, Place)>,
}

/// Where a lookup stopped in one trail, in each lane: the number of the file and of the first record that was looked at
/// already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// In the lane of changes.
    pub changes: (u64, u64),
    /// In the lane of reading calls.
    pub reads: (u64, u64),
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Records, newest first, as they were written.
    pub records: Vec<Stored>,
    /// Where to go on; none if that is all.
    pub next: Option<Position>,
}

impl Query {
    fn may_be(&self, entry: &Entry, account: u64) -> bool {
        if entry.account != account
            || entry.flags & MANAGEMENT == 0
            || entry.time < self.since
            || entry.time > self.until
        {
            return false;
        }
        match &self.attribute {
            None => true,
            Some(Attribute::EventId(id)) => number_of(id) == Some(entry.event_id),
            Some(Attribute::EventName(name)) => entry.event_name == short_hash(name),
            Some(Attribute::EventSource(source)) => entry.event_source == short_hash(source),
            Some(Attribute::ReadOnly(is_read_only)) => (entry.flags & READ_ONLY != 0) == *is_read_only,
            Some(Attribute::Username(name)) => entry.username == short_hash(name),
            Some(Attribute::AccessKeyId(key)) => entry.access_key == short_hash(key),
            Some(Attribute::ResourceName(text) | Attribute::ResourceType(text)) => {
                let bits = filter_bits(text);
                entry.resources & bits == bits
            }
        }
    }

    fn is(&self, stored: &Stored) -> bool {
        stored.recipient_account_id.as_ref() == Some(&self.account)
            && stored.management_event
            && self.attribute.as_ref().is_none_or(|attribute| stored.has(attribute))
    }
}

/// Looks up records of the trail in `root`, those of all its processes. May find fewer than `limit` and say where to go
/// on: then it has looked at as much as one lookup may. Blocks on the disk.
///
/// # Errors
/// The kernel's.
pub fn lookup(root: &Path, query: &Query) -> io::Result<Found> {
    let account = account_number(&query.account);
    let mut found = Found::default();
    if account == 0 {
        return Ok(found);
    }
    let mut cursors = Cursors::new(root, query.from.as_ref())?;
    let mut seen = 0;
    let mut read = 0;
    while let Some((newest, entry)) = cursors.take_newest(query.since)? {
        seen += 1;
        if query.may_be(&entry, account) {
            read += 1;
            if let Some(stored) = newest.read(&entry)?.filter(|stored| query.is(stored)) {
                found.records.push(stored);
            }
        }
        if found.records.len() >= query.limit || seen >= MAX_ENTRIES || read >= MAX_RECORDS {
            found.next = cursors.has_more(query.since)?.then(|| cursors.position());
            return Ok(found);
        }
    }
    Ok(found)
}

/// The lanes of all trails: of each trail changes, then reads.
struct Cursors {
    names: Vec<String>,
    lanes: Vec<Cursor>,
}

impl Cursors {
    fn new(root: &Path, from: Option<&Position>) -> io::Result<Self> {
        let (mut names, mut lanes) = (Vec::new(), Vec::new());
        for folder in folders(root)? {
            let from = match from {
                None => None,
                Some(position) => match position.places.iter().find(|(name, _)| *name == folder.name) {
                    Some((_, place)) => Some(*place),
                    // It began after the first page, so all that it has is newer than that.
                    None => continue,
                },
            };
            lanes.push(Cursor::new(&folder.path, Lane::Changes, from.map(|from| from.changes))?);
            lanes.push(Cursor::new(&folder.path, Lane::Reads, from.map(|from| from.reads))?);
            names.push(folder.name);
        }
        Ok(Self { names, lanes })
    }

    /// The newest entry that is not older than `since`, with the lane that has it.
    fn take_newest(&mut self, since: u64) -> io::Result<Option<(&Cursor, Entry)>> {
        let mut newest: Option<(usize, u64)> = None;
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            if let Some(entry) = lane.peek(since)?
                && newest.is_none_or(|(_, time)| entry.time > time)
            {
                newest = Some((at, entry.time));
            }
        }
        let Some((at, _)) = newest else { return Ok(None) };
        let entry = self.lanes[at].take();
        Ok(entry.map(|entry| (&self.lanes[at], entry)))
    }

    fn has_more(&mut self, since: u64) -> io::Result<bool> {
        for lane in &mut self.lanes {
            if lane.peek(since)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn position(&self) -> Position {
        let place = |lanes: &[Cursor]| Place { changes: lanes[0].place(), reads: lanes[1].place() };
        Position { places: self.names.iter().cloned().zip(self.lanes.chunks_exact(2).map(place)).collect() }
    }
}

/// Goes through the entries of a lane, newest first.
struct Cursor {
    /// Those that are still to come, oldest first.
    segments: Vec<Segment>,
    open: Option<OpenSegment>,
    /// Up to which entry of which file it goes.
    limit: (u64, u64),
}

struct OpenSegment {
    number: u64,
    index: File,
    records: File,
    /// Entries before this one have not been looked at.
    end: u64,
    /// The entries just before `end`.
    chunk: Vec<Entry>,
}

impl Cursor {
    fn new(folder: &Path, lane: Lane, from: Option<(u64, u64)>) -> io::Result<Self> {
        let mut segments = list(folder, lane)?;
        let limit = from.unwrap_or((u64::MAX, u64::MAX));
        segments.retain(|segment| segment.number <= limit.0);
        Ok(Self { segments, open: None, limit })
    }

    /// The next entry; none at the end, or when all that follow are older than `since`.
    fn peek(&mut self, since: u64) -> io::Result<Option<Entry>> {
        loop {
            if let Some(open) = &mut self.open {
                if open.chunk.is_empty() {
                    open.fill()?;
                }
                match open.chunk.last() {
                    // Within a lane records are in the order of time but for those of the same moment.
                    Some(entry) if entry.time.saturating_add(1_000_000) < since && entry.time != 0 => {
                        self.segments.clear();
                        self.open = None;
                        return Ok(None);
                    }
                    Some(entry) => return Ok(Some(*entry)),
                    None => self.open = None,
                }
            }
            let Some(segment) = self.segments.pop() else { return Ok(None) };
            self.open = OpenSegment::open(&segment, self.limit)?;
        }
    }

    fn take(&mut self) -> Option<Entry> {
        let open = self.open.as_mut()?;
        let entry = open.chunk.pop()?;
        open.end -= 1;
        Some(entry)
    }

    fn read(&self, entry: &Entry) -> io::Result<Option<Stored>> {
        let length = entry.length as usize;
        let Some(open) = self.open.as_ref().filter(|_| length <= MAX_RECORD) else { return Ok(None) };
        let mut line = vec![0; length];
        match open.records.read_exact_at(&mut line, entry.offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
            Ok(()) => Ok(Stored::parse(&line)),
        }
    }

    /// Up to which entry of which file a later lookup goes. What is written from now on is beyond it, also where nothing
    /// was taken yet; files have numbers from 1 on.
    fn place(&self) -> (u64, u64) {
        self.open.as_ref().map_or((0, 0), |open| (open.number, open.end))
    }
}

impl OpenSegment {
    /// None if the file has gone meanwhile: it was the oldest.
    fn open(segment: &Segment, limit: (u64, u64)) -> io::Result<Option<Self>> {
        let open = |path: &Path| match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        };
        let Some((index, records)) = open(&segment.index_path())?.zip(open(&segment.path)?) else { return Ok(None) };
        let there = index.metadata()?.len() / ENTRY as u64;
        let end = if limit.0 == segment.number { limit.1.min(there) } else { there };
        Ok(Some(Self { number: segment.number, index, records, end, chunk: Vec::new() }))
    }

    fn fill(&mut self) -> io::Result<()> {
        let begin = self.end.saturating_sub(CHUNK as u64);
        let count = usize::try_from(self.end - begin).unwrap_or(0);
        let mut bytes = vec![0; count * ENTRY];
        self.index.read_exact_at(&mut bytes, begin * ENTRY as u64)?;
        let entries = bytes.as_chunks::<ENTRY>().0;
        self.chunk = entries.iter().map(Entry::from_bytes).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{MAX_ENTRIES, Query, lookup};
    use crate::Lane;
    use crate::event::tests::event;
    use crate::index::Entry;
    use crate::segment::Segment;

    /// What another tenant has filled the trail with costs a lookup no more than its bound, and hides nothing.
    #[test]
    fn a_lookup_stops_at_its_bound_and_goes_on_with_the_token() {
        let folder = tempfile::tempdir().unwrap();
        let mine = api::Caller::root("111111111111".parse().unwrap(), "AKIA");
        let mut line = String::new();
        let entry = event(crate::Identity::Proven(&mine), "CreateVpc").write(&mut line, 1, 1);
        let entry = Entry { length: u32::try_from(line.len()).unwrap(), ..entry };
        let mut index = entry.to_bytes().to_vec();
        let other = Entry { account: 7, ..entry };
        for _ in 0..MAX_ENTRIES {
            index.extend_from_slice(&other.to_bytes());
        }
        let segment = Segment::new(folder.path(), Lane::Changes, 20_261_121, 1);
        fs::write(&segment.path, &line).unwrap();
        fs::write(segment.index_path(), index).unwrap();
        let query = Query {
            account: "111111111111".to_owned(),
            attribute: None,
            since: 0,
            until: u64::MAX,
            limit: 50,
            from: None,
        };
        let first = lookup(folder.path(), &query).unwrap();
        assert!(first.records.is_empty() && first.next.is_some());
        let second = lookup(folder.path(), &Query { from: first.next, ..query }).unwrap();
        assert_eq!((second.records.len(), second.next), (1, None));
    }
}
