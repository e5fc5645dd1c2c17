//! `welkin backup`: everything that a region knows and keeps, into one file, whether it runs or not.
//!
//! The file appears under its name when it is whole, read back, and on disk; until then it has another name, and a
//! failure leaves nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ::backup::{Item, Manifest, Reader, Summary};
use anyhow::{Context, Result, anyhow, bail};
use region::admin::Answer;
use region::backups::{self, Backups};

use crate::data_dir::DataDir;
use crate::settings::Settings;
use crate::{processes, space, standing};

/// Backs a region up into `file`; one that is there is replaced only if that is asked for.
pub fn run(settings: &Settings, file: &Path, replace: bool) -> Result<()> {
    let data = DataDir::open(&settings.data_dir)?;
    if data.identity()?.is_none() {
        bail!("{} is not a data folder of Welkin, or no region has been started in it", data.root().display());
    }
    if !replace && file.exists() {
        bail!("{} is there already; name another file, or replace it with --replace", file.display());
    }
    let part = Part::create(file)?;
    // Whoever reconciles also sweeps objects, and leaves alone what a backup of its own is reading.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let socket = runtime.block_on(processes::reconciling(data.root()));
    match backups::request(&socket) {
        Ok(stream) => part.receive(stream)?,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            part.write_of_stopped(settings, &data)?;
        }
        Err(error) => return Err(error).context("the region that runs there does not answer"),
    }
    let (manifest, summary) = check(&part.path)?;
    part.finish(file)?;
    let size = fs::metadata(file).map_or(0, |metadata| metadata.len());
    println!("{}: {} in {}", file.display(), describe(&manifest, &summary), size_text(size));
    println!("It holds every secret of the region: keep it where only you can read it.");
    if summary.lost.is_empty() {
        return Ok(());
    }
    let lost: Vec<String> = summary.lost.iter().take(10).map(ToString::to_string).collect();
    bail!(
        "the backup lacks the bytes of {} objects, which are damaged or gone in {} (blobs {}…); everything else is in it",
        summary.lost.len(),
        data.blobs().display(),
        lost.join(", ")
    )
}

/// Reads a backup from beginning to end.
///
/// # Errors
/// That it is not one, or what is wrong with it and where, with its name.
pub fn check(file: &Path) -> Result<(Manifest, Summary)> {
    let read = || -> Result<(Manifest, Summary)> {
        let mut reader = Reader::begin(BufReader::with_capacity(1 << 20, File::open(file)?))?;
        let manifest = reader.manifest().clone();
        loop {
            if let Item::End(summary) = reader.next()? {
                return Ok((manifest, summary));
            }
        }
    };
    read().with_context(|| file.display().to_string())
}

/// What is in a backup, for people.
pub fn describe(manifest: &Manifest, summary: &Summary) -> String {
    format!(
        "region {} as of {}, {} records and {} objects",
        manifest.region, manifest.made_at, summary.pairs, summary.blobs
    )
}

fn size_text(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// The file before it is whole. Dropped, it is gone.
struct Part {
    path: PathBuf,
    file: File,
}

impl Part {
    fn create(target: &Path) -> Result<Self> {
        let name = target.file_name().with_context(|| format!("{} names no file", target.display()))?;
        let mut name = name.to_os_string();
        name.push(format!(".{}.part", std::process::id()));
        let path = target.with_file_name(name);
        // One of our own number is of a process before us: in a container all have the same.
        let _ = fs::remove_file(&path);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, file })
    }

    /// Takes what a running region sends.
    fn receive(&self, mut stream: impl Read) -> Result<()> {
        let mut first = [0];
        stream.read_exact(&mut first).context("the region did not answer")?;
        if first[0] == b'{' || first[0] == b'"' {
            let mut answer = first.to_vec();
            stream.take(1 << 16).read_to_end(&mut answer).context("the region did not answer")?;
            match serde_json::from_slice::<Answer>(&answer) {
                Ok(Answer::Refused(why)) => bail!("the region refuses: {why}"),
                other => bail!("unexpected answer: {other:?}"),
            }
        }
        let written = (&self.file).write_all(&first).map(drop);
        written.and_then(|()| io::copy(&mut stream, &mut &self.file).map(drop)).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => anyhow!("the region has sent nothing for two minutes"),
            _ => anyhow::Error::new(error).context(format!("cannot write {}", self.path.display())),
        })
    }

    /// Writes the backup of a region that does not run: its store and its blobs are ours meanwhile.
    fn write_of_stopped(&self, settings: &Settings, data: &DataDir) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let _inside = runtime.enter();
        let store = standing::open_stopped(settings, data)?;
        let blobs = space::open_blobs(settings, data, false)?;
        let folder = Some(data.root().to_owned());
        let backups = Backups::new(store, blobs, folder, &settings.region);
        let mut out = BufWriter::with_capacity(1 << 20, &self.file);
        backups.write(&mut out)?;
        Ok(out.flush()?)
    }

    /// Gives the file its name, for good.
    fn finish(mut self, target: &Path) -> Result<()> {
        let keep = || -> io::Result<()> {
            self.file.sync_all()?;
            fs::rename(&self.path, target)?;
            let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        keep().with_context(|| format!("cannot write {}", target.display()))?;
        // Nothing is left to remove.
        self.path = PathBuf::new();
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            // Whoever sees it knows by its name what it is.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Part;

    #[test]
    fn what_a_backup_that_was_killed_has_left_is_in_the_way_of_none() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("backup");
        let left = folder.path().join(format!("backup.{}.part", std::process::id()));
        fs::write(&left, "half of it").unwrap();
        let part = Part::create(&target).unwrap();
        assert_eq!(part.file.metadata().unwrap().len(), 0);
        part.finish(&target).unwrap();
        assert!(target.exists() && !left.exists());
    }
}
