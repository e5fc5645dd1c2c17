//! A login as it is kept on the person's machine: a file that only the person can read.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A login.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The region's endpoint.
    pub endpoint: String,
    /// The file of the authority that its certificate is trusted by; none for those of the machine.
    pub authority: Option<PathBuf>,
    /// The account, as it was named.
    pub account: String,
    /// The user, as it was named.
    pub user: String,
    /// Who that is.
    pub arn: String,
    /// The region's name.
    pub region: String,
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret: String,
    /// The session token.
    pub token: String,
    /// When it ends.
    pub expires: Timestamp,
}

impl Saved {
    /// The login of a profile, if there is one.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn read(profile: &str) -> Result<Option<Self>> {
        let path = path(profile)?;
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let saved = serde_json::from_slice(&text);
        saved.map(Some).with_context(|| format!("{} is no login of this program: remove it", path.display()))
    }

    /// Keeps it, in the place of an earlier one.
    ///
    /// # Errors
    /// The kernel's.
    pub fn write(&self, profile: &str) -> Result<()> {
        let path = path(profile)?;
        write_private(&path, &serde_json::to_vec(self)?).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Forgets the login of a profile.
    ///
    /// # Errors
    /// The kernel's.
    pub fn remove(profile: &str) -> Result<()> {
        let path = path(profile)?;
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
    }
}

/// Writes a file whole, in the place of one that is there, for its owner alone; makes the folder too.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(name);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // What is half written is of use to nobody; that it stays is told by the next attempt.
        let _ = fs::remove_file(&new);
    }
    written
}

fn path(profile: &str) -> Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    let base = base.context("there is no HOME to keep a login in")?;
    Ok(base.join("welkin/logins").join(format!("{profile}.json")))
}
