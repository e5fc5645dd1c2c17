//! Typed tables, over the engine in memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::thread;

use ids::{AccountId, VpcId};
use serde::{Deserialize, Serialize};

use crate::conformance::{check_shapes, commit, put, wait};
use crate::{
    Changes, CommitError, Direction, Engine, IndexEntry, KeyPrefix, KeyRange, Memory, MigrationError, Position, Record,
    Store, StoreError, encode,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Machine {
    account: AccountId,
    name: String,
    vpc: VpcId,
    tags: Vec<String>,
    launched: u64,
}

impl Record for Machine {
    const TABLE: &'static str = "test/machine";
    const VERSION: u16 = 3;
    const INDEXES: &'static [&'static str] = &["vpc", "tag", "launched"];
    type Key = (AccountId, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.name.clone())
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        let mut entries: Vec<_> = self.tags.iter().map(|tag| IndexEntry::new("tag", tag)).collect();
        entries.push(IndexEntry::new("vpc", &self.vpc));
        entries.push(IndexEntry::new("launched", (&self.account, self.launched)));
        entries
    }

    /// Version 1 had one tag, in `tag`; version 2 had no `launched`.
    fn migrate(from: u16, mut value: serde_json::Value) -> Result<serde_json::Value, MigrationError> {
        let fields = value.as_object_mut().ok_or_else(|| MigrationError("not an object".to_owned()))?;
        if from == 1 {
            let tag = fields.remove("tag").ok_or_else(|| MigrationError("no tag".to_owned()))?;
            fields.insert("tags".to_owned(), vec![tag].into());
        }
        fields.insert("launched".to_owned(), 0.into());
        Ok(value)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Object {
    bucket: String,
    key: String,
}

impl Record for Object {
    const TABLE: &'static str = "test/object";
    const VERSION: u16 = 1;
    type Key = (String, String);

    fn key(&self) -> Self::Key {
        (self.bucket.clone(), self.key.clone())
    }
}

fn account(number: u8) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

fn vpc(number: u8) -> VpcId {
    VpcId::from_random([number; 8])
}

fn machine(owner: u8, name: &str, network: u8, tags: &[&str]) -> Machine {
    Machine {
        account: account(owner),
        name: name.to_owned(),
        vpc: vpc(network),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        launched: name.len() as u64,
    }
}

fn puts<R: Record>(records: &[R]) -> Changes {
    let mut changes = Changes::new();
    for record in records {
        changes.put(record).unwrap();
    }
    changes
}

fn store_of<R: Record>(records: &[R]) -> Store {
    let store = Store::new(Memory::new());
    wait(store.commit(None, puts(records))).unwrap();
    store
}

fn names(machines: &[Machine]) -> Vec<&str> {
    machines.iter().map(|machine| machine.name.as_str()).collect()
}

#[test]
fn records_are_found_by_key_and_by_leading_components() {
    let all = [machine(1, "a", 1, &[]), machine(1, "b", 1, &[]), machine(1, "c", 1, &[]), machine(2, "a", 2, &[])];
    let store = store_of(&all);
    let view = store.view().unwrap();
    assert_eq!(view.get::<Machine>(&(account(1), "b".to_owned())).unwrap(), Some(all[1].clone()));
    assert_eq!(view.get::<Machine>(&(account(2), "b".to_owned())).unwrap(), None);
    assert!(view.contains::<Machine>(&(account(2), "a".to_owned())).unwrap());
    let own = KeyPrefix::of(account(1));
    assert_eq!(view.scan::<Machine>(&own, None, 9).unwrap(), all[..3]);
    assert_eq!(view.scan::<Machine>(&KeyPrefix::all(), None, 9).unwrap().len(), 4);
    let after = Position::after((account(1), "a"));
    assert_eq!(names(&view.scan(&own, Some(&after), 1).unwrap()), ["b"]);
    let below = Position::after((account(1), "c"));
    assert_eq!(names(&view.scan_descending(&own, Some(&below), 9).unwrap()), ["b", "a"]);
    assert_eq!(names(&view.scan_descending(&own, None, 1).unwrap()), ["c"]);
    let outside = Position::after((account(2), "zzz"));
    assert_eq!(view.scan_descending::<Machine>(&own, Some(&outside), 9).unwrap().len(), 3, "a place beyond the prefix");
}

#[test]
fn a_listing_with_a_delimiter_skips_common_prefixes() {
    let keys = ["a", "photos/1", "photos/2", "photos0", "photosé", "z"];
    let objects: Vec<_> = keys.iter().map(|key| Object { bucket: "b".to_owned(), key: (*key).to_owned() }).collect();
    let store = store_of(&objects);
    let view = store.view().unwrap();
    let listed = |prefix: &str, after: Option<Position>| {
        let found = view.scan::<Object>(&KeyPrefix::of_text("b", prefix), after.as_ref(), 99).unwrap();
        found.into_iter().map(|object| object.key).collect::<Vec<_>>()
    };
    assert_eq!(listed("", None), keys);
    assert_eq!(listed("photos/", None), &keys[1..3]);
    assert_eq!(listed("photos", Some(Position::after(("b", "photos/1")))), &keys[2..5]);
    assert_eq!(listed("", Some(Position::after(("b", "photos")))), &keys[1..], "there need not be such a key");
    let skipped = Position::after_prefix(&KeyPrefix::of_text("b", "photos/"));
    assert_eq!(listed("", Some(skipped)), &keys[3..]);
    assert!(listed("photos/", Some(Position::after(("b", "z")))).is_empty());
}

#[test]
fn indexes_follow_every_change() {
    let engine = std::sync::Arc::new(Memory::new());
    let store = Store::shared(engine.clone());
    let entries = || engine.snapshot().unwrap().scan(KeyRange::prefix(b"i/"), Direction::Ascending, 99).unwrap().len();
    let first = [machine(1, "a", 1, &["x", "y"]), machine(1, "b", 1, &["x"]), machine(2, "c", 2, &["x"])];
    wait(store.commit(None, puts(&first))).unwrap();
    assert_eq!(entries(), 10);
    let view = store.view().unwrap();
    assert_eq!(names(&view.by_index("tag", "x", None, 9).unwrap()), ["a", "b", "c"]);
    assert_eq!(names(&view.by_index("tag", "x", Some(&first[0].key()), 1).unwrap()), ["b"]);
    assert_eq!(names(&view.by_index_descending("tag", "x", Some(&first[2].key()), 9).unwrap()), ["b", "a"]);
    assert_eq!(names(&view.by_index("vpc", vpc(1), None, 9).unwrap()), ["a", "b"]);
    assert!(view.by_index::<Machine>("tag", "", None, 9).unwrap().is_empty(), "the beginning of a key isn't the key");

    let mut changes = puts(&[machine(1, "a", 2, &["y", "z"])]);
    changes.delete::<Machine>(&first[1].key());
    changes.delete::<Machine>(&(account(9), "never there".to_owned()));
    wait(store.commit(Some(&view), changes)).unwrap();
    let view = store.view().unwrap();
    assert_eq!(names(&view.by_index("tag", "x", None, 9).unwrap()), ["c"]);
    assert_eq!(names(&view.by_index("tag", "z", None, 9).unwrap()), ["a"]);
    assert_eq!(names(&view.by_index("vpc", vpc(2), None, 9).unwrap()), ["a", "c"]);
    assert_eq!(entries(), 7, "nothing is left of what was");
    assert!(matches!(
        view.by_index::<Machine>("colour", "x", None, 9),
        Err(StoreError::UnknownIndex { table: "test/machine", .. })
    ));
}

#[test]
fn an_index_orders_and_a_scan_of_it_goes_on_where_it_stopped() {
    let all = ["long name", "x", "mid", "other"].map(|name| machine(1, name, 1, &[]));
    let store = store_of(&all);
    let view = store.view().unwrap();
    let own = KeyPrefix::of(account(1));
    for (direction, wanted) in [
        (Direction::Ascending, ["x", "mid", "other", "long name"]),
        (Direction::Descending, ["long name", "other", "mid", "x"]),
    ] {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = view.scan_index::<Machine>("launched", &own, after.as_ref(), direction, 3).unwrap();
            found.extend(page.iter().map(|(_, machine)| machine.name.clone()));
            let Some((last, _)) = page.into_iter().nth(2) else { break };
            after = Some(last);
        }
        assert_eq!(found, wanted);
    }
}

