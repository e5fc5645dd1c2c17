//! What the kernel says of processes, and how they end.

use std::collections::HashMap;
use std::fs;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

/// Memory of a process and everything it started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Resident, in bytes: pages shared by several processes count in each.
    pub rss: u64,
    /// Proportional, in bytes: a shared page is divided among those who have it.
    pub pss: u64,
}

/// The memory of a process and its descendants now.
///
/// # Errors
/// If the process is gone.
pub fn memory_of_tree(root: u32) -> Result<Memory> {
    let mut sum = Memory::default();
    for pid in tree(root)? {
        let read = || -> Option<Memory> {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
            Some(Memory { rss: kilobytes(&status, "VmRSS:")?, pss: kilobytes(&rollup, "Pss:")? })
        };
        match read() {
            Some(memory) => {
                sum.rss += memory.rss;
                sum.pss += memory.pss;
            }
            None if pid == root => anyhow::bail!("process {pid} is gone"),
            None => {}
        }
    }
    Ok(sum)
}

/// The processor time that a process and its descendants have used so far.
///
/// # Errors
/// If the process is gone.
pub fn cpu_of_tree(root: u32) -> Result<Duration> {
    let mut ticks = 0;
    for pid in tree(root)? {
        // One that has ended meanwhile counts for nothing.
        ticks += fs::read_to_string(format!("/proc/{pid}/stat")).ok().and_then(|stat| cpu_ticks(&stat)).unwrap_or(0);
    }
    Ok(Duration::from_millis(ticks * TICK))
}

/// Milliseconds of a tick: every Linux of today shows a hundred ticks a second, whatever it counts with.
const TICK: u64 = 10;

/// User and system time in a line of `/proc/<pid>/stat`.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

fn tree(root: u32) -> Result<Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").context("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        if let Some(parent) = parent(&stat) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(pid) = found.get(at) {
        found.extend(children.remove(pid).unwrap_or_default());
        at += 1;
    }
    Ok(found)
}

/// The parent in a line of `/proc/<pid>/stat`, whose second field is a name that may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The command line of a running process.
///
/// # Errors
/// If it is gone.
pub fn command_line(pid: u32) -> Result<Vec<String>> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).with_context(|| format!("process {pid}"))?;
    let words = bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    let mut words: Vec<String> = words.collect();
    words.pop();
    Ok(words)
}

/// As many open files as this process may have at all, for it and for what it starts: a thousand connections are more
/// than most shells allow.
///
/// # Errors
/// The kernel's.
pub fn raise_file_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum.map(|most| most.min(65_536)).or(Some(65_536)), ..limit };
    setrlimit(Resource::Nofile, raised).context("the limit of open files")
}

/// Asks a child to end, and kills it after `grace`.
///
/// # Errors
/// If it cannot be waited for.
pub fn end(child: &mut Child, grace: Duration) -> Result<ExitStatus> {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw)
        && child.try_wait()?.is_none()
    {
        // It may have ended meanwhile; as it has not been waited for, its number is nobody else's.
        let _ = kill_process(pid, Signal::TERM);
    }
    let until = Instant::now() + grace;
    while Instant::now() < until {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill()?;
    Ok(child.wait()?)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::{Memory, command_line, cpu_ticks, end, memory_of_tree, parent};

    #[test]
    fn parents_of_odd_names() {
        assert_eq!(parent("12 (a) b (c) S 7 12 12 0"), Some(7));
        assert_eq!(parent(""), None);
        assert_eq!(cpu_ticks("12 (a) b) S 7 12 12 0 -1 4194560 1 0 0 0 25 17 0 0"), Some(42));
    }

    /// The memory of a program once it is in place: while it is loaded, two readings are of two moments.
    fn settled(pid: u32) -> Memory {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut last = memory_of_tree(pid).unwrap();
        loop {
            std::thread::sleep(Duration::from_millis(20));
            let now = memory_of_tree(pid).unwrap();
            let is_settled = (now.rss, now.pss) == (last.rss, last.pss) && now.pss <= now.rss;
            if is_settled || Instant::now() > deadline {
                return now;
            }
            last = now;
        }
    }

    #[test]
    fn children_count_and_end() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let own = settled(child.id());
        let both = memory_of_tree(std::process::id()).unwrap();
        assert!(own.rss > 0 && own.pss > 0 && own.pss <= own.rss, "{own:?}");
        assert!(both.rss > own.rss, "{both:?} {own:?}");
        assert_eq!(command_line(std::process::id()).unwrap()[0], std::env::args().next().unwrap());
        assert!(!end(&mut child, Duration::from_secs(10)).unwrap().success());
        memory_of_tree(child.id()).unwrap_err();
    }
}
