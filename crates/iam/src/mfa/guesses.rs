//! How often somebody may be wrong. A code has six digits, so whoever may try a million times needs no device.
//!
//! What is counted is kept in memory: a refused call changes nothing in the store, and what is lost with the process is
//! some waiting. Each process of a region counts for itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// After how long without a wrong guess the earlier ones are forgotten.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Most names that are kept. When there are more, those whose wait is over are forgotten, and if that is none, all.
const MAX_KEPT: usize = 10_000;

/// Counts wrong guesses by name.
#[derive(Debug)]
pub(crate) struct Guesses {
    pace: Pace,
    wrong: Mutex<Option<HashMap<String, (u32, Timestamp)>>>,
}

/// How fast one may guess.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Wrong guesses in a row that are followed by no wait.
    pub free: u32,
    /// The first wait, in seconds; each further one is twice as long.
    pub first_wait: i64,
    /// How often the wait is doubled at most.
    pub doublings: u32,
}

impl Pace {
    /// Five guesses at once, and in the end one in half an hour: six digits last for decades.
    pub const SLOW: Self = Self { free: 5, first_wait: 15, doublings: 7 };
}

impl Guesses {
    /// Nobody has guessed yet.
    pub const fn new(pace: Pace) -> Self {
        Self { pace, wrong: Mutex::new(None) }
    }

    /// How long `name` must wait before its next guess is looked at; none if it need not.
    pub fn wait(&self, name: &str, now: Timestamp) -> Option<SignedDuration> {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, until) = wrong.as_ref()?.get(name)?;
        Some(until.duration_since(now)).filter(|wait| wait.is_positive())
    }

    /// Notes a wrong guess.
    pub fn wrong(&self, name: &str, now: Timestamp) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = wrong.get_or_insert_default();
        if wrong.len() >= MAX_KEPT && !wrong.contains_key(name) {
            wrong.retain(|_, (_, until)| *until > now);
            if wrong.len() >= MAX_KEPT {
                wrong.clear();
            }
        }
        let (count, until) = wrong.entry(name.to_owned()).or_insert((0, now));
        if now.duration_since(*until) > FORGOTTEN_AFTER {
            *count = 0;
        }
        *count = count.saturating_add(1);
        *until = (*until).max(now);
        if *count >= self.pace.free {
            let seconds = self.pace.first_wait << (*count - self.pace.free).min(self.pace.doublings);
            *until = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
        }
    }

    /// Takes back the last wrong guess.
    pub fn take_back(&self, name: &str, now: Timestamp) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, until)) = wrong.as_mut().and_then(|wrong| wrong.get_mut(name)) {
            *count = count.saturating_sub(1);
            *until = (*until).min(now);
        }
    }

    /// Forgets what `name` had wrong.
    pub fn right(&self, name: &str) {
        if let Some(wrong) = self.wrong.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            wrong.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Guesses, Pace};

    const FREE: u32 = Pace::SLOW.free;

    #[test]
    fn the_wait_grows_and_is_over_with_a_right_guess() {
        let guesses = Guesses::new(Pace::SLOW);
        let mut now = Timestamp::constant(1000, 0);
        for _ in 1..FREE {
            guesses.wrong("a", now);
            assert_eq!(guesses.wait("a", now), None);
        }
        for seconds in [15, 30, 60, 120, 240, 480, 960, 1920, 1920] {
            guesses.wrong("a", now);
            assert_eq!(guesses.wait("a", now), Some(SignedDuration::from_secs(seconds)));
            assert_eq!(guesses.wait("b", now), None);
            now += SignedDuration::from_secs(seconds);
            assert_eq!(guesses.wait("a", now), None);
        }
        guesses.right("a");
        guesses.wrong("a", now);
        assert_eq!(guesses.wait("a", now), None);
    }

    #[test]
    fn old_ones_are_forgotten_and_one_can_be_taken_back() {
        let guesses = Guesses::new(Pace::SLOW);
        let now = Timestamp::constant(1000, 0);
        for _ in 0..FREE {
            guesses.wrong("a", now);
        }
        guesses.take_back("a", now);
        assert_eq!(guesses.wait("a", now), None);
        guesses.wrong("a", now);
        assert!(guesses.wait("a", now).is_some(), "the others still count");
        let later = now + SignedDuration::from_hours(25);
        guesses.wrong("a", later);
        assert_eq!(guesses.wait("a", later), None);
    }

    #[test]
    fn names_are_kept_within_bounds_and_those_that_wait_longest() {
        let guesses = Guesses::new(Pace::SLOW);
        let now = Timestamp::constant(1000, 0);
        for _ in 0..FREE {
            guesses.wrong("a", now);
        }
        for number in 0..super::MAX_KEPT + 10 {
            guesses.wrong(&number.to_string(), now);
        }
        assert!(guesses.wait("a", now).is_some());
        assert!(guesses.wrong.lock().unwrap().as_ref().unwrap().len() <= super::MAX_KEPT);
    }
}
