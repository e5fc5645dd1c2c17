//! `welkin du` and `welkin scrub`: where the space of objects goes, and whether their bytes are sound. A region that runs
//! is asked; one that doesn't is looked at.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use blobs::{BlobStore, DiskStats, Disks, FolderLimits, ScrubReport};
use clap::Args;
use region::admin::{Answer, Request, ask};
use region::{DamagedObject, Found, SpaceAnswer, SpaceKeeper, SpaceOrder, Usage};
use tokio::runtime::Runtime;
use tracing::error;

use crate::data_dir::DataDir;
use crate::settings::Settings;
use crate::{backing, processes, standing};

/// Longest that counting all records may take.
const COUNTING: Duration = Duration::from_secs(600);
/// Longest that `welkin doctor` waits for that.
const GLANCE: Duration = Duration::from_secs(10);
/// How often a scrub that goes on is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Buckets that `welkin doctor` names.
const SHOWN: usize = 5;

/// How `welkin du` shows it.
#[derive(Args)]
pub struct DuOptions {
    /// Print it as one JSON object
    #[arg(long)]
    json: bool,
}

/// How `welkin scrub` does it.
#[derive(Args)]
pub struct ScrubOptions {
    /// Read nothing: only tell what was found until now
    #[arg(long)]
    found: bool,
    /// Print it as one JSON object
    #[arg(long)]
    json: bool,
}

/// Opens the blobs of a data folder, on all of their disks, or in the bucket that the settings name. A disk that is not
/// there is logged.
///
/// # Errors
/// What is wrong with the data folder's own.
pub fn open_blobs(settings: &Settings, data: &DataDir, is_shared: bool) -> Result<Arc<dyn BlobStore>> {
    backing::require_same(settings.backing.as_ref(), data)?;
    if let Some(bucket) = &settings.backing {
        return backing::open(bucket, data);
    }
    let folders: Vec<_> = [data.blobs()].into_iter().chain(settings.blobs.iter().cloned()).collect();
    let disks = Disks::open(&folders, &FolderLimits::default(), is_shared)?;
    for missing in disks.missing() {
        let folder = missing.folder.display();
        error!(%folder, why = %missing.why, "a folder of blobs is not there: reading its objects fails until it is back");
    }
    Ok(Arc::new(disks))
}

/// Prints what buckets and disks have.
///
/// # Errors
/// The region's or the disks'.
pub fn du(settings: &Settings, options: &DuOptions) -> Result<()> {
    let usage = match Region::of(settings)? {
        Region::Running(runtime, socket) => match order(&runtime, &socket, SpaceOrder::Usage)? {
            SpaceAnswer::Usage(usage) => usage,
            SpaceAnswer::Found(_) => bail!("unexpected answer"),
        },
        Region::Stopped(runtime, keeper) => runtime.block_on(keeper.usage())?,
    };
    match options.json {
        true => println!("{}", serde_json::to_string_pretty(&usage)?),
        false => print!("{}", usage_text(&usage)),
    }
    Ok(())
}

/// Reads every byte, and prints what is damaged.
///
/// # Errors
/// Something is damaged, or the region's or the disks'.
pub fn scrub(settings: &Settings, options: &ScrubOptions) -> Result<()> {
    let found = match Region::of(settings)? {
        Region::Running(runtime, socket) => scrub_running(&runtime, &socket, options.found)?,
        Region::Stopped(runtime, keeper) => runtime.block_on(async {
            if !options.found {
                keeper.begin().await;
                while keeper.step().await? {}
            }
            anyhow::Ok(keeper.found().await?)
        })?,
    };
    match options.json {
        true => println!("{}", serde_json::to_string_pretty(&found)?),
        false => print!("{}", found_text(&found)),
    }
    let last = found.last.as_ref().map_or(0, |report| report.damaged_count);
    let now = found.now.as_ref().map_or(0, |report| report.damaged_count);
    match last.max(now) {
        0 => Ok(()),
        count => bail!("{count} damaged: restore those objects from a backup, or delete them"),
    }
}

