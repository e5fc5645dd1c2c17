//! A machine's folder: what is in it, and how it comes and goes in one step.
//!
//! | file | is |
//! |---|---|
//! | `spec.json` | the specification it was prepared with |
//! | `root.qcow2` | its root disk: a layer above the image |
//! | `qmp.sock` | QEMU's control socket |
//! | `pid` | written and locked by QEMU, removed by it when it ends in order |
//! | `ran` | names the boot of the host in which its last start succeeded |
//! | `exit.json` | how it ended, until it is started again |
//! | `resets` | the highest reset number |
//! | `console.log` | what it wrote to its serial console, the last of it |
//! | `qemu.log` | what QEMU printed since its last start |
//!
//! A folder is made as `.new-<id>` and renamed when complete, and renamed to `.gone-<id>` before it is removed. What is
//! left of either after a crash is swept when the host is opened.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use host::{HostError, MachineSpec};
use ids::InstanceId;
use serde::{Deserialize, Serialize};

/// How much of a console is kept at least, and handed out at most.
const CONSOLE_KEPT: u64 = 64 << 10;
/// A console file longer than this is cut to its end.
const CONSOLE_LIMIT: u64 = 256 << 10;

/// How a machine ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) by_guest: bool,
    pub(crate) reason: String,
}

/// The folder of one machine, there or not.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
    id: InstanceId,
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(root: &Path, id: &InstanceId) -> Self {
        Self { root: root.to_owned(), id: id.clone(), path: root.join(id.as_str()) }
    }

    pub(crate) fn id(&self) -> &InstanceId {
        &self.id
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn pid_file(&self) -> PathBuf {
        self.file("pid")
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// Where the folder is made before it is complete.
    pub(crate) fn fresh(&self) -> Self {
        Self { path: self.root.join(format!(".new-{}", self.id)), ..self.clone() }
    }

    /// Makes an empty folder in place of whatever is there.
    pub(crate) fn make_empty(&self) -> io::Result<()> {
        remove_tree(&self.path)?;
        fs::create_dir_all(&self.path)
    }

    /// Puts a complete fresh folder in its place.
    pub(crate) fn complete(&self, fresh: &Self) -> io::Result<()> {
        sync_folder(&fresh.path)?;
        fs::rename(&fresh.path, &self.path)?;
        sync_folder(&self.root)
    }

    /// Takes the folder away in one step. [`Folder::sweep`] removes the files.
    pub(crate) fn retire(&self) -> io::Result<()> {
        self.sweep()?;
        match fs::rename(&self.path, self.gone()) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
            _ => sync_folder(&self.root),
        }
    }

    /// Removes what a retired or half-made folder left.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        remove_tree(&self.gone())?;
        remove_tree(&self.fresh().path)
    }

    fn gone(&self) -> PathBuf {
        self.root.join(format!(".gone-{}", self.id))
    }

    /// Removes leftovers in the root, and gives the machines that have a folder.
    pub(crate) fn open_all(root: &Path) -> io::Result<Vec<Self>> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.starts_with(".new-") || name.starts_with(".gone-") {
                remove_tree(&entry.path())?;
            } else if name.starts_with(".probe-") {
                remove_file(&entry.path())?;
            } else if let Ok(id) = name.parse() {
                folders.push(Self::new(root, &id));
            }
        }
        Ok(folders)
    }

    pub(crate) fn spec(&self) -> Result<MachineSpec, HostError> {
        let path = self.file("spec.json");
        let doing = || format!("read {}", path.display());
        let bytes = fs::read(&path).map_err(|cause| HostError::failed(doing(), cause))?;
        serde_json::from_slice(&bytes).map_err(|cause| HostError::failed(doing(), cause))
    }

    pub(crate) fn save_spec(&self, spec: &MachineSpec) -> io::Result<()> {
        self.write("spec.json", &serde_json::to_vec_pretty(spec)?)
    }

    pub(crate) fn exit(&self) -> Option<Exit> {
        serde_json::from_slice(&fs::read(self.file("exit.json")).ok()?).ok()
    }

    pub(crate) fn save_exit(&self, exit: &Exit) -> io::Result<()> {
        self.write("exit.json", &serde_json::to_vec(exit)?)
    }

    /// True if the machine has run since it was prepared and since the host was started: what ended with the host did
    /// not end by itself. QEMU removes its pid file when it fails to start, so a file that is left means that it did
    /// start and was killed before we could note it.
    pub(crate) fn has_run(&self) -> bool {
        match fs::read_to_string(self.file("ran")) {
            Ok(boot) => boot == boot_id(),
            Err(_) => fs::metadata(self.pid_file()).and_then(|data| data.modified()).is_ok_and(|at| at > boot_time()),
        }
    }

    pub(crate) fn save_ran(&self) -> io::Result<()> {
        self.write("ran", boot_id().as_bytes())
    }

    /// Makes the machine one that has not run.
    pub(crate) fn forget_run(&self) -> io::Result<()> {
        for name in ["qmp.sock", "pid", "ran", "exit.json"] {
            remove_file(&self.file(name))?;
        }
        Ok(())
    }

    pub(crate) fn resets(&self) -> u64 {
        fs::read_to_string(self.file("resets")).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    pub(crate) fn save_resets(&self, number: u64) -> io::Result<()> {
        self.write("resets", number.to_string().as_bytes())
    }

    /// Adds to the console file, and cuts it to its end where it has grown too long.
    pub(crate) fn append_console(&self, bytes: &[u8]) -> io::Result<()> {
        let path = self.file("console.log");
        let mut file = File::options().create(true).append(true).open(&path)?;
        file.write_all(bytes)?;
        if file.metadata()?.len() > CONSOLE_LIMIT {
            let end = self.console()?;
            let fresh = self.file("console.log.new");
            fs::write(&fresh, end)?;
            fs::rename(fresh, path)?;
        }
        Ok(())
    }

    /// The end of the console file.
    pub(crate) fn console(&self) -> io::Result<Vec<u8>> {
        read_end(&self.file("console.log"), CONSOLE_KEPT)
    }

    /// The last lines that QEMU printed, in one line.
    pub(crate) fn qemu_words(&self) -> String {
        let bytes = read_end(&self.file("qemu.log"), 2 << 10).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("warning:")).collect();
        lines[lines.len().saturating_sub(4)..].join("; ")
    }

    /// A path to the control socket, good for as long as the folder's descriptor beside it is kept. Socket addresses
    /// hold 107 bytes and data folders have longer names, so the path leads through the descriptor.
    pub(crate) fn socket(&self) -> io::Result<(File, PathBuf)> {
        let folder = File::open(&self.path)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/qmp.sock", folder.as_raw_fd()));
        Ok((folder, path))
    }

    /// Writes a file whole or not at all, and durably.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let fresh = self.file(&format!("{name}.new"));
        let mut file = File::create(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(fresh, self.file(name))?;
        sync_folder(&self.path)
    }
}

