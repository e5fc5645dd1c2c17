//! Backups of a store that is in use, and of every way in which the file may have become another.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use blobs::{BlobId, BlobStore, FolderBlobs, FolderLimits, MemoryBlobs, source_of};
use proptest::prelude::{any, proptest};
use store::{Engine, Memory, Pair, ReadSet, StoreError, Transaction};

use crate::{BackupError, Item, Reader, Source, Summary, TrailFile, TrailFiles, write};

/// Rows whose keys begin with `blob/` name a blob.
fn names(key: &[u8], value: &[u8]) -> Result<Option<BlobId>, StoreError> {
    let id = || std::str::from_utf8(value).unwrap().parse().unwrap();
    Ok(key.starts_with(b"blob/").then(id))
}

fn source(engine: &Memory, blobs: Arc<dyn BlobStore>) -> Source {
    Source {
        engine: Arc::new(engine.clone()),
        blobs,
        names,
        files: None,
        trail: None,
        region: "us-east-1".into(),
        welkin: "0.1.0".into(),
        made_at: "2026-01-02T03:04:05Z".into(),
    }
}

async fn commit(engine: &Memory, writes: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
    engine.commit(Transaction { snapshot: 0, reads: ReadSet::new(), writes }).await.unwrap();
}

async fn put(engine: &Memory, blobs: &dyn BlobStore, bytes: Vec<u8>) -> BlobId {
    let id = blobs.put(source_of(bytes), u64::MAX, &[]).await.unwrap().id;
    commit(engine, vec![(format!("blob/{id}").into_bytes(), Some(id.to_string().into_bytes()))]).await;
    id
}

#[derive(Debug, Default, PartialEq)]
struct Contents {
    files: Vec<(String, Vec<u8>)>,
    pairs: Vec<Pair>,
    blobs: Vec<(BlobId, Vec<u8>)>,
    trail: Vec<(String, Vec<u8>)>,
    summary: Summary,
}

fn read(bytes: &[u8]) -> Result<Contents, BackupError> {
    let mut reader = Reader::begin(bytes)?;
    let mut contents = Contents::default();
    loop {
        match reader.next()? {
            Item::File { name, bytes } => contents.files.push((name, bytes)),
            Item::Pairs(pairs) => contents.pairs.extend(pairs),
            Item::Blob { id, .. } => contents.blobs.push((id, Vec::new())),
            Item::Bytes(bytes) => match contents.trail.last_mut() {
                Some((_, file)) => file.extend(bytes),
                None => contents.blobs.last_mut().unwrap().1.extend(bytes),
            },
            Item::TrailFile { name, .. } => contents.trail.push((name, Vec::new())),
            Item::BlobEnd => {}
            Item::BlobLost if contents.trail.is_empty() => drop(contents.blobs.pop()),
            Item::BlobLost => drop(contents.trail.pop()),
            Item::End(summary) => return Ok(Contents { summary, ..contents }),
        }
    }
}

/// Makes a backup on a thread that may block.
async fn back_up(source: Source, out: impl Write + Send + 'static) -> Result<Summary, BackupError> {
    tokio::task::spawn_blocking(move || write(&source, out)).await.unwrap()
}

/// Bytes that can be looked at while somebody writes them, and something that happens after each write.
#[derive(Clone)]
struct Shared(Arc<Mutex<Vec<u8>>>, Arc<dyn Fn(usize) + Send + Sync>);

