//! Processes that outlive us: found again by what their command line names, held by a pidfd, so that a process id that
//! was given to someone else is never touched.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::unix::AsyncFd;

/// A process that is certainly the one meant.
pub(crate) struct Process {
    pidfd: AsyncFd<std::os::fd::OwnedFd>,
}

impl Process {
    /// Takes hold of a process if it is alive and its command line has `pid_file` as an argument. The check comes after
    /// the hold, so the process cannot be replaced in between.
    pub(crate) fn hold(number: u32, pid_file: &Path) -> io::Result<Option<Self>> {
        let Some(pid) = i32::try_from(number).ok().and_then(Pid::from_raw) else { return Ok(None) };
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(cause) => return Err(cause.into()),
        };
        let arguments = arguments(number);
        if !arguments.split(|byte| *byte == 0).any(|argument| argument == pid_file.as_os_str().as_bytes()) {
            return Ok(None);
        }
        // SAFETY: an `OwnedFd` gives the same open descriptor for as long as it lives, and the `AsyncFd` owns it.
        #[allow(unsafe_code)]
        let pidfd = unsafe { AsyncFd::register(pidfd)? };
        Ok(Some(Self { pidfd }))
    }

    /// Returns when the process has ended.
    pub(crate) async fn ended(&self) {
        // A pidfd is readable from the end of its process on, and never otherwise. An error means that our runtime is
        // shutting down, and then nobody listens.
        let _ = self.pidfd.readable().await;
    }

    /// Kills the process and waits for its end, at most `limit`. False if it is still there.
    pub(crate) async fn kill(&self, limit: Duration) -> bool {
        // It may have ended already; the wait tells.
        let _ = pidfd_send_signal(self.pidfd.get_ref(), Signal::KILL);
        tokio::time::timeout(limit, self.ended()).await.is_ok()
    }
}

/// The processes on this machine that were started with a pid file below `root`, by that file. Unlike the files it
/// shows processes that are just starting.
pub(crate) fn below(root: &Path) -> io::Result<HashMap<PathBuf, u32>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let arguments = arguments(pid);
        let mut arguments = arguments.split(|byte| *byte == 0).skip_while(|argument| *argument != b"-pidfile");
        if let Some(file) = arguments.nth(1).map(|bytes| Path::new(OsStr::from_bytes(bytes)))
            && file.starts_with(root)
        {
            found.insert(file.to_owned(), pid);
        }
    }
    Ok(found)
}

/// The command line of a process; empty for one that has ended, reaped or not.
fn arguments(pid: u32) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}
