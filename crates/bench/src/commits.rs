//! Durable commits a second of the engines, from one writer to 256, beside two ways of one fsync for each commit: the same
//! engine with one writer, and the barest there is, a file that the same bytes are appended to and that is flushed each time.
//! Not here: calls. What a commit costs within a call, `calls` shows.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use store::{Engine, ReadSet, Transaction};
use store_postgres::{Postgres, Target};
use store_sqlite::Sqlite;

use crate::Setting;
use crate::table::{Aim, Row, Value};

/// How much more than one fsync each we want to commit, at [`AIM_WRITERS`].
const AIM: f64 = 20.0;
const AIM_WRITERS: usize = 64;
const WRITERS: [usize; 4] = [1, 8, 64, 256];
/// Bytes of a value: a small record.
const VALUE: usize = 300;
/// Names an empty database of PostgreSQL, to measure that engine too.
const DATABASE: &str = "BENCH_POSTGRES";
/// Turns of each side.
const TURNS: u32 = 10;

/// Commits at every number of writers. Both sides are measured in short turns, since the speed of a disk that others
/// use too changes from second to second.
pub async fn commits(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let turn = Duration::from_millis(if setting.quick { 50 } else { 500 });
    let folder = setting.scratch();
    let outcome = measure(&folder, turn, rows).await;
    fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    outcome
}

async fn measure(folder: &Path, turn: Duration, rows: &mut Vec<Row>) -> Result<()> {
    let sqlite = Arc::new(Sqlite::open(folder.join("store"))?);
    let stats = || sqlite.stats().map(|stats| (stats.commits, stats.batches));
    engine("SQLite", &(Arc::clone(&sqlite) as _), &stats, folder, turn, rows).await?;
    let Ok(url) = std::env::var(DATABASE) else { return Ok(()) };
    let postgres = Arc::new(Postgres::open(&Target::parse(&url)?)?);
    let stats = || Ok((postgres.stats().commits, postgres.stats().batches));
    engine("PostgreSQL", &(Arc::clone(&postgres) as _), &stats, folder, turn, rows).await
}

/// How many commits, and how many fsyncs or transactions of a server they took.
type Counts<'a> = dyn Fn() -> std::io::Result<(u64, u64)> + 'a;

async fn engine(
    name: &str,
    engine: &Arc<dyn Engine>,
    stats: &Counts<'_>,
    folder: &Path,
    turn: Duration,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let mut file = File::create(folder.join("appended"))?;
    let mut alone = None;
    for writers in WRITERS {
        let (mut ours, mut peer) = (Tally::default(), Tally::default());
        let before = stats()?;
        for _ in 0..TURNS {
            peer.add(single_fsyncs(&mut file, turn)?);
            ours.add(grouped(engine, writers, turn).await?);
        }
        let after = stats()?;
        let shared = (after.0 - before.0) as f64 / (after.1 - before.1) as f64;
        let aim = if writers == AIM_WRITERS { Aim::RatioAtLeast(AIM) } else { Aim::None };
        let figure = format!("commits in {name}, {writers} writers, {shared:.1} for each fsync");
        let rate = Value::Rate(ours.rate());
        let beside =
            |what: &str, peer| Row { figure: format!("{figure} (peer: {what})"), ours: rate, peer: Some(peer), aim };
        rows.push(beside("a file, one", Value::Rate(peer.rate())));
        let one_each = *alone.get_or_insert(rate);
        if writers > 1 {
            rows.push(beside("one writer, one", one_each));
        }
    }
    Ok(())
}

/// Commits, and how long they took.
#[derive(Default)]
struct Tally {
    commits: u64,
    elapsed: Duration,
}

impl Tally {
    fn add(&mut self, (commits, elapsed): (u64, Duration)) {
        self.commits += commits;
        self.elapsed += elapsed;
    }

    fn rate(&self) -> f64 {
        self.commits as f64 / self.elapsed.as_secs_f64()
    }
}

/// Appends and flushes, one after the other.
fn single_fsyncs(file: &mut File, turn: Duration) -> Result<(u64, Duration)> {
    let bytes = [7; VALUE];
    let (begun, mut count) = (Instant::now(), 0u64);
    while begun.elapsed() < turn {
        file.write_all(&bytes)?;
        file.sync_data()?;
        count += 1;
    }
    Ok((count, begun.elapsed()))
}

/// So many writers, each of which hands in its next commit when the last one is durable.
async fn grouped(engine: &Arc<dyn Engine>, writers: usize, turn: Duration) -> Result<(u64, Duration)> {
    let (is_over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let (engine, is_over, count) = (Arc::clone(engine), Arc::clone(&is_over), Arc::clone(&count));
            tokio::spawn(async move {
                for number in 0u64.. {
                    let key = format!("bench/{writers}/{writer}/{}", number % 1000).into_bytes();
                    let writes = vec![(key, Some(vec![7; VALUE]))];
                    engine.commit(Transaction { snapshot: 0, reads: ReadSet::new(), writes }).await?;
                    count.fetch_add(1, Ordering::Relaxed);
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                }
                Ok::<_, store::CommitError>(())
            })
        })
        .collect();
    tokio::time::sleep(turn).await;
    let (done, elapsed) = (count.load(Ordering::Relaxed), begun.elapsed());
    is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    ensure!(done > 0, "not one commit in {elapsed:?}");
    Ok((done, elapsed))
}
