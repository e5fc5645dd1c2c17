//! A disk without room: commits are refused for what they are, nothing is harmed, reads go on, and commits succeed
//! again once there is room. The test starts itself again on a small disk: a tmpfs of its own where the kernel lets it
//! have one, and otherwise under a limit on the size of files, which SQLite meets in another way.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use store::conformance::{commit, put, value, wait};
use store::{CommitError, Engine, ReadSet, StoreError, Transaction, Version};
use store_sqlite::Sqlite;

const FOLDER: &str = "STORE_FULL_FOLDER";
const TEST: &str = "a_full_disk_refuses_writes_harms_nothing_and_heals";

/// The whole disk, in KiB.
const DISK: usize = 3072;
const VALUE: usize = 20_000;

fn try_put(engine: &Sqlite, key: &str, size: usize) -> Result<Version, CommitError> {
    let writes = vec![put(key, vec![7; size])];
    wait(engine.commit(Transaction { snapshot: 0, reads: ReadSet::new(), writes }))
}

fn is_full(outcome: &Result<Version, CommitError>) -> bool {
    matches!(outcome, Err(CommitError::Store(StoreError::Full)))
}

/// What makes room again.
enum Room {
    Ballast(PathBuf),
    Limit,
}

impl Room {
    fn make(self) {
        match self {
            Self::Ballast(path) => fs::remove_file(path).unwrap(),
            Self::Limit => {
                let maximum = getrlimit(Resource::Fsize).maximum;
                setrlimit(Resource::Fsize, Rlimit { current: maximum, maximum }).unwrap();
            }
        }
    }
}

/// Runs where the disk is small.
fn fill_the_disk(folder: &Path) {
    let room = match getrlimit(Resource::Fsize).current {
        Some(_) => Room::Limit,
        None => {
            let ballast = folder.join("ballast");
            fs::write(&ballast, vec![1; DISK * 1024 / 2]).unwrap();
            Room::Ballast(ballast)
        }
    };
    let engine = Sqlite::open(folder.join("store")).unwrap();
    commit(&engine, [put("first", "1")]);
    let mut kept = Vec::new();
    let refused = loop {
        let key = format!("key {:04}", kept.len());
        match try_put(&engine, &key, VALUE) {
            Ok(_) => kept.push(key),
            refused => break refused,
        }
        assert!(kept.len() < 2 * DISK * 1024 / VALUE, "the disk never fills");
    };
    assert!(is_full(&refused), "{refused:?}");
    let check = |engine: &Sqlite| {
        assert_eq!(value(engine, "first"), Some(b"1".to_vec()));
        for key in &kept {
            assert_eq!(value(engine, key), Some(vec![7; VALUE]), "{key}");
        }
        assert_eq!(value(engine, format!("key {:04}", kept.len())), None, "what was refused");
    };
    check(&engine);
    for _ in 0..20 {
        let again = try_put(&engine, "again", VALUE);
        assert!(is_full(&again), "{again:?}");
    }
    assert_eq!(engine.stats().unwrap().failures, 21);
    check(&engine);
    room.make();
    try_put(&engine, "again", VALUE).unwrap();
    check(&engine);
    drop(engine);
    let engine = Sqlite::open(folder.join("store")).unwrap();
    check(&engine);
    assert_eq!(value(&engine, "again"), Some(vec![7; VALUE]));
    println!("the small disk was filled");
}

#[test]
fn a_full_disk_refuses_writes_harms_nothing_and_heals() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return fill_the_disk(Path::new(&folder));
    }
    // The second one everywhere: it is another path through SQLite than that of a full disk.
    let tmpfs = format!(r#"mount -t tmpfs -o size={DISK}k small "$STORE_FULL_FOLDER" && exec "$0" "$@""#);
    let limit = format!(r#"trap '' XFSZ; ulimit -S -f {DISK} && exec "$0" "$@""#);
    let can_mount = run(&["unshare", "-Urm", "sh", "-c", "mount -t tmpfs small /tmp"], Path::new("/"), false).0;
    if can_mount {
        check_run(&["unshare", "-Urm", "sh", "-c", &tmpfs]);
    }
    check_run(&["sh", "-c", &limit]);
}

fn check_run(shell: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let (is_good, said) = run(shell, folder.path(), true);
    assert!(is_good && said.contains("the small disk was filled"), "{shell:?}: {said}");
}

fn run(shell: &[&str], folder: &Path, with_test: bool) -> (bool, String) {
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).env(FOLDER, folder);
    if with_test {
        command.arg(std::env::current_exe().unwrap()).args([TEST, "--exact", "--nocapture"]);
    }
    let Ok(output) = command.output() else { return (false, "it does not start".to_owned()) };
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}
