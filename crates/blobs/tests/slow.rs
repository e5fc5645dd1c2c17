//! A thousand uploads that have sent something and stall all go on, and take little memory together. In a file of its
//! own, so that the memory of the process is that of nothing else.

#![expect(clippy::unwrap_used, reason = "all of this file is tests")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use blobs::{BlobStore, FolderBlobs, FolderLimits};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::watch;

const UPLOADS: usize = 1_000;
/// What each has sent when it stalls: enough to fill all memory that there is for uploads, were it not bounded.
const SENT: usize = 700_000;
const PIECE: usize = 10_000;
/// What the process may take, with the 60 MB that an idle region takes on top of it.
const MOST: u64 = 240 << 20;

/// Bytes of this process's memory that are in use now.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_slow_uploads_go_on_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FolderBlobs::open(folder.path(), FolderLimits::default()).unwrap());
    let (go_on, _) = watch::channel(false);
    let stalled = Arc::new(AtomicUsize::new(0));
    let uploads: Vec<_> = (0..UPLOADS)
        .map(|_| {
            let (store, stalled, mut may_end) = (Arc::clone(&store), Arc::clone(&stalled), go_on.subscribe());
            let pieces = futures_util::stream::iter((0..SENT / PIECE).map(|_| Ok(Bytes::from(vec![7; PIECE]))));
            let stall = futures_util::stream::once(async move {
                stalled.fetch_add(1, Ordering::Relaxed);
                may_end.wait_for(|may| *may).await.unwrap();
                Ok(Bytes::from_static(b"end"))
            });
            tokio::spawn(async move { store.put(pieces.chain(stall).boxed(), u64::MAX, &[]).await })
        })
        .collect();
    let deadline = Instant::now() + Duration::from_secs(120);
    while stalled.load(Ordering::Relaxed) < UPLOADS {
        assert!(Instant::now() < deadline, "{} of {UPLOADS} came so far", stalled.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let taken = resident();
    assert!(taken < MOST, "{UPLOADS} stalled uploads take {taken} bytes");
    // One that is not slow is not kept up by them.
    let quick = store.put(blobs::source_of(vec![1; 3_000_000]), u64::MAX, &[]).await.unwrap();
    assert_eq!(quick.length, 3_000_000);
    go_on.send_replace(true);
    for upload in uploads {
        assert_eq!(upload.await.unwrap().unwrap().length, (SENT + 3) as u64);
    }
}
