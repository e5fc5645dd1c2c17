//! Cases at the edges: the largest things that fit, the most that happens at once, and readers that meet writers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde::{Deserialize, Serialize};

use super::{Fixture, commit, commit_after, del, put, value, wait};
use crate::changes::Changes;
use crate::engine::{Direction, Snapshot, Version};
use crate::error::CommitError;
use crate::limits::{MAX_KEY, MAX_VALUE, MAX_WRITES};
use crate::range::{KeyRange, ReadSet};
use crate::record::Record;
use crate::store::Store;

/// Bytes that nothing compresses.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

fn keys(snapshot: &dyn Snapshot, range: KeyRange, direction: Direction, limit: usize) -> Vec<Vec<u8>> {
    snapshot.scan(range, direction, limit).unwrap().into_iter().map(|(key, _)| key).collect()
}

/// Keys up to the limit are found and in their place among the others, from both ends; values up to the limit are what
/// they were; a transaction may write as much as it may.
pub fn the_largest_things_are_kept<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    let mut all = vec![b"a".to_vec(), b"z".to_vec(), noise(MAX_KEY, 1), noise(MAX_KEY, 2)];
    for length in [2000, 2048, 2049, 2700, 2800, MAX_KEY - 1, MAX_KEY] {
        let mut key = vec![b'm'; length];
        all.push(key.clone());
        key[length - 1] = b'n';
        all.push(key);
    }
    commit(&*engine, all.iter().map(|key| put(key, "before")).collect::<Vec<_>>());
    commit(&*engine, all.iter().map(|key| put(key, key)).collect::<Vec<_>>());
    all.sort();
    let snapshot = engine.snapshot().unwrap();
    let reversed: Vec<_> = all.iter().rev().cloned().collect();
    assert!(keys(&*snapshot, KeyRange::all(), Direction::Ascending, 99) == all, "upwards");
    assert!(keys(&*snapshot, KeyRange::all(), Direction::Descending, 99) == reversed, "downwards");
    for (at, key) in all.iter().enumerate() {
        assert!(snapshot.get(key).unwrap().as_ref() == Some(key), "{at}");
        let from = KeyRange { start: key.clone(), end: None };
        assert!(keys(&*snapshot, from, Direction::Ascending, 3) == all[at..all.len().min(at + 3)], "from {at}");
        let below = KeyRange::between("", key.clone());
        let wanted: Vec<_> = all[..at].iter().rev().take(3).cloned().collect();
        assert!(keys(&*snapshot, below, Direction::Descending, 3) == wanted, "below {at}");
    }
    drop(snapshot);
    commit(&*engine, all.iter().map(del).collect::<Vec<_>>());
    assert!(keys(&*engine.snapshot().unwrap(), KeyRange::all(), Direction::Ascending, 9).is_empty());

    let large = [noise(MAX_VALUE, 3), noise(MAX_VALUE, 4)];
    commit(&*engine, [put("first", &large[0]), put("second", &large[1])]);
    assert!(value(&*engine, "first").as_ref() == Some(&large[0]), "the largest value");
    assert!(value(&*engine, "second").as_ref() == Some(&large[1]), "the other largest value");
    commit(&*engine, [del("first"), del("second")]);
    commit(&*engine, (0..MAX_WRITES as u32).map(|number| put(number.to_be_bytes(), "many")).collect::<Vec<_>>());
    let many = KeyRange::between([0], [1]);
    let found = engine.snapshot().unwrap().scan(many, Direction::Ascending, usize::MAX).unwrap();
    assert_eq!(found.len(), MAX_WRITES);
}

/// Readers of two keys whose values always make ten together never see anything else, however they read.
pub fn read_skew_is_not_seen<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    commit(&*engine, [put("left", [10]), put("right", [0])]);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            let (engine, is_over) = (&engine, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let snapshot = engine.snapshot().unwrap();
                    let left = snapshot.get(b"left").unwrap().unwrap()[0];
                    let right = snapshot.get(b"right").unwrap().unwrap()[0];
                    let both = snapshot.scan(KeyRange::all(), Direction::Descending, 9).unwrap();
                    assert_eq!((left + right, both.iter().map(|(_, value)| value[0]).sum::<u8>()), (10, 10));
                }
            });
        }
        for number in 0..60u8 {
            commit(&*engine, [put("left", [number % 11]), put("right", [10 - number % 11])]);
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

/// A range that a snapshot has read once is the same when it reads it again, from either end, whatever appears in it or
/// vanishes from it meanwhile.
pub fn phantoms_do_not_appear_in_a_snapshot<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    commit(&*engine, ["b", "d", "f"].map(|key| put(key, "")));
    let snapshot = engine.snapshot().unwrap();
    let range = || KeyRange::between("a", "g");
    let first = keys(&*snapshot, range(), Direction::Ascending, 9);
    for number in 0..10u8 {
        commit(&*engine, [put(["a", "c", "e"][usize::from(number) % 3], [number]), del("d")]);
        commit(&*engine, [put("d", [number]), del("b")]);
        assert_eq!(keys(&*snapshot, range(), Direction::Ascending, 9), first);
        assert_eq!(keys(&*snapshot, range(), Direction::Descending, 2), [b"f", b"d"]);
        assert_eq!(keys(&*snapshot, range(), Direction::Ascending, 1), [b"b"]);
    }
    let now = keys(&*engine.snapshot().unwrap(), range(), Direction::Ascending, 9);
    assert_eq!(now, [b"a", b"c", b"d", b"e", b"f"]);
}

