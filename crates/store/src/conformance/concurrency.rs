//! Cases about transactions that meet: which of them are refused, and which must not be.

use std::thread;

use super::{Fixture, commit, commit_after, del, is_conflict, keys_read, put, value};
use crate::error::CommitError;
use crate::range::{KeyRange, ReadSet};

/// Two that read the same value and write it: the second is refused.
pub fn lost_updates_are_refused<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    commit(&*engine, [put("a", "1")]);
    let seen = engine.snapshot().unwrap().version();
    assert!(commit_after(&*engine, seen, keys_read(&["a"]), [put("a", "2")]).is_ok());
    assert!(is_conflict(&commit_after(&*engine, seen, keys_read(&["a"]), [put("a", "3")])));
    assert_eq!(value(&*engine, "a"), Some(b"2".to_vec()));
    let seen = engine.snapshot().unwrap().version();
    assert!(commit_after(&*engine, seen, keys_read(&["a"]), [put("a", "3")]).is_ok());
}

/// Two that read both keys and write one each: the second is refused, though nobody wrote what it writes.
pub fn write_skew_is_refused<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    commit(&*engine, [put("alice", "on call"), put("bob", "on call")]);
    let seen = engine.snapshot().unwrap().version();
    assert!(commit_after(&*engine, seen, keys_read(&["alice", "bob"]), [put("alice", "off")]).is_ok());
    assert!(is_conflict(&commit_after(&*engine, seen, keys_read(&["alice", "bob"]), [put("bob", "off")])));
    assert_eq!(value(&*engine, "bob"), Some(b"on call".to_vec()));
}

/// A key that appears in, or vanishes from, a range that was read conflicts; one just outside doesn't.
pub fn phantoms_are_refused<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    commit(&*engine, [put("b", ""), put("c", "")]);
    for (write, conflicts) in [
        (put("ba", ""), true),
        (put("b", "again"), true),
        (del("c"), true),
        (put("d", ""), false),
        (put("a~", ""), false),
        (put("cz", ""), true),
    ] {
        let seen = engine.snapshot().unwrap().version();
        let mut reads = ReadSet::new();
        reads.add_range(KeyRange::between("b", "d"));
        commit(&*engine, [write.clone()]);
        let outcome = commit_after(&*engine, seen, reads, [put("decided", "")]);
        assert_eq!(is_conflict(&outcome), conflicts, "{write:?}: {outcome:?}");
    }
}

/// A key that was looked for and not found conflicts with whoever makes it.
pub fn a_read_of_nothing_conflicts_with_its_making<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    let seen = engine.snapshot().unwrap().version();
    assert!(commit_after(&*engine, seen, keys_read(&["name"]), [put("name", "first")]).is_ok());
    assert!(is_conflict(&commit_after(&*engine, seen, keys_read(&["name"]), [put("name", "second")])));
    assert_eq!(value(&*engine, "name"), Some(b"first".to_vec()));
}

/// Writes of keys that were not read leave a transaction alone.
pub fn unread_neighbours_dont_conflict<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    commit(&*engine, [put("b", "1")]);
    let seen = engine.snapshot().unwrap().version();
    commit(&*engine, [put("a", ""), put("b\0", ""), put("ba", ""), put("c", "")]);
    assert!(commit_after(&*engine, seen, keys_read(&["b"]), [put("a", "2")]).is_ok());
}

/// A transaction that has read nothing is never refused.
pub fn blind_writes_never_conflict<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    for number in 0..5u8 {
        assert!(commit_after(&*engine, 0, ReadSet::new(), [put("a", [number])]).is_ok());
    }
    assert_eq!(value(&*engine, "a"), Some(vec![4]));
}

/// Nothing of a refused transaction is kept, and it takes no version.
pub fn a_conflict_leaves_nothing<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    let seen = engine.snapshot().unwrap().version();
    let last = commit(&*engine, [put("a", "1")]);
    let outcome = commit_after(&*engine, seen, keys_read(&["a"]), [put("b", ""), del("a"), put("c", "")]);
    assert!(is_conflict(&outcome));
    let snapshot = engine.snapshot().unwrap();
    assert_eq!(snapshot.version(), last);
    assert_eq!(snapshot.get(b"a").unwrap(), Some(b"1".to_vec()));
    assert_eq!(snapshot.get(b"b").unwrap(), None);
}

/// A snapshot taken after an acknowledgement holds that commit, on whichever thread.
pub fn snapshots_see_all_that_was_acknowledged<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    thread::scope(|scope| {
        for writer in 0..4u8 {
            let engine = &engine;
            scope.spawn(move || {
                for number in 0..20u8 {
                    let version = commit(&**engine, [put([writer], [number])]);
                    let snapshot = engine.snapshot().unwrap();
                    assert!(snapshot.version() >= version);
                    assert_eq!(snapshot.get(&[writer]).unwrap(), Some(vec![number]));
                }
            });
        }
    });
}

/// Eight threads that each count one counter up, retrying conflicts, lose no step.
pub fn concurrent_counters_reach_the_exact_sum<F: Fixture>() {
    const THREADS: u64 = 8;
    const STEPS: u64 = 20;
    let fixture = F::new();
    let engine = fixture.open();
    let read = |bytes: Option<Vec<u8>>| {
        bytes.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().expect("a counter has eight bytes")))
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let engine = &engine;
            scope.spawn(move || {
                let mut done = 0;
                while done < STEPS {
                    let (seen, count) = {
                        let snapshot = engine.snapshot().unwrap();
                        (snapshot.version(), read(snapshot.get(b"counter").unwrap()))
                    };
                    let next = put("counter", (count + 1).to_be_bytes());
                    match commit_after(&**engine, seen, keys_read(&["counter"]), [next]) {
                        Ok(_) => done += 1,
                        Err(CommitError::Conflict) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    assert_eq!(read(value(&*engine, "counter")), THREADS * STEPS);
}
