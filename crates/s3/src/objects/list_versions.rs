//! One page of a bucket's versions and delete markers: current objects and what lies below them, which are in two
//! tables, merged by key and then from the newest to the oldest. A page costs a number of reads bounded by its size.

use std::collections::VecDeque;

use store::{KeyPrefix, Position, Record, StoreError, View};

use super::list::common_prefix;
use super::record::ObjectRecord;
use super::versions::{self, Version, VersionRecord};

/// What a listing asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct VersionListing<'a> {
    pub bucket: &'a str,
    pub prefix: &'a str,
    /// Empty for none.
    pub delimiter: &'a str,
    pub after: After<'a>,
    pub limit: usize,
}

/// Where a listing goes on.
#[derive(Debug, Clone, Copy)]
pub(super) enum After<'a> {
    /// It begins.
    Nothing,
    /// After all versions of this key, or after this common prefix.
    Key(&'a str),
    /// After the version of this key with this order.
    Version(&'a str, u64),
}

/// A version, and whether it is the newest of its key.
#[derive(Debug)]
pub(super) struct Shown {
    pub version: Version,
    pub is_latest: bool,
}

/// A page: versions and common prefixes together number at most the limit.
#[derive(Debug, Default)]
pub(super) struct VersionPage {
    pub versions: Vec<Shown>,
    pub common_prefixes: Vec<String>,
    /// The last key and its version, or the last common prefix, if more follow.
    pub next: Option<(String, Option<String>)>,
}

impl VersionListing<'_> {
    /// Reads the page.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn read(&self, view: &View) -> Result<VersionPage, StoreError> {
        let mut page = VersionPage::default();
        if self.limit == 0 {
            return Ok(page);
        }
        let (mut objects, mut others) = self.start(view)?;
        let mut last = None;
        loop {
            let is_object_first = match (objects.peek()?, others.peek()?) {
                (None, None) => return Ok(page),
                (Some(object), Some(other)) => object.key.as_str() <= other.version.place().1,
                (object, _) => object.is_some(),
            };
            let taken = if is_object_first { objects.take().map(current) } else { others.take().map(below) };
            let Some(shown) = taken else { return Ok(page) };
            if page.versions.len() + page.common_prefixes.len() == self.limit {
                page.next = last;
                return Ok(page);
            }
            let (_, key, id, _) = shown.version.place();
            match common_prefix(self.prefix, self.delimiter, key).map(str::to_owned) {
                Some(common) => {
                    objects.skip(&common);
                    others.skip(&common);
                    last = Some((common.clone(), None));
                    page.common_prefixes.push(common);
                }
                None => {
                    last = Some((key.to_owned(), Some(id.to_owned())));
                    page.versions.push(shown);
                }
            }
        }
    }

    fn start<'v>(&self, view: &'v View) -> Result<(Cursor<'v, ObjectRecord>, Cursor<'v, VersionRecord>), StoreError> {
        let mut objects = Cursor::new(view, self);
        let mut others = Cursor::new(view, self);
        let (After::Key(key) | After::Version(key, _)) = self.after else { return Ok((objects, others)) };
        if let Some(common) = common_prefix(self.prefix, self.delimiter, key) {
            let past = Position::after_prefix(&KeyPrefix::of_text(self.bucket, common));
            (objects.position, others.position) = (Some(past.clone()), Some(past));
            return Ok((objects, others));
        }
        objects.position = Some(Position::after((self.bucket, key)));
        others.position = Some(match self.after {
            After::Version(key, order) => Position::after((self.bucket, key, u64::MAX - order)),
            After::Nothing | After::Key(_) => Position::after_prefix(&KeyPrefix::of((self.bucket, key))),
        });
        // One that was below the version that the last page ended with has become the current object meanwhile.
        if let After::Version(key, order) = self.after
            && key.starts_with(self.prefix)
            && let Some(current) = versions::current(view, self.bucket, key)?
            && current.order < order
        {
            objects.rows.push_back(current);
        }
        Ok((objects, others))
    }
}

