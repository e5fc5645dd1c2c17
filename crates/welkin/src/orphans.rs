//! Processes that the program before us had started: after `welkin restart` they are our children, and nobody else will
//! take note of their end. Machines that have ended would stay in the process table for ever.

use std::fs;
use std::io;

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::signal::unix::{SignalKind, signal};

/// Takes note of the end of every child that this process has now. To be called before it starts any of its own, within
/// a tokio runtime.
///
/// # Errors
/// The kernel's.
pub fn adopt() -> io::Result<()> {
    let mut children = children()?;
    if children.is_empty() {
        return Ok(());
    }
    let mut ended = signal(SignalKind::child())?;
    tokio::spawn(async move {
        while !children.is_empty() {
            // Those alone: whoever starts a child of its own waits for it itself.
            children.retain(|child| matches!(waitpid(Some(*child), WaitOptions::NOHANG), Ok(None)));
            ended.recv().await;
        }
    });
    Ok(())
}

fn children() -> io::Result<Vec<Pid>> {
    let own = std::process::id();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        // A process that has gone meanwhile is not ours to wait for.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if parent(&stat) == Some(own) {
            found.extend(Pid::from_raw(pid));
        }
    }
    Ok(found)
}

/// The parent in a line of `/proc/<pid>/stat`: the second field after the program's name, which may have anything in it.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parent;

    #[test]
    fn parents_are_read_whatever_the_program_is_called() {
        assert_eq!(parent("77 (qemu-system-x86) S 12 77 77 0 -1"), Some(12));
        assert_eq!(parent("77 (odd) S 9 (name) R 13 77"), Some(13));
        assert_eq!(parent(""), None);
    }
}
