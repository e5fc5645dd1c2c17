//! Finds records by their index, newest first, in bounded time: a lookup looks at so many entries of the index and no
//! more, and says where it stopped.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::Deserialize;

use crate::event::number_of;
use crate::index::{ENTRY, Entry, Lane, MANAGEMENT, READ_ONLY, account_number, filter_bits, short_hash};
use crate::segment::{Segment, list};
use crate::verdicts::StoredVerdict;

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

/// Where a lookup stopped, in each lane: the number of the file and of the first record that was looked at already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
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

/// A record that was read back.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stored {
    /// The record itself, one JSON object without the end of its line.
    #[serde(skip)]
    pub json: String,
    /// CloudTrail's `eventID`.
    #[serde(rename = "eventID")]
    pub event_id: String,
    /// CloudTrail's `eventName`.
    pub event_name: String,
    /// CloudTrail's `eventSource`.
    pub event_source: String,
    /// CloudTrail's `eventTime`.
    pub event_time: String,
    /// Whether the call changed nothing.
    pub read_only: bool,
    /// Whether it is a management event.
    pub management_event: bool,
    /// The account that the record belongs to; none for a call that proved nothing.
    pub recipient_account_id: Option<String>,
    /// The address that the call came from.
    #[serde(rename = "sourceIPAddress")]
    pub source_ip_address: String,
    /// The error's code, if it failed.
    pub error_code: Option<String>,
    /// The error's text.
    pub error_message: Option<String>,
    /// The id of the request.
    #[serde(rename = "requestID")]
    pub request_id: String,
    /// Who called.
    pub user_identity: StoredIdentity,
    /// What CloudTrail has no place for.
    pub additional_event_data: Additional,
}

/// Who called, as a record has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredIdentity {
    /// CloudTrail's type, such as `IAMUser`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The ARN.
    pub arn: Option<String>,
    /// The access key.
    pub access_key_id: Option<String>,
    /// The service that called, if it was one.
    pub invoked_by: Option<String>,
}

/// What a record has beside CloudTrail's members.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Additional {
    /// When the call was answered, in microseconds since 1970.
    pub epoch_micros: u64,
    /// The HTTP status of the answer.
    pub http_status: u16,
    /// How long it took.
    pub duration_micros: u64,
    /// Types and names of the resources that were named.
    pub resources: Vec<(String, String)>,
    /// What was decided on its permissions; empty in records of programs before there were policies.
    pub authorization: Vec<StoredVerdict>,
    /// There were more decisions than a record holds.
    pub authorization_cut: bool,
}

impl Stored {
    /// Reads a line; none if it is no record.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(line).ok()?.trim_end_matches('\n');
        let mut stored: Self = serde_json::from_str(text).ok()?;
        text.clone_into(&mut stored.json);
        Some(stored)
    }

    /// What `LookupEvents` calls the user: CloudTrail's `Username`.
    pub fn username(&self) -> &str {
        let last = |arn: &'_ str| arn.rfind(['/', ':']).map_or(0, |at| at + 1);
        match (self.user_identity.kind.as_str(), &self.user_identity.arn, &self.user_identity.invoked_by) {
            ("Root", _, _) => "root",
            ("AWSService", _, Some(service)) => service,
            (_, Some(arn), _) => &arn[last(arn)..],
            _ => "",
        }
    }

    /// Its entry for the index, without its place.
    pub(crate) fn entry(&self) -> Entry {
        let resources = self.additional_event_data.resources.iter();
        Entry {
            time: self.additional_event_data.epoch_micros,
            offset: 0,
            length: 0,
            flags: if self.read_only { READ_ONLY } else { 0 } | if self.management_event { MANAGEMENT } else { 0 },
            account: self.recipient_account_id.as_deref().map_or(0, account_number),
            event_name: short_hash(&self.event_name),
            event_source: short_hash(&self.event_source),
            access_key: self.user_identity.access_key_id.as_deref().map_or(0, short_hash),
            username: short_hash(self.username()),
            event_id: number_of(&self.event_id).unwrap_or(0),
            resources: resources.fold(0, |bits, (kind, name)| bits | filter_bits(kind) | filter_bits(name)),
        }
    }

    fn has(&self, attribute: &Attribute) -> bool {
        let mut resources = self.additional_event_data.resources.iter();
        match attribute {
            Attribute::EventId(id) => self.event_id == *id,
            Attribute::EventName(name) => self.event_name == *name,
            Attribute::EventSource(source) => self.event_source == *source,
            Attribute::ReadOnly(is_read_only) => self.read_only == *is_read_only,
            Attribute::Username(name) => self.username() == name,
            Attribute::AccessKeyId(key) => self.user_identity.access_key_id.as_ref() == Some(key),
            Attribute::ResourceName(wanted) => resources.any(|(_, name)| name == wanted),
            Attribute::ResourceType(wanted) => resources.any(|(kind, _)| kind == wanted),
        }
    }
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

