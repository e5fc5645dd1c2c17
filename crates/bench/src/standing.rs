//! What a region costs before it does anything: the time to its first answer, and its memory when idle.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::Setting;
use crate::load::median;
use crate::moto::Moto;
use crate::processes::memory_of_tree;
use crate::table::{Aim, Row, Value};

const START_AIM: Duration = Duration::from_millis(100);
const MEMORY_AIM: u64 = 40_000_000;

/// The time from making the process to the answer of a signed call: the first start in a new folder, and later ones.
pub async fn starts(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let count = if setting.quick { 1 } else { 5 };
    let mut moto = Vec::new();
    for _ in 0..count {
        moto.push(Moto::start(&setting.python).await?.1);
    }
    for host in setting.hosts() {
        let (mut first, mut later) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let mut region = setting.region(host)?;
            first.push(region.start().await?.1);
            region.stop()?;
            later.push(region.start().await?.1);
        }
        for (what, times) in [("new folder", first), ("again", later)] {
            rows.push(Row {
                figure: format!("start to first answer, {host}, {what} (median of {count})"),
                ours: Value::Time(median(&times)),
                peer: Some(Value::Time(median(&moto))),
                aim: Aim::AtMost(Value::Time(START_AIM)),
            });
        }
    }
    Ok(())
}

/// Resident memory of a region and all its processes, idle and without guests.
pub async fn memory(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let wait = Duration::from_secs(if setting.quick { 2 } else { 10 });
    let peer = {
        let (moto, _) = Moto::start(&setting.python).await?;
        tokio::time::sleep(wait).await;
        memory_of_tree(moto.pid())?
    };
    for host in setting.hosts() {
        let mut region = setting.region(host)?;
        region.start().await?;
        tokio::time::sleep(wait).await;
        let ours = memory_of_tree(region.pid().context("it runs")?)?;
        for (what, ours, peer) in [("VmRSS", ours.rss, peer.rss), ("PSS", ours.pss, peer.pss)] {
            rows.push(Row {
                figure: format!("memory, {host}, idle for {} s, {what}", wait.as_secs()),
                ours: Value::Bytes(ours),
                peer: Some(Value::Bytes(peer)),
                aim: Aim::AtMost(Value::Bytes(MEMORY_AIM)),
            });
        }
    }
    Ok(())
}

/// The load of the machine, which says how far timings can be trusted.
pub fn load_average() -> String {
    let text = std::fs::read_to_string(Path::new("/proc/loadavg")).unwrap_or_default();
    text.split_ascii_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