#[test]
fn what_was_decided_on_old_reads_is_refused() {
    let store = store_of(&[machine(1, "a", 1, &["x"]), machine(1, "c", 1, &[])]);
    let refused = |read: fn(&crate::View), write: Machine| {
        let view = store.view().unwrap();
        read(&view);
        wait(store.commit(None, puts(&[write]))).unwrap();
        let decided = Object { bucket: "decided".to_owned(), key: String::new() };
        matches!(wait(store.commit(Some(&view), puts(&[decided]))), Err(CommitError::Conflict))
    };
    let get: fn(&crate::View) = |view| drop(view.get::<Machine>(&(account(1), "a".to_owned())).unwrap());
    let scan_one: fn(&crate::View) = |view| drop(view.scan::<Machine>(&KeyPrefix::of(account(1)), None, 1).unwrap());
    let scan_last: fn(&crate::View) =
        |view| drop(view.scan_descending::<Machine>(&KeyPrefix::of(account(1)), None, 1).unwrap());
    let scan_all: fn(&crate::View) = |view| drop(view.scan::<Machine>(&KeyPrefix::of(account(1)), None, 9).unwrap());
    let index: fn(&crate::View) = |view| drop(view.by_index::<Machine>("tag", "new", None, 9).unwrap());
    assert!(refused(get, machine(1, "a", 1, &["x", "again"])));
    assert!(!refused(get, machine(1, "b", 1, &[])));
    assert!(!refused(scan_one, machine(1, "bb", 1, &[])), "a scan that stopped early has read no further");
    assert!(refused(scan_one, machine(1, "0", 1, &[])));
    assert!(!refused(scan_last, machine(1, "1", 1, &[])), "nor has one from the other end");
    assert!(refused(scan_last, machine(1, "d", 1, &[])));
    assert!(refused(scan_all, machine(1, "e", 1, &[])), "a phantom in a table");
    assert!(!refused(scan_all, machine(2, "e", 1, &[])));
    assert!(!refused(index, machine(1, "f", 1, &["newer"])));
    assert!(refused(index, machine(1, "f", 1, &["new"])), "a phantom in an index");
}

