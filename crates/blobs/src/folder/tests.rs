//! What only a folder can show: damage, leftovers, limits. What every store does is in `conformance`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::{Just, Strategy};
use tempfile::TempDir;

use super::{FolderBlobs, FolderLimits};
use crate::conformance::{pattern, read, source_in_pieces};
use crate::{BlobError, BlobId, BlobStore, source_of};

fn store() -> (TempDir, FolderBlobs) {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderBlobs::open(folder.path(), only_files()).unwrap();
    (folder, store)
}

/// Segments have tests of their own.
fn only_files() -> FolderLimits {
    FolderLimits { small: 0, ..FolderLimits::default() }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
}

/// Every file of the store but its layout file.
fn files(root: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())).collect()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Reads until the end or the first error, and checks that what came before the error is right.
async fn read_checked(store: &FolderBlobs, id: &BlobId, expected: &[u8]) -> Result<(), BlobError> {
    let mut reader = store.open(id, None).await?;
    let mut position = 0;
    while let Some(chunk) = reader.next().await {
        let chunk = chunk?;
        assert!(expected[position..].starts_with(&chunk), "wrong bytes were given out at {position}");
        position += chunk.len();
    }
    assert_eq!(position, expected.len());
    Ok(())
}

#[tokio::test]
async fn a_hold_of_one_process_keeps_another_from_deleting() {
    let folder = tempfile::tempdir().unwrap();
    let open = || FolderBlobs::open_shared(folder.path(), only_files()).unwrap();
    let (one, other) = (open(), open());
    let id = one.put(source_of("held"), 10, &[]).await.unwrap().id;
    // What a process that was killed has left.
    fs::create_dir_all(folder.path().join("holds")).unwrap();
    fs::write(folder.path().join("holds/left"), "").unwrap();
    let hold = one.hold().unwrap();
    assert!(matches!(other.delete(&id).await, Err(BlobError::Held)));
    one.delete(&id).await.unwrap();
    assert_eq!(read(&other, &id, None).await.unwrap(), b"held");
    drop(hold);
    assert!(matches!(other.open(&id, None).await, Err(BlobError::NotFound(_))), "the deletion was put off");
    other.delete(&id).await.unwrap();
    assert_eq!(fs::read_dir(folder.path().join("holds")).unwrap().count(), 0);
}

#[test]
fn a_hold_begins_while_others_open_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderBlobs::open_shared(folder.path(), only_files()).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                super::shared::sweep(&folder.path().join("tmp")).unwrap();
            }
        });
        let begun = (0..300).map(|_| store.hold()).find(Result::is_err);
        is_over.store(true, Ordering::Relaxed);
        assert!(begun.is_none(), "{:?}", begun.map(|hold| hold.err()));
    });
}

#[tokio::test]
async fn an_imported_blob_is_as_one_that_was_put() {
    let (folder, store) = store();
    for length in [0, 1, 65_536, 300_000, 1_000_000] {
        let bytes = pattern(length, 3);
        let put = store.put(source_of(bytes.clone()), u64::MAX, &[]).await.unwrap();
        let path = store.shared.path(&put.id);
        let file = fs::read(&path).unwrap();
        let mut import = store.import(put.id);
        for piece in bytes.chunks(70_001) {
            import.write(piece).unwrap();
        }
        drop(import);
        assert_eq!(files(folder.path()), std::slice::from_ref(&path), "what was begun and dropped is gone");
        store.delete(&put.id).await.unwrap();
        let mut import = store.import(put.id);
        bytes.chunks(70_001).for_each(|piece| import.write(piece).unwrap());
        assert_eq!(import.finish().unwrap(), length as u64);
        assert!(fs::read(&path).unwrap() == file, "{length} bytes");
        store.delete(&put.id).await.unwrap();
    }
}

