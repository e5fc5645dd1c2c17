//! Blobs in several folders, each on a disk of its own: a new one goes to where most is free, and is found wherever it is.
//! A disk that is not there makes reading its blobs fail, and nothing else.
//! Not here: copies. What is on one disk is on that disk.
//!
//! The first folder has a file `disks` with the others' paths: they are opened whether they are named again or not, and
//! one of them that is empty now is a disk that is not mounted, and is left alone.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::folder::failed;
use crate::{
    BlobError, BlobHold, BlobId, BlobListed, BlobReader, BlobStore, BlobWritten, ByteSource, Cipher, DigestKind,
    DiskStats, FolderBlobs, FolderLimits,
};

/// How long the disk where most is free stays the one.
const CHOSEN_FOR: Duration = Duration::from_secs(1);

/// Keeps blobs in one folder or in several.
pub struct Disks {
    present: Vec<Arc<FolderBlobs>>,
    missing: Vec<Missing>,
    chosen: Mutex<Option<(Instant, usize)>>,
}

/// A disk that is not there.
#[derive(Debug)]
pub struct Missing {
    /// Its folder.
    pub folder: PathBuf,
    /// Why it can't be used.
    pub why: String,
}

impl Disks {
    /// Opens folders, which are made if they never were there, and those that were used beside the first one before;
    /// `is_shared`, other processes use them too. The first one must be there. Limits are for each. Blocks on the disk.
    /// Errors: as [`FolderBlobs::open`], of the first folder or of the list in it.
    pub fn open(folders: &[PathBuf], limits: &FolderLimits, is_shared: bool) -> Result<Self, BlobError> {
        let open = |folder: &Path| match is_shared {
            true => FolderBlobs::open_shared(folder, limits.clone()),
            false => FolderBlobs::open(folder, limits.clone()),
        };
        let Some((first, others)) = folders.split_first() else {
            return Err(BlobError::io("open a folder of blobs", io::Error::other("none is named")));
        };
        let mut present = vec![Arc::new(open(first)?)];
        let mut missing = Vec::new();
        let list = first.join("disks");
        let mut known = known(&list)?;
        let new: Vec<PathBuf> = others.iter().filter(|folder| !known.contains(folder)).cloned().collect();
        for folder in &[known.clone(), new].concat() {
            let was_there = known.contains(folder);
            if was_there && !folder.join("layout").exists() {
                missing.push(Missing { folder: folder.clone(), why: "it is empty: is its disk mounted?".to_owned() });
                continue;
            }
            match open(folder) {
                Ok(blobs) => present.push(Arc::new(blobs)),
                Err(error @ (BlobError::InUse(_) | BlobError::UnknownLayout(_))) => return Err(error),
                Err(error) => {
                    missing.push(Missing { folder: folder.clone(), why: chain(&error) });
                    continue;
                }
            }
            if !was_there {
                known.push(folder.clone());
                // Before a blob is in it.
                remember(&list, &known)?;
            }
        }
        Ok(Self { present, missing, chosen: Mutex::default() })
    }

    /// The disks that are not there.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// Where most is free.
    fn roomiest(&self) -> &Arc<FolderBlobs> {
        if let [only] = self.present.as_slice() {
            return only;
        }
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        let index = match *chosen {
            Some((since, index)) if since.elapsed() < CHOSEN_FOR => index,
            _ => {
                let free = |index: &usize| self.present[*index].free_bytes().unwrap_or(0);
                let index = (0..self.present.len()).max_by_key(free).unwrap_or(0);
                *chosen = Some((Instant::now(), index));
                index
            }
        };
        &self.present[index]
    }

    /// What to say of a blob that no disk that is there has.
    fn not_found(&self, id: &BlobId) -> BlobError {
        match self.missing.first() {
            None => BlobError::NotFound(*id),
            Some(missing) => BlobError::io(
                format!("find blob {id}, which may be on a disk that is not there: {}", missing.folder.display()),
                io::Error::other(missing.why.clone()),
            ),
        }
    }
}

