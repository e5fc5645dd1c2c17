//! Durable small blobs a second, from one writer to 256, beside what the same disk does with one fsync for each: a file
//! that the same bytes are appended to, flushed each time.
//! Not here: S3. What a put costs as a call, is measured from outside.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use blobs::{BlobStore, FolderBlobs, FolderLimits, source_of};
use bytes::Bytes;

use crate::Setting;
use crate::table::{Aim, Row, Value};

/// How much more than one fsync each we want to write, at [`AIM_WRITERS`].
const AIM: f64 = 10.0;
const AIM_WRITERS: usize = 64;
const WRITERS: [usize; 4] = [1, 16, 64, 256];
/// Bytes of a blob.
const BYTES: usize = 4096;
/// Turns of each side.
const TURNS: u32 = 10;

/// Puts at every number of writers, in short turns of both sides, since the speed of a disk changes from second to second.
pub async fn small_blobs(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let turn = Duration::from_millis(if setting.quick { 50 } else { 500 });
    let folder = setting.scratch();
    fs::create_dir_all(&folder)?;
    let outcome = measure(&folder, turn, rows).await;
    fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    outcome
}

async fn measure(folder: &Path, turn: Duration, rows: &mut Vec<Row>) -> Result<()> {
    let store = Arc::new(FolderBlobs::open(folder.join("blobs"), FolderLimits::default())?);
    let mut file = File::create(folder.join("appended"))?;
    for writers in WRITERS {
        let (mut ours, mut peer) = ((0, Duration::ZERO), (0, Duration::ZERO));
        for _ in 0..TURNS {
            add(&mut peer, one_by_one(&mut file, turn)?);
            add(&mut ours, at_once(&store, writers, turn).await?);
        }
        let rate = |(count, elapsed): (u64, Duration)| Value::Rate(count as f64 / elapsed.as_secs_f64());
        rows.push(Row {
            figure: format!("durable blobs of 4 KiB, {writers} writers (peer: one fsync for each)"),
            ours: rate(ours),
            peer: Some(rate(peer)),
            aim: if writers == AIM_WRITERS { Aim::RatioAtLeast(AIM) } else { Aim::None },
        });
    }
    Ok(())
}

fn add(sum: &mut (u64, Duration), more: (u64, Duration)) {
    sum.0 += more.0;
    sum.1 += more.1;
}

fn one_by_one(file: &mut File, turn: Duration) -> Result<(u64, Duration)> {
    let bytes = [7; BYTES];
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < turn {
        file.write_all(&bytes)?;
        file.sync_data()?;
        count += 1;
    }
    Ok((count, begun.elapsed()))
}

/// So many writers, each of which puts its next blob when the last one is safe.
async fn at_once(store: &Arc<FolderBlobs>, writers: usize, turn: Duration) -> Result<(u64, Duration)> {
    let (is_over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let (store, is_over, count) = (Arc::clone(store), Arc::clone(&is_over), Arc::clone(&count));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    store.put(source_of(Bytes::from_static(&[7; BYTES])), u64::MAX, &[]).await?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, blobs::BlobError>(())
            })
        })
        .collect();
    tokio::time::sleep(turn).await;
    let (done, elapsed) = (count.load(Ordering::Relaxed), begun.elapsed());
    is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    ensure!(done > 0, "not one blob in {elapsed:?}");
    Ok((done, elapsed))
}
