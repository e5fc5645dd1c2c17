//! How often somebody may be wrong. A code has six digits, so whoever may try a million times needs no device.
//!
//! What is counted is in the store, and is there before anybody learns that a guess was wrong: it holds over all processes of
//! a region, and over their deaths. Of two guesses at once one is counted first, and the other looked at again. Nothing is
//! written for whoever has to wait.

mod clear;
mod record;

use jiff::{SignedDuration, Timestamp};
use store::{Changes, StoreError, View};

pub use self::clear::GuessReconciler;
pub use self::record::GuessRecord;

/// After how long without a wrong guess the earlier ones are forgotten.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// How fast one may guess at one kind of thing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// What is guessed at, or who guesses; names of different kinds are different.
    pub kind: &'static str,
    /// Wrong guesses in a row that are followed by no wait.
    pub free: u32,
    /// The first wait, in seconds; each further one is twice as long.
    pub first_wait: i64,
    /// How often the wait is doubled at most.
    pub doublings: u32,
}

impl Pace {
    /// Five guesses at once, and in the end one in half an hour: six digits last for decades.
    pub const fn slow(kind: &'static str) -> Self {
        Self { kind, free: 5, first_wait: 15, doublings: 7 }
    }

    /// How long `name` must wait before its next guess is looked at; none if it need not.
    ///
    /// # Errors
    /// The store's.
    pub fn wait(&self, view: &View, name: &str, now: Timestamp) -> Result<Option<SignedDuration>, StoreError> {
        let Some(guesses) = view.get::<GuessRecord>(&self.key(name))? else { return Ok(None) };
        Ok(Some(guesses.until.duration_since(now)).filter(|wait| wait.is_positive()))
    }

    /// Notes a wrong guess. The changes are to be committed before anybody is told that it was wrong.
    ///
    /// # Errors
    /// The store's.
    pub fn wrong(&self, view: &View, changes: &mut Changes, name: &str, now: Timestamp) -> Result<(), StoreError> {
        let key = self.key(name);
        let known = view.get::<GuessRecord>(&key)?;
        let mut guesses = known.unwrap_or(GuessRecord { name: key, wrong: 0, until: now });
        if now.duration_since(guesses.until) > FORGOTTEN_AFTER {
            guesses.wrong = 0;
        }
        guesses.wrong = guesses.wrong.saturating_add(1);
        guesses.until = guesses.until.max(now);
        if guesses.wrong >= self.free {
            let seconds = self.first_wait << (guesses.wrong - self.free).min(self.doublings);
            guesses.until = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
        }
        changes.put(&guesses)
    }

    /// Takes back the last wrong guess.
    ///
    /// # Errors
    /// The store's.
    pub fn take_back(&self, view: &View, changes: &mut Changes, name: &str, now: Timestamp) -> Result<(), StoreError> {
        let Some(mut guesses) = view.get::<GuessRecord>(&self.key(name))? else { return Ok(()) };
        guesses.wrong = guesses.wrong.saturating_sub(1);
        guesses.until = guesses.until.min(now);
        if guesses.wrong == 0 {
            changes.delete::<GuessRecord>(&guesses.name);
            return Ok(());
        }
        changes.put(&guesses)
    }

    /// Forgets what `name` had wrong.
    ///
    /// # Errors
    /// The store's.
    pub fn right(&self, view: &View, changes: &mut Changes, name: &str) -> Result<(), StoreError> {
        let key = self.key(name);
        if view.contains::<GuessRecord>(&key)? {
            changes.delete::<GuessRecord>(&key);
        }
        Ok(())
    }

    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.kind)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use store::{Changes, CommitError, KeyPrefix, Memory, Store};

    use super::{GuessRecord, Pace};

    const PACE: Pace = Pace::slow("test");

    /// One guess, as a process makes it: looked at if it need not wait, and counted.
    async fn wrong(store: &Store, name: &str, now: Timestamp) {
        let (view, mut changes) = (store.view().unwrap(), Changes::new());
        PACE.wrong(&view, &mut changes, name, now).unwrap();
        store.commit(Some(&view), changes).await.unwrap();
    }

    fn wait(store: &Store, name: &str, now: Timestamp) -> Option<i64> {
        PACE.wait(&store.view().unwrap(), name, now).unwrap().map(|wait| wait.as_secs())
    }

    #[tokio::test]
    async fn the_wait_grows_and_is_over_with_a_right_guess() {
        let store = Store::new(Memory::new());
        let mut now = Timestamp::constant(1000, 0);
        for _ in 1..PACE.free {
            wrong(&store, "a", now).await;
            assert_eq!(wait(&store, "a", now), None);
        }
        for seconds in [15, 30, 60, 120, 240, 480, 960, 1920, 1920] {
            wrong(&store, "a", now).await;
            assert_eq!(wait(&store, "a", now), Some(seconds));
            assert_eq!(wait(&store, "b", now), None);
            let elsewhere = Pace::slow("other").wait(&store.view().unwrap(), "a", now).unwrap();
            assert_eq!(elsewhere, None, "another kind");
            now += SignedDuration::from_secs(seconds);
            assert_eq!(wait(&store, "a", now), None);
        }
        let (view, mut changes) = (store.view().unwrap(), Changes::new());
        PACE.right(&view, &mut changes, "a").unwrap();
        store.commit(Some(&view), changes).await.unwrap();
        assert!(store.view().unwrap().scan::<GuessRecord>(&KeyPrefix::all(), None, 1).unwrap().is_empty());
        wrong(&store, "a", now).await;
        assert_eq!(wait(&store, "a", now), None);
    }

    #[tokio::test]
    async fn old_ones_are_forgotten_and_one_can_be_taken_back() {
        let store = Store::new(Memory::new());
        let now = Timestamp::constant(1000, 0);
        for _ in 0..PACE.free {
            wrong(&store, "a", now).await;
        }
        let (view, mut changes) = (store.view().unwrap(), Changes::new());
        PACE.take_back(&view, &mut changes, "a", now).unwrap();
        store.commit(Some(&view), changes).await.unwrap();
        assert_eq!(wait(&store, "a", now), None);
        wrong(&store, "a", now).await;
        assert!(wait(&store, "a", now).is_some(), "the others still count");
        let later = now + SignedDuration::from_hours(25);
        wrong(&store, "a", later).await;
        assert_eq!(wait(&store, "a", later), None);
    }

    #[tokio::test]
    async fn of_two_guesses_at_once_one_is_looked_at_again() {
        let store = Store::new(Memory::new());
        let now = Timestamp::constant(1000, 0);
        for _ in 1..PACE.free {
            wrong(&store, "a", now).await;
        }
        let (view, other) = (store.view().unwrap(), store.view().unwrap());
        let (mut changes, mut others) = (Changes::new(), Changes::new());
        PACE.wrong(&view, &mut changes, "a", now).unwrap();
        PACE.right(&other, &mut others, "a").unwrap();
        store.commit(Some(&view), changes).await.unwrap();
        let late = store.commit(Some(&other), others).await;
        assert!(matches!(late, Err(CommitError::Conflict)), "a right one too");
        assert_eq!(wait(&store, "a", now), Some(15));
    }
}
