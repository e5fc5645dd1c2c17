//! `welkin restore`: a data folder out of a backup. The folder is made beside its place and put there when it is whole
//! and on disk; a failure leaves nothing.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ::backup::{Item, Manifest, Reader, Summary};
use anyhow::{Context, Result, bail, ensure};
use blobs::{FolderBlobs, FolderLimits, Import};
use region::backups::is_of_its_place;
use store::{Engine, Pair, ReadSet, Transaction, limits};
use store_sqlite::Sqlite;

use crate::backup::{check, describe};
use crate::data_dir::DataDir;
use crate::settings::Settings;

/// Bytes of one transaction, and its writes, with room below what a store takes.
const BATCH_BYTES: usize = limits::MAX_TRANSACTION / 4;

/// Brings the backup in `file` to the data folder of the settings, which must be empty or not be there. With `check`,
/// reads the backup and changes nothing.
pub fn run(settings: &Settings, file: &Path, only_check: bool) -> Result<()> {
    if only_check {
        let (manifest, summary) = check(file)?;
        println!("{}: {}; it is whole", file.display(), describe(&manifest, &summary));
        return report_lost(&summary);
    }
    let target = &settings.data_dir;
    refuse_used(target)?;
    let new = NewFolder::beside(target)?;
    let (manifest, summary) = fill(file, &new.path).with_context(|| file.display().to_string())?;
    new.put_at(target)?;
    println!("{}: {}, from {}", target.display(), describe(&manifest, &summary), file.display());
    println!("Root key and access keys are those of then. Machines' disks and images are not in a backup:");
    println!("bring the image first (`welkin image build tiny --data-dir {}`), then start it with", target.display());
    println!("  welkin up --data-dir {}", target.display());
    report_lost(&summary)
}

fn report_lost(summary: &Summary) -> Result<()> {
    if summary.lost_trail_files > 0 {
        eprintln!("{} files of the audit trail could not be read, and are not in it", summary.lost_trail_files);
    }
    ensure!(
        summary.lost.is_empty(),
        "the bytes of {} objects were damaged when the backup was made, and are not in it",
        summary.lost.len()
    );
    Ok(())
}

fn refuse_used(target: &Path) -> Result<()> {
    match fs::read_dir(target) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(entry) => bail!(
                "{} is in use: it has '{}'; name a new folder with --data-dir",
                target.display(),
                entry?.file_name().to_string_lossy()
            ),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", target.display())),
    }
}

/// Reads the backup into a folder that nobody else knows of, and gives what it says of itself.
fn fill(file: &Path, folder: &Path) -> Result<(Manifest, Summary)> {
    let mut reader = Reader::begin(BufReader::with_capacity(1 << 20, File::open(file)?))?;
    let manifest = reader.manifest().clone();
    let data = DataDir::create(folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let engine = Sqlite::open(data.store())?;
    let blobs = FolderBlobs::open(data.blobs(), FolderLimits::default())?;
    let mut open: Option<Incoming> = None;
    let summary = loop {
        match reader.next()? {
            Item::File { name, bytes } => write_file(&data, &name, bytes)?,
            Item::Pairs(pairs) => runtime.block_on(insert(&engine, pairs))?,
            Item::Blob { id, .. } => open = Some(Incoming::Blob(blobs.import(id))),
            Item::TrailFile { name, .. } => open = Some(Incoming::trail_file(&data, &name)?),
            Item::Bytes(bytes) => open.as_mut().context("bytes of no blob")?.write(&bytes)?,
            Item::BlobEnd => open.take().context("the end of no blob")?.finish()?,
            Item::BlobLost => open.take().context("no blob is lost")?.abandon()?,
            Item::End(summary) => break summary,
        }
    };
    drop(blobs);
    // Closed, so that the store's log is in its file.
    drop(engine);
    // Blobs were not flushed one by one.
    rustix::fs::syncfs(File::open(folder)?)?;
    Ok((manifest, summary))
}

/// What is being written of which more bytes come. It is flushed with all others.
enum Incoming {
    Blob(Import),
    TrailFile(PathBuf, File),
}

impl Incoming {
    fn trail_file(data: &DataDir, name: &str) -> Result<Self> {
        let path = audit::place_of(&data.audit(), name);
        let path = path.with_context(|| format!("the backup has a file '{name}', which is none of an audit trail"))?;
        let wrong = || format!("cannot write {}", path.display());
        let folder = path.parent().context("a file of the trail is in its folder")?;
        DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(wrong)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).with_context(wrong)?;
        Ok(Self::TrailFile(path, file))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Blob(blob) => Ok(blob.write(bytes)?),
            Self::TrailFile(path, file) => {
                file.write_all(bytes).with_context(|| format!("cannot write {}", path.display()))
            }
        }
    }

    fn finish(self) -> Result<()> {
        if let Self::Blob(blob) = self {
            blob.finish()?;
        }
        Ok(())
    }

    fn abandon(self) -> Result<()> {
        if let Self::TrailFile(path, _) = self {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }
}

