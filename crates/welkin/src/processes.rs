//! The processes of one data folder. There is one where the facts are in the folder; where they are in a database, there
//! may be several, each with a folder `process-1`, `process-2`, … in it, for its lock and its operator's socket.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use region::admin::{Answer, Request, ask};

/// Processes of one folder at most.
const MOST: usize = 16;

/// A process's place, which is free again when the process ends, however it does.
pub struct Slot {
    root: PathBuf,
    number: usize,
    _lock: File,
}

impl Slot {
    /// The first place that is free.
    ///
    /// # Errors
    /// None is, or the folder can't be written.
    pub fn take(root: &Path) -> Result<Self> {
        for number in 1..=MOST {
            let folder = folder(root, number);
            let wrong = || format!("cannot use {}", folder.display());
            match fs::create_dir(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(error).with_context(wrong);
                }
                _ => {}
            }
            let mut options = File::options();
            let path = folder.join("lock");
            let mut lock =
                options.read(true).write(true).create(true).truncate(false).open(path).with_context(wrong)?;
            match lock.try_lock() {
                Ok(()) => {
                    lock.set_len(0).and_then(|()| lock.rewind()).with_context(wrong)?;
                    writeln!(lock, "{}", std::process::id()).with_context(wrong)?;
                    return Ok(Self { root: root.to_owned(), number, _lock: lock });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error).with_context(wrong),
            }
        }
        bail!("{MOST} processes use {} already", root.display())
    }

    /// Whether no other process is there.
    pub fn is_first(&self) -> bool {
        self.number == 1
    }

    /// Its name, such as `process-1`.
    pub fn name(&self) -> String {
        name(self.number)
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        folder(&self.root, self.number)
    }

    /// Whether the process that was named `process-1 (pid 4711, …)` is known to have ended: its place is free, or
    /// another one's.
    pub fn has_ended(&self, named: &str) -> bool {
        let Some((number, pid)) = parse(named) else { return false };
        if number == self.number {
            return pid != std::process::id();
        }
        match is_taken(&folder(&self.root, number)) {
            Some(found) => found.is_some_and(|found| found != pid),
            None => true,
        }
    }
}

/// Where the processes that run on a data folder have their operators' sockets.
pub fn sockets(root: &Path) -> Vec<PathBuf> {
    let places = (1..=MOST).map(|number| folder(root, number)).filter(|folder| is_taken(folder).is_some());
    let mut found: Vec<PathBuf> = places.collect();
    // The only process of a folder has its socket in it; and so does nobody, which is then said in the usual words.
    if found.is_empty() {
        found.push(root.to_owned());
    }
    found
}

/// Where the process that reconciles has its socket; any one's if none does or says so.
pub async fn reconciling(root: &Path) -> PathBuf {
    let sockets = sockets(root);
    for socket in &sockets {
        if let Ok(Answer::Reconcilers(_)) = ask(socket, Request::Reconcilers, Duration::from_secs(5)).await {
            return socket.clone();
        }
    }
    sockets.into_iter().next().unwrap_or_else(|| root.to_owned())
}

/// Waits until no process has a place in the folder any more.
///
/// # Errors
/// One still has after the time given.
pub async fn ended(root: &Path, limit: Duration) -> Result<()> {
    let waiting = async {
        while (1..=MOST).any(|number| is_taken(&folder(root, number)).is_some()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let ended = tokio::time::timeout(limit, waiting).await;
    ended.map_err(|_| anyhow::anyhow!("a process of the region still runs on {}", root.display()))
}

fn name(number: usize) -> String {
    format!("process-{number}")
}

fn folder(root: &Path, number: usize) -> PathBuf {
    root.join(name(number))
}

/// Whether a process has this place; its id, if it could be read.
fn is_taken(folder: &Path) -> Option<Option<u32>> {
    let mut lock = File::open(folder.join("lock")).ok()?;
    if lock.try_lock_shared().is_ok() {
        return None;
    }
    let mut text = String::new();
    let _ = lock.read_to_string(&mut text);
    Some(text.trim().parse().ok())
}

/// The number and the process id in a name such as `process-1 (pid 4711, 127.0.0.1:4566)`.
fn parse(named: &str) -> Option<(usize, u32)> {
    let (number, rest) = named.strip_prefix("process-")?.split_once(" (pid ")?;
    let digits = rest.split(|character: char| !character.is_ascii_digit()).next()?;
    Some((number.parse().ok()?, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Slot, parse, sockets};

    #[test]
    fn places_are_taken_in_turn_and_free_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(sockets(root), [root]);
        let first = Slot::take(root).unwrap();
        let second = Slot::take(root).unwrap();
        assert!(first.is_first() && !second.is_first());
        assert_eq!(sockets(root), [first.folder(), second.folder()]);
        let own = format!("process-1 (pid {}, 127.0.0.1:1)", std::process::id());
        assert!(!second.has_ended(&own));
        assert!(second.has_ended("process-1 (pid 1)"), "the place is another process's");
        assert!(second.has_ended("process-7 (pid 1)"), "nobody is there");
        assert!(!second.has_ended("somebody else"));
        drop(first);
        assert!(second.has_ended(&own));
        assert_eq!(Slot::take(root).unwrap().name(), "process-1");
    }

    #[test]
    fn names_are_read() {
        assert_eq!(parse("process-12 (pid 4711, [::1]:80)"), Some((12, 4711)));
        assert_eq!(parse("process-12 (pid 4711)"), Some((12, 4711)));
        assert_eq!(parse("process-x (pid 4711)"), None);
    }
}
