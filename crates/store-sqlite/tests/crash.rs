//! What `kill -9` does to the store: nothing that was acknowledged is lost, and nothing is kept by halves. Whatever the
//! process does then may be cut: commits, the copying of the log into the file, opening.
//!
//! Twenty cycles, or as many as `CRASH_CYCLES` says.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use store::conformance::killed::{check_what_is_left, next_acknowledged, start_again, write_until_killed};
use store_sqlite::Sqlite;

/// Tells the process, which is this test started once more, to write in the folder it names until it is killed.
const FOLDER: &str = "STORE_CRASH_FOLDER";
const ROUND: &str = "STORE_CRASH_ROUND";
const TEST: &str = "no_acknowledged_write_is_lost_to_kill_9";
/// A new folder after so many cycles, as every check reads all.
const FRESH: usize = 20;

fn open(folder: &Path) -> Sqlite {
    Sqlite::open(folder).unwrap()
}

#[test]
fn no_acknowledged_write_is_lost_to_kill_9() {
    if let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) {
        write_until_killed(&open(Path::new(&folder)), &round);
    }
    let rounds = std::env::var("CRASH_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..rounds {
        if round % FRESH == 0 {
            folder = tempfile::tempdir().unwrap();
            acknowledged.clear();
        }
        let (mut child, lines) = {
            let folder = folder.path().to_str().unwrap();
            start_again(TEST, &[(FOLDER, folder), (ROUND, &round.to_string())])
        };
        // From right after the first acknowledgement to many batches later.
        let wanted = 1 + round * round * 97 % 400;
        for _ in 0..wanted {
            acknowledged.insert(next_acknowledged(&lines));
        }
        // Not right after an acknowledgement, but at any instant between two.
        let instant = Instant::now() + Duration::from_micros((round * 7919 % 5000) as u64);
        while let Ok(key) = lines.recv_timeout(instant.saturating_duration_since(Instant::now())) {
            acknowledged.insert(key);
        }
        child.kill().unwrap();
        acknowledged.extend(lines);
        assert!(!child.wait().unwrap().success(), "it was killed");
        check_what_is_left(&open(folder.path()), &acknowledged);
    }
}
