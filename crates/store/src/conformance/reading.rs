//! Cases about what is read back.

use std::sync::Arc;

use super::{Fixture, commit, del, put, value, wait};
use crate::engine::{Direction, Engine, Snapshot, Transaction, Write};
use crate::error::{CommitError, StoreError};
use crate::limits;
use crate::range::{KeyRange, ReadSet};

fn keys(snapshot: &dyn Snapshot, range: KeyRange, direction: Direction, limit: usize) -> Vec<String> {
    let pairs = snapshot.scan(range, direction, limit).expect("a range reads");
    pairs.into_iter().map(|(key, _)| key.escape_ascii().to_string()).collect()
}

/// A key has the value last written, or none.
pub fn get_put_delete<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    assert_eq!(value(&*engine, "a"), None);
    let first = commit(&*engine, [put("a", "1"), put("b", "2")]);
    assert_eq!(value(&*engine, "a"), Some(b"1".to_vec()));
    assert_eq!(value(&*engine, "b"), Some(b"2".to_vec()));
    let second = commit(&*engine, [put("a", "3"), del("b"), del("never there")]);
    assert!(second > first);
    assert_eq!(engine.snapshot().unwrap().version(), second);
    assert_eq!(value(&*engine, "a"), Some(b"3".to_vec()));
    assert_eq!(value(&*engine, "b"), None);
    assert_eq!(value(&*engine, "never there"), None);
}

/// Empty values are values, and a mebibyte comes back as it was; so do an empty key and bytes that aren't text.
pub fn empty_and_large_values<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    let large: Vec<u8> = (0..1024 * 1024u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    commit(&*engine, [put("empty", ""), put("large", &large), put("", "of the empty key"), put([0, 0xff], [0xff, 0])]);
    assert_eq!(value(&*engine, "empty"), Some(Vec::new()));
    assert!(value(&*engine, "large") == Some(large.clone()), "the large value differs");
    assert_eq!(value(&*engine, ""), Some(b"of the empty key".to_vec()));
    assert_eq!(value(&*engine, [0, 0xff]), Some(vec![0xff, 0]));
    let pairs = engine.snapshot().unwrap().scan(KeyRange::all(), Direction::Ascending, 9).unwrap();
    assert_eq!(pairs.len(), 4);
    assert!(pairs[3].1 == large, "the large value differs in a scan");
}

/// A snapshot never changes, whatever is committed after it.
pub fn snapshots_are_isolated<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    commit(&*engine, [put("a", "old"), put("b", "old")]);
    let before = engine.snapshot().unwrap();
    commit(&*engine, [put("a", "new"), del("b"), put("c", "new")]);
    let after = engine.snapshot().unwrap();
    assert!(before.version() < after.version());
    for _ in 0..2 {
        assert_eq!(before.get(b"a").unwrap(), Some(b"old".to_vec()));
        assert_eq!(keys(&*before, KeyRange::all(), Direction::Ascending, 9), ["a", "b"]);
        assert_eq!(after.get(b"a").unwrap(), Some(b"new".to_vec()));
        assert_eq!(keys(&*after, KeyRange::all(), Direction::Descending, 9), ["c", "a"]);
        commit(&*engine, [put("a", "newest")]);
    }
}

/// Scans begin at either end, keep to their range and stop at their limit.
pub fn scans_go_both_ways_with_limits<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    commit(&*engine, ["a", "b", "ba", "c", "d"].map(|key| put(key, key)));
    let snapshot = engine.snapshot().unwrap();
    let check = |range: KeyRange, limit: usize, up: &[&str], down: &[&str]| {
        assert_eq!(keys(&*snapshot, range.clone(), Direction::Ascending, limit), up, "up {range:?} {limit}");
        assert_eq!(keys(&*snapshot, range.clone(), Direction::Descending, limit), down, "down {range:?} {limit}");
    };
    check(KeyRange::all(), 99, &["a", "b", "ba", "c", "d"], &["d", "c", "ba", "b", "a"]);
    check(KeyRange::all(), usize::MAX, &["a", "b", "ba", "c", "d"], &["d", "c", "ba", "b", "a"]);
    check(KeyRange::all(), 2, &["a", "b"], &["d", "c"]);
    check(KeyRange::all(), 0, &[], &[]);
    check(KeyRange::between("b", "d"), 99, &["b", "ba", "c"], &["c", "ba", "b"]);
    check(KeyRange::between("b", "d"), 1, &["b"], &["c"]);
    check(KeyRange::between("b", "b"), 99, &[], &[]);
    check(KeyRange::between("d", "b"), 99, &[], &[]);
    check(KeyRange::between("e", "f"), 99, &[], &[]);
    check(KeyRange::point(b"b"), 99, &["b"], &["b"]);
    check(KeyRange::prefix(b"b"), 99, &["b", "ba"], &["ba", "b"]);
}

