//! What this engine promises besides the suite: several processes, bounded waits, databases that it refuses.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use store::conformance::{commit, commit_after, put, value};
use store::{CommitError, Direction, Engine, KeyRange, ReadSet, StoreError};
use store_postgres::{OpenError, Options, Postgres, Target};
use testkit::postgres::Server;

fn open_with(url: &str, options: &Options) -> Result<Postgres, OpenError> {
    Postgres::open_with(&Target::parse(url).unwrap(), options)
}

fn open(url: &str) -> Postgres {
    open_with(url, &Options::default()).unwrap()
}

/// Three engines stand for three processes: they share nothing but the database.
#[test]
fn counters_of_several_processes_reach_the_exact_sum() {
    const STEPS: u64 = 25;
    let database = Server::shared().database();
    let engines = [open(&database.url()), open(&database.url()), open(&database.url())];
    let read = |bytes: Option<Vec<u8>>| bytes.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
    thread::scope(|scope| {
        for engine in engines.iter().chain(&engines) {
            scope.spawn(move || {
                let mut done = 0;
                while done < STEPS {
                    let snapshot = engine.snapshot().unwrap();
                    let (version, count) = (snapshot.version(), read(snapshot.get(b"counter").unwrap()));
                    drop(snapshot);
                    let mut reads = ReadSet::new();
                    reads.add_key(b"counter");
                    match commit_after(engine, version, reads, [put("counter", (count + 1).to_be_bytes())]) {
                        Ok(_) => done += 1,
                        Err(CommitError::Conflict) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    assert_eq!(read(value(&engines[0], "counter")), 6 * STEPS);
    let versions: Vec<String> = database.sql("SELECT version FROM welkin.head").lines().map(str::to_owned).collect();
    assert_eq!(versions, [(6 * STEPS).to_string()], "each commit took one version");
}

/// Write skew between two processes: each has read what the other writes.
#[test]
fn two_processes_cannot_decide_on_what_the_other_has_changed() {
    let database = Server::shared().database();
    let (left, right) = (open(&database.url()), open(&database.url()));
    commit(&left, [put("alice", "on call"), put("bob", "on call")]);
    let seen = [&left, &right].map(|engine| engine.snapshot().unwrap().version());
    let mut reads = ReadSet::new();
    reads.add_range(KeyRange::between("a", "c"));
    assert!(commit_after(&left, seen[0], reads.clone(), [put("alice", "off")]).is_ok());
    let refused = commit_after(&right, seen[1], reads.clone(), [put("bob", "off")]);
    assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
    // And a snapshot that is newer than what this process has heard of is no reason to refuse.
    let seen = right.snapshot().unwrap().version();
    assert!(commit_after(&right, seen, reads, [put("bob", "off")]).is_ok());
}

#[test]
fn snapshots_are_bounded_in_number_and_in_time() {
    let database = Server::shared().database();
    let options = Options {
        snapshots: 2,
        snapshot_wait: Duration::from_millis(50),
        snapshot_life: Duration::from_millis(200),
        ..Options::default()
    };
    let engine = open_with(&database.url(), &options).unwrap();
    commit(&engine, [put("a", "1")]);
    let held = [engine.snapshot().unwrap(), engine.snapshot().unwrap()];
    assert!(matches!(engine.snapshot().map(drop), Err(StoreError::Busy)));
    assert_eq!(engine.stats().open_snapshots, 2);
    drop(held);
    let held = engine.snapshot().unwrap();
    // Whoever cleans up comes by every few seconds.
    let begun = Instant::now();
    while !matches!(held.get(b"a"), Err(StoreError::SnapshotExpired)) {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not end");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(engine.stats().expired_snapshots, 1);
    drop(held);
    assert_eq!(engine.stats().open_snapshots, 0);
    assert_eq!(value(&engine, "a"), Some(b"1".to_vec()));
}

/// A backup reads for longer than an operation may.
#[test]
fn a_copy_outlives_the_snapshots_of_operations_and_is_bounded_too() {
    let database = Server::shared().database();
    let open = |snapshot_life, copy_life| {
        let engine = open_with(&database.url(), &Options { snapshot_life, copy_life, ..Options::default() }).unwrap();
        commit(&engine, [put("a", "1")]);
        let (copy, operation) = (engine.long_snapshot().unwrap(), engine.snapshot().unwrap());
        (engine, copy, operation)
    };
    let (short, long) = (Duration::from_millis(200), Duration::from_secs(3600));
    let (_copying, going_on, ended) = open(short, long);
    let (_bounded, too_long, undisturbed) = open(long, short);
    let begun = Instant::now();
    while ended.get(b"a").is_ok() || too_long.get(b"a").is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(60), "they do not end");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(going_on.get(b"a").unwrap(), Some(b"1".to_vec()), "the copy goes on");
    assert_eq!(undisturbed.get(b"a").unwrap(), Some(b"1".to_vec()));
}

#[test]
fn databases_of_others_are_refused_in_readable_words() {
    let server = Server::shared();
    let refused = |url: &str| {
        let options = Options { open_wait: Duration::ZERO, ..Options::default() };
        let error = open_with(url, &options).map(drop).unwrap_err();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    };
    let foreign = server.database();
    foreign.sql("CREATE SCHEMA welkin; CREATE TABLE welkin.meta (name text)");
    assert!(refused(&foreign.url()).contains("has a schema 'welkin' that this program didn't make"));
    let newer = server.database();
    drop(open(&newer.url()));
    newer.sql("UPDATE welkin.meta SET value = 9 WHERE name = 'schema'");
    assert!(refused(&newer.url()).contains("has schema version 9; this program knows versions up to 1"));
    let missing = server.url("nowhere");
    let text = refused(&missing);
    assert!(text.contains("can't be reached") && text.contains("\"nowhere\" does not exist"), "{text}");
    let text = refused("postgres://ada:secret@127.0.0.1:1/cloud");
    assert!(text.contains("127.0.0.1:1/cloud") && !text.contains("secret"), "{text}");
}

#[test]
fn two_processes_may_open_an_empty_database_at_once() {
    let database = Server::shared().database();
    let url = Arc::new(database.url());
    let threads: Vec<_> = (0..4)
        .map(|number: u8| {
            let url = Arc::clone(&url);
            thread::spawn(move || commit(&open(&url), [put([number], "here")]))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let found = open(&url).snapshot().unwrap().scan(KeyRange::all(), Direction::Ascending, 9).unwrap();
    assert_eq!(found.len(), 4);
}

/// What is committed, is committed as a whole or not at all, however little the database may be willing to do.
#[test]
fn a_transaction_that_the_database_refuses_leaves_the_others_alone() {
    let database = Server::shared().database();
    let engine = open(&database.url());
    database.sql("ALTER TABLE welkin.kv ADD CONSTRAINT picky CHECK (value <> 'bad')");
    thread::scope(|scope| {
        for number in 0..8u8 {
            let engine = &engine;
            scope.spawn(move || {
                let bad = number % 4 == 0;
                let content = if bad { "bad" } else { "good" };
                let writes = vec![put([number, 0], "good"), put([number, 1], content)];
                let outcome = commit_after(engine, 0, ReadSet::new(), writes);
                assert_eq!(outcome.is_err(), bad, "{number}: {outcome:?}");
            });
        }
    });
    let found = engine.snapshot().unwrap().scan(KeyRange::all(), Direction::Ascending, 99).unwrap();
    assert_eq!(found.len(), 12);
}
