//! What only segments can show: one flush for many, compaction, a write that was cut off, neighbours in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy;
use tempfile::TempDir;

use super::table::{DATA, ENTRIES, Place, SegmentId, Slot, entry_offset};
use super::{SMALL, file};
use crate::conformance::{pattern, read};
use crate::{BlobError, BlobId, BlobStore, FolderBlobs, FolderLimits, source_of};

fn eager() -> FolderLimits {
    FolderLimits { compaction_pause: Duration::from_millis(1), spare_garbage: 0, ..FolderLimits::default() }
}

/// Nothing is compacted while a test looks.
fn lazy() -> FolderLimits {
    FolderLimits { compaction_pause: Duration::from_secs(3600), ..FolderLimits::default() }
}

fn store(limits: FolderLimits) -> (TempDir, FolderBlobs) {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderBlobs::open(folder.path(), limits).unwrap();
    (folder, store)
}

async fn put(store: &FolderBlobs, length: usize, seed: u64) -> BlobId {
    store.put(source_of(pattern(length, seed)), u64::MAX, &[]).await.unwrap().id
}

fn files(root: &Path, suffix: &str) -> Vec<PathBuf> {
    let folders = (0..=u8::MAX).map(|byte| root.join(crate::folder::shard(byte)));
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    files.filter(|path| path.to_str().unwrap().ends_with(suffix)).collect()
}

fn segment_files(root: &Path) -> Vec<PathBuf> {
    files(root, ".segment")
}

