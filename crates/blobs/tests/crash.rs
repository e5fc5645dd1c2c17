//! Blobs outlive `kill -9` while others are written, deleted and compacted, and a full disk leaves nothing behind. Each
//! test starts itself again as the process that is killed or limited, told what to do by an environment variable. Twenty
//! kills, or as many as `CRASH_CYCLES` says.

#![expect(clippy::unwrap_used, reason = "all of this file is tests")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use blobs::{BlobError, BlobId, BlobStore, FolderBlobs, FolderLimits, source_of};

const FOLDER: &str = "BLOBS_TEST_FOLDER";
const SEED: &str = "BLOBS_TEST_SEED";
const FRESH: u64 = 10;
const WRITERS: u64 = 8;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// Compacts whenever it can.
fn open(folder: &Path) -> Arc<FolderBlobs> {
    let limits =
        FolderLimits { compaction_pause: Duration::from_millis(1), spare_garbage: 0, ..FolderLimits::default() };
    Arc::new(FolderBlobs::open(folder, limits).unwrap())
}

/// The bytes of one upload; its number decides length and content. Most share segments; some take several batches.
fn content(number: u64) -> Vec<u8> {
    let limit = if number.is_multiple_of(8) { 400_000 } else { 20_000 };
    let length = (number.wrapping_mul(7_919) % limit) as usize;
    (0..length).map(|index| (index as u64).wrapping_mul(31).wrapping_add(number) as u8).collect()
}

fn itself(test: &str) -> Vec<std::ffi::OsString> {
    let program = env::current_exe().unwrap().into_os_string();
    vec![program, test.into(), "--exact".into(), "--nocapture".into()]
}

/// Uploads until killed, and says each that is safe; deletes most of them again, and says that before and after.
fn upload_for_ever(folder: &Path, first: u64) {
    let next = Arc::new(AtomicU64::new(first));
    let store = open(folder);
    runtime().block_on(async {
        let uploads = (0..WRITERS).map(|_| {
            let (next, store) = (Arc::clone(&next), Arc::clone(&store));
            tokio::spawn(async move {
                let mut mine = VecDeque::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let written = store.put(source_of(content(number)), u64::MAX, &[]).await.unwrap();
                    println!("safe {} {number}", written.id);
                    mine.push_back(written.id);
                    if mine.len() > 3 {
                        let id = mine.pop_front().unwrap();
                        println!("deleting {id}");
                        store.delete(&id).await.unwrap();
                        println!("deleted {id}");
                    }
                }
            })
        });
        futures_util::future::join_all(uploads).await;
    });
}

/// What the killed processes of one folder have said.
#[derive(Default)]
struct Said {
    safe: BTreeMap<BlobId, u64>,
    /// Of which it is not known.
    deleting: BTreeSet<BlobId>,
    deleted: BTreeSet<BlobId>,
    kills: u64,
}

impl Said {
    /// Whether it was an upload.
    fn hear(&mut self, line: &str) -> bool {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["safe", id, number] => {
                self.safe.insert(id.parse().unwrap(), number.parse().unwrap());
                true
            }
            ["deleting", id] => {
                let id = id.parse().unwrap();
                self.safe.remove(&id);
                self.deleting.insert(id);
                false
            }
            ["deleted", id] => {
                let id = id.parse().unwrap();
                self.deleting.remove(&id);
                self.deleted.insert(id);
                false
            }
            _ => false,
        }
    }
}

#[test]
fn what_is_acknowledged_survives_kill() {
    if let Some(folder) = env::var_os(FOLDER) {
        return upload_for_ever(Path::new(&folder), env::var(SEED).unwrap().parse().unwrap());
    }
    let cycles = env::var("CRASH_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut temporary = tempfile::tempdir().unwrap();
    let mut said = Said::default();
    for cycle in 0..cycles {
        // Now and then a new folder, as every check reads all.
        if cycle % FRESH == 0 {
            temporary = tempfile::tempdir().unwrap();
            said = Said::default();
        }
        let folder = temporary.path().join("blobs");
        let wanted = 1 + cycle % FRESH * 20;
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
            if line.ends_with('\n') && said.hear(&line) {
                seen += 1;
                if seen == wanted {
                    child.kill().unwrap();
                }
            }
            line.clear();
        }
        assert!(!child.wait().unwrap().success(), "the child goes on until it is killed");
        assert!(seen >= wanted, "cycle {cycle}: only {seen} uploads before the child ended");
        said.kills += 1;
        runtime().block_on(verify(&folder, &said, (cycle + 1) % FRESH == 0));
    }
}

async fn verify(folder: &Path, said: &Said, is_last: bool) {
    let store = open(folder);
    // What is compacted from now on has a draft there too.
    let drafts = fs::read_dir(folder.join("tmp")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = drafts.filter(|name| !name.to_string_lossy().ends_with(".compacted")).collect();
    assert!(left.is_empty(), "opening sweeps unfinished files: {left:?}");
    for (id, number) in &said.safe {
        let reader = store.open(id, None).await.unwrap();
        assert!(reader.collect(1 << 20).await.unwrap() == content(*number), "upload {number} as {id}");
    }
    for id in &said.deleted {
        assert!(matches!(store.open(id, None).await, Err(BlobError::NotFound(_))), "{id} was deleted");
    }
    let listed = store.list(None, usize::MAX).await.unwrap();
    let known = |id: &BlobId| said.safe.contains_key(id) || said.deleting.contains(id);
    let unheard = listed.iter().filter(|blob| !known(&blob.id)).count() as u64;
    assert!(unheard <= said.kills * WRITERS, "{unheard} blobs that nobody was told of after {} kills", said.kills);
    for blob in &listed {
        store.open(&blob.id, None).await.unwrap().collect(1 << 20).await.unwrap();
    }
    if is_last {
        for blob in listed {
            store.delete(&blob.id).await.unwrap();
        }
        until_nothing_is_left(folder).await;
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
        // Two would be more than the one segment may have; what fits still fits after that.
        let small = |length| store.put(source_of(vec![7; length]), u64::MAX, &[]);
        assert!(matches!(small(120_000).await, Err(BlobError::NoSpace)));
        let tiny = small(1_000).await.unwrap();
        for _ in 0..3 {
            assert!(matches!(small(120_000).await, Err(BlobError::NoSpace)));
        }
        assert_eq!(store.open(&tiny.id, None).await.unwrap().collect(1_000).await.unwrap(), vec![7; 1_000]);
        assert_eq!(store.list(None, 10).await.unwrap().len(), 2);
        // It heals when there is space again.
        store.delete(&written.id).await.unwrap();
        store.delete(&tiny.id).await.unwrap();
        until_nothing_is_left(folder).await;
        small(100_000).await.unwrap();
    });
}

async fn until_nothing_is_left(folder: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !files(folder).is_empty() {
        assert!(Instant::now() < deadline, "garbage is not reclaimed: {:?}", files(folder));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Blobs, segments and what is being written, but not the names of segments that are.
fn files(folder: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|path| path.is_dir() && !path.ends_with("active"));
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
