//! Whether a region keeps something of each call: its memory after a hundred thousand calls, after a million, and after
//! three millions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use tokio::task::JoinSet;

use crate::Setting;
use crate::calls::{DESCRIBE, IDENTITY, PUT, prepare};
use crate::connection::Connection;
use crate::endpoint::Endpoint;
use crate::processes::memory_of_tree;
use crate::table::{Aim, Row, Value};

const CONNECTIONS: usize = 64;
/// How much larger than after the first tenth the memory may be at the end. An allocator's own unsteadiness is some
/// per cent; a byte kept of each call would be a megabyte, of some twenty.
const AIM: f64 = 1.1;
/// Calls whose signatures are good until they are over, however slow the machine.
const ROUND: u64 = 50_000;

/// Of a hundred calls one writes an object, nine describe instances, and the others only say who calls.
pub async fn growth(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let stations: [u64; 3] = if setting.quick { [1_000, 10_000, 20_000] } else { [100_000, 1_000_000, 3_000_000] };
    let mut region = setting.region("sim")?;
    let (endpoint, _) = region.start().await?;
    let pid = region.pid().context("it runs")?;
    prepare(&endpoint).await?;
    let (mut made, mut before) = (0, None);
    for station in stations {
        make_calls(&endpoint, station - made).await?;
        let rss = memory_of_tree(pid)?.rss;
        // Beside it stands no peer but the same region earlier.
        if let Some(before) = before.replace(rss) {
            rows.push(Row {
                figure: format!("memory, sim, after {station} calls (peer: itself after {made}), VmRSS"),
                ours: Value::Bytes(rss),
                peer: Some(Value::Bytes(before)),
                aim: Aim::RatioAtMost(AIM),
            });
        }
        made = station;
    }
    Ok(())
}

async fn make_calls(endpoint: &Endpoint, count: u64) -> Result<()> {
    let mut made = 0;
    while made < count {
        let round = ROUND.min(count - made);
        make_round(endpoint, round).await?;
        made += round;
    }
    Ok(())
}

async fn make_round(endpoint: &Endpoint, count: u64) -> Result<()> {
    let pools: Arc<[Arc<[Vec<u8>]>]> =
        [PUT.requests(endpoint)?, DESCRIBE.requests(endpoint)?, IDENTITY.requests(endpoint)?].into();
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (pools, next, mut connection) = (Arc::clone(&pools), Arc::clone(&next), Connection::new(endpoint.address));
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return anyhow::Ok(());
                }
                let pool = match number % 100 {
                    0 => &pools[0],
                    1..=9 => &pools[1],
                    _ => &pools[2],
                };
                let answer = connection.exchange(&pool[number as usize % pool.len()]).await?;
                if answer.status != 200 {
                    bail!("status {}: {}", answer.status, String::from_utf8_lossy(answer.body));
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}
