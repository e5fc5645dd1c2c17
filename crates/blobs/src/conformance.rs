//! What every blob store must do. A store's own tests call [`all`] on an empty store, and add what only it can show:
//! crashes, damage, a full disk. Panics when the store does not conform.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::StreamExt;

use crate::cipher::fake::Known;
use crate::{BlobError, BlobId, BlobReader, BlobStore, ByteSource, Cipher, DigestKind, Hashers, source_of};

const EVERY_DIGEST: [DigestKind; 10] = [
    DigestKind::Crc32,
    DigestKind::Crc32c,
    DigestKind::Crc64Nvme,
    DigestKind::Sha1,
    DigestKind::Sha256,
    DigestKind::Sha512,
    DigestKind::Md5,
    DigestKind::Xxhash64,
    DigestKind::Xxhash3,
    DigestKind::Xxhash128,
];

/// Runs every case on a store that is empty, and leaves it empty.
pub async fn all(store: &dyn BlobStore) {
    what_is_written_is_read(store).await;
    ranges_are_cut_exactly(store).await;
    a_cipher_turns_what_lies_there(store).await;
    limit_is_the_largest_length(store).await;
    failed_source_leaves_nothing(store).await;
    dropped_upload_leaves_nothing(store).await;
    deletion_is_idempotent_and_spares_readers(store).await;
    list_walks_in_order(store).await;
    a_hold_puts_deletions_off(store).await;
    many_at_once(store).await;
}

