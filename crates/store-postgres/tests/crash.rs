//! What happens to commits when a writing process, or the server, is killed: nothing that was acknowledged is lost, and
//! nothing is kept by halves or twice.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use store::conformance::killed::{check_what_is_left, next_acknowledged, start_again, write_until_killed};
use store::conformance::{commit, commit_after, put, value, wait};
use store::{CommitError, Engine, ReadSet, StoreError};
use store_postgres::{Postgres, Target};
use testkit::postgres::Server;

/// Tells the process, which is this test started once more, to write into the database it names until it is killed.
const DATABASE: &str = "STORE_CRASH_DATABASE";
const ROUND: &str = "STORE_CRASH_ROUND";
const TEST: &str = "no_acknowledged_write_is_lost_to_kill_9_of_a_writer";
const ROUNDS: usize = 6;
const WRITERS: usize = 6;
const PATIENCE: Duration = Duration::from_secs(60);

fn open(url: &str) -> Postgres {
    Postgres::open(&Target::parse(url).unwrap()).unwrap()
}

#[test]
fn no_acknowledged_write_is_lost_to_kill_9_of_a_writer() {
    if let (Ok(url), Ok(round)) = (std::env::var(DATABASE), std::env::var(ROUND)) {
        write_until_killed(&open(&url), &round);
    }
    let server = Server::own();
    let database = server.database();
    let url = database.url();
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let (mut child, lines) = start_again(TEST, &[(DATABASE, &url), (ROUND, &round.to_string())]);
        // From right after the first acknowledgement to many batches later.
        let wanted = 1 + round * round * 97 % 400;
        for _ in 0..wanted {
            acknowledged.insert(next_acknowledged(&lines));
        }
        child.kill().unwrap();
        acknowledged.extend(lines);
        assert!(!child.wait().unwrap().success(), "it was killed");
        check_what_is_left(&open(&url), &acknowledged);
    }
}

/// Counters that every commit raises by one: what was acknowledged is the least they may say, what was tried the most.
#[test]
fn a_killed_server_loses_nothing_and_repeats_nothing() {
    let server = Server::own();
    let database = server.database();
    let engine = open(&database.url());
    let is_over = AtomicBool::new(false);
    let counts: Vec<(AtomicU64, AtomicU64)> = (0..WRITERS).map(|_| Default::default()).collect();
    thread::scope(|scope| {
        for (writer, counts) in counts.iter().enumerate() {
            let (engine, is_over) = (&engine, &is_over);
            scope.spawn(move || count_up(engine, &format!("counter/{writer}"), counts, is_over));
        }
        for round in 0..4 {
            let before: Vec<u64> = counts.iter().map(|(done, _)| done.load(Ordering::SeqCst)).collect();
            until(|| counts.iter().zip(&before).all(|((done, _), before)| done.load(Ordering::SeqCst) > *before + 2));
            // In the middle of whatever happens just then, and back after some or before anybody notices.
            server.kill();
            if round % 2 == 0 {
                until(|| matches!(engine.snapshot().map(drop), Err(StoreError::Unavailable(_))));
            }
            server.start();
        }
        is_over.store(true, Ordering::SeqCst);
    });
    until(|| engine.snapshot().is_ok());
    for (writer, (done, unclear)) in counts.iter().enumerate() {
        let stored = number(value(&engine, format!("counter/{writer}")));
        let (done, unclear) = (done.load(Ordering::SeqCst), unclear.load(Ordering::SeqCst));
        assert!((done..=done + unclear).contains(&stored), "{stored}, of {done} acknowledged and {unclear} unclear");
        // A connection that is lost in the middle is resolved: to be left in the dark is the exception.
        assert!(unclear <= 4, "{unclear} of {done}");
    }
    assert!(engine.stats().retries > 0, "no commit met a dead server");
}

fn count_up(engine: &Postgres, key: &str, (done, unclear): &(AtomicU64, AtomicU64), is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        let read = engine.snapshot().and_then(|snapshot| Ok((snapshot.version(), snapshot.get(key.as_bytes())?)));
        let Ok((version, stored)) = read else {
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        let mut reads = ReadSet::new();
        reads.add_key(key.as_bytes());
        let next = put(key, (number(stored) + 1).to_be_bytes());
        match commit_after(engine, version, reads, [next]) {
            Ok(_) => done.fetch_add(1, Ordering::SeqCst),
            Err(CommitError::Conflict) => 0,
            Err(CommitError::Store(StoreError::Unavailable(_))) => unclear.fetch_add(1, Ordering::SeqCst),
            Err(other) => panic!("{other:?}"),
        };
    }
}

fn number(bytes: Option<Vec<u8>>) -> u64 {
    bytes.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().expect("a counter has eight bytes")))
}

fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it does not come");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A watch on one process hears of every commit of another one, those while its connection was lost included.
#[test]
fn watches_have_no_gap_across_a_lost_connection() {
    let server = Server::own();
    let database = server.database();
    let (writer, reader) = (open(&database.url()), open(&database.url()));
    let mut watch = reader.watch(b"own/");
    commit(&writer, [put("own/key", "1")]);
    wait(watch.changed()).unwrap();
    assert_eq!(value(&reader, "own/key"), Some(b"1".to_vec()));

    for round in 0..3u8 {
        // Every connection of both is cut, at any instant.
        database.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()");
        commit(&writer, [put("other", [round])]);
        commit(&writer, [put("own/key", [round])]);
        until(|| {
            wait(watch.changed()).unwrap();
            value(&reader, "own/key") == Some(vec![round])
        });
    }
}

/// What one process has committed is known to another one as soon as it asks.
#[test]
fn refreshing_wakes_for_what_others_committed() {
    let database = Server::shared().database();
    let (writer, reader) = (open(&database.url()), open(&database.url()));
    // Before it listens, what others commit is not looked at one by one: it wakes everybody.
    until(|| reader.stats().is_listening);
    let (own, other) = (reader.watch(b"own/"), reader.watch(b"other/"));
    for number in 0..20u8 {
        let mut own = own.clone();
        let version = commit(&writer, [put("own/key", [number])]);
        reader.refresh().unwrap();
        assert!(own.is_changed(), "{number}");
        assert_eq!(wait(own.changed()).unwrap(), version);
    }
    assert!(!other.is_changed());
}
