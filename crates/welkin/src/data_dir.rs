//! The data folder: what is where, and who this region is on its machine.
//!
//! `store/` every fact · `blobs/` object bytes · `audit/` who called what · `machines/` disks and consoles · `images/` machine images ·
//! `identity.json` tag, keys and address pool of this region on this machine · `object-keys.json` what objects' keys are
//! sealed under · `environment` how tools reach it ·
//! `tls/` the certificate that it makes itself · `admin.sock` the operator's socket.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use region::{KeyRing, MasterKeys};
use serde::{Deserialize, Serialize};

/// A data folder.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

/// Who a region is on its machine. Made at the first start, never changed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    /// Tells the regions of one machine apart in the names of kernel objects.
    pub tag: String,
    /// Signs the metadata service's tokens.
    pub token_key: [u8; 32],
    /// Where public addresses come from.
    pub public_pool: (Ipv4Addr, u8),
}

impl DataDir {
    /// The folder at `root`, made with mode 0700 if it is not there.
    ///
    /// # Errors
    /// If it cannot be made or read, in one line.
    pub fn create(root: &Path) -> Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .with_context(|| format!("cannot make the data folder {}", root.display()))?;
        Self::open(root)
    }

    /// The folder at `root`, which must be there.
    ///
    /// # Errors
    /// If it is not there or cannot be read, in one line.
    pub fn open(root: &Path) -> Result<Self> {
        fs::read_dir(root).with_context(|| format!("cannot read the data folder {}", root.display()))?;
        let root = root.canonicalize().with_context(|| format!("cannot read the data folder {}", root.display()))?;
        Ok(Self { root })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every fact.
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// Object bytes.
    pub fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// Who called what.
    pub fn audit(&self) -> PathBuf {
        self.root.join("audit")
    }

    /// Machines.
    pub fn machines(&self) -> PathBuf {
        self.root.join("machines")
    }

    /// Machine images, a folder each.
    pub fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// Packages that images are built from.
    pub fn image_cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// How tools reach the region.
    pub fn environment(&self) -> PathBuf {
        self.root.join("environment")
    }

    /// The certificate that the region makes itself, and what it is signed with.
    pub fn tls(&self) -> PathBuf {
        self.root.join("tls")
    }

    /// Which database holds the facts, where it isn't `store/`: for people, and so that nobody starts with the other.
    pub fn database(&self) -> PathBuf {
        self.root.join("database")
    }

    /// Who the region is.
    pub fn identity_file(&self) -> PathBuf {
        self.root.join("identity.json")
    }

    /// What objects' keys are sealed under.
    pub fn object_keys_file(&self) -> PathBuf {
        self.root.join("object-keys.json")
    }

    /// The keys that objects' keys are sealed under.
    ///
    /// # Errors
    /// If they are not there or cannot be read.
    pub fn object_keys(&self) -> Result<MasterKeys> {
        let path = self.object_keys_file();
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// The same in use; made now if this is the first start that needs them. Not called by two processes at once.
    ///
    /// # Errors
    /// If they cannot be read, or written.
    pub fn key_ring(&self) -> Result<KeyRing> {
        let path = self.object_keys_file();
        if !path.try_exists().with_context(|| format!("cannot look at {}", path.display()))? {
            self.write_secret(&path, &serde_json::to_vec_pretty(&MasterKeys::new(new_key()?))?)?;
        }
        let ring = KeyRing::new(&self.object_keys()?).map_err(|why| anyhow!("{}: {why}", path.display()))?;
        let data = self.clone();
        Ok(ring.reloading(move || data.object_keys().map_err(|error| format!("{error:#}"))))
    }

    /// Makes a new key that objects' keys are sealed under from now on, and keeps those before it. Gives its name.
    ///
    /// # Errors
    /// If the keys are not there, or cannot be written.
    pub fn add_object_key(&self) -> Result<String> {
        let keys = self.object_keys()?.with_next(new_key()?);
        self.write_secret(&self.object_keys_file(), &serde_json::to_vec_pretty(&keys)?)?;
        Ok(keys.current().to_owned())
    }

    /// Who the region is, if it has ever been started.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub fn identity(&self) -> Result<Option<Identity>> {
        let path = self.identity_file();
        match fs::read(&path) {
            Ok(bytes) => {
                Ok(Some(serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))?))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Who the region is; decided now if this is its first start.
    ///
    /// # Errors
    /// If a folder is not empty and not ours, or the file cannot be written.
    pub fn identity_or_new(&self, pool: Option<(Ipv4Addr, u8)>) -> Result<Identity> {
        if let Some(mut identity) = self.identity()? {
            if let Some(pool) = pool
                && pool != identity.public_pool
            {
                identity.public_pool = pool;
                self.write_secret(&self.identity_file(), &serde_json::to_vec_pretty(&identity)?)?;
            }
            return Ok(identity);
        }
        if let Some(stranger) = self.stranger()? {
            bail!("{} is not empty and not a data folder of Welkin (it has '{stranger}')", self.root.display());
        }
        let mut token_key = [0; 32];
        getrandom::fill(&mut token_key).context("no random source")?;
        let tag = new_tag()?;
        let public_pool = match pool {
            Some(pool) => pool,
            None => free_pool(&tag)?,
        };
        let identity = Identity { tag, token_key, public_pool };
        self.write_secret(&self.identity_file(), &serde_json::to_vec_pretty(&identity)?)?;
        Ok(identity)
    }

    /// An identity file's text for a copy of its region: another tag, and the rest as it is, whichever version of Welkin
    /// wrote it.
    ///
    /// # Errors
    /// If it is no identity file.
    pub fn renamed_identity(&self, text: &[u8]) -> Result<Vec<u8>> {
        let mut identity: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(text).context("its identity.json is damaged")?;
        identity.insert("tag".to_owned(), new_tag()?.into());
        Ok(serde_json::to_vec_pretty(&identity)?)
    }

    /// Something in the folder that we did not put there.
    fn stranger(&self) -> Result<Option<String>> {
        const OURS: &[&str] = &[
            // A first start that ended while it wrote who it is.
            "identity.new",
            "store",
            "audit",
            "blobs",
            "machines",
            "images",
            "cache",
            "environment",
            "admin.sock",
            "tls",
            "database",
            "starting.lock",
            "machines.lock",
            "machines.sock",
            "lost+found",
        ];
        for entry in fs::read_dir(&self.root)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !OURS.contains(&name.as_str()) && !name.starts_with("process-") && !name.starts_with('.') {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Writes a file that only its owner reads: whole or not at all.
    ///
    /// # Errors
    /// The kernel's.
    pub fn write_secret(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        // A start must not need room for what is there already: on a full disk there is none.
        if fs::read(path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        let new = path.with_extension("new");
        let write = || -> io::Result<()> {
            let _ = fs::remove_file(&new);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, path)?;
            fs::File::open(path.parent().unwrap_or(&self.root))?.sync_all()
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

fn new_key() -> Result<[u8; 32]> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).context("no random source")?;
    Ok(key)
}

fn new_tag() -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut tag = [0; 6];
    getrandom::fill(&mut tag).context("no random source")?;
    Ok(tag.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
}

/// A /24 of 198.18.0.0/15 (the block for benchmarks between networks, RFC 2544, which nobody routes) that no route of
/// this machine touches. Where to begin is chosen by the region's tag.
fn free_pool(tag: &str) -> Result<(Ipv4Addr, u8)> {
    const BASE: u32 = 0xc612_0000;
    const COUNT: u32 = 512;
    let routes = fs::read_to_string("/proc/net/route").context("cannot read /proc/net/route")?;
    let taken = parse_routes(&routes);
    let start = tag.bytes().fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % COUNT;
    (0..COUNT)
        .map(|step| BASE + ((start + step) % COUNT) * 256)
        .find(|base| !taken.iter().any(|(address, mask)| base & mask & !0xff == address & mask & !0xff && *mask != 0))
        .map(|base| (Ipv4Addr::from_bits(base), 24))
        .context("every block of 198.18.0.0/15 is routed on this machine; name another one with --public-pool")
}

/// Destination and mask of each route in `/proc/net/route`, which prints them as native-endian hexadecimal numbers.
fn parse_routes(text: &str) -> Vec<(u32, u32)> {
    let number = |field: Option<&str>| u32::from_str_radix(field?, 16).ok().map(u32::swap_bytes);
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            Some((number(fields.nth(1))?, number(fields.nth(5))?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{DataDir, parse_routes};

    #[test]
    fn routes_are_read() {
        let text = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
                    eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                    wk\t000712C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(parse_routes(text), [(0, 0), (0xc612_0700, 0xffff_ff00)]);
    }

    #[test]
    fn a_first_start_that_ended_while_it_wrote_its_identity_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::create(folder.path()).unwrap();
        for left in ["", r#"{"tag": "ab"#] {
            std::fs::write(folder.path().join("identity.new"), left).unwrap();
            let identity = data.identity_or_new(None).unwrap();
            assert_eq!(data.identity().unwrap().unwrap().tag, identity.tag);
            assert!(!folder.path().join("identity.new").exists());
            std::fs::remove_file(data.identity_file()).unwrap();
        }
    }

    #[test]
    fn a_key_file_that_was_being_written_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::create(folder.path()).unwrap();
        std::fs::write(folder.path().join("object-keys.new"), "{").unwrap();
        data.key_ring().unwrap();
        let first = data.object_keys().unwrap().current().to_owned();
        std::fs::write(folder.path().join("object-keys.new"), "{").unwrap();
        assert_ne!(data.add_object_key().unwrap(), first);
        data.key_ring().unwrap();
    }

    #[test]
    fn identity_is_kept_and_strangers_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::create(&folder.path().join("a")).unwrap();
        let first = data.identity_or_new(None).unwrap();
        assert_eq!(data.identity_or_new(None).unwrap().tag, first.tag);
        let pool = ("10.9.0.0".parse().unwrap(), 24);
        assert_eq!(data.identity_or_new(Some(pool)).unwrap().public_pool, pool);
        let other = folder.path().join("b");
        std::fs::create_dir(&other).unwrap();
        std::fs::write(other.join("thesis.tex"), "x").unwrap();
        let refused = DataDir::create(&other).unwrap().identity_or_new(None).err().unwrap().to_string();
        assert!(refused.contains("thesis.tex"), "{refused}");
    }
}