fn current(object: ObjectRecord) -> Shown {
    Shown { version: Version::Object(Box::new(object)), is_latest: true }
}

fn below(record: VersionRecord) -> Shown {
    Shown { is_latest: record.noncurrent_since.is_none(), version: record.version }
}

/// A row whose key is in a bucket.
trait InBucket: Record {
    fn object_key(&self) -> &str;
}

impl InBucket for ObjectRecord {
    fn object_key(&self) -> &str {
        &self.key
    }
}

impl InBucket for VersionRecord {
    fn object_key(&self) -> &str {
        self.version.place().1
    }
}

/// A walk through one table, a few rows ahead: small steps while prefixes are skipped, large ones through plain keys.
struct Cursor<'v, R> {
    view: &'v View,
    bucket: String,
    prefix: KeyPrefix,
    position: Option<Position>,
    rows: VecDeque<R>,
    is_end: bool,
    step: usize,
    most: usize,
}

impl<'v, R: InBucket> Cursor<'v, R> {
    fn new(view: &'v View, listing: &VersionListing<'_>) -> Self {
        let most = listing.limit + 1;
        Self {
            view,
            bucket: listing.bucket.to_owned(),
            prefix: KeyPrefix::of_text(listing.bucket, listing.prefix),
            position: None,
            rows: VecDeque::new(),
            is_end: false,
            step: if listing.delimiter.is_empty() { most } else { 2 },
            most,
        }
    }

    fn peek(&mut self) -> Result<Option<&R>, StoreError> {
        if self.rows.is_empty() && !self.is_end {
            let found = self.view.scan::<R>(&self.prefix, self.position.as_ref(), self.step)?;
            self.is_end = found.len() < self.step;
            self.step = (self.step * 2).min(self.most);
            if let Some(last) = found.last() {
                self.position = Some(Position::after(last.key()));
            }
            self.rows.extend(found);
        }
        Ok(self.rows.front())
    }

    fn take(&mut self) -> Option<R> {
        self.rows.pop_front()
    }

