//! Blobs outlive `kill -9`, and a full disk leaves nothing behind. Each test starts itself again as the process that
//! is killed or limited, told what to do by an environment variable. Twenty kills, or as many as `CRASH_CYCLES` says.

#![expect(clippy::unwrap_used, reason = "all of this file is tests")]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use blobs::{BlobError, BlobId, BlobStore, FolderBlobs, FolderLimits, source_of};

const FOLDER: &str = "BLOBS_TEST_FOLDER";
const SEED: &str = "BLOBS_TEST_SEED";
const FRESH: u64 = 10;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

fn open(folder: &Path) -> Arc<FolderBlobs> {
    Arc::new(FolderBlobs::open(folder, FolderLimits::default()).unwrap())
}

/// The bytes of one upload; its number decides length and content. Some take several batches.
fn content(number: u64) -> Vec<u8> {
    let length = (number.wrapping_mul(7_919) % 400_000) as usize;
    (0..length).map(|index| (index as u64).wrapping_mul(31).wrapping_add(number) as u8).collect()
}

fn itself(test: &str) -> Vec<std::ffi::OsString> {
    let program = env::current_exe().unwrap().into_os_string();
    vec![program, test.into(), "--exact".into(), "--nocapture".into()]
}

/// Uploads until killed, four at a time, and says each that is safe.
fn upload_for_ever(folder: &Path, first: u64) {
    let next = Arc::new(AtomicU64::new(first));
    let store = open(folder);
    runtime().block_on(async {
        let uploads = (0..4).map(|_| {
            let (next, store) = (Arc::clone(&next), Arc::clone(&store));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let written = store.put(source_of(content(number)), u64::MAX, &[]).await.unwrap();
                    println!("safe {} {number}", written.id);
                }
            })
        });
        futures_util::future::join_all(uploads).await;
    });
}

#[test]
fn what_is_acknowledged_survives_kill() {
    if let Some(folder) = env::var_os(FOLDER) {
        return upload_for_ever(Path::new(&folder), env::var(SEED).unwrap().parse().unwrap());
    }
    let cycles = env::var("CRASH_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut temporary = tempfile::tempdir().unwrap();
    let mut safe: BTreeMap<BlobId, u64> = BTreeMap::new();
    for cycle in 0..cycles {
        // Now and then a new folder, as every check reads all.
        if cycle % FRESH == 0 {
            temporary = tempfile::tempdir().unwrap();
            safe.clear();
        }
        let folder = temporary.path().join("blobs");
        let wanted = 1 + cycle % FRESH * 3;
        let command = itself("what_is_acknowledged_survives_kill");
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .env(FOLDER, &folder)
            .env(SEED, (cycle * 1_000_000).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let mut seen = 0;
        while lines.read_line(&mut line).unwrap() > 0 {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let (&["safe", id, number], true) = (words.as_slice(), line.ends_with('\n')) {
                safe.insert(id.parse().unwrap(), number.parse().unwrap());
                seen += 1;
                if seen == wanted {
                    child.kill().unwrap();
                }
            }
            line.clear();
        }
        assert!(!child.wait().unwrap().success(), "the child goes on until it is killed");
        assert!(seen >= wanted, "cycle {cycle}: only {seen} uploads before the child ended");
        runtime().block_on(verify(&folder, &safe));
    }
}

async fn verify(folder: &Path, safe: &BTreeMap<BlobId, u64>) {
    let store = open(folder);
    assert_eq!(fs::read_dir(folder.join("tmp")).unwrap().count(), 0, "opening sweeps unfinished files");
    for (id, number) in safe {
        let reader = store.open(id, None).await.unwrap();
        assert!(reader.collect(1 << 20).await.unwrap() == content(*number), "upload {number} as {id}");
    }
    for blob in store.list(None, usize::MAX).await.unwrap() {
        store.open(&blob.id, None).await.unwrap().collect(1 << 20).await.unwrap();
    }
}

/// In a process whose files may not grow beyond 256 KiB (or 512, where the shell counts in KiB).
fn meet_the_limit(folder: &Path) {
    let store = open(folder);
    runtime().block_on(async {
        for length in [600_000, 2_000_000] {
            let error = store.put(source_of(vec![7; length]), u64::MAX, &[]).await.unwrap_err();
            assert!(matches!(error, BlobError::NoSpace), "{length} bytes: {error}");
            let left: Vec<PathBuf> = files(folder);
            assert!(left.is_empty(), "{length} bytes: {left:?}");
        }
        let written = store.put(source_of(vec![7; 100_000]), u64::MAX, &[]).await.unwrap();
        assert_eq!(store.open(&written.id, None).await.unwrap().length(), 100_000);
    });
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())).collect()
}

#[test]
fn no_space_is_said_and_leaves_nothing() {
    if let Some(folder) = env::var_os(FOLDER) {
        return meet_the_limit(Path::new(&folder));
    }
    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", r#"trap '' XFSZ; ulimit -f 512 && exec "$0" "$@""#])
        .args(itself("no_space_is_said_and_leaves_nothing"))
        .env(FOLDER, temporary.path().join("blobs"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "the limited process ran its part: {said}");
    assert_eq!(files(&temporary.path().join("blobs")).len(), 1, "only the small blob is there");
}