#[tokio::test]
async fn conforms() {
    let (folder, store) = store();
    crate::conformance::all(&store).await;
    until("the dropped uploads' files go away", || files(folder.path()).is_empty()).await;
}

#[tokio::test]
async fn conforms_with_one_worker() {
    let folder = tempfile::tempdir().unwrap();
    let limits = FolderLimits { workers: 1, uploads: 2, ..only_files() };
    crate::conformance::all(&FolderBlobs::open(folder.path(), limits).unwrap()).await;
}

fn lengths() -> impl Strategy<Value = usize> {
    let edges = Just(65_536usize).prop_flat_map(|frame| {
        (0..6usize, -1..=1i64).prop_map(move |(count, off)| (count * frame).saturating_add_signed(off as isize))
    });
    prop_oneof![0..2_000usize, edges, 0..800_000usize]
}

fn cases() -> ProptestConfig {
    ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn round_trip() {
    let (_folder, store) = store();
    let runtime = runtime();
    let cuts = || proptest::collection::vec((any::<u64>(), any::<u64>()), 4);
    let pieces = || proptest::collection::vec(1..100_000usize, 1..6);
    proptest!(cases(), |(length in lengths(), pieces in pieces(), cuts in cuts())| {
        let bytes = pattern(length, 1);
        runtime.block_on(async {
            let source = source_in_pieces(bytes.clone(), pieces);
            let id = store.put(source, length as u64, &[]).await.unwrap().id;
            prop_assert!(read(&store, &id, None).await.unwrap() == bytes);
            for (one, other) in cuts {
                let (one, other) = (one % (length as u64 + 1), other % (length as u64 + 1));
                let range = one.min(other)..one.max(other);
                let expected = &bytes[range.start as usize..range.end as usize];
                prop_assert!(read(&store, &id, Some(range.clone())).await.unwrap() == expected, "{range:?}");
            }
            store.delete(&id).await.unwrap();
            Ok(())
        })?;
    });
}

#[test]
fn any_flipped_bit_of_a_large_blob_is_found() {
    let (_folder, store) = store();
    let runtime = runtime();
    proptest!(cases(), |(length in 1..800_000usize, position in any::<u64>(), bit in 0..8u32)| {
        let bytes = pattern(length, 2);
        runtime.block_on(async {
            let id = store.put(source_of(bytes.clone()), u64::MAX, &[]).await.unwrap().id;
            let path = store.shared.path(&id);
            let mut stored = fs::read(&path).unwrap();
            let position = (position % stored.len() as u64) as usize;
            stored[position] ^= 1 << bit;
            fs::write(&path, &stored).unwrap();
            let result = read_checked(&store, &id, &bytes).await;
            store.delete(&id).await.unwrap();
            prop_assert!(matches!(result, Err(BlobError::Corrupt { id: bad, .. }) if bad == id), "{position}: {result:?}");
            Ok(())
        })?;
    });
}

#[test]
fn a_file_cut_or_grown_anywhere_is_corrupt() {
    let (_folder, store) = store();
    let runtime = runtime();
    proptest!(cases(), |(length in 0..300_000usize, size in any::<u64>())| {
        runtime.block_on(async {
            let id = store.put(source_of(pattern(length, 3)), u64::MAX, &[]).await.unwrap().id;
            let file = fs::File::options().write(true).open(store.shared.path(&id)).unwrap();
            let whole = file.metadata().unwrap().len();
            let size = size % (whole * 2);
            file.set_len(size).unwrap();
            let is_corrupt = matches!(store.open(&id, None).await, Err(BlobError::Corrupt { .. }));
            store.delete(&id).await.unwrap();
            prop_assert_eq!(is_corrupt, size != whole);
            Ok(())
        })?;
    });
}

#[tokio::test]
async fn every_flipped_bit_of_a_small_blob_is_found_by_open() {
    let (_folder, store) = store();
    for length in [0, 50] {
        let id = store.put(source_of(pattern(length, 4)), 100, &[]).await.unwrap().id;
        let path = store.shared.path(&id);
        let stored = fs::read(&path).unwrap();
        for bit in 0..stored.len() * 8 {
            let mut damaged = stored.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &damaged).unwrap();
            let result = store.open(&id, None).await;
            assert!(matches!(result, Err(BlobError::Corrupt { .. })), "bit {bit} of {length} bytes: {result:?}");
        }
        fs::write(&path, &stored).unwrap();
        assert_eq!(read(&store, &id, None).await.unwrap(), pattern(length, 4));
    }
}

