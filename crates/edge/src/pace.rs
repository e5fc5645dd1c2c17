//! The rate that a peer must keep, in sending and in taking: without one, a byte in each idle time holds a place for ever.

use std::time::Duration;

use crate::limits::Limits;

/// Counts what moves, and how long it was waited for. Time in which we do not wait is not the peer's.
pub(crate) struct Pace {
    window: Duration,
    rate: f64,
    waited: Duration,
    moved: u64,
}

impl Pace {
    /// The pace of these limits.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { window: limits.pace_time, rate: limits.min_rate as f64, waited: Duration::ZERO, moved: 0 }
    }

    /// Notes that `bytes` moved after waiting for so long. Whether that is still enough.
    pub(crate) fn note(&mut self, waited: Duration, bytes: u64) -> bool {
        self.waited += waited;
        self.moved = self.moved.saturating_add(bytes);
        if self.waited < self.window {
            return true;
        }
        // A single wait may be much longer than the window.
        let is_enough = self.moved as f64 >= self.waited.as_secs_f64() * self.rate;
        self.waited = Duration::ZERO;
        self.moved = 0;
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;
    use crate::limits::Limits;

    #[test]
    fn too_little_in_a_window_is_too_slow() {
        let limits = Limits { min_rate: 100, pace_time: Duration::from_secs(10), ..Limits::default() };
        let check = |notes: &[(u64, u64)], expected: bool| {
            let mut pace = Pace::new(&limits);
            let is_enough = notes.iter().all(|(seconds, bytes)| pace.note(Duration::from_secs(*seconds), *bytes));
            assert_eq!(is_enough, expected, "{notes:?}");
        };
        check(&[(0, 1), (0, 1), (0, 1)], true);
        check(&[(9, 1)], true);
        check(&[(9, 1), (1, 1)], false);
        check(&[(9, 1), (1, 999)], true);
        check(&[(30, 2999)], false);
        check(&[(30, 3000)], true);
        check(&[(5, 1000), (5, 0), (9, 0)], true);
        check(&[(5, 1000), (5, 0), (10, 999)], false);
    }
}