async fn insert(engine: &Sqlite, pairs: Vec<Pair>) -> Result<()> {
    let (mut writes, mut size) = (Vec::with_capacity(pairs.len()), 0);
    for (key, value) in pairs {
        if is_of_its_place(&key) {
            continue;
        }
        size += key.len() + value.len();
        writes.push((key, Some(value)));
        if size >= BATCH_BYTES || writes.len() >= limits::MAX_WRITES {
            let writes = std::mem::take(&mut writes);
            engine.commit(Transaction { snapshot: 0, reads: ReadSet::new(), writes }).await?;
            size = 0;
        }
    }
    if !writes.is_empty() {
        engine.commit(Transaction { snapshot: 0, reads: ReadSet::new(), writes }).await?;
    }
    Ok(())
}

/// A small file of the data folder. The identity gets a new tag: the names of kernel objects are made of it, and the
/// region that the backup is of may still run on this machine.
fn write_file(data: &DataDir, name: &str, bytes: Vec<u8>) -> Result<()> {
    let path = data.root().join(name);
    ensure!(!path.exists(), "the backup has a file '{name}', which is no file of a data folder");
    let bytes = if path == data.identity_file() { data.renamed_identity(&bytes)? } else { bytes };
    data.write_secret(&path, &bytes)
}

/// A folder beside the place where it will be. Dropped, it is gone.
struct NewFolder {
    path: PathBuf,
}

impl NewFolder {
    fn beside(target: &Path) -> Result<Self> {
        let (parent, name) = place(target)?;
        let prefix = format!(".{name}.restoring-");
        fs::create_dir_all(&parent).with_context(|| format!("cannot make {}", parent.display()))?;
        sweep(&parent, &prefix)?;
        let path = parent.join(format!("{prefix}{}", std::process::id()));
        // One of our own number is of a process before us: in a container all have the same.
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make a folder beside {}", target.display()))?;
        Ok(Self { path })
    }

    /// Puts it at its place, for good.
    fn put_at(mut self, target: &Path) -> Result<()> {
        let (parent, _) = place(target)?;
        let put = || -> io::Result<()> {
            fs::rename(&self.path, target)?;
            File::open(&parent)?.sync_all()
        };
        put().with_context(|| {
            format!("cannot put the restored folder at {} (is it a mount point? name a folder in it)", target.display())
        })?;
        self.path = PathBuf::new();
        Ok(())
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            // What cannot be removed now is swept by the next restore.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// The folder that the target is in, and its name there.
fn place(target: &Path) -> Result<(PathBuf, String)> {
    let whole = std::path::absolute(target)?;
    let name = whole.file_name().with_context(|| format!("{} names no folder", target.display()))?;
    let parent = whole.parent().with_context(|| format!("{} names no folder", target.display()))?;
    Ok((parent.to_owned(), name.to_string_lossy().into_owned()))
}

/// Removes what restores that were killed have left.
fn sweep(parent: &Path, prefix: &str) -> Result<()> {
    for entry in fs::read_dir(parent).with_context(|| format!("cannot read {}", parent.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(pid) = name.strip_prefix(prefix) else { continue };
        if !Path::new("/proc").join(pid).exists() {
            fs::remove_dir_all(entry.path()).with_context(|| format!("cannot remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::NewFolder;

    #[test]
    fn what_a_restore_that_was_killed_has_left_is_swept_also_where_all_processes_have_one_number() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("data");
        // No process has the second number: it is beyond what the kernel gives out.
        let numbers = [std::process::id(), 1 << 23];
        let left = numbers.map(|number| parent.path().join(format!(".data.restoring-{number}")));
        for folder in &left {
            fs::create_dir_all(folder.join("store")).unwrap();
        }
        let new = NewFolder::beside(&target).unwrap();
        assert_eq!(new.path, left[0]);
        assert_eq!(fs::read_dir(&new.path).unwrap().count(), 0);
        assert!(!left[1].exists());
        drop(new);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
