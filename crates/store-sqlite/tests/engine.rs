//! What only this engine promises: group commit, bounded log, typed errors for a bad file, sole ownership.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use store::conformance::{commit, del, put, value, wait};
use store::{
    BoxFuture, Changes, CommitError, Direction, Engine, IndexEntry, KeyPrefix, KeyRange, ReadSet, Record, Store,
    StoreError, Transaction, Version, Write,
};
use store_sqlite::{OpenError, Options, Sqlite};

type Commit = BoxFuture<'static, Result<Version, CommitError>>;

/// Keeps the commit thread waiting for the file, so that what is handed in meanwhile becomes one batch.
fn hold(folder: &Path) -> Connection {
    let other = Connection::open(folder.join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

/// Hands a commit in without waiting for its answer.
fn hand_in(engine: &Sqlite, transaction: Transaction) -> Commit {
    let mut future = engine.commit(transaction);
    assert!(Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    future
}

fn blind(writes: impl Into<Vec<Write>>) -> Transaction {
    Transaction { snapshot: 0, reads: ReadSet::new(), writes: writes.into() }
}

#[test]
fn many_waiting_commits_need_one_sync() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Sqlite::open(folder.path()).unwrap();
    let held = hold(folder.path());
    let commits: Vec<_> = (0..64u8).map(|number| hand_in(&engine, blind([put([number], [number])]))).collect();
    held.execute_batch("ROLLBACK").unwrap();
    let versions: Vec<Version> = wait(async {
        let mut versions = Vec::new();
        for commit in commits {
            versions.push(commit.await.unwrap());
        }
        versions
    });
    assert!(versions.windows(2).all(|pair| pair[0] < pair[1]), "each has its own version, in order: {versions:?}");
    let stats = engine.stats().unwrap();
    assert_eq!((stats.commits, stats.conflicts, stats.failures), (64, 0, 0));
    assert!(stats.batches <= 2, "64 commits took {} syncs", stats.batches);
    assert_eq!(engine.snapshot().unwrap().scan(KeyRange::all(), Direction::Ascending, 99).unwrap().len(), 64);
}

#[test]
fn of_one_batch_that_read_the_same_only_the_first_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Sqlite::open(folder.path()).unwrap();
    let held = hold(folder.path());
    let first = hand_in(&engine, blind([put("unrelated", "")]));
    let snapshot = engine.snapshot().unwrap().version();
    let mut reads = ReadSet::new();
    reads.add_range(KeyRange::prefix(b"name/"));
    let claims: Vec<_> = (0..8u8)
        .map(|number| {
            let writes = vec![put(format!("name/{number}"), "")];
            hand_in(&engine, Transaction { snapshot, reads: reads.clone(), writes })
        })
        .collect();
    held.execute_batch("ROLLBACK").unwrap();
    wait(first).unwrap();
    for (number, claim) in claims.into_iter().enumerate() {
        let outcome = wait(claim);
        assert_eq!(outcome.is_ok(), number == 0, "{number}: {outcome:?}");
    }
    let kept = engine.snapshot().unwrap().scan(KeyRange::prefix(b"name/"), Direction::Ascending, 9).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(engine.stats().unwrap().conflicts, 7);
}

#[test]
fn closing_commits_what_waits_and_refuses_what_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Sqlite::open(folder.path()).unwrap();
    let held = hold(folder.path());
    let waiting: Vec<_> = (0..3u8).map(|number| hand_in(&engine, blind([put([number], "")]))).collect();
    let late = engine.commit(blind([put("late", "")]));
    held.execute_batch("ROLLBACK").unwrap();
    drop(engine);
    for commit in waiting {
        wait(commit).unwrap();
    }
    assert!(matches!(wait(late), Err(CommitError::Store(StoreError::Closed))));
    let engine = Sqlite::open(folder.path()).unwrap();
    assert_eq!(engine.snapshot().unwrap().scan(KeyRange::all(), Direction::Ascending, 9).unwrap().len(), 3);
}

#[test]
fn a_full_disk_fails_the_commit_that_is_too_much_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { max_size: Some(2 * 1024 * 1024), ..Options::default() };
    let engine = Sqlite::open_with(folder.path(), &options).unwrap();
    let large = vec![7; 1024 * 1024];
    commit(&engine, [put("fits", &large)]);
    let held = hold(folder.path());
    let before = hand_in(&engine, blind([put("before", "1")]));
    let batch = [
        hand_in(&engine, blind([put("small 1", "1")])),
        hand_in(&engine, blind([put("kept", "no"), put("too much", vec![7; 2 * 1024 * 1024])])),
        hand_in(&engine, blind([put("small 2", "2")])),
    ];
    held.execute_batch("ROLLBACK").unwrap();
    wait(before).unwrap();
    let [one, two, three] = batch.map(wait);
    assert!(one.is_ok() && three.is_ok(), "{one:?} {three:?}");
    assert!(matches!(two, Err(CommitError::Store(StoreError::Full))), "{two:?}");
    assert_eq!(value(&engine, "kept"), None);
    assert_eq!(value(&engine, "small 2"), Some(b"2".to_vec()));
    commit(&engine, [del("fits")]);
    commit(&engine, [put("now it fits", &large)]);
    assert_eq!(engine.stats().unwrap().failures, 1);
}

