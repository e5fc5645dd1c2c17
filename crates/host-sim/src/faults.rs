//! Faults on demand: the n-th effect fails, or is the last one that our process lived to ask for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use host::HostError;

/// Where in an effect our process is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutPoint {
    /// The effect did not happen.
    Before,
    /// The effect happened, and we did not live to hear of it.
    After,
}

/// Counts the effects of a simulated host and makes chosen ones fail. Shared by its machines and networks: cloning
/// gives another handle to the same count.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    effects: u64,
    fails_at: Option<u64>,
    cut_at: Option<(u64, CutPoint)>,
    pauses: u64,
}

impl Faults {
    /// Makes the n-th effect from now (1 is the next) fail once, without happening.
    pub fn fail_nth(&self, nth: u64) {
        let mut state = self.lock();
        state.fails_at = Some(state.effects + nth);
    }

    /// Cuts our process off at the n-th effect from now: that effect and all later ones fail until
    /// [`Faults::heal`], as nothing that a dead process wants happens.
    pub fn cut_nth(&self, nth: u64, point: CutPoint) {
        let mut state = self.lock();
        state.cut_at = Some((state.effects + nth, point));
    }

    /// Ends a cut and forgets a planned fault.
    pub fn heal(&self) {
        let mut state = self.lock();
        (state.fails_at, state.cut_at) = (None, None);
    }

    /// Lets other tasks run so many times before and after each effect and each look at the host. Effects of a real host
    /// take time, and much can happen meanwhile.
    pub fn pause(&self, times: u64) {
        self.lock().pauses = times;
    }

    /// True from the effect that was cut on until [`Faults::heal`].
    pub fn is_cut(&self) -> bool {
        let state = self.lock();
        state.cut_at.is_some_and(|(at, _)| state.effects >= at)
    }

    /// How many effects were asked for so far, failed ones included.
    pub fn effects(&self) -> u64 {
        self.lock().effects
    }

    /// Counts an effect and runs it unless it is to fail before it happens.
    pub(crate) async fn run<T>(
        &self,
        doing: &str,
        effect: impl FnOnce() -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        self.paused().await;
        let outcome = self.run_now(doing, effect);
        self.paused().await;
        outcome
    }

    /// Takes as long as an effect does.
    pub(crate) async fn paused(&self) {
        let pauses = self.lock().pauses;
        for _ in 0..pauses {
            tokio::task::yield_now().await;
        }
    }

    fn run_now<T>(&self, doing: &str, effect: impl FnOnce() -> Result<T, HostError>) -> Result<T, HostError> {
        let (fails, cut) = {
            let mut state = self.lock();
            state.effects += 1;
            let effects = state.effects;
            let cut = match state.cut_at {
                Some((at, point)) if effects == at => Some(point),
                Some((at, _)) if effects > at => Some(CutPoint::Before),
                _ => None,
            };
            (state.fails_at == Some(effects), cut)
        };
        match cut {
            _ if fails => Err(HostError::failed(doing, "a fault that was asked for")),
            Some(CutPoint::Before) => Err(HostError::failed(doing, "cut off before it happened")),
            Some(CutPoint::After) => {
                effect()?;
                Err(HostError::failed(doing, "cut off after it happened"))
            }
            None => effect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
