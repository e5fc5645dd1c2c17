//! Backups of a region: what goes into one, and sending it through the operator's socket while the region runs.
//! Not here: how a backup's bytes lie (`backup`), and where its file goes (the binary).

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use backup::{BackupError, Source, Summary, TrailFile, TrailFiles};
use blobs::BlobStore;
use jiff::Timestamp;
use store::{Store, table_prefix};
use tokio::sync::Semaphore;
use tracing::{info, warn};

use crate::admin::{Answer, Request, connect};
use crate::home::HomeRecord;
use crate::lease::{BeatRecord, LeaseRecord};

/// The small files of a data folder that a backup holds besides the store and the blobs.
pub const FILES: &[&str] = &["identity.json", "object-keys.json"];
/// Where a data folder has the audit trail.
pub const TRAIL: &str = "audit";
/// Longest that one end waits for the other before it gives up: the other may write to a slow disk.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes that are handed to the kernel at once.
const BUFFER: usize = 256 << 10;

/// What a region's backups are made of.
#[derive(Clone)]
pub struct Backups {
    store: Store,
    blobs: Arc<dyn BlobStore>,
    folder: Option<PathBuf>,
    region: String,
    /// One at a time: each holds blobs and a snapshot.
    places: Arc<Semaphore>,
}

impl Backups {
    /// Backups of the region of this name over a store and blobs, with the small files of its data folder, of which
    /// `folder` is part: the socket of one process of several is in a folder within it.
    pub fn new(store: Store, blobs: Arc<dyn BlobStore>, folder: Option<PathBuf>, region: &str) -> Self {
        let has_files = |folder: &&Path| FILES.iter().any(|name| folder.join(name).exists());
        let folder = folder.and_then(|folder| folder.ancestors().take(3).find(has_files).map(Path::to_owned));
        Self { store, blobs, folder, region: region.to_owned(), places: Arc::new(Semaphore::new(1)) }
    }

    /// Writes a backup. Blocks; see [`backup::write`].
    ///
    /// # Errors
    /// See [`BackupError`].
    pub fn write(&self, out: impl Write) -> Result<Summary, BackupError> {
        let source = Source {
            engine: Arc::clone(self.store.engine()),
            blobs: Arc::clone(&self.blobs),
            names: s3::named_blob,
            files: self.folder.clone().map(|folder| (folder, FILES)),
            trail: self.folder.clone().map(|folder| -> TrailFiles { Box::new(move || trail(&folder.join(TRAIL))) }),
            region: self.region.clone(),
            welkin: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: Timestamp::now().to_string(),
        };
        backup::write(&source, out)
    }

    /// Answers a request for a backup with the backup itself, or with a refusal if another one is under way.
    ///
    /// # Errors
    /// The kernel's.
    pub(crate) async fn send(&self, stream: tokio::net::UnixStream) -> io::Result<()> {
        let mut stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let backups = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let Ok(_place) = backups.places.try_acquire() else {
                let answer = Answer::Refused("another backup is being made; wait for it to end".to_owned());
                return stream.write_all(&serde_json::to_vec(&answer)?);
            };
            info!("a backup begins");
            match backups.write(io::BufWriter::with_capacity(BUFFER, stream)) {
                Ok(summary) => info!(records = summary.pairs, blobs = summary.blobs, "the backup is complete"),
                Err(error) => warn!(error = &error as &dyn std::error::Error, "the backup was given up"),
            }
            Ok(())
        });
        work.await.map_err(io::Error::other)?
    }
}

fn trail(folder: &Path) -> io::Result<Vec<TrailFile>> {
    let files = audit::trail_files(folder)?.into_iter();
    Ok(files.map(|audit::TrailFile { name, path, length }| TrailFile { name, path, length }).collect())
}

/// Whether a row says something of the place where its region is, so that it does not hold for a copy elsewhere.
pub fn is_of_its_place(key: &[u8]) -> bool {
    let places = [table_prefix::<HomeRecord>(), table_prefix::<LeaseRecord>(), table_prefix::<BeatRecord>()];
    places.iter().any(|table| key.starts_with(table))
}

/// Asks the process that runs on a data folder for a backup. What is read from the stream is the backup, or an
/// [`Answer`] as JSON if the process refuses.
///
/// # Errors
/// `NotFound` or `ConnectionRefused` when none runs; else the kernel's.
pub fn request(data_dir: &Path) -> io::Result<impl Read + use<>> {
    let stream: UnixStream = connect(data_dir)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(&Request::Backup)?;
    line.push(b'\n');
    (&stream).write_all(&line)?;
    Ok(stream)
}
