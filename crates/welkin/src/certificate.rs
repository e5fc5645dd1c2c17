//! The certificate that a region shows: whose it is, and that it is looked at again whenever it may have changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use region::Tls;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::data_dir::DataDir;
use crate::own_certificate::{self, OwnCertificate};
use crate::settings::{Settings, TlsKind};

/// How often the files are looked at, without anybody asking for it.
const LOOK: Duration = Duration::from_secs(10);

/// A certificate in files.
pub struct Certificate {
    /// Files of the region's own, and the names that are to be in it.
    own: Option<(DataDir, Vec<String>)>,
    chain: PathBuf,
    key: PathBuf,
    tls: Tls,
    seen: Option<Stamp>,
}

/// What changes when files are written or replaced: time, place and size of both.
type Stamp = [(i64, i64, u64, u64); 2];

impl Certificate {
    /// The certificate that the settings ask for; made, if it is the region's own. None without TLS.
    ///
    /// # Errors
    /// If a file cannot be read or made, or is no certificate or no key.
    pub fn load(settings: &Settings, data: &DataDir) -> Result<Option<Self>> {
        let (own, chain, key) = match &settings.tls {
            TlsKind::Off => return Ok(None),
            TlsKind::Files(chain, key) => (None, chain.clone(), key.clone()),
            TlsKind::SelfSigned => {
                let names = own_certificate::names(settings);
                let files = own_certificate::ensure(data, &names, Timestamp::now())?;
                (Some((data.clone(), names)), files.chain, files.key)
            }
        };
        let seen = stamp(&chain, &key);
        let tls = read(&chain, &key)?;
        Ok(Some(Self { own, chain, key, tls, seen }))
    }

    /// What a server speaks with.
    pub fn tls(&self) -> Tls {
        self.tls.clone()
    }

    /// What clients on this machine must be told to trust; none if others have issued the certificate.
    pub fn authority(&self) -> Option<PathBuf> {
        self.own.as_ref().map(|(data, _)| OwnCertificate::of(data).authority)
    }

    /// Renews the region's own certificate in time, and takes each that was replaced into use: when `bell` rings, and
    /// now and then without. Never returns.
    pub async fn keep(mut self, bell: Arc<Notify>) {
        loop {
            let is_asked = tokio::select! {
                () = bell.notified() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            let look = tokio::task::spawn_blocking(move || {
                self.look(is_asked);
                self
            });
            match look.await {
                Ok(this) => self = this,
                Err(cause) => {
                    warn!(%cause, "the certificate is not looked at any more");
                    return;
                }
            }
        }
    }

    /// A file that cannot be used leaves what there is: a server without a certificate helps nobody.
    fn look(&mut self, is_asked: bool) {
        if let Some((data, names)) = &self.own
            && let Err(error) = own_certificate::ensure(data, names, Timestamp::now())
        {
            warn!("the certificate cannot be renewed: {error:#}");
        }
        let now = stamp(&self.chain, &self.key);
        if now == self.seen && !is_asked {
            return;
        }
        self.seen = now;
        match replace(&self.tls, &self.chain, &self.key) {
            Ok(()) => info!(file = %self.chain.display(), "the certificate was read again"),
            Err(error) => warn!("the certificate stays as it was: {error:#}"),
        }
    }
}

/// Whether the files that the settings name can be used.
///
/// # Errors
/// Why not.
pub fn check(settings: &Settings) -> Result<()> {
    match &settings.tls {
        TlsKind::Files(chain, key) => read(chain, key).map(drop),
        TlsKind::Off | TlsKind::SelfSigned => Ok(()),
    }
}

fn read(chain: &Path, key: &Path) -> Result<Tls> {
    Tls::new(&bytes(chain)?, &bytes(key)?).with_context(|| context(chain, key))
}

fn replace(tls: &Tls, chain: &Path, key: &Path) -> Result<()> {
    tls.replace(&bytes(chain)?, &bytes(key)?).with_context(|| context(chain, key))
}

fn context(chain: &Path, key: &Path) -> String {
    format!("{} with {}", chain.display(), key.display())
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn stamp(chain: &Path, key: &Path) -> Option<Stamp> {
    let one = |path: &Path| {
        let seen = fs::metadata(path).ok()?;
        Some((seen.mtime(), seen.mtime_nsec(), seen.ino(), seen.size()))
    };
    Some([one(chain)?, one(key)?])
}