    /// Goes past all keys that begin with `common`.
    fn skip(&mut self, common: &str) {
        while self.rows.front().is_some_and(|row| row.object_key().starts_with(common)) {
            self.rows.pop_front();
        }
        if self.rows.is_empty() && !self.is_end {
            self.position = Some(Position::after_prefix(&KeyPrefix::of_text(self.bucket.as_str(), common)));
            self.step = 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use jiff::Timestamp;
    use proptest::prelude::{Strategy, any, prop, proptest};
    use store::{Changes, Memory, Store, View};

    use super::{After, VersionListing, VersionPage};
    use crate::objects::list::common_prefix;
    use crate::objects::versions::{DeleteMarker, Version, VersionRecord};
    use crate::objects::{ObjectRecord, versions};
    use crate::tests::object;

    /// Each key with how many versions it has, and whether the newest is a delete marker. Orders begin at 1.
    fn view_of(keys: &BTreeMap<String, (u64, bool)>) -> View {
        let store = Store::new(Memory::new());
        let mut changes = Changes::new();
        for (key, (count, ends_in_marker)) in keys {
            for order in 1..=*count {
                let is_newest = order == *count;
                let noncurrent_since = (!is_newest).then_some(Timestamp::UNIX_EPOCH);
                let bucket = "bucket".to_owned();
                if is_newest && *ends_in_marker {
                    let (version, last_modified) = (order.to_string(), Timestamp::UNIX_EPOCH);
                    let marker = DeleteMarker { bucket, key: key.clone(), version, order, last_modified };
                    changes.put(&VersionRecord { version: Version::Marker(marker), noncurrent_since }).unwrap();
                    continue;
                }
                let object = ObjectRecord { version: order.to_string(), order, ..object(&bucket, key) };
                if is_newest {
                    changes.put(&object).unwrap();
                } else {
                    let version = Version::Object(Box::new(object));
                    changes.put(&VersionRecord { version, noncurrent_since }).unwrap();
                }
            }
        }
        changes.put(&object("bucket-", "k")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(store.commit(None, changes)).unwrap();
        store.view().unwrap()
    }

    /// Key, order (none for a common prefix) and whether it is the newest, by the definition.
    fn model(keys: &BTreeMap<String, (u64, bool)>, prefix: &str, delimiter: &str) -> Vec<(String, Option<u64>, bool)> {
        let mut items = Vec::new();
        let mut common = BTreeSet::new();
        for (key, (count, _)) in keys.iter().filter(|(key, _)| key.starts_with(prefix)) {
            match common_prefix(prefix, delimiter, key) {
                Some(found) if common.insert(found.to_owned()) => items.push((found.to_owned(), None, false)),
                Some(_) => {}
                None => items.extend((1..=*count).rev().map(|order| (key.clone(), Some(order), order == *count))),
            }
        }
        items
    }

    fn items(page: &VersionPage) -> Vec<(String, Option<u64>, bool)> {
        let of_version = |shown: &super::Shown| {
            let (_, key, _, order) = shown.version.place();
            (key.to_owned(), Some(order), shown.is_latest)
        };
        let prefixes = page.common_prefixes.iter().map(|prefix| (prefix.clone(), None, false));
        page.versions.iter().map(of_version).chain(prefixes).collect()
    }

    fn texts() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "/", "é", "\0"]), 1..4)
            .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn pages_are_those_of_the_model(
            keys in prop::collection::btree_map(texts(), (1_u64..4, any::<bool>()), 0..12),
            prefix in prop::option::of(texts()),
            delimiter in prop::sample::select(vec!["", "/", "a"]),
            limit in 1_usize..5,
        ) {
            let (view, prefix) = (view_of(&keys), prefix.unwrap_or_default());
            let expected = model(&keys, &prefix, delimiter);
            let (mut seen, mut next) = (Vec::new(), None::<(String, Option<u64>)>);
            loop {
                let after = match &next {
                    None => After::Nothing,
                    Some((key, None)) => After::Key(key),
                    Some((key, Some(order))) => After::Version(key, *order),
                };
                let listing = VersionListing { bucket: "bucket", prefix: &prefix, delimiter, after, limit };
                let page = listing.read(&view).unwrap();
                let mut found = items(&page);
                found.sort_by_key(|item| expected.iter().position(|it| it == item));
                assert!(found.len() <= limit);
                assert_eq!(page.next.is_some(), seen.len() + found.len() < expected.len());
                seen.extend(found);
                match page.next {
                    Some((key, id)) => next = Some((key, id.map(|id| id.parse::<u64>().unwrap()))),
                    None => break,
                }
            }
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn a_page_costs_reads_by_its_size_and_not_by_the_buckets() {
        let keys =
            (0..2000).map(|number| (format!("dir{}/{number:05}", number / 1000), (2, number % 2 == 0))).collect();
        let view = view_of(&keys);
        let listing =
            VersionListing { bucket: "bucket", prefix: "", delimiter: "/", after: After::Nothing, limit: 1000 };
        let page = listing.read(&view).unwrap();
        assert_eq!((page.common_prefixes, page.next), (vec!["dir0/".to_owned(), "dir1/".to_owned()], None));
        let reads = view.reads();
        assert!(reads.contains(&row("dir0/00000")) && !reads.contains(&row("dir0/00500")));
        assert!(!reads.contains(&row("dir1/01500")), "the middle of a prefix is not read");

        let view = view_of(&keys);
        let page = VersionListing { delimiter: "", limit: 10, ..listing }.read(&view).unwrap();
        assert_eq!(page.versions.len(), 10);
        assert!(!view.reads().contains(&row("dir0/00050")), "nor what follows a page");
        assert!(versions::current(&view, "bucket", "dir0/00001").unwrap().is_some());
    }

    fn row(key: &str) -> Vec<u8> {
        let mut row = store::table_prefix::<VersionRecord>();
        row.extend(store::KeyBuf::from(("bucket", key)).into_bytes());
        row
    }
}