fn scrub_running(runtime: &Runtime, socket: &Path, only_look: bool) -> Result<Found> {
    let look = |what| match order(runtime, socket, what)? {
        SpaceAnswer::Found(found) => Ok(found),
        SpaceAnswer::Usage(_) => Err(anyhow!("unexpected answer")),
    };
    if only_look {
        return look(SpaceOrder::Found);
    }
    let begun = |report: &Option<ScrubReport>| report.as_ref().map_or(0, |report| report.begun);
    let mut found = look(SpaceOrder::Scrub)?;
    let ours = begun(&found.now).max(begun(&found.last));
    while begun(&found.last) < ours {
        std::thread::sleep(LOOK);
        found = look(SpaceOrder::Found)?;
    }
    Ok(found)
}

/// The region of a data folder.
enum Region {
    Running(Runtime, std::path::PathBuf),
    Stopped(Runtime, SpaceKeeper),
}

impl Region {
    fn of(settings: &Settings) -> Result<Self> {
        let data = DataDir::open(&settings.data_dir)?;
        if data.identity()?.is_none() {
            bail!("{} is not a data folder of Welkin, or no region has been started in it", data.root().display());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let socket = runtime.block_on(processes::reconciling(data.root()));
        match runtime.block_on(ask(&socket, Request::Status, Duration::from_secs(10))) {
            Ok(_) => Ok(Self::Running(runtime, socket)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                let inside = runtime.enter();
                let store = standing::open_stopped(settings, &data)?;
                let keeper = SpaceKeeper::new(store, open_blobs(settings, &data, false)?);
                drop(inside);
                Ok(Self::Stopped(runtime, keeper))
            }
            Err(error) => Err(error).context("the region that runs there does not answer"),
        }
    }
}

fn order(runtime: &Runtime, socket: &Path, order: SpaceOrder) -> Result<SpaceAnswer> {
    match runtime.block_on(ask(socket, Request::Space(order), COUNTING))? {
        Answer::Space(answer) => Ok(answer),
        Answer::Refused(why) => bail!("{why}"),
        other => bail!("unexpected answer: {other:?}"),
    }
}

/// What `welkin doctor` says of a region, which is asked, or looked at if it doesn't run: lines of a name and a text, and
/// whether something is wrong. Nothing of a folder that no region has been started in.
pub fn lines(settings: &Settings) -> Vec<(&'static str, String, bool)> {
    let is_used = DataDir::open(&settings.data_dir).and_then(|data| data.identity()).is_ok_and(|known| known.is_some());
    if !is_used {
        return Vec::new();
    }
    let usage = match glance(settings) {
        Ok(Some(usage)) => usage,
        Ok(None) => return vec![("objects", "there are too many to count at a glance: `welkin du`".to_owned(), false)],
        Err(error) => return vec![("objects", format!("not counted: {error:#}"), false)],
    };
    usage_lines(usage)
}

/// What there is, if that can be counted soon.
fn glance(settings: &Settings) -> Result<Option<Usage>> {
    match Region::of(settings)? {
        Region::Running(runtime, socket) => {
            match runtime.block_on(ask(&socket, Request::Space(SpaceOrder::Usage), GLANCE)) {
                Ok(Answer::Space(SpaceAnswer::Usage(usage))) => Ok(Some(usage)),
                Ok(other) => bail!("unexpected answer: {other:?}"),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(None),
                Err(error) => Err(error.into()),
            }
        }
        Region::Stopped(runtime, keeper) => {
            let counted = runtime.block_on(async { tokio::time::timeout(GLANCE, keeper.usage()).await });
            // A count that goes on ends with the process.
            let usage = counted.ok().transpose()?;
            if usage.is_none() {
                runtime.shutdown_background();
            }
            Ok(usage)
        }
    }
}

fn usage_lines(mut usage: Usage) -> Vec<(&'static str, String, bool)> {
    let mut lines: Vec<_> = usage.disks.iter().map(|disk| ("objects", disk_text(disk), disk.is_missing)).collect();
    usage.buckets.sort_by_key(|bucket| std::cmp::Reverse(bucket.bytes + bucket.version_bytes + bucket.upload_bytes));
    for bucket in usage.buckets.iter().take(SHOWN) {
        let all = size(bucket.bytes + bucket.version_bytes + bucket.upload_bytes);
        lines.push(("bucket", format!("{}: {} objects, {all} in all", bucket.bucket, bucket.objects), false));
    }
    if usage.buckets.len() > SHOWN {
        lines.push(("bucket", format!("and {} more: `welkin du`", usage.buckets.len() - SHOWN), false));
    }
    let is_damaged = !usage.found.damaged.is_empty();
    lines.push(("scrub", scrub_text(&usage.found), is_damaged));
    lines
}

fn usage_text(usage: &Usage) -> String {
    let mut text = format!(
        "{:<32} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8} {:>10}  {}\n",
        "BUCKET", "OBJECTS", "SIZE", "VERSIONS", "SIZE", "MARKERS", "UPLOADS", "SIZE", "ACCOUNT"
    );
    for bucket in &usage.buckets {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "{:<32} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8} {:>10}  {}",
            bucket.bucket,
            bucket.objects,
            size(bucket.bytes),
            bucket.versions,
            size(bucket.version_bytes),
            bucket.delete_markers,
            bucket.uploads,
            size(bucket.upload_bytes),
            bucket.account
        );
    }
    text.push('\n');
    for disk in &usage.disks {
        let _ = writeln!(text, "{}", disk_text(disk));
    }
    if usage.waiting > 0 {
        let _ = writeln!(text, "deleted, and still there for a minute: {} blobs", usage.waiting);
    }
    let _ = writeln!(text, "scrub: {}", scrub_text(&usage.found));
    text
}