#[tokio::test]
async fn damage_does_not_reach_the_frames_beside_it() {
    let (_folder, store) = store();
    let bytes = pattern(10 * 65_536, 5);
    let id = store.put(source_of(bytes.clone()), u64::MAX, &[]).await.unwrap().id;
    let path = store.shared.path(&id);
    let mut stored = fs::read(&path).unwrap();
    stored[crate::format::frame_offset(6) as usize + 100] ^= 1;
    fs::write(&path, &stored).unwrap();
    for sound in [0..6 * 65_536, 7 * 65_536..10 * 65_536] {
        let expected = &bytes[sound.start as usize..sound.end as usize];
        assert!(read(&store, &id, Some(sound)).await.unwrap() == expected);
    }
    let one_byte = store.open(&id, Some(6 * 65_536..6 * 65_536 + 1)).await;
    assert!(matches!(one_byte, Err(BlobError::Corrupt { .. })), "the byte is right, the frame is not: {one_byte:?}");
}

#[tokio::test]
async fn frames_and_files_in_the_wrong_place_are_corrupt() {
    let (_folder, store) = store();
    let bytes = pattern(2 * 65_536, 6);
    let one = store.put(source_of(bytes.clone()), u64::MAX, &[]).await.unwrap().id;
    let other = store.put(source_of(bytes.clone()), u64::MAX, &[]).await.unwrap().id;
    let stored = fs::read(store.shared.path(&one)).unwrap();

    let mut swapped = stored.clone();
    let size = 65_536 + 8;
    swapped[32..32 + 2 * size].rotate_left(size);
    fs::write(store.shared.path(&one), &swapped).unwrap();
    assert!(matches!(store.open(&one, None).await, Err(BlobError::Corrupt { .. })));

    fs::write(store.shared.path(&other), &stored).unwrap();
    assert!(matches!(store.open(&other, None).await, Err(BlobError::Corrupt { .. })));
}

#[tokio::test]
async fn opening_sweeps_what_a_crash_left_and_keeps_the_blobs() {
    let (folder, store) = store();
    let id = store.put(source_of("kept"), 10, &[]).await.unwrap().id;
    drop(store);
    fs::write(folder.path().join("tmp").join(BlobId::from([1; 16]).to_string()), "half").unwrap();
    let store = FolderBlobs::open(folder.path(), only_files()).unwrap();
    assert_eq!(files(folder.path()), [store.shared.path(&id)]);
    assert_eq!(read(&store, &id, None).await.unwrap(), b"kept");
}

#[tokio::test]
async fn foreign_files_are_not_blobs() {
    let (folder, store) = store();
    fs::write(folder.path().join("00").join("README"), "x").unwrap();
    fs::write(folder.path().join("00").join(BlobId::from([1; 16]).to_string()), "in the wrong folder").unwrap();
    assert_eq!(store.list(None, 10).await.unwrap(), []);
}

#[test]
fn a_folder_has_one_user_and_a_known_layout() {
    let (folder, store) = store();
    let open = || FolderBlobs::open(folder.path(), FolderLimits::default());
    assert!(matches!(open(), Err(BlobError::InUse(_))));
    drop(store);
    drop(open().unwrap());
    fs::write(folder.path().join("layout"), "welkin-blobs 3\n").unwrap();
    assert!(matches!(open(), Err(BlobError::UnknownLayout(_))));
}