/// Looks up records of the trail in `folder`. May find fewer than `limit` and say where to go on: then it has looked at
/// as much as one lookup may. Blocks on the disk.
///
/// # Errors
/// The kernel's.
pub fn lookup(folder: &Path, query: &Query) -> io::Result<Found> {
    let account = account_number(&query.account);
    let mut found = Found::default();
    if account == 0 {
        return Ok(found);
    }
    let mut changes = Cursor::new(folder, Lane::Changes, query.from.map(|from| from.changes))?;
    let mut reads = Cursor::new(folder, Lane::Reads, query.from.map(|from| from.reads))?;
    let mut seen = 0;
    let mut read = 0;
    loop {
        let newer = match (changes.peek(query.since)?, reads.peek(query.since)?) {
            (None, None) => return Ok(found),
            (Some(_), None) => &mut changes,
            (None, Some(_)) => &mut reads,
            (Some(change), Some(reading)) if change.time >= reading.time => &mut changes,
            (Some(_), Some(_)) => &mut reads,
        };
        let Some(entry) = newer.take() else { return Ok(found) };
        seen += 1;
        if query.may_be(&entry, account) {
            read += 1;
            if let Some(stored) = newer.read(&entry)?.filter(|stored| query.is(stored)) {
                found.records.push(stored);
            }
        }
        if found.records.len() >= query.limit || seen >= MAX_ENTRIES || read >= MAX_RECORDS {
            let is_all = changes.peek(query.since)?.is_none() && reads.peek(query.since)?.is_none();
            found.next = (!is_all).then(|| Position { changes: changes.place(), reads: reads.place() });
            return Ok(found);
        }
    }
}

/// Goes through the entries of a lane, newest first.
struct Cursor {
    /// Those that are still to come, oldest first.
    segments: Vec<Segment>,
    open: Option<OpenSegment>,
    /// Up to which entry of which file.
    place: (u64, u64),
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
        let place = from.unwrap_or((u64::MAX, u64::MAX));
        segments.retain(|segment| segment.number <= place.0);
        Ok(Self { segments, open: None, place })
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
            self.open = OpenSegment::open(&segment, self.place)?;
        }
    }

    fn take(&mut self) -> Option<Entry> {
        let open = self.open.as_mut()?;
        let entry = open.chunk.pop()?;
        open.end -= 1;
        self.place = (open.number, open.end);
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

    fn place(&self) -> (u64, u64) {
        self.place
    }
}

impl OpenSegment {
    /// None if the file has gone meanwhile: it was the oldest.
    fn open(segment: &Segment, place: (u64, u64)) -> io::Result<Option<Self>> {
        let open = |path: &Path| match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        };
        let Some((index, records)) = open(&segment.index_path())?.zip(open(&segment.path)?) else { return Ok(None) };
        let there = index.metadata()?.len() / ENTRY as u64;
        let end = if place.0 == segment.number { place.1.min(there) } else { there };
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