/// A prefix that ends in the greatest byte still holds all its keys and no other.
pub fn prefixes_end_where_they_should<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    let all: [&[u8]; 8] = [b"a", b"a\xfe", b"a\xff", b"a\xff\x00", b"a\xff\xff", b"b", b"\xff", b"\xff\xff"];
    commit(&*engine, all.map(|key| put(key, "")));
    let snapshot = engine.snapshot().unwrap();
    let cases: [(&[u8], &[&[u8]]); 5] =
        [(b"a", &all[..5]), (b"a\xff", &all[2..5]), (b"\xff", &all[6..]), (b"\xff\xff", &all[7..]), (b"", &all)];
    for (prefix, wanted) in cases {
        let pairs = snapshot.scan(KeyRange::prefix(prefix), Direction::Ascending, 99).unwrap();
        let found: Vec<&[u8]> = pairs.iter().map(|(key, _)| key.as_slice()).collect();
        assert_eq!(found, wanted, "{}", prefix.escape_ascii());
    }
}

/// Of several writes of one key in a transaction the last one counts.
pub fn the_last_write_of_a_key_holds<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    commit(&*engine, [put("a", "1"), put("b", "1"), del("a"), put("b", "2"), del("c"), put("c", "3")]);
    assert_eq!(value(&*engine, "a"), None);
    assert_eq!(value(&*engine, "b"), Some(b"2".to_vec()));
    assert_eq!(value(&*engine, "c"), Some(b"3".to_vec()));
}

/// What is above a limit is refused whole, and the engine goes on.
pub fn too_large_is_refused<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    let refused = |writes: Vec<Write>, measured: &str| {
        let outcome = wait(engine.commit(Transaction { snapshot: 0, reads: ReadSet::new(), writes }));
        match outcome {
            Err(CommitError::Store(StoreError::TooLarge { what, .. })) => assert_eq!(what, measured),
            other => panic!("{measured}: {other:?}"),
        }
    };
    refused(vec![put("kept", "no"), put("a", vec![0; limits::MAX_VALUE + 1])], "value");
    refused(vec![put("kept", "no"), put(vec![b'k'; limits::MAX_KEY + 1], "")], "key");
    refused(vec![put("kept", "no"); limits::MAX_WRITES + 1], "number of writes");
    let part = vec![0; limits::MAX_VALUE];
    refused((0..9).map(|at| put(format!("kept{at}"), &part)).collect(), "transaction");
    commit(&*engine, [put("a", vec![0; limits::MAX_VALUE])]);
    let pairs = engine.snapshot().unwrap().scan(KeyRange::prefix(b"k"), Direction::Ascending, 1).unwrap();
    assert!(pairs.is_empty(), "part of a refused transaction was kept");
}

/// An engine that keeps things has them all when it is opened again, and its versions go on rising.
pub fn what_was_committed_is_there_after_reopening<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    commit(&*engine, [put("a", "1"), put("b", "1"), put("c", "")]);
    let last = commit(&*engine, [put("a", "2"), del("b")]);
    let all =
        |engine: &Arc<dyn Engine>| engine.snapshot().unwrap().scan(KeyRange::all(), Direction::Ascending, 99).unwrap();
    let before = all(&engine);
    assert_eq!(before.len(), 2);
    drop(engine);
    let engine = fixture.open();
    if F::KEEPS {
        assert_eq!(all(&engine), before);
        assert_eq!(engine.snapshot().unwrap().version(), last);
        assert!(commit(&*engine, [put("d", "")]) > last);
    } else {
        assert!(all(&engine).is_empty());
    }
}
