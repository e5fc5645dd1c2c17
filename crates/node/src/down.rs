//! Taking a host down in order, so that the next start of its region brings everything back.

use std::sync::Arc;
use std::time::Duration;

use host::{HostError, Machines, Networks};
use tokio::task::JoinSet;

/// How long guests have to shut down when everything goes down.
const GRACE: Duration = Duration::from_secs(10);
/// Machines that are stopped at a time.
const AT_A_TIME: usize = 16;

/// Stops every machine in such a way that whatever still assigns it has it started again, on its old disk, and removes
/// every network. No agent may be at work on the host: it would start the machines again at once.
///
/// # Errors
/// The first failure; the others are tried all the same.
pub async fn down(machines: &Arc<dyn Machines>, networks: &dyn Networks) -> Result<(), HostError> {
    let seen = machines.list().await?;
    let mut outcome = Ok(());
    for part in seen.chunks(AT_A_TIME) {
        let mut tasks = JoinSet::new();
        for machine in part {
            let (machines, id) = (Arc::clone(machines), machine.id.clone());
            tasks.spawn(async move { machines.park(&id, GRACE).await });
        }
        while let Some(ended) = tasks.join_next().await {
            let parked = ended.unwrap_or_else(|cause| Err(HostError::failed("stop a machine", cause)));
            outcome = outcome.and(parked);
        }
    }
    outcome.and(networks.purge().await)
}