#[test]
fn changes_to_one_indexed_record_from_many_threads_leave_one_set_of_entries() {
    let engine = std::sync::Arc::new(Memory::new());
    let store = Store::shared(engine.clone());
    thread::scope(|scope| {
        for writer in 0..4u8 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..25u8 {
                    let tag = format!("{writer}-{number}");
                    wait(store.commit(None, puts(&[machine(1, "a", writer, &[&tag])]))).unwrap();
                }
            });
        }
    });
    let entries = engine.snapshot().unwrap().scan(KeyRange::prefix(b"i/"), Direction::Ascending, 999).unwrap();
    assert_eq!(entries.len(), 3, "one entry in each index");
    let view = store.view().unwrap();
    let last = view.get::<Machine>(&(account(1), "a".to_owned())).unwrap().unwrap();
    assert_eq!(view.by_index::<Machine>("tag", &last.tags[0], None, 9).unwrap(), [last]);
}

#[test]
fn of_two_changes_to_a_record_the_later_holds() {
    let store = store_of(&[machine(1, "a", 1, &["old"])]);
    let mut changes = puts(&[machine(1, "a", 1, &["first"]), machine(1, "a", 1, &["second"])]);
    assert_eq!(changes.len(), 1);
    let mut other = Changes::new();
    assert!(other.is_empty());
    other.delete::<Machine>(&(account(1), "a".to_owned()));
    changes.merge(other);
    changes.merge(puts(&[machine(1, "a", 1, &["third"])]));
    let view = store.view().unwrap();
    wait(store.commit(Some(&view), changes)).unwrap();
    let view = store.view().unwrap();
    for (tag, found) in [("old", 0), ("first", 0), ("second", 0), ("third", 1)] {
        assert_eq!(view.by_index::<Machine>("tag", tag, None, 9).unwrap().len(), found, "{tag}");
    }
}

