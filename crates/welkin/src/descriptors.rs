//! How many files and connections this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, warn};

/// What the store, blobs, machines and everything else but connections need.
const OWN: u64 = 512;

/// Raises the soft limit to the hard one, and gives the number of connections that this leaves room for, `wanted` at
/// most.
pub fn raise(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum
        && let Err(cause) = setrlimit(Resource::Nofile, raised)
    {
        debug!(%cause, "the limit of open files stays");
    }
    let room = room(getrlimit(Resource::Nofile).current, wanted);
    if room < wanted {
        warn!(
            "at most {room} connections at a time, as this process may not open more files: raise its limit (ulimit -n)"
        );
    }
    room
}

/// How many connections there is room for once [`raise`] has been called, and how many may wait in the kernel.
pub fn prospect(wanted: usize) -> (usize, usize) {
    let waiting = std::fs::read_to_string("/proc/sys/net/core/somaxconn").ok();
    let waiting = waiting.and_then(|text| text.trim().parse().ok()).unwrap_or(128);
    (room(getrlimit(Resource::Nofile).maximum, wanted), waiting)
}

/// None is no limit.
fn room(limit: Option<u64>, wanted: usize) -> usize {
    // Even where there is hardly any room somebody must be able to ask.
    let most = limit.map_or(u64::MAX, |limit| limit.saturating_sub(OWN).max(limit / 4).max(8));
    usize::try_from(most).unwrap_or(usize::MAX).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::room;

    #[test]
    fn connections_leave_room_for_the_rest() {
        assert_eq!(room(None, 4096), 4096);
        assert_eq!(room(Some(1 << 20), 4096), 4096);
        assert_eq!(room(Some(1024), 4096), 512);
        assert_eq!(room(Some(256), 4096), 64);
        assert_eq!(room(Some(4), 4096), 8);
    }
}