fn disk_text(disk: &DiskStats) -> String {
    if disk.is_missing {
        return format!("{}: not there; reading its objects fails", disk.folder);
    }
    let damaged = match disk.damaged_entries {
        0 => String::new(),
        count => format!(", {count} entries damaged"),
    };
    format!(
        "{}: {} large blobs with {}; {} small ones with {} in {} segments, {} of garbage{damaged}; {} free",
        disk.folder,
        disk.files,
        size(disk.file_bytes),
        disk.small_blobs,
        size(disk.small_bytes),
        disk.segments,
        size(disk.garbage_bytes),
        size(disk.free_bytes)
    )
}

fn scrub_text(found: &Found) -> String {
    let report = |report: &ScrubReport| {
        format!("{} blobs with {}, {} damaged", report.blobs, size(report.bytes), report.damaged_count)
    };
    let mut parts = Vec::new();
    if let Some(last) = &found.last {
        parts.push(format!("{} read until {}", report(last), time(last.ended.unwrap_or(last.begun))));
    }
    if let Some(now) = &found.now {
        parts.push(format!("{} read since {}, and goes on", report(now), time(now.begun)));
    }
    if parts.is_empty() { "nothing is read yet".to_owned() } else { parts.join("; ") }
}

fn found_text(found: &Found) -> String {
    let mut text = format!("{}\n", scrub_text(found));
    for DamagedObject { blob, object, detail } in &found.damaged {
        let whose = match object {
            Some((bucket, key)) => format!("s3://{bucket}/{key}"),
            None => format!("nobody's any more (blob {blob})"),
        };
        let _ = writeln!(text, "damaged: {whose}: {detail}");
    }
    // What a client named must not steer a terminal.
    text.chars().map(|letter| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }).collect()
}

fn time(millis: u64) -> String {
    let time = i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    time.map_or_else(String::new, |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1e3;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1e3;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use region::{DamagedObject, Found};

    use super::{found_text, size};

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (5 << 40, "5.5 TB")] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(size(u64::MAX), "18446.7 PB");
    }

    #[test]
    fn damage_names_its_object_and_steers_no_terminal() {
        let blob = blobs::BlobId::from([1; 16]);
        let object = Some(("b".to_owned(), "k\u{1b}[2J".to_owned()));
        let damaged = vec![
            DamagedObject { blob, object, detail: "frame 1".into() },
            DamagedObject { blob, object: None, detail: "frame 2".into() },
        ];
        let text = found_text(&Found { damaged, ..Found::default() });
        assert!(text.contains("damaged: s3://b/k\u{fffd}[2J: frame 1\n"), "{text}");
        assert!(text.contains("nobody's any more (blob 0101"), "{text}");
    }
}