/// Makes the root where it is missing, closes it to other users, as who reaches a control socket owns the machine, and
/// locks it against other processes of ours for as long as the file is kept.
pub(crate) fn open_root(root: &Path) -> io::Result<File> {
    fs::create_dir_all(root)?;
    fs::set_permissions(root, fs::Permissions::from_mode(0o700))?;
    let file = File::open(root)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another process has it open")),
        Err(TryLockError::Error(cause)) => Err(cause),
    }
}

/// Names the time since the host was started.
fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

/// About when the host was started.
fn boot_time() -> SystemTime {
    let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds: f64 = uptime.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(f64::MAX);
    let since = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    SystemTime::now().checked_sub(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn read_end(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(limit)))?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{CONSOLE_KEPT, CONSOLE_LIMIT, Folder};

    #[test]
    fn a_console_does_not_grow_without_limit_and_keeps_its_end() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(root.path(), &"i-0123456789abcdef0".parse().unwrap());
        folder.make_empty().unwrap();
        assert_eq!(folder.console().unwrap(), b"");
        let text: Vec<u8> = (0..100_000).flat_map(|number| format!("line {number}\n").into_bytes()).collect();
        for piece in text.chunks(1000) {
            folder.append_console(piece).unwrap();
            assert!(folder.file("console.log").metadata().unwrap().len() <= CONSOLE_LIMIT);
        }
        let end = text.len() - usize::try_from(CONSOLE_KEPT).unwrap();
        assert_eq!(folder.console().unwrap(), text[end..]);
    }
}