/// Sixty-four writers at once, some of which want the same: each acknowledged commit is there under a version of its own,
/// and of those that exclude each other exactly one is.
pub fn sixty_four_writers_lose_nothing<F: Fixture>() {
    const WRITERS: u8 = 64;
    const ROUNDS: u8 = 4;
    let fixture = F::new();
    let engine = fixture.open();
    let seen = engine.snapshot().unwrap().version();
    let outcomes: Vec<(Vec<Version>, bool)> = thread::scope(|scope| {
        let write = |writer: u8| {
            let engine = &engine;
            move || {
                let versions =
                    (0..ROUNDS).map(|round| commit(&**engine, [put([b'w', writer, round], [writer])])).collect();
                let mut reads = ReadSet::new();
                reads.add_key(b"prize");
                match commit_after(&**engine, seen, reads, [put("prize", [writer]), put([b'p', writer], "")]) {
                    Ok(_) => (versions, true),
                    Err(CommitError::Conflict) => (versions, false),
                    Err(other) => panic!("{other:?}"),
                }
            }
        };
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(write(writer))).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let versions: BTreeSet<Version> = outcomes.iter().flat_map(|(versions, _)| versions.clone()).collect();
    assert_eq!(versions.len(), usize::from(WRITERS) * usize::from(ROUNDS), "each commit has its version");
    let winners: Vec<usize> = (0..outcomes.len()).filter(|writer| outcomes[*writer].1).collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    let snapshot = engine.snapshot().unwrap();
    let written = snapshot.scan(KeyRange::prefix(b"w"), Direction::Ascending, usize::MAX).unwrap();
    assert_eq!(written.len(), versions.len());
    assert!(written.iter().all(|(key, value)| key[1] == value[0]));
    assert_eq!(snapshot.get(b"prize").unwrap(), Some(vec![winners[0] as u8]));
    assert_eq!(
        snapshot.scan(KeyRange::prefix(b"p\0"), Direction::Ascending, 9).unwrap().len(),
        usize::from(winners[0] == 0)
    );
    let prizes = snapshot.scan(KeyRange::between([b'p', 0], [b'p', WRITERS]), Direction::Ascending, 99).unwrap();
    assert_eq!(prizes.len(), 1, "what was refused is there in part");
}

/// What was read before very many keys were written can still be committed, as long as its reader is there: neither is it
/// refused because the engine has forgotten what was written since, nor is anything overlooked.
pub fn what_was_read_long_ago_is_still_checked<F: Fixture>() {
    const BATCHES: usize = 3;
    let fixture = F::new();
    let store = Store::shared(fixture.open());
    let engine = store.engine();
    let decide = |read: &str| {
        let view = store.view().unwrap();
        view.get::<Row>(&read.to_owned()).unwrap();
        let mut changes = Changes::new();
        changes.put(&Row { name: format!("{read} decided") }).unwrap();
        (view, changes)
    };
    let (open, open_changes) = decide("open");
    let (ended, ended_changes) = decide("ended");
    let ended = Store::decide(&ended, ended_changes).unwrap();
    let (late, late_changes) = decide("written since");
    let mut written = Changes::new();
    written.put(&Row { name: "written since".to_owned() }).unwrap();
    wait(store.commit(None, written)).unwrap();
    for batch in 0..BATCHES {
        commit(
            &**engine,
            (0..MAX_WRITES).map(|number| put(format!("others/{batch}/{number}"), "")).collect::<Vec<_>>(),
        );
    }
    assert!(wait(store.commit(Some(&open), open_changes)).is_ok(), "a view that stays open");
    assert!(wait(store.commit_decided(ended)).is_ok(), "what was decided in a view that ended");
    let refused = wait(store.commit(Some(&late), late_changes));
    assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
}

/// A name, and that is all.
#[derive(Clone, Serialize, Deserialize)]
struct Row {
    name: String,
}

impl Record for Row {
    const TABLE: &'static str = "test/edges";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.name.clone()
    }
}