#[test]
fn watches_are_of_one_table_or_part_of_it() {
    let store = store_of(&[machine(1, "a", 1, &[])]);
    let mut machines = store.watch::<Machine>();
    let objects = store.watch::<Object>();
    let others = store.watch_prefix::<Machine>(&KeyPrefix::of(account(2)));
    let version = wait(store.commit(None, puts(&[machine(1, "b", 1, &[])]))).unwrap();
    assert_eq!(wait(machines.changed()).unwrap(), version);
    assert!(!objects.is_changed() && !others.is_changed());
    wait(store.commit(None, puts(&[machine(2, "b", 1, &[])]))).unwrap();
    assert!(others.is_changed());
}

#[test]
fn commits_can_be_awaited_on_any_thread() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let store = store_of(&[machine(1, "a", 1, &[])]);
    let view = store.view().unwrap();
    assert_eq!(wait(is_send(store.commit(Some(&view), Changes::new()))).unwrap(), view.version().unwrap());
    assert!(wait(is_send(store.prepare::<Object>())).unwrap());
}

#[test]
fn a_view_that_reads_nothing_takes_no_snapshot_and_commits_without_conflict() {
    let memory = Memory::new();
    let store = Store::new(memory.clone());
    let (unread, read) = (store.view().unwrap(), store.view().unwrap());
    assert_eq!(read.get::<Machine>(&(account(1), "a".to_owned())).unwrap(), None);
    wait(store.commit(None, puts(&[machine(1, "a", 1, &[])]))).unwrap();
    assert_eq!(memory.open_snapshots(), 1, "of the view that was read");
    assert_eq!(read.get::<Machine>(&(account(1), "a".to_owned())).unwrap(), None, "it stays as it was");
    let object = Object { bucket: "b".to_owned(), key: "k".to_owned() };
    wait(store.commit(Some(&unread), puts(&[object]))).expect("nothing was read, so nothing has changed");
    let late = store.view().unwrap();
    wait(store.commit(None, puts(&[machine(1, "b", 1, &[])]))).unwrap();
    assert!(late.get::<Machine>(&(account(1), "b".to_owned())).unwrap().is_some(), "as of its first read");
    drop((read, late));
    assert_eq!(memory.open_snapshots(), 0);
}

#[test]
fn a_commit_ends_its_view() {
    let store = store_of(&[machine(1, "a", 1, &[])]);
    for changes in [puts(&[machine(1, "b", 1, &[])]), puts(&[Object { bucket: "b".to_owned(), key: "k".to_owned() }])] {
        let view = store.view().unwrap();
        wait(store.commit(Some(&view), changes.clone())).unwrap();
        let read = view.get::<Machine>(&(account(1), "a".to_owned()));
        assert!(matches!(read, Err(StoreError::SnapshotExpired)), "{read:?}");
        let again = wait(store.commit(Some(&view), changes));
        assert!(matches!(again, Err(CommitError::Store(StoreError::SnapshotExpired))), "its reads are gone: {again:?}");
    }
}