#[test]
fn a_forgotten_snapshot_is_ended_before_the_log_grows_without_bound() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { log_limit: 1024 * 1024, snapshot_age: Duration::ZERO, ..Options::default() };
    let engine = Sqlite::open_with(folder.path(), &options).unwrap();
    commit(&engine, [put("a", "old")]);
    let forgotten = engine.snapshot().unwrap();
    let copying = engine.long_snapshot().unwrap();
    let large = vec![7; 256 * 1024];
    for number in 0..64u8 {
        commit(&engine, [put("a", "new"), put([number % 4], &large)]);
    }
    assert!(matches!(forgotten.get(b"a"), Err(StoreError::SnapshotExpired)));
    assert_eq!(copying.get(b"a").unwrap(), Some(b"old".to_vec()), "a copy of the store may take its time");
    drop(copying);
    commit(&engine, [put([0], &large)]);
    commit(&engine, [put([1], vec![7; 1024 * 1024])]);
    let stats = engine.stats().unwrap();
    assert_eq!((stats.expired_snapshots, stats.open_snapshots), (1, 0));
    assert!(stats.log_size < 4 * 1024 * 1024, "16 MiB were written; the log has {}", stats.log_size);
    drop(forgotten);
    assert_eq!(value(&engine, "a"), Some(b"new".to_vec()));
}

#[test]
fn without_snapshots_the_log_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Sqlite::open(folder.path()).unwrap();
    let large = vec![7; 1024 * 1024];
    for number in 0..40u8 {
        commit(&engine, [put([number % 4], &large)]);
    }
    let stats = engine.stats().unwrap();
    assert!(stats.log_size < 12 * 1024 * 1024, "40 MiB were written; the log has {}", stats.log_size);
}

#[test]
fn more_snapshots_than_allowed_wait_and_then_give_up() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { snapshots: 1, snapshot_wait: Duration::from_millis(20), ..Options::default() };
    let engine = Sqlite::open_with(folder.path(), &options).unwrap();
    let only = engine.snapshot().unwrap();
    assert!(matches!(engine.snapshot().map(drop), Err(StoreError::Busy)));
    assert_eq!(engine.stats().unwrap().open_snapshots, 1);
    drop(only);
    assert!(engine.snapshot().is_ok());
}

#[test]
fn a_second_owner_is_told_who_the_first_is() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Sqlite::open(folder.path()).unwrap();
    match Sqlite::open(folder.path()).map(drop) {
        Err(OpenError::InUse { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
    drop(engine);
    assert!(Sqlite::open(folder.path()).is_ok());
}

#[test]
fn a_bad_file_or_folder_is_named_for_what_it_is() {
    let check = |prepare: fn(&Path), is_expected: fn(&OpenError) -> bool| {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let error = Sqlite::open(folder.path().join("store")).map(drop).unwrap_err();
        assert!(is_expected(&error), "{error:?}");
    };
    check(|folder| fs::write(folder.join("store"), "").unwrap(), |error| matches!(error, OpenError::Folder { .. }));
    check(
        |folder| {
            fs::create_dir(folder.join("store")).unwrap();
            fs::write(folder.join("store/store.db"), [b'x'; 5000]).unwrap();
        },
        |error| matches!(error, OpenError::Damaged { .. }),
    );
    check(
        |folder| {
            fs::create_dir(folder.join("store")).unwrap();
            let other = Connection::open(folder.join("store/store.db")).unwrap();
            other.execute_batch("CREATE TABLE theirs (x)").unwrap();
        },
        |error| matches!(error, OpenError::Foreign { .. }),
    );
    check(
        |folder| {
            drop(Sqlite::open(folder.join("store")).unwrap());
            let newer = Connection::open(folder.join("store/store.db")).unwrap();
            newer.execute("UPDATE meta SET value = 2 WHERE name = 'schema'", []).unwrap();
        },
        |error| matches!(error, OpenError::NewerSchema { version: 2, known: 1, .. }),
    );
}

#[test]
fn damage_within_the_file_is_an_error_and_not_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Sqlite::open(folder.path()).unwrap();
    let writes: Vec<_> = (0..2000u32).map(|number| put(number.to_be_bytes(), [7; 500])).collect();
    commit(&engine, writes);
    drop(engine);
    let file = folder.path().join("store.db");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 16 * 4096].fill(0xa5);
    fs::write(&file, bytes).unwrap();
    let engine = Sqlite::open(folder.path()).unwrap();
    let outcome = engine.snapshot().unwrap().scan(KeyRange::all(), Direction::Ascending, 9999);
    assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{:?}", outcome.map(|pairs| pairs.len()));
}

#[test]
fn commits_that_wait_for_the_disk_keep_nobody_from_reading() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { snapshots: 1, snapshot_wait: Duration::ZERO, ..Options::default() };
    let store = Store::new(Sqlite::open_with(folder.path(), &options).unwrap());
    let held = hold(folder.path());
    let changes = |number| {
        let mut changes = Changes::new();
        changes.put(&Note { number }).unwrap();
        changes
    };
    let views: Vec<_> = (0..8).map(|_| std::cell::OnceCell::new()).collect();
    let mut commits = Vec::new();
    for (number, view) in (0..).zip(&views) {
        let view = view.get_or_init(|| store.view().expect("the one slot is free again"));
        assert_eq!(view.get::<Note>(&number).unwrap(), None);
        let mut commit = Box::pin(store.commit(Some(view), changes(number)));
        assert!(commit.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        commits.push(commit);
    }
    held.execute_batch("ROLLBACK").unwrap();
    for commit in commits {
        wait(commit).unwrap();
    }
    assert_eq!(store.view().unwrap().scan::<Note>(&KeyPrefix::all(), None, 99).unwrap().len(), 8);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    number: u64,
}

impl Record for Note {
    const TABLE: &'static str = "test/note";
    const VERSION: u16 = 1;
    const INDEXES: &'static [&'static str] = &["parity"];
    type Key = u64;

    fn key(&self) -> u64 {
        self.number
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("parity", self.number % 2)]
    }
}