#[tokio::test]
async fn a_shared_folder_has_users_who_leave_each_others_drafts_alone() {
    let folder = tempfile::tempdir().unwrap();
    let open = || FolderBlobs::open_shared(folder.path(), FolderLimits::default());
    let first = open().unwrap();
    let draft = first.shared.draft_path(&BlobId::from([7; 16]));
    fs::write(&draft, "half").unwrap();
    let second = open().unwrap();
    assert!(draft.exists(), "taken for a leftover");
    let written = first.put(source_of("whole"), 100, &[]).await.unwrap();
    let read = second.open(&written.id, None).await.unwrap().collect(100).await.unwrap();
    assert_eq!(read, b"whole");
    assert!(matches!(FolderBlobs::open(folder.path(), FolderLimits::default()), Err(BlobError::InUse(_))));
    drop(first);
    drop(open().unwrap());
    assert!(!draft.exists(), "its process has ended");
    drop(second);
    drop(FolderBlobs::open(folder.path(), FolderLimits::default()).unwrap());
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_client_that_stalls_holds_a_slot_but_no_thread() {
    let folder = tempfile::tempdir().unwrap();
    let limits = FolderLimits { uploads: 2, workers: 1, ..only_files() };
    let store = FolderBlobs::open(folder.path(), limits).unwrap();
    let stalled = source_in_pieces(pattern(6_000_000, 7), vec![65_536]).chain(futures_util::stream::pending()).boxed();
    let mut stalled = store.put(stalled, u64::MAX, &[]);
    let no_thread = async {
        until("the stalled upload has written", || !files(folder.path()).is_empty()).await;
        store.put(source_of("another"), 10, &[]).await.unwrap();
        let _slot = store.shared.wait_for(&store.shared.uploads).await.unwrap();
        assert!(store.put(source_of("a third"), 10, &[]).now_or_never().is_none(), "it waits");
        assert_eq!(store.shared.uploads.available_permits(), 0);
    };
    tokio::select! {
        result = &mut stalled => panic!("the source never ends, yet {result:?}"),
        () = no_thread => {}
    }
    drop(stalled);
    until("the stalled upload's file goes away", || files(folder.path()).len() == 1).await;
}

#[tokio::test]
async fn who_waits_for_a_slot_in_vain_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let limits = FolderLimits { uploads: 1, patience: Duration::from_millis(10), ..only_files() };
    let store = FolderBlobs::open(folder.path(), limits).unwrap();
    let _slot = Arc::clone(&store.shared.uploads).acquire_owned().await.unwrap();
    assert!(matches!(store.put(source_of("late"), 10, &[]).await, Err(BlobError::Busy)));
}

#[tokio::test]
async fn an_upload_takes_no_more_than_its_memory_ahead_of_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderBlobs::open(folder.path(), FolderLimits { upload_memory: 256 << 10, ..only_files() }).unwrap();
    let pulled = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&pulled);
    let piece = Bytes::from(vec![0; 65_536]);
    let endless = futures_util::stream::repeat_with(move || {
        counter.fetch_add(piece.len(), Ordering::Relaxed);
        Ok(piece.clone())
    });
    let workers = Arc::clone(&store.shared.workers);
    let all = workers.acquire_many(FolderLimits::default().workers as u32).await.unwrap();
    let mut upload = store.put(endless.boxed(), u64::MAX, &[]);
    // The source is always ready: one poll goes as far as it can while no worker is free.
    assert!((&mut upload).now_or_never().is_none());
    let ahead = pulled.load(Ordering::Relaxed);
    // Its own frame, four of the budget, and the piece that waits.
    assert!((1..=6 * 65_536).contains(&ahead), "{ahead} bytes were taken with a disk that stands still");
    drop(upload);
    drop(all);
    assert!(store.list(None, 1).await.unwrap().is_empty());
}
