//! Random operations against a map that keeps every version.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::test_runner::{Config, TestRunner};

use super::{Fixture, commit_after};
use crate::engine::{Direction, Engine, Snapshot, Version, Write};
use crate::error::CommitError;
use crate::range::{KeyRange, ReadSet};

/// How many snapshots are open at once.
const SLOTS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    /// Takes a new snapshot in a slot and forgets what was read in the old one.
    Snapshot(usize),
    /// Reads a key in a slot's snapshot.
    Get(usize, Vec<u8>),
    /// Scans in a slot's snapshot.
    Scan(usize, KeyRange, bool, usize),
    /// Commits on the condition of what was read in a slot.
    Commit(usize, Vec<Write>),
    /// Commits on no condition.
    Blind(Vec<Write>),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0), Just(1), Just(0xfe), Just(0xff)], 0..3)
}

fn range() -> impl Strategy<Value = KeyRange> {
    (key(), prop::option::of(key())).prop_map(|(start, end)| KeyRange { start, end })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let writes = || prop::collection::vec((key(), prop::option::of(prop::collection::vec(any::<u8>(), 0..3))), 0..4);
    let step = prop_oneof![
        2 => (0..SLOTS).prop_map(Step::Snapshot),
        3 => (0..SLOTS, key()).prop_map(|(slot, key)| Step::Get(slot, key)),
        3 => (0..SLOTS, range(), any::<bool>(), 0..6usize)
            .prop_map(|(slot, range, is_up, limit)| Step::Scan(slot, range, is_up, limit)),
        3 => (0..SLOTS, writes()).prop_map(|(slot, writes)| Step::Commit(slot, writes)),
        3 => writes().prop_map(Step::Blind),
    ];
    prop::collection::vec(step, 1..40)
}

type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

struct Run {
    engine: Arc<dyn Engine>,
    /// The contents after each commit, and the keys that the commit wrote.
    history: BTreeMap<Version, (Contents, Vec<Vec<u8>>)>,
    slots: Vec<(Box<dyn Snapshot>, ReadSet)>,
}

impl Run {
    fn new(engine: Arc<dyn Engine>) -> Self {
        let slots: Vec<_> = (0..SLOTS).map(|_| (engine.snapshot().unwrap(), ReadSet::new())).collect();
        let start = slots[0].0.version();
        Self { engine, history: [(start, Default::default())].into(), slots }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Snapshot(slot) => {
                let snapshot = self.engine.snapshot().unwrap();
                assert_eq!(Some(&snapshot.version()), self.history.keys().next_back());
                self.slots[slot] = (snapshot, ReadSet::new());
            }
            Step::Get(slot, key) => {
                let (snapshot, reads) = &mut self.slots[slot];
                assert_eq!(snapshot.get(&key).unwrap(), self.history[&snapshot.version()].0.get(&key).cloned());
                reads.add_key(&key);
            }
            Step::Scan(slot, range, is_up, limit) => {
                let (snapshot, reads) = &mut self.slots[slot];
                let direction = if is_up { Direction::Ascending } else { Direction::Descending };
                let contents = self.history[&snapshot.version()].0.clone();
                let mut wanted: Vec<_> = contents.into_iter().filter(|(key, _)| range.contains(key)).collect();
                if !is_up {
                    wanted.reverse();
                }
                wanted.truncate(limit);
                assert_eq!(snapshot.scan(range.clone(), direction, limit).unwrap(), wanted);
                reads.add_range(range);
            }
            Step::Commit(slot, writes) => {
                let (snapshot, reads) = &self.slots[slot];
                let mut later = self.history.range(snapshot.version() + 1..).flat_map(|(_, (_, keys))| keys);
                let conflicts = later.any(|key| reads.contains(key));
                let (snapshot, reads) = (snapshot.version(), reads.clone());
                match commit_after(&*self.engine, snapshot, reads, writes.clone()) {
                    Ok(version) => {
                        assert!(!conflicts, "a conflict was not seen");
                        self.record(version, writes);
                    }
                    Err(CommitError::Conflict) => assert!(conflicts, "refused without a conflict"),
                    Err(other) => panic!("{other:?}"),
                }
            }
            Step::Blind(writes) => {
                let version = commit_after(&*self.engine, 0, ReadSet::new(), writes.clone()).unwrap();
                self.record(version, writes);
            }
        }
    }

    fn record(&mut self, version: Version, writes: Vec<Write>) {
        let (last, (contents, _)) = self.history.iter().next_back().expect("there is a start");
        assert!(version > *last, "versions rise");
        let mut contents = contents.clone();
        let keys = writes.iter().map(|(key, _)| key.clone()).collect();
        for (key, value) in writes {
            match value {
                Some(value) => contents.insert(key, value),
                None => contents.remove(&key),
            };
        }
        self.history.insert(version, (contents, keys));
    }
}

/// Reads of every snapshot, and which commits are refused, are those of the model: no conflict is missed and none
/// is made up.
pub fn random_operations_match_the_model<F: Fixture>() {
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            let fixture = F::new();
            let mut run = Run::new(fixture.open());
            for step in steps {
                run.take(step);
            }
            Ok(())
        })
        .unwrap();
}
