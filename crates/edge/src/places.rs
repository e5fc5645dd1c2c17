//! Places for connections. When all are taken, whoever has been idle for the longest leaves for who comes; busy
//! connections never do. One address cannot have all places.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::activity::Activity;
use crate::limits::Limits;
use crate::source::Source;

/// How often a full house is looked over for somebody who has become idle.
const LOOK: Duration = Duration::from_millis(50);

/// All places of a server.
pub(crate) struct Places {
    limit: usize,
    share: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    open: HashMap<u64, Open>,
    /// Connections of each source that have not been told to leave.
    by_source: HashMap<Source, usize>,
}

struct Open {
    source: Source,
    activity: Arc<Activity>,
    is_dismissed: bool,
}

impl Places {
    /// As many places as these limits allow.
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let limit = limits.connections;
        // However few there are, some are left for others.
        let share = limits.connections_per_source.min((limit * 3).div_ceil(4));
        Arc::new(Self { limit, share, state: Mutex::default(), freed: Notify::new() })
    }

    /// A place, once there is one; none if this source has its share already and uses all of it.
    pub(crate) async fn enter(self: &Arc<Self>, source: Source, activity: &Arc<Activity>) -> Option<Place> {
        loop {
            let freed = self.freed.notified();
            {
                let mut state = self.lock();
                if state.open.len() < self.limit {
                    if state.by_source.get(&source).is_some_and(|count| *count >= self.share)
                        && !state.dismiss_longest_idle(Some(source))
                    {
                        return None;
                    }
                    return Some(state.seat(self, source, activity));
                }
                state.dismiss_longest_idle(None);
            }
            // Nobody tells when a connection becomes idle.
            let _ = tokio::time::timeout(LOOK, freed).await;
        }
    }

    /// Waits until nobody is here.
    pub(crate) async fn empty(&self) {
        loop {
            let freed = self.freed.notified();
            if self.lock().open.is_empty() {
                return;
            }
            freed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn seat(&mut self, places: &Arc<Places>, source: Source, activity: &Arc<Activity>) -> Place {
        let number = self.next;
        self.next += 1;
        *self.by_source.entry(source).or_default() += 1;
        self.open.insert(number, Open { source, activity: Arc::clone(activity), is_dismissed: false });
        Place { places: Arc::clone(places), number }
    }

    /// Tells whoever has been idle for the longest, of this source or of all, to leave. False if nobody is idle.
    fn dismiss_longest_idle(&mut self, source: Option<Source>) -> bool {
        let longest = self
            .open
            .iter_mut()
            .filter(|(_, open)| !open.is_dismissed && source.is_none_or(|source| source == open.source))
            .filter_map(|(number, open)| open.activity.quiet().0.map(|since| (since, *number, open)))
            .min_by_key(|(since, number, _)| (*since, *number));
        let Some((_, _, open)) = longest else { return false };
        open.is_dismissed = true;
        open.activity.dismiss();
        let source = open.source;
        self.forget(source);
        true
    }

    fn forget(&mut self, source: Source) {
        if let Some(count) = self.by_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&source);
            }
        }
    }
}

/// The place of one connection, free again when it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.lock();
        if let Some(open) = state.open.remove(&self.number)
            && !open.is_dismissed
        {
            state.forget(open.source);
        }
        drop(state);
        self.places.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::Places;
    use crate::activity::Activity;
    use crate::limits::Limits;
    use crate::source::Source;

    fn places(connections: usize, connections_per_source: usize) -> Arc<Places> {
        Places::new(&Limits { connections, connections_per_source, ..Limits::default() })
    }

    fn source(last: u8) -> Source {
        Source::of(Some([192, 0, 2, last].into()))
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_idle_for_the_longest_leaves() {
        let places = places(3, 3);
        let all: Vec<_> = (0..3).map(|_| Activity::new()).collect();
        let mut seats = Vec::new();
        for activity in &all {
            seats.push(places.enter(source(1), activity).await.unwrap());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let busy = all[0].begin();
        let newcomer = Activity::new();
        let entering = places.enter(source(2), &newcomer);
        let leaving = async {
            all[1].dismissed().await;
            drop(seats.remove(1));
        };
        let (place, ()) = tokio::join!(entering, leaving);
        assert!(place.is_some());
        assert!(all[0].dismissed().now_or_never().is_none(), "it is busy");
        assert!(all[2].dismissed().now_or_never().is_none(), "it has been idle for less long");
        drop((busy, place, seats));
        places.empty().await;
        assert!(places.lock().by_source.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_busy_stay_and_newcomers_wait() {
        let places = places(1, 1);
        let first = Activity::new();
        let seat = places.enter(source(1), &first).await.unwrap();
        let busy = first.begin();
        let second = Activity::new();
        let waited = tokio::time::timeout(Duration::from_secs(10), places.enter(source(2), &second)).await;
        assert!(waited.is_err() && first.dismissed().now_or_never().is_none());
        drop(busy);
        let (place, ()) = tokio::join!(places.enter(source(2), &second), async {
            first.dismissed().await;
            drop(seat);
        });
        assert!(place.is_some());
    }

    #[tokio::test]
    async fn one_source_has_its_share() {
        let places = places(10, 2);
        let all: Vec<_> = (0..2).map(|_| Activity::new()).collect();
        let mut seats = Vec::new();
        for activity in &all {
            seats.push(places.enter(source(1), activity).await.unwrap());
        }
        let busy: Vec<_> = all.iter().map(Activity::begin).collect();
        assert!(places.enter(source(1), &Activity::new()).await.is_none(), "its share is in use");
        assert!(places.enter(source(2), &Activity::new()).await.is_some(), "that is no concern of others");
        drop(busy);
        seats.push(places.enter(source(1), &Activity::new()).await.unwrap());
        assert!(all[0].dismissed().now_or_never().is_some());
        assert!(all[1].dismissed().now_or_never().is_none());
    }
}