fn used_bytes(root: &Path) -> u64 {
    segment_files(root).iter().map(|path| path.metadata().unwrap().blocks() * 512).sum()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn conforms() {
    for limits in [FolderLimits::default(), eager(), FolderLimits { workers: 1, uploads: 2, ..eager() }] {
        let (_folder, store) = store(limits);
        crate::conformance::all(&store).await;
    }
}

#[tokio::test]
async fn conforms_among_several_processes() {
    let folder = tempfile::tempdir().unwrap();
    let open = || FolderBlobs::open_shared(folder.path(), eager()).unwrap();
    let (one, _other) = (open(), open());
    crate::conformance::all(&one).await;
}

#[tokio::test]
async fn many_blobs_share_a_flush() {
    let (folder, store) = store(lazy());
    let ids = join_all((0..64).map(|seed| put(&store, 4096, seed))).await;
    let [path] = segment_files(folder.path()).try_into().unwrap();
    let slots = file::table(&fs::File::open(&path).unwrap(), &path, SegmentId::of_blob(&ids[0])).unwrap();
    assert_eq!(slots.len(), 64);
    let flushes = slots.iter().map(|(_, slot)| slot.live().unwrap().batch).max().unwrap();
    assert!(flushes <= 32, "{flushes} flushes for 64 blobs at once");
    for (seed, id) in (0..).zip(&ids) {
        assert!(read(&store, id, None).await.unwrap() == pattern(4096, seed));
    }
}

#[tokio::test]
async fn a_segment_that_is_full_is_followed_by_another() {
    let (folder, store) = store(lazy());
    let count = usize::from(ENTRIES) + 100;
    let ids = join_all((0..count).map(|_| put(&store, 10, 1))).await;
    assert_eq!(segment_files(folder.path()).len(), 2);
    assert_eq!(store.list(None, usize::MAX).await.unwrap().len(), count);
    for id in [ids[0], ids[count - 1]] {
        assert_eq!(read(&store, &id, None).await.unwrap(), pattern(10, 1));
    }
    drop(store);
    let store = FolderBlobs::open(folder.path(), lazy()).unwrap();
    put(&store, 10, 2).await;
    assert_eq!(segment_files(folder.path()).len(), 2, "the last one goes on");
}

#[tokio::test]
async fn the_space_of_deleted_blobs_comes_back_and_ids_stay_valid() {
    let (folder, store) = store(eager());
    let ids = join_all((0..100).map(|seed| put(&store, 20_000, seed))).await;
    let full = used_bytes(folder.path());
    let begun = store.open(&ids[1], None).await.unwrap();
    for (_, id) in (0..).zip(&ids).filter(|(number, _)| number % 10 != 0) {
        store.delete(id).await.unwrap();
    }
    // Ten blobs, the table, and a third of garbage if it was compacted between the last deletions.
    until("nearly nine tenths come back", || used_bytes(folder.path()) < full / 4).await;
    assert!(begun.collect(20_000).await.unwrap() == pattern(20_000, 1), "who reads goes on");
    let check = async |store: &FolderBlobs| {
        for (seed, id) in (0..).zip(&ids) {
            match (seed % 10, read(store, id, None).await) {
                (0, Ok(bytes)) => assert!(bytes == pattern(20_000, seed)),
                (1.., Err(BlobError::NotFound(_))) => {}
                (_, other) => panic!("blob {seed}: {:?}", other.map(|bytes| bytes.len())),
            }
        }
        assert_eq!(store.list(None, 1000).await.unwrap().len(), 10);
    };
    check(&store).await;
    drop(store);
    let store = FolderBlobs::open(folder.path(), eager()).unwrap();
    check(&store).await;
    for id in &ids {
        store.delete(id).await.unwrap();
    }
    until("an empty segment goes away", || segment_files(folder.path()).is_empty()).await;
    assert!(store.list(None, 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_deleted_before_a_start_is_compacted_after_it() {
    let (folder, store) = store(lazy());
    let ids = join_all((0..10).map(|seed| put(&store, 20_000, seed))).await;
    join_all(ids.iter().map(|id| store.delete(id))).await;
    assert!(!segment_files(folder.path()).is_empty());
    drop(store);
    let _store = FolderBlobs::open(folder.path(), eager()).unwrap();
    until("the space comes back", || segment_files(folder.path()).is_empty()).await;
}

#[tokio::test]
async fn every_flipped_bit_is_found() {
    let (folder, store) = store(lazy());
    let id = put(&store, 50, 4).await;
    let beside = put(&store, 50, 5).await;
    let [path] = segment_files(folder.path()).try_into().unwrap();
    let stored = fs::read(&path).unwrap();
    let entry = entry_offset(0) as usize;
    let extent = DATA as usize..DATA as usize + 32 + 8 + 50 + 16;
    let file = fs::File::options().write(true).open(&path).unwrap();
    for position in (entry..entry + 32).chain(extent) {
        for bit in 0..8 {
            file.write_all_at(&[stored[position] ^ 1 << bit], position as u64).unwrap();
            let result = store.open(&id, None).await;
            assert!(matches!(result, Err(BlobError::Corrupt { .. })), "bit {bit} at {position}: {result:?}");
            file.write_all_at(&stored[position..=position], position as u64).unwrap();
        }
    }
    assert_eq!(read(&store, &id, None).await.unwrap(), pattern(50, 4));
    assert_eq!(read(&store, &beside, None).await.unwrap(), pattern(50, 5));
}

#[tokio::test]
async fn damage_outlives_compaction_and_is_told_afterwards() {
    let (folder, store) = store(lazy());
    let ids = join_all((0..10).map(|seed| put(&store, 10_000, seed))).await;
    let [path] = segment_files(folder.path()).try_into().unwrap();
    drop(store);
    let segment = SegmentId::of_blob(&ids[0]);
    let file = fs::File::options().read(true).write(true).open(&path).unwrap();
    let Slot::Entry(entry) = file::slot(&file, &path, segment, Place::of(&ids[3]).unwrap().number).unwrap() else {
        panic!("no entry");
    };
    file.write_all_at(b"rot", u64::from(entry.place) + 100).unwrap();
    let store = FolderBlobs::open(folder.path(), eager()).unwrap();
    for id in &ids[5..] {
        store.delete(id).await.unwrap();
    }
    until("it is compacted", || !is_same(&file, &path)).await;
    assert!(matches!(store.open(&ids[3], None).await, Err(BlobError::Corrupt { .. })));
    assert!(read(&store, &ids[4], None).await.unwrap() == pattern(10_000, 4));
}

fn is_same(file: &fs::File, path: &Path) -> bool {
    path.metadata().is_ok_and(|named| named.ino() == file.metadata().unwrap().ino())
}

/// The last write is in the file in part, as after a loss of power, and acknowledged to nobody.
#[tokio::test]
async fn a_write_that_was_cut_off_is_not_seen_and_harms_nothing() {
    for cut in ["extent", "its end", "entry"] {
        let (folder, store) = store(lazy());
        let safe = put(&store, 5_000, 1).await;
        let lost = put(&store, 5_000, 2).await;
        drop(store);
        let [path] = segment_files(folder.path()).try_into().unwrap();
        let marker = folder.path().join("active").join(SegmentId::of_blob(&safe).to_string());
        assert_eq!(fs::read(&marker).unwrap(), b"2");
        fs::write(&marker, "").unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        match cut {
            "extent" => file.write_all_at(&[0; 2_000], file.metadata().unwrap().len() - 4_000).unwrap(),
            "its end" => file.set_len(file.metadata().unwrap().len() - 10).unwrap(),
            _ => file.write_all_at(&[0; 16], entry_offset(1) + 16).unwrap(),
        }
        let store = FolderBlobs::open(folder.path(), lazy()).unwrap();
        assert!(matches!(store.open(&lost, None).await, Err(BlobError::NotFound(_))), "{cut}");
        let listed = store.list(None, 10).await.unwrap();
        assert_eq!(listed.iter().map(|blob| blob.id).collect::<Vec<_>>(), [safe], "{cut}");
        let next = put(&store, 6_000, 3).await;
        assert_eq!(segment_files(folder.path()).len(), 1, "the segment goes on");
        assert!(read(&store, &safe, None).await.unwrap() == pattern(5_000, 1), "{cut}");
        assert!(read(&store, &next, None).await.unwrap() == pattern(6_000, 3), "{cut}");
    }
}

/// A segment has its name before the first blob is in it.
#[tokio::test]
async fn a_segment_whose_writer_ended_before_its_first_blob_is_removed() {
    for is_head_only in [true, false] {
        let (folder, store) = store(eager());
        drop(store);
        let segment = SegmentId(0x7500_0000_0000_0001);
        let path = folder.path().join("75").join(segment.file_name());
        fs::write(&path, super::table::head(segment)).unwrap();
        if !is_head_only {
            fs::File::options().write(true).open(&path).unwrap().set_len(DATA + 100).unwrap();
        }
        let marker = folder.path().join("active").join(segment.to_string());
        fs::write(&marker, "").unwrap();
        let _store = FolderBlobs::open(folder.path(), eager()).unwrap();
        assert!(!marker.exists(), "nobody writes it");
        until("it is removed", || !path.exists()).await;
    }
}

#[tokio::test]
async fn an_upload_dropped_while_it_is_flushed_leaves_nothing() {
    let (_folder, store) = store(lazy());
    for _ in 0..20 {
        let mut upload = store.put(source_of("gone"), 10, &[]);
        assert!((&mut upload).now_or_never().is_none());
        drop(upload);
    }
    // One after those in the queue: they are written by now, or never will be.
    let kept = put(&store, 10, 1).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.list(None, 30).await.unwrap().iter().any(|blob| blob.id != kept) {
        assert!(Instant::now() < deadline, "dropped uploads stay");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn processes_write_their_own_segments_and_read_and_delete_in_all() {
    let folder = tempfile::tempdir().unwrap();
    let open = || FolderBlobs::open_shared(folder.path(), eager()).unwrap();
    let (one, other) = (open(), open());
    let (by_one, by_other) = (put(&one, 40_000, 1).await, put(&other, 40_000, 2).await);
    assert_ne!(SegmentId::of_blob(&by_one), SegmentId::of_blob(&by_other));
    assert!(read(&other, &by_one, None).await.unwrap() == pattern(40_000, 1));
    assert_eq!(one.list(None, 10).await.unwrap().len(), 2);
    let more = put(&one, 40_000, 3).await;
    other.delete(&by_one).await.unwrap();
    assert!(matches!(one.open(&by_one, None).await, Err(BlobError::NotFound(_))));
    assert_eq!(segment_files(folder.path()).len(), 2, "the other's, which it writes, is left alone");
    drop(one);
    until("its segment is compacted when it has ended", || used_bytes(folder.path()) < 40_000 * 3).await;
    assert!(read(&other, &more, None).await.unwrap() == pattern(40_000, 3));
    let third = open();
    assert!(read(&third, &more, None).await.unwrap() == pattern(40_000, 3));
    assert!(read(&third, &by_other, None).await.unwrap() == pattern(40_000, 2));
}

#[tokio::test]
async fn layout_1_becomes_layout_2_once_nobody_else_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let layout = folder.path().join("layout");
    let store = FolderBlobs::open(folder.path(), FolderLimits { small: 0, ..lazy() }).unwrap();
    let old = put(&store, 1_000, 1).await;
    drop(store);
    fs::remove_dir(folder.path().join("active")).unwrap();
    fs::write(&layout, "welkin-blobs 1\n").unwrap();

    let older_program = fs::File::open(&layout).unwrap();
    older_program.try_lock_shared().unwrap();
    let beside_it = FolderBlobs::open_shared(folder.path(), lazy()).unwrap();
    let also_old = put(&beside_it, 1_000, 2).await;
    assert!(segment_files(folder.path()).is_empty(), "the older program could not read it");
    assert_eq!(fs::read(&layout).unwrap(), b"welkin-blobs 1\n");
    assert!(matches!(FolderBlobs::open(folder.path(), lazy()), Err(BlobError::InUse(_))), "the lock is still there");
    drop(older_program);
    drop(beside_it);

    let store = FolderBlobs::open_shared(folder.path(), lazy()).unwrap();
    assert_eq!(fs::read(&layout).unwrap(), b"welkin-blobs 2\n");
    drop(FolderBlobs::open_shared(folder.path(), lazy()).unwrap());
    let new = put(&store, 1_000, 3).await;
    assert_eq!(segment_files(folder.path()).len(), 1);
    for (id, seed) in [(old, 1), (also_old, 2), (new, 3)] {
        assert!(read(&store, &id, None).await.unwrap() == pattern(1_000, seed));
    }
}

#[tokio::test]
async fn an_import_takes_the_place_of_a_damaged_blob_in_a_segment() {
    let (folder, store) = store(lazy());
    let id = put(&store, 500, 1).await;
    let [path] = segment_files(folder.path()).try_into().unwrap();
    fs::File::options().write(true).open(&path).unwrap().write_all_at(b"rot", DATA + 60).unwrap();
    assert!(matches!(store.open(&id, None).await, Err(BlobError::Corrupt { .. })));
    let mut import = store.import(id);
    import.write(&pattern(500, 1)).unwrap();
    import.finish().unwrap();
    assert!(read(&store, &id, None).await.unwrap() == pattern(500, 1));
    assert_eq!(store.list(None, 10).await.unwrap().len(), 1);
    store.delete(&id).await.unwrap();
    assert!(store.list(None, 10).await.unwrap().is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Put(Vec<usize>),
    Delete(usize),
    Read(usize),
    List(usize),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![4 => 0..3_000usize, 1 => SMALL - 2..SMALL + 3, 1 => 60_000..70_000usize];
    prop_oneof![
        4 => proptest::collection::vec(length, 1..8).prop_map(Step::Put),
        5 => any::<usize>().prop_map(Step::Delete),
        2 => any::<usize>().prop_map(Step::Read),
        1 => (1..9usize).prop_map(Step::List),
        1 => proptest::strategy::Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_a_model_under_compaction(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut model: BTreeMap<BlobId, (usize, u64)> = BTreeMap::new();
        let mut gone: Vec<BlobId> = Vec::new();
        let mut store = FolderBlobs::open(folder.path(), eager()).unwrap();
        runtime.block_on(async {
            for (seed, step) in (0..).zip(steps) {
                let at = |number: usize| model.keys().nth(number % model.len().max(1)).copied();
                match step {
                    Step::Put(lengths) => {
                        let ids = join_all(lengths.iter().map(|length| put(&store, *length, seed))).await;
                        model.extend(ids.into_iter().zip(lengths).map(|(id, length)| (id, (length, seed))));
                    }
                    Step::Delete(number) => if let Some(id) = at(number) {
                        store.delete(&id).await.unwrap();
                        model.remove(&id);
                        gone.push(id);
                    },
                    Step::Read(number) => if let Some(id) = at(number) {
                        let (length, seed) = model[&id];
                        prop_assert!(read(&store, &id, None).await.unwrap() == pattern(length, seed));
                    },
                    Step::List(limit) => {
                        let mut walked = Vec::new();
                        loop {
                            let page = store.list(walked.last().copied(), limit).await.unwrap();
                            if page.is_empty() {
                                break;
                            }
                            walked.extend(page.into_iter().map(|blob| blob.id));
                        }
                        prop_assert_eq!(walked, model.keys().copied().collect::<Vec<_>>());
                    }
                    Step::Reopen => {
                        drop(store);
                        store = FolderBlobs::open(folder.path(), eager()).unwrap();
                    }
                }
            }
            for (id, (length, seed)) in &model {
                prop_assert!(read(&store, id, None).await.unwrap() == pattern(*length, *seed));
            }
            for id in &gone {
                prop_assert!(matches!(store.open(id, None).await, Err(BlobError::NotFound(_))));
            }
            Ok(())
        })?;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_nine_of_ten_blobs_deleted_nine_tenths_of_the_space_come_back() {
    const COUNT: u64 = 9_000;
    let (folder, store) = store(eager());
    let root = folder.path();
    let mut kept = Vec::new();
    let mut most = 0;
    for group in 0..COUNT / 500 {
        let ids = join_all((0..500).map(|index| put(&store, 3_000, group * 500 + index))).await;
        kept.extend((group * 500..).zip(ids));
        most = most.max(used_bytes(root));
    }
    assert!(most > COUNT * 3_000 && segment_files(root).len() >= 3, "{most} bytes of several segments");
    let (kept, deleted): (Vec<_>, Vec<_>) = kept.into_iter().partition(|(number, _)| number % 10 == 0);
    for (_, id) in &deleted {
        store.delete(id).await.unwrap();
    }
    // Segments are not merged: what is left of each has its own head and table. And one that was compacted between its last
    // deletions may keep a third of garbage.
    let enough = || kept.len() as u64 * 3_056 * 3 / 2 + segment_files(root).len() as u64 * (DATA + 8_192);
    until("space comes back", || used_bytes(root) <= enough()).await;
    assert!(used_bytes(root) < most / 5, "{} of {most} bytes", used_bytes(root));
    for (number, id) in &kept {
        assert!(read(&store, id, None).await.unwrap() == pattern(3_000, *number), "{id}");
    }
    let stats = &store.stats().await.unwrap()[0];
    assert_eq!(stats.small_blobs, kept.len() as u64);
    assert!(stats.garbage_bytes <= stats.small_bytes / 2, "{} beside {}", stats.garbage_bytes, stats.small_bytes);
}

#[tokio::test]
async fn imported_small_blobs_share_segments_again() {
    let (_one, source) = store(lazy());
    let mut ids = Vec::new();
    for number in 0..60 {
        ids.push(put(&source, number as usize * 2_500, number).await);
    }
    let (folder, target) = store(lazy());
    // In any order, and one of them twice.
    for number in (0..60).rev().chain([7]) {
        let mut import = target.import(ids[number as usize]);
        import.write(&pattern(number as usize * 2_500, number)).unwrap();
        assert_eq!(import.finish().unwrap(), number * 2_500);
    }
    // What has more than 128 KiB is a file, and so is what was there already.
    let stats = target.stats().await.unwrap().remove(0);
    assert_eq!((stats.segments, stats.small_blobs, stats.files), (1, 52, 8));
    assert_eq!(target.list(None, 100).await.unwrap().len(), 60);
    let check = async |target: &FolderBlobs| {
        for (number, id) in (0..).zip(&ids) {
            assert!(read(target, id, None).await.unwrap() == pattern(number as usize * 2_500, number), "{number}");
        }
    };
    check(&target).await;
    drop(target);
    let target = FolderBlobs::open(folder.path(), eager()).unwrap();
    check(&target).await;
    for id in &ids {
        target.delete(id).await.unwrap();
    }
    until("nothing is left", || segment_files(folder.path()).is_empty()).await;
}

#[tokio::test]
async fn what_is_in_memory_is_what_is_on_disk() {
    let (folder, store) = store(lazy());
    let length = SMALL - 3;
    let id = put(&store, length, 5).await;
    let segments = super::Segments::new(folder.path(), &folder.path().join("tmp"));
    let usual = segments.read(&id).unwrap().unwrap().frames.concat();
    assert_eq!(usual, pattern(length, 5));
    // A file system without such reads gives nothing, which is right as well: so it is not asked for.
    let warm = segments.read_warm(&id).map_or(usual.clone(), |small| small.frames.concat());
    assert_eq!(warm, usual);
    assert!(segments.read_warm(&BlobId::from([0xff; 16])).is_none());
    let place = Place::of(&id).unwrap();
    let file = fs::File::options().write(true).open(segments.path(place.segment)).unwrap();
    file.write_all_at(&[!usual[0]], DATA + 40).unwrap();
    assert!(segments.read_warm(&id).is_none(), "what is damaged is left to the usual way");
    segments.read(&id).err().unwrap();
}
