//! `welkin down`: stop a region with its machines and networks, running or not.

use std::io;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use region::admin::{Request, ask};
use store_sqlite::{OpenError, Sqlite};

use crate::data_dir::DataDir;
use crate::settings::{HostKind, Settings};
use crate::{hosts, processes, up};

/// Longest that a running region may take to stop everything.
const LIMIT: Duration = Duration::from_secs(120);

/// Stops everything; with `purge`, removes everything too.
pub fn run(settings: &Settings, purge: bool) -> Result<()> {
    let data = match DataDir::open(&settings.data_dir) {
        Ok(data) => data,
        Err(_) if !settings.data_dir.exists() => {
            println!("There is no region in {}.", settings.data_dir.display());
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let Some(identity) = data.identity()? else {
        bail!("{} is not a data folder of Welkin", data.root().display());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        for socket in processes::sockets(data.root()) {
            match ask(&socket, Request::Down, LIMIT).await {
                Ok(_) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {}
                Err(error) => return Err(error).context("the region did not stop"),
            }
        }
        processes::ended(data.root(), LIMIT).await?;
        // Whether it ran or not, the folder is ours now; and what a killed region left is taken down here.
        let lock = if data.database().exists() { None } else { Some(take_over(&data).await?) };
        let is_simulated = data.machines().join("simulated").exists();
        if !is_simulated {
            up::require_root()?;
        }
        let kind = if is_simulated { HostKind::Sim } else { HostKind::Linux };
        let hosts = hosts::open(kind, &data, &identity).await?;
        hosts.down().await?;
        drop(hosts);
        if purge {
            if let Ok(database) = std::fs::read_to_string(data.database()) {
                eprintln!("The facts of the region stay in PostgreSQL at {}: drop that database.", database.trim());
            }
            std::fs::remove_dir_all(data.root()).with_context(|| format!("cannot remove {}", data.root().display()))?;
        }
        drop(lock);
        Ok(())
    })?;
    let what = if purge { "gone without a trace" } else { "stopped; `welkin up` starts it again" };
    println!("The region in {} is {what}.", data.root().display());
    Ok(())
}

/// The store, which is its owner's lock on the folder. A region that has just answered may need a moment to be gone.
async fn take_over(data: &DataDir) -> Result<Sqlite> {
    const PAUSE: Duration = Duration::from_millis(20);
    const TRIES: u32 = 250;
    for _ in 0..TRIES {
        match Sqlite::open(data.store()) {
            Err(OpenError::InUse { .. }) => tokio::time::sleep(PAUSE).await,
            outcome => return outcome.with_context(|| format!("cannot open the store in {}", data.root().display())),
        }
    }
    bail!("the region still runs: another process has {} open", data.root().display())
}
