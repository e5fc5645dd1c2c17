//! Keeps what a simulated host has in a folder, one JSON file a thing, so that the next process finds it again.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use host::HostError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A folder of JSON files, or nowhere.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    path: Option<PathBuf>,
}

impl Folder {
    /// Makes the folder where it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, HostError> {
        std::fs::create_dir_all(path).map_err(|cause| failed(path, cause))?;
        Ok(Self { path: Some(path.to_owned()) })
    }

    /// Everything saved here, in no order. A file that does not parse is an error, not nothing: to forget a machine
    /// would be to lose it.
    pub(crate) fn load<T: DeserializeOwned>(&self) -> Result<Vec<T>, HostError> {
        let Some(folder) = &self.path else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|cause| failed(folder, cause))? {
            let path = entry.map_err(|cause| failed(folder, cause))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let bytes = std::fs::read(&path).map_err(|cause| failed(&path, cause))?;
                all.push(serde_json::from_slice(&bytes).map_err(|cause| failed(&path, cause))?);
            }
        }
        Ok(all)
    }

    /// Saves `value` under `name`, whole or not at all.
    pub(crate) fn save(&self, name: &str, value: &impl Serialize) -> Result<(), HostError> {
        let Some(folder) = &self.path else { return Ok(()) };
        let (path, fresh) = (folder.join(format!("{name}.json")), folder.join(format!("{name}.new")));
        let write = || -> std::io::Result<()> {
            // Credentials of instances are among what networks know.
            let mut open = std::fs::OpenOptions::new();
            let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            file.write_all(&serde_json::to_vec_pretty(value)?)?;
            file.sync_all()?;
            std::fs::rename(&fresh, &path)
        };
        write().map_err(|cause| failed(&path, cause))
    }

    /// Removes what was saved under `name`, if anything was.
    pub(crate) fn remove(&self, name: &str) -> Result<(), HostError> {
        let Some(folder) = &self.path else { return Ok(()) };
        let path = folder.join(format!("{name}.json"));
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(failed(&path, cause)),
            _ => Ok(()),
        }
    }
}

fn failed(path: &Path, cause: impl std::fmt::Display) -> HostError {
    HostError::failed(format!("simulated host: {}", path.display()), cause)
}