/// Bytes that differ from place to place, so that a displaced piece is noticed.
pub fn pattern(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // The multiplier is Knuth's for a linear congruential generator modulo 2^64.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(state ^ (state >> 31)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A source that gives `bytes` in pieces of the lengths in `pieces`, over and over; a length of 0 is an empty piece,
/// and at least one must not be.
pub fn source_in_pieces(bytes: Vec<u8>, pieces: Vec<usize>) -> ByteSource {
    let mut rest = Bytes::from(bytes);
    let mut lengths = pieces.into_iter().cycle();
    futures_util::stream::iter(std::iter::from_fn(move || {
        let length = lengths.next()?.min(rest.len());
        (!rest.is_empty()).then(|| Ok(rest.split_to(length)))
    }))
    .boxed()
}

/// Reads a blob or a range of it to the end, and checks that the reader gives as many bytes as it says.
pub async fn read(store: &dyn BlobStore, id: &BlobId, range: Option<Range<u64>>) -> Result<Vec<u8>, BlobError> {
    drain(store.open(id, range).await?).await
}

async fn drain(mut reader: BlobReader) -> Result<Vec<u8>, BlobError> {
    let length = reader.length();
    let mut all = Vec::new();
    while let Some(chunk) = reader.next().await {
        all.extend_from_slice(&chunk?);
    }
    assert_eq!(all.len() as u64, length, "a reader's length is what it gives");
    Ok(all)
}

async fn ids(store: &dyn BlobStore) -> BTreeSet<BlobId> {
    store.list(None, 10_000).await.expect("list").into_iter().map(|blob| blob.id).collect()
}

async fn put(store: &dyn BlobStore, bytes: Vec<u8>) -> BlobId {
    store.put(source_of(bytes), u64::MAX, &[]).await.expect("put").id
}

async fn delete(store: &dyn BlobStore, id: &BlobId) {
    store.delete(id).await.expect("delete");
}

async fn what_is_written_is_read(store: &dyn BlobStore) {
    for length in [0, 1, 100, 65_535, 65_536, 65_537, 262_144, 262_145, 1_000_000] {
        let bytes = pattern(length, length as u64);
        let mut hashers = Hashers::new(&EVERY_DIGEST);
        hashers.update(&bytes);
        let source = source_in_pieces(bytes.clone(), vec![1, 70_000, 0, 4096]);
        let written = store.put(source, u64::MAX, &EVERY_DIGEST).await.expect("put");
        assert_eq!(written.length, length as u64);
        assert_eq!((written.md5, written.digests), hashers.finish(), "digests of {length} bytes");
        assert!(read(store, &written.id, None).await.expect("read") == bytes, "{length} bytes come back");
        assert_eq!(store.open(&written.id, None).await.expect("open").blob_length(), length as u64);
        delete(store, &written.id).await;
    }
}

async fn ranges_are_cut_exactly(store: &dyn BlobStore) {
    let bytes = pattern(700_000, 1);
    let id = put(store, bytes.clone()).await;
    for range in [0..1, 0..700_000, 65_535..65_537, 65_536..131_072, 699_999..700_000, 3..600_001, 5..5] {
        let expected = &bytes[range.start as usize..range.end as usize];
        assert!(read(store, &id, Some(range.clone())).await.expect("read") == expected, "{range:?}");
    }
    for range in [0..700_001, 700_001..700_001, Range { start: 6, end: 5 }, 0..u64::MAX] {
        let error = store.open(&id, Some(range.clone())).await.expect_err("outside");
        assert!(matches!(error, BlobError::OutOfRange { blob_length: 700_000 }), "{range:?}: {error}");
    }
    delete(store, &id).await;
}

/// The digests are those of what came, what lies there is something else, and any range of it is turned back alone.
async fn a_cipher_turns_what_lies_there(store: &dyn BlobStore) {
    let cipher: Arc<dyn Cipher> = Arc::new(Known(3));
    for length in [0, 1, 4096, 65_536, 65_537, 131_072, 131_073, 700_001] {
        let bytes = pattern(length, 11);
        let source = source_in_pieces(bytes.clone(), vec![60_000, 1, 7]);
        let cipher = || Some(Arc::clone(&cipher));
        let written = store.put_with(source, u64::MAX, &EVERY_DIGEST, cipher()).await.expect("put");
        let mut hashers = Hashers::new(&EVERY_DIGEST);
        hashers.update(&bytes);
        assert_eq!((written.md5, written.digests), hashers.finish(), "digests of {length} bytes");

        let mut turned = bytes.clone();
        Known(3).apply(0, &mut turned);
        assert_eq!(read(store, &written.id, None).await.expect("read"), turned, "{length} bytes as they lie there");
        for (from, to) in
            [(0, length), (length / 3, length), (length / 2, length / 2 + 1), (length - length.min(1), length)]
        {
            let to = to.min(length);
            let reader = store.open_with(&written.id, Some(from as u64..to as u64), cipher()).await.expect("open");
            assert_eq!(drain(reader).await.expect("read"), bytes[from..to], "{from}..{to} of {length}");
        }
        store.delete(&written.id).await.expect("delete");
    }
}

async fn limit_is_the_largest_length(store: &dyn BlobStore) {
    for length in [10, 600_000] {
        let source = || source_in_pieces(pattern(length, 2), vec![7_000]);
        let error = store.put(source(), length as u64 - 1, &[]).await.expect_err("more than the limit");
        assert!(matches!(error, BlobError::TooLarge { .. }), "{error}");
        assert!(ids(store).await.is_empty(), "a refused upload leaves nothing");
        let id = store.put(source(), length as u64, &[]).await.expect("as much as the limit").id;
        delete(store, &id).await;
    }
}

async fn failed_source_leaves_nothing(store: &dyn BlobStore) {
    for length in [0, 10, 2_000_000] {
        let failure = futures_util::stream::iter([Err(io::Error::from_raw_os_error(71).into())]);
        let source = source_in_pieces(pattern(length, 3), vec![100_000]).chain(failure).boxed();
        match store.put(source, u64::MAX, &[]).await {
            Err(BlobError::Source(error)) => {
                let own = error.downcast::<io::Error>().expect("the caller's own error comes back");
                assert_eq!(own.raw_os_error(), Some(71));
            }
            other => panic!("expected the source's error, got {other:?}"),
        }
        assert!(ids(store).await.is_empty(), "a failed upload of {length} bytes leaves nothing");
    }
}

async fn dropped_upload_leaves_nothing(store: &dyn BlobStore) {
    for length in [10, 2_000_000] {
        let (drained, is_drained) = tokio::sync::oneshot::channel::<()>();
        let stalled = futures_util::stream::once(async move {
            drop(drained);
            std::future::pending().await
        });
        let source = source_in_pieces(pattern(length, 4), vec![100_000]).chain(stalled).boxed();
        tokio::select! {
            result = store.put(source, u64::MAX, &[]) => panic!("the source never ends, yet {result:?}"),
            _ = is_drained => {}
        }
        assert!(ids(store).await.is_empty(), "a dropped upload of {length} bytes leaves nothing");
    }
}

async fn deletion_is_idempotent_and_spares_readers(store: &dyn BlobStore) {
    let bytes = pattern(2_000_000, 5);
    let id = put(store, bytes.clone()).await;
    let reader = store.open(&id, None).await.expect("open");
    delete(store, &id).await;
    delete(store, &id).await;
    assert!(matches!(store.open(&id, None).await, Err(BlobError::NotFound(missing)) if missing == id));
    assert!(reader.collect(bytes.len()).await.expect("an open reader goes on") == bytes);
    delete(store, &BlobId::from([0xee; 16])).await;
}

async fn a_hold_puts_deletions_off(store: &dyn BlobStore) {
    let bytes = pattern(100_000, 5);
    let [held, kept] = [(); 2].map(|()| store.put(source_of(bytes.clone()), u64::MAX, &[]));
    let (held, kept) = (held.await.expect("put").id, kept.await.expect("put").id);
    let (first, second) = (store.hold().expect("hold"), store.hold().expect("hold"));
    store.delete(&held).await.expect("delete");
    drop(first);
    assert_eq!(read(store, &held, None).await.expect("held by the other"), bytes);
    store.delete(&held).await.expect("delete again");
    drop(second);
    assert!(matches!(store.open(&held, None).await, Err(BlobError::NotFound(_))), "the last hold has ended");
    assert_eq!(read(store, &kept, None).await.expect("never deleted"), bytes);
    store.delete(&kept).await.expect("delete");
    assert!(store.list(None, 1).await.expect("list").is_empty(), "without a hold at once");
}

async fn list_walks_in_order(store: &dyn BlobStore) {
    let before = SystemTime::now() - Duration::from_secs(2);
    let mut expected = BTreeSet::new();
    for length in 0..25 {
        expected.insert(put(store, pattern(length, 6)).await);
    }
    let after = SystemTime::now() + Duration::from_secs(2);
    let mut walked = Vec::new();
    loop {
        let page = store.list(walked.last().copied(), 4).await.expect("list");
        assert!(page.len() <= 4);
        assert!(page.iter().all(|blob| blob.written_at >= before && blob.written_at <= after), "{page:?}");
        if page.is_empty() {
            break;
        }
        walked.extend(page.into_iter().map(|blob| blob.id));
    }
    assert_eq!(walked, expected.iter().copied().collect::<Vec<_>>(), "every blob once, by id");
    assert!(store.list(None, 0).await.expect("list").is_empty());
    for id in &expected {
        delete(store, id).await;
    }
    assert!(ids(store).await.is_empty());
}

async fn many_at_once(store: &dyn BlobStore) {
    let one = |seed: u64| async move {
        let bytes = pattern(seed as usize * 20_000, seed);
        let source = source_in_pieces(bytes.clone(), vec![30_000]);
        let id = store.put(source, u64::MAX, &[]).await.expect("put").id;
        assert!(read(store, &id, None).await.expect("read") == bytes, "upload {seed}");
        id
    };
    let written = futures_util::future::join_all((0..32).map(one)).await;
    assert_eq!(written.iter().collect::<BTreeSet<_>>().len(), 32, "ids differ");
    for id in &written {
        delete(store, id).await;
    }
}
