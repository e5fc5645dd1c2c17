//! What `kill -9` does to the store: nothing that was acknowledged is lost, and nothing is kept by halves. Whatever the
//! process does then may be cut: commits, the copying of the log into the file, opening.
//!
//! Twenty cycles, or as many as `CRASH_CYCLES` says.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use store::conformance::{commit, put};
use store::{Direction, Engine, KeyRange};
use store_sqlite::Sqlite;

/// Tells the process, which is this test started once more, to write in the folder it names until it is killed.
const FOLDER: &str = "STORE_CRASH_FOLDER";
const ROUND: &str = "STORE_CRASH_ROUND";
const TEST: &str = "no_acknowledged_write_is_lost_to_kill_9";
/// A new folder after so many cycles, as every check reads all.
const FRESH: usize = 20;
const WRITERS: usize = 6;

#[test]
fn no_acknowledged_write_is_lost_to_kill_9() {
    if let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) {
        write_until_killed(Path::new(&folder), &round);
    }
    let rounds = std::env::var("CRASH_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..rounds {
        if round % FRESH == 0 {
            folder = tempfile::tempdir().unwrap();
            acknowledged.clear();
        }
        let (mut child, lines) = start(folder.path(), round);
        // From right after the first acknowledgement to many batches later.
        let wanted = 1 + round * round * 97 % 400;
        for _ in 0..wanted {
            acknowledged.insert(lines.recv_timeout(Duration::from_secs(60)).expect("the writer goes on writing"));
        }
        // Not right after an acknowledgement, but at any instant between two.
        let instant = Instant::now() + Duration::from_micros((round * 7919 % 5000) as u64);
        while let Ok(key) = lines.recv_timeout(instant.saturating_duration_since(Instant::now())) {
            acknowledged.insert(key);
        }
        child.kill().unwrap();
        acknowledged.extend(lines);
        assert!(!child.wait().unwrap().success(), "it was killed");
        check(folder.path(), &acknowledged);
    }
}

fn start(folder: &Path, round: usize) -> (Child, Receiver<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, lines) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            // The last line may have been cut off: only whole ones end in a full stop.
            if let Some(key) = line.strip_prefix("acknowledged ").and_then(|rest| rest.strip_suffix('.')) {
                sender.send(key.to_owned()).ok();
            }
        }
    });
    (child, lines)
}

/// Each transaction writes two keys far apart, with sizes from a few bytes to several pages.
fn write_until_killed(folder: &Path, round: &str) -> ! {
    let engine = Sqlite::open(folder).unwrap();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let engine = &engine;
            scope.spawn(move || {
                for number in 0u64.. {
                    let key = format!("{round}/{writer}/{number}");
                    let value = content(&key);
                    commit(engine, [put(format!("left/{key}"), &value), put(format!("right/{key}"), &value)]);
                    let mut output = std::io::stdout().lock();
                    output.write_all(format!("acknowledged {key}.\n").as_bytes()).unwrap();
                    output.flush().unwrap();
                }
            });
        }
    });
    unreachable!("the writers never end")
}

fn content(key: &str) -> Vec<u8> {
    let size = key.bytes().fold(7usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 9000;
    key.bytes().cycle().take(size + 1).collect()
}

fn check(folder: &Path, acknowledged: &BTreeSet<String>) {
    let engine = Sqlite::open(folder).unwrap();
    let snapshot = engine.snapshot().unwrap();
    let half = |prefix: &str| -> BTreeSet<String> {
        let pairs = snapshot.scan(KeyRange::prefix(prefix.as_bytes()), Direction::Ascending, usize::MAX).unwrap();
        pairs
            .into_iter()
            .map(|(key, value)| {
                let key = String::from_utf8(key[prefix.len()..].to_vec()).unwrap();
                assert!(value == content(&key), "{key} has other content");
                key
            })
            .collect()
    };
    let left = half("left/");
    assert_eq!(left, half("right/"), "a transaction was kept by halves");
    let lost: Vec<_> = acknowledged.difference(&left).collect();
    assert!(lost.is_empty(), "lost of {}: {lost:?}", acknowledged.len());
}