impl Shared {
    fn new(after: impl Fn(usize) + Send + Sync + 'static) -> Self {
        Self(Arc::default(), Arc::new(after))
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        let size = self.bytes().len();
        (self.1)(size);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_in_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("identity"), "who").unwrap();
    let engine = Memory::new();
    let blobs: Arc<dyn BlobStore> = Arc::new(MemoryBlobs::default());
    let mut expected = Contents::default();
    // Many small rows, one row of the largest size, an empty value.
    for number in 0..3000u32 {
        let pair = (format!("row/{number:05}").into_bytes(), vec![7; number as usize % 200]);
        commit(&engine, vec![(pair.0.clone(), Some(pair.1.clone()))]).await;
    }
    for number in 0..4u8 {
        commit(&engine, vec![(vec![b'z', number], Some(vec![number; store::limits::MAX_VALUE]))]).await;
    }
    for length in [0, 1, 300_000, 1_000_000] {
        let bytes: Vec<u8> = (0..length).map(|index: u32| (index % 251) as u8).collect();
        let id = put(&engine, &*blobs, bytes.clone()).await;
        expected.blobs.push((id, bytes));
    }
    blobs.put(source_of("nobody names it"), 100, &[]).await.unwrap();
    let snapshot = engine.snapshot().unwrap();
    expected.pairs = snapshot.scan(store::KeyRange::all(), store::Direction::Ascending, usize::MAX).unwrap();
    expected.blobs.sort();
    expected.files = vec![("identity".into(), b"who".to_vec())];
    expected.summary = Summary { pairs: 3008, files: 1, blobs: 4, blob_bytes: 1_300_001, ..Summary::default() };
    let out = Shared::new(|_| {});
    let files = Some((folder.path().to_owned(), &["identity", "is not there"][..]));
    let summary = back_up(Source { files, ..source(&engine, blobs) }, out.clone()).await.unwrap();
    assert_eq!(summary, expected.summary);
    let bytes = out.bytes();
    assert!(read(&bytes).unwrap() == expected, "it differs");
    let manifest = Reader::begin(&bytes[..]).unwrap().manifest().clone();
    assert_eq!((manifest.region.as_str(), manifest.version), ("us-east-1", snapshot.version()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_overwritten_and_deleted_meanwhile_is_in_the_backup() {
    let engine = Memory::new();
    let blobs: Arc<dyn BlobStore> = Arc::new(MemoryBlobs::default());
    let id = put(&engine, &*blobs, vec![1; 300_000]).await;
    let (other, others, runtime) = (engine.clone(), Arc::clone(&blobs), tokio::runtime::Handle::current());
    let is_done = Mutex::new(false);
    // As soon as the first record is out: the row and the blob are deleted, and another blob appears.
    let out = Shared::new(move |size| {
        if size > 30 && !std::mem::replace(&mut *is_done.lock().unwrap(), true) {
            runtime.block_on(async {
                commit(&other, vec![(format!("blob/{id}").into_bytes(), None)]).await;
                others.delete(&id).await.unwrap();
                put(&other, &*others, vec![2; 10]).await;
            });
        }
    });
    back_up(source(&engine, Arc::clone(&blobs)), out.clone()).await.unwrap();
    let contents = read(&out.bytes()).unwrap();
    assert_eq!(contents.pairs.len(), 1);
    assert_eq!(contents.blobs, [(id, vec![1; 300_000])]);
    assert!(blobs.open(&id, None).await.is_err(), "the deletion was only put off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_blob_is_left_out_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Memory::new();
    let blobs: Arc<dyn BlobStore> = Arc::new(FolderBlobs::open(folder.path(), FolderLimits::default()).unwrap());
    let [sound, rotten, gone] = [10, 600_000, 20].map(|length| vec![5; length]);
    let sound = put(&engine, &*blobs, sound).await;
    let rotten = put(&engine, &*blobs, rotten).await;
    let gone = put(&engine, &*blobs, gone).await;
    let path = |id: &BlobId| folder.path().join(&id.to_string()[..2]).join(id.to_string());
    blobs.delete(&gone).await.unwrap();
    let mut file = std::fs::read(path(&rotten)).unwrap();
    file[550_000] ^= 1;
    std::fs::write(path(&rotten), file).unwrap();
    let out = Shared::new(|_| {});
    let summary = back_up(source(&engine, blobs), out.clone()).await.unwrap();
    let contents = read(&out.bytes()).unwrap();
    assert_eq!(contents.blobs, [(sound, vec![5; 10])]);
    let mut lost = [rotten, gone];
    lost.sort_unstable();
    assert_eq!((&summary.lost[..], &contents.summary), (&lost[..], &summary));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_said_in_the_stream() {
    fn fails(_: &[u8], _: &[u8]) -> Result<Option<BlobId>, StoreError> {
        Err(StoreError::Corrupt("a row is torn".into()))
    }
    let engine = Memory::new();
    commit(&engine, vec![(b"k".to_vec(), Some(b"v".to_vec()))]).await;
    let out = Shared::new(|_| {});
    let source = Source { names: fails, ..source(&engine, Arc::new(MemoryBlobs::default())) };
    assert!(matches!(back_up(source, out.clone()).await, Err(BackupError::Store(_))));
    let said = read(&out.bytes()).unwrap_err().to_string();
    assert!(said.contains("a row is torn"), "{said}");
}

async fn small() -> Vec<u8> {
    let engine = Memory::new();
    let blobs: Arc<dyn BlobStore> = Arc::new(MemoryBlobs::default());
    commit(&engine, vec![(b"key".to_vec(), Some(b"value".to_vec()))]).await;
    put(&engine, &*blobs, b"some bytes".to_vec()).await;
    let out = Shared::new(|_| {});
    back_up(source(&engine, blobs), out.clone()).await.unwrap();
    out.bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cut_and_every_flipped_bit_is_found() {
    let whole = small().await;
    for end in 0..whole.len() {
        let error = read(&whole[..end]).unwrap_err();
        let is_right =
            if end == 0 { matches!(error, BackupError::Foreign) } else { matches!(error, BackupError::CutOff(_)) };
        assert!(is_right, "cut at {end}: {error}");
    }
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&bytes).is_err(), "bit {bit}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(matches!(read(&longer), Err(BackupError::Damaged { .. })));
}

/// Files of the trail grow, shrink and go while they are copied.
#[tokio::test(flavor = "multi_thread")]
async fn the_trail_goes_along_as_far_as_it_was_and_what_is_missing_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: usize, length| {
        let path = folder.path().join(name);
        if bytes > 0 {
            std::fs::write(&path, vec![b'x'; bytes]).unwrap();
        }
        TrailFile { name: format!("process-1/{name}"), path, length }
    };
    std::fs::create_dir(folder.path().join("unreadable")).unwrap();
    let files = vec![
        file("gone", 0, 10),
        file("shrunk", 5, 10),
        file("grown", 700_000, 600_000),
        file("unreadable", 0, 10),
        file("empty", 1, 0),
    ];
    let trail: TrailFiles = Box::new(move || Ok(files.clone()));
    let out = Shared::new(|_| {});
    let engine = Memory::new();
    let blobs: Arc<dyn BlobStore> = Arc::new(MemoryBlobs::default());
    let id = put(&engine, &*blobs, vec![1; 10]).await;
    let source = Source { trail: Some(trail), ..source(&engine, blobs) };
    let summary = back_up(source, out.clone()).await.unwrap();
    assert_eq!((summary.trail_files, summary.trail_bytes, summary.lost_trail_files), (2, 600_000, 2));
    let contents = read(&out.bytes()).unwrap();
    let whole = [("process-1/grown".to_owned(), vec![b'x'; 600_000]), ("process-1/empty".to_owned(), vec![])];
    assert_eq!((contents.trail, contents.blobs), (whole.to_vec(), vec![(id, vec![1; 10])]));
}

/// As the format before wrote it: no file of the trail, and nothing of them in the counts.
#[test]
fn a_backup_of_the_first_format_is_read() {
    let contents = read(include_bytes!("../golden/format-1.backup")).unwrap();
    assert_eq!(contents.pairs, [(b"key".to_vec(), b"value".to_vec())]);
    assert_eq!(contents.summary, Summary { pairs: 1, ..Summary::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_and_newer_files_are_named_for_what_they_are() {
    let mut newer = small().await;
    newer[14] = 3;
    assert_eq!(
        read(&newer).unwrap_err().to_string(),
        "it is a backup in format 3; this Welkin reads formats up to 2: use the Welkin that made it, or a later one"
    );
    for foreign in [&b""[..], b"x", b"PK\x03\x04 a zip file, say", b"WELKIN TARBALL\n "] {
        assert_eq!(read(foreign).unwrap_err().to_string(), "it is not a backup of Welkin", "{foreign:?}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_and_nothing_worse(bytes in any::<Vec<u8>>()) {
        let with_header = [&b"WELKIN BACKUP\n\x02\0"[..], &bytes].concat();
        assert!(read(&bytes).is_err() && read(&with_header).is_err());
    }
}