#[async_trait]
impl BlobStore for Disks {
    async fn put_with(
        &self,
        source: ByteSource,
        limit: u64,
        digests: &[DigestKind],
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<BlobWritten, BlobError> {
        self.roomiest().put_with(source, limit, digests, cipher).await
    }

    async fn open_with(
        &self,
        id: &BlobId,
        range: Option<Range<u64>>,
        cipher: Option<Arc<dyn Cipher>>,
    ) -> Result<BlobReader, BlobError> {
        for disk in &self.present {
            match disk.open_with(id, range.clone(), cipher.clone()).await {
                Err(BlobError::NotFound(_)) => {}
                outcome => return outcome,
            }
        }
        Err(self.not_found(id))
    }

    async fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        if self.missing.is_empty() {
            for disk in &self.present {
                disk.delete(id).await?;
            }
            return Ok(());
        }
        for disk in &self.present {
            if disk.contains(id).await? {
                return disk.delete(id).await;
            }
        }
        Err(self.not_found(id))
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobListed>, BlobError> {
        let mut all = Vec::new();
        for disk in &self.present {
            all.extend(disk.list(after, limit).await?);
        }
        all.sort_unstable_by_key(|blob| blob.id);
        all.dedup_by_key(|blob| blob.id);
        all.truncate(limit);
        Ok(all)
    }

    fn hold(&self) -> Result<BlobHold, BlobError> {
        let holds = self.present.iter().map(|disk| disk.hold()).collect::<Result<Vec<_>, _>>()?;
        Ok(BlobHold::new(move || drop(holds)))
    }

    async fn survey(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>, BlobError> {
        let mut all = Vec::new();
        for disk in &self.present {
            all.extend(disk.survey(after, limit).await?);
        }
        all.sort_unstable();
        all.dedup();
        all.truncate(limit);
        Ok(all)
    }

    fn folder(&self) -> Option<PathBuf> {
        self.present.first().and_then(|disk| disk.folder())
    }

    async fn stats(&self) -> Result<Vec<DiskStats>, BlobError> {
        let mut all = Vec::new();
        for disk in &self.present {
            all.extend(disk.stats().await?);
        }
        all.extend(self.missing.iter().map(|missing| DiskStats {
            folder: missing.folder.display().to_string(),
            is_missing: true,
            ..DiskStats::default()
        }));
        Ok(all)
    }
}

fn known(list: &Path) -> Result<Vec<PathBuf>, BlobError> {
    match fs::read_to_string(list) {
        Ok(text) => Ok(text.lines().filter(|line| !line.is_empty()).map(PathBuf::from).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed("read", list)(error)),
    }
}

fn remember(list: &Path, known: &[PathBuf]) -> Result<(), BlobError> {
    let text: String = known.iter().map(|folder| format!("{}\n", folder.display())).collect();
    crate::scrub::replace(list, text.as_bytes())
}

fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", chain(cause)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use crate::conformance::{pattern, read};
    use crate::{BlobError, BlobStore, Disks, FolderLimits, source_of};

    fn open(folders: &[PathBuf]) -> Result<Disks, BlobError> {
        Disks::open(folders, &FolderLimits::default(), false)
    }

    #[tokio::test]
    async fn conforms() {
        let root = tempfile::tempdir().unwrap();
        let folders = ["one", "two", "three"].map(|name| root.path().join(name));
        crate::conformance::all(&open(&folders[..1]).unwrap()).await;
        crate::conformance::all(&open(&folders).unwrap()).await;
    }

    #[tokio::test]
    async fn a_disk_that_is_away_fails_its_blobs_alone_and_comes_back() {
        let root = tempfile::tempdir().unwrap();
        let folders = ["one", "two"].map(|name| root.path().join(name));
        let disks = open(&folders).unwrap();
        let mut ids = Vec::new();
        for disk in &disks.present {
            for length in [1_000, 200_000] {
                ids.push((disk.put(source_of(pattern(length, 1)), u64::MAX, &[]).await.unwrap().id, length));
            }
        }
        for (id, length) in &ids {
            assert!(read(&disks, id, None).await.unwrap() == pattern(*length, 1), "found wherever it is");
        }
        assert_eq!(disks.list(None, 10).await.unwrap().len(), 4);
        drop(disks);

        // What is left of a disk that is not mounted is an empty folder.
        let away = root.path().join("away");
        fs::rename(&folders[1], &away).unwrap();
        fs::create_dir(&folders[1]).unwrap();
        let disks = open(&folders).unwrap();
        assert_eq!(disks.missing()[0].folder, folders[1]);
        assert!(disks.stats().await.unwrap()[1].is_missing);
        for (number, (id, _)) in ids.iter().enumerate() {
            let outcome = disks.open(id, None).await;
            match number {
                0 | 1 => assert!(outcome.is_ok()),
                _ => assert!(matches!(outcome, Err(BlobError::Io { .. })), "not one that never was"),
            }
        }
        assert!(matches!(disks.delete(&ids[2].0).await, Err(BlobError::Io { .. })));
        disks.delete(&ids[0].0).await.unwrap();
        disks.put(source_of("new"), 10, &[]).await.unwrap();
        assert_eq!(fs::read_dir(&folders[1]).unwrap().count(), 0, "nothing is put where the disk goes");
        drop(disks);

        assert_eq!(open(&folders[..1]).unwrap().missing().len(), 1, "not named, and still known");
        fs::remove_dir(&folders[1]).unwrap();
        fs::rename(&away, &folders[1]).unwrap();
        let disks = open(&folders[..1]).unwrap();
        assert!(disks.missing().is_empty());
        assert!(read(&disks, &ids[3].0, None).await.unwrap() == pattern(200_000, 1));
        assert!(matches!(disks.open(&ids[0].0, None).await, Err(BlobError::NotFound(_))));
    }
}