#[test]
fn rows_of_other_versions_are_migrated_or_refused() {
    let current = String::from_utf8(encode(&machine(1, "a", 1, &["x"])).unwrap()).unwrap();
    let read = |stored: String| {
        let engine = Memory::new();
        let key = crate::record::row_key::<Machine>(crate::KeyBuf::from((account(1), "a")).as_bytes());
        commit(&engine, [put(key, stored)]);
        Store::new(engine).view().unwrap().get::<Machine>(&(account(1), "a".to_owned()))
    };
    let first = current.replace(r#"{"v":3,"#, r#"{"v":1,"#).replace(r#""tags":["x"],"launched":1"#, r#""tag":"x""#);
    assert_eq!(read(first.clone()).unwrap().unwrap().tags, ["x"]);
    let newer = read(current.replace(r#"{"v":3,"#, r#"{"v":70000,"#));
    assert!(matches!(newer, Err(StoreError::NewerShape { table: "test/machine", version: 70000, known: 3 })));
    let broken = read(first.replace("tag", "gat"));
    assert!(matches!(broken, Err(StoreError::Migration { table: "test/machine", from: 1, .. })));
    let other = read(current.replace(r#""launched":1"#, r#""launched":"never""#));
    assert!(matches!(other, Err(StoreError::Shape { table: "test/machine", .. })));
    for unframed in ["", "{}", r#"{"v":,"r":{}}"#, r#"{"v":99999999999999999999,"r":{}}"#] {
        assert!(matches!(read(unframed.to_owned()), Err(StoreError::Corrupt(_))), "{unframed}");
    }
}

#[test]
fn every_past_shape_still_reads() {
    let present = machine(1, "a", 1, &["x"]);
    let before = Machine { launched: 0, ..present.clone() };
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/golden");
    check_shapes(golden, &[(1, before.clone()), (2, before), (3, present)]);
}

/// The machine of a program before it had the index `tag`, below whose table's name another table is named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OldMachine(Machine);

impl Record for OldMachine {
    const TABLE: &'static str = Machine::TABLE;
    const VERSION: u16 = 2;
    const INDEXES: &'static [&'static str] = &["vpc", "dropped"];
    type Key = (AccountId, String);

    fn key(&self) -> Self::Key {
        self.0.key()
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("vpc", &self.0.name), IndexEntry::new("dropped", ())]
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Below(String);

impl Record for Below {
    const TABLE: &'static str = "test/machine/vpc";
    const VERSION: u16 = 1;
    const INDEXES: &'static [&'static str] = &["name"];
    type Key = String;

    fn key(&self) -> String {
        self.0.clone()
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("name", &self.0)]
    }
}

#[test]
fn a_table_of_an_older_program_is_rewritten_once_with_all_its_indexes() {
    let engine = std::sync::Arc::new(Memory::new());
    let store = Store::shared(engine.clone());
    let old: Vec<_> = (0..150).map(|number| OldMachine(machine(1, &format!("{number:03}"), 7, &["x"]))).collect();
    assert!(wait(store.prepare::<OldMachine>()).unwrap(), "a table that is new gets its marker");
    wait(store.commit(None, puts(&old))).unwrap();
    wait(store.commit(None, puts(&[Below("kept".to_owned())]))).unwrap();

    assert!(wait(store.prepare::<Machine>()).unwrap());
    let version = engine.snapshot().unwrap().version();
    assert!(!wait(store.prepare::<Machine>()).unwrap(), "once");
    assert_eq!(engine.snapshot().unwrap().version(), version);

    let view = store.view().unwrap();
    assert_eq!(view.by_index::<Machine>("tag", "x", None, 999).unwrap().len(), 150);
    assert_eq!(view.by_index::<Machine>("vpc", vpc(7), None, 999).unwrap().len(), 150);
    assert_eq!(view.by_index::<Below>("name", "kept", None, 9).unwrap().len(), 1);
    let snapshot = engine.snapshot().unwrap();
    let entries = snapshot.scan(KeyRange::prefix(b"i/"), Direction::Ascending, 9999).unwrap();
    assert_eq!(entries.len(), 150 * 3 + 1, "no entry of the old indexes is left");
    let rows = snapshot.scan(KeyRange::prefix(b"t/test/machine\0"), Direction::Ascending, 999).unwrap();
    assert!(rows.iter().all(|(_, value)| value.starts_with(br#"{"v":3,"#)), "every row has the present shape");

    let back = wait(store.prepare::<OldMachine>());
    assert!(matches!(back, Err(CommitError::Store(StoreError::NewerShape { version: 3, known: 2, .. }))), "{back:?}");
}
