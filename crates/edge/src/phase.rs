//! How a server comes to its end.

use tokio::sync::watch;
use tokio::time::sleep;

use crate::limits::Limits;

/// How much longer than others a connection is kept at a parting that has not brought its first request yet: whoever
/// opened it is about to send it.
pub(crate) const FIRST_REQUEST: u32 = 4;

/// What a server is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It serves.
    Serving,
    /// It accepts nothing, and answers each open connection once more, so that no client meets the end of a connection
    /// that it was about to use.
    Parting,
    /// It lets open requests end.
    Draining,
}

/// Returns when a connection that has not brought its first request yet is not waited for any more.
pub(crate) async fn last_call(mut phase: watch::Receiver<Phase>, limits: Limits) {
    // A server that is gone is one that drains.
    let is_parting = phase.wait_for(|phase| *phase != Phase::Serving).await.is_ok_and(|phase| *phase == Phase::Parting);
    if is_parting {
        tokio::select! {
            () = sleep(limits.part_time * FIRST_REQUEST) => {}
            () = async { drop(phase.wait_for(|phase| *phase == Phase::Draining).await) } => {}
        }
    }
}
