//! Many calls over kept-alive connections, each answer checked, so that errors don't count as speed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::endpoint::Endpoint;
use crate::processes::{cpu_of_tree, memory_of_tree};
use crate::stream::Wait;

/// Requests that are signed ahead, all different: the client's own work should not be what is measured.
const POOL: u64 = 1024;
/// How much longer than planned a series may take before it counts as stuck.
const SLACK: Duration = Duration::from_secs(30);

/// A call, and what its answer must hold.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// The operation.
    pub action: &'static str,
    /// A request of it; those of different numbers differ.
    pub request: fn(&Endpoint, u64) -> Result<Vec<u8>>,
    /// A text that every right answer holds,
    pub expected: &'static str,
    /// this many times.
    pub times: usize,
}

/// How long and how wide.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Connections, each with one call at a time.
    pub connections: usize,
    /// Time before what is counted.
    pub warm_up: Duration,
    /// Time that is counted.
    pub duration: Duration,
}

/// What came out.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    /// Calls a second.
    pub rate: f64,
    /// Half of the calls took no longer.
    pub p50: Duration,
    /// 99 of 100 calls took no longer.
    pub p99: Duration,
    /// Processor time of the server for each call.
    pub cpu: Duration,
    /// Resident memory of the server at the end, all connections open.
    pub rss: u64,
}

/// The answer of a load once it has been looked at whole: later ones are compared with its length and the places of
/// the expected text.
#[derive(Debug, Clone)]
struct Known {
    length: usize,
    places: Vec<usize>,
}

impl Load {
    /// Requests that are signed now: good for fifteen minutes.
    ///
    /// # Errors
    /// If one cannot be made.
    pub fn requests(self, endpoint: &Endpoint) -> Result<Arc<[Vec<u8>]>> {
        let requests: Result<Vec<Vec<u8>>> = (0..POOL).map(|number| (self.request)(endpoint, number)).collect();
        Ok(requests?.into())
    }

    /// Runs the load against a server, whose process is `pid`.
    ///
    /// # Errors
    /// The first call that failed, or whose answer lacks what it must hold.
    pub async fn run(self, endpoint: &Endpoint, pid: u32, plan: Plan) -> Result<Series> {
        let requests = self.requests(endpoint)?;
        let counted_from = Instant::now() + plan.warm_up;
        let until = counted_from + plan.duration;
        let mut tasks = JoinSet::new();
        for number in 0..plan.connections {
            let wait = Wait::of(plan.connections);
            let (requests, connection) = (Arc::clone(&requests), Connection::waiting(endpoint.address, wait));
            let offset = number * requests.len() / plan.connections;
            tasks.spawn(wait.run(self.one_connection(connection, requests, offset, counted_from, until)));
        }
        let mut times = Vec::new();
        let all = async {
            while let Some(ended) = tasks.join_next().await {
                times.append(&mut ended??);
            }
            anyhow::Ok(())
        };
        let limit = plan.warm_up + plan.duration + SLACK;
        let watched = async {
            tokio::time::sleep_until(counted_from.into()).await;
            let before = cpu_of_tree(pid)?;
            tokio::time::sleep_until(until.into()).await;
            anyhow::Ok((cpu_of_tree(pid)?.saturating_sub(before), memory_of_tree(pid)?.rss))
        };
        let (outcome, watched) = tokio::join!(tokio::time::timeout(limit, all), watched);
        outcome.with_context(|| format!("{} hangs", self.action))?.with_context(|| self.action.to_owned())?;
        let (cpu, rss) = watched?;
        series(times, plan.duration, cpu, rss)
    }

    async fn one_connection(
        self,
        mut connection: Connection,
        requests: Arc<[Vec<u8>]>,
        offset: usize,
        counted_from: Instant,
        until: Instant,
    ) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        let mut known = None;
        for request in requests.iter().cycle().skip(offset) {
            let begun = Instant::now();
            let answer = connection.exchange(request).await?;
            let ended = Instant::now();
            if answer.status != 200 {
                bail!("status {}: {}", answer.status, String::from_utf8_lossy(answer.body));
            }
            self.check(answer.body, &mut known)?;
            if ended >= until {
                break;
            }
            if ended >= counted_from {
                times.push(ended - begun);
            }
        }
        Ok(times)
    }

    fn check(&self, body: &[u8], known: &mut Option<Known>) -> Result<()> {
        let expected = self.expected.as_bytes();
        let is_same = known.as_ref().is_some_and(|known| {
            known.length == body.len() && known.places.iter().all(|place| body[*place..].starts_with(expected))
        });
        if is_same {
            return Ok(());
        }
        let text = std::str::from_utf8(body)?;
        let places: Vec<usize> = text.match_indices(self.expected).map(|(place, _)| place).collect();
        if places.len() != self.times {
            bail!("'{}' is there {} times instead of {}: {text}", self.expected, places.len(), self.times);
        }
        *known = Some(Known { length: body.len(), places });
        Ok(())
    }
}

fn series(mut times: Vec<Duration>, duration: Duration, cpu: Duration, rss: u64) -> Result<Series> {
    if times.is_empty() {
        bail!("not one call ended in {duration:?}");
    }
    let rate = times.len() as f64 / duration.as_secs_f64();
    times.sort_unstable();
    let cpu = cpu.div_f64(times.len() as f64);
    Ok(Series { rate, p50: quantile(&times, 50), p99: quantile(&times, 99), cpu, rss })
}

/// The value that `percent` of the sorted, non-empty values do not exceed.
pub fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100).saturating_sub(1)]
}

/// The median of non-empty values.
pub fn median(values: &[Duration]) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    quantile(&sorted, 50)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Load, median, quantile};

    #[test]
    fn quantiles() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(quantile(&times, 50), Duration::from_millis(100));
        assert_eq!(quantile(&times, 99), Duration::from_millis(198));
        assert_eq!(quantile(&times[..1], 99), Duration::from_millis(1));
        assert_eq!(median(&[3, 1, 2].map(Duration::from_secs)), Duration::from_secs(2));
    }

    #[test]
    fn answers_that_lack_something_are_refused() {
        let load = Load { action: "DescribeInstances", request: |_, _| Ok(Vec::new()), expected: "<id>", times: 2 };
        let mut known = None;
        load.check(b"<id>1<id>2", &mut known).unwrap();
        load.check(b"<id>3<id>4", &mut known).unwrap();
        load.check(b"<id>33<id>4", &mut known).unwrap();
        load.check(b"<id>33<xx>4", &mut known).unwrap_err();
        load.check(b"<id>1", &mut known).unwrap_err();
    }
}
