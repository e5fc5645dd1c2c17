//! `welkin up`: a region in the foreground.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use audit::Log;
use blobs::{FolderBlobs, FolderLimits};
use node::Agent;
use region::admin::Order;
use region::{Parts, Region, RegionConfig, SystemEffects};
use store::Store;
use store_sqlite::Sqlite;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

use crate::data_dir::DataDir;
use crate::hosts;
use crate::settings::{HostKind, Settings};
use crate::watching::LogFormat;
use crate::{doctor, env};

/// Starts a region and runs it until it is told to stop.
pub fn run(settings: Settings) -> Result<()> {
    let started = Instant::now();
    init_log(&settings.log, settings.watching.log_format)?;
    if settings.host == HostKind::Linux {
        doctor::require_host()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(serve(&settings, started));
    // Nothing of ours is in flight any more; a thread that hangs in the kernel must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

async fn serve(settings: &Settings, started: Instant) -> Result<()> {
    let data = DataDir::create(&settings.data_dir)?;
    let engine = Sqlite::open(data.store()).map_err(|error| explain(error, data.root()))?;
    let identity = data.identity_or_new(settings.public_pool)?;
    let hosts = hosts::open(settings.host, &data, &identity).await?;
    let blobs = FolderBlobs::open(data.blobs(), FolderLimits::default())?;
    let agent = Arc::new(Agent::new(Arc::clone(&hosts.machines), Arc::clone(&hosts.networks)));
    let config = RegionConfig {
        name: settings.region.clone(),
        zones: settings.zones.clone(),
        listen: settings.listen,
        public_pool: identity.public_pool,
        admin_dir: Some(data.root().to_owned()),
        image_dir: Some(data.images()),
        is_simulated: settings.host == HostKind::Sim,
    };
    let parts = Parts {
        store: Store::new(engine),
        blobs: Arc::new(blobs),
        node: Arc::clone(&agent) as _,
        effects: Arc::new(SystemEffects),
    };
    let watching = &settings.watching;
    let log = Log::open(&data.audit(), &watching.audit).context("cannot open the audit trail")?;
    let mut region = Region::open(config, parts).await?.with_audit(Arc::new(log)).with_throttle(watching.throttle);
    if let Some(networks) = &watching.observe_from {
        region = region.with_observers(networks.clone());
    }
    env::write(&data, region.address(), &settings.region, region.root_key())?;
    let order = watch::Sender::new(Order::Run);
    // From here on, before anybody is told that we are there.
    let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let signals = tokio::spawn(stop_on_signal(interrupt, terminate, order.clone()));
    print_banner(settings, &data, &region, started)?;
    let given = region.run(order).await;
    signals.abort();
    // The agent must have let go before its machines are stopped, or it would start them again.
    agent.stop().await;
    if given == Order::Down {
        info!("stopping machines and networks");
        hosts.down().await?;
    }
    info!("stopped");
    Ok(())
}

async fn stop_on_signal(mut interrupt: Signal, mut terminate: Signal, order: watch::Sender<Order>) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    order.send_if_modified(|order| {
        let is_first = *order == Order::Run;
        if is_first {
            *order = Order::Stop;
        }
        is_first
    });
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    // Asked twice: everything acknowledged is on disk anyway.
    std::process::exit(130);
}

fn explain(error: store_sqlite::OpenError, folder: &Path) -> anyhow::Error {
    match error {
        store_sqlite::OpenError::InUse { pid, .. } => {
            let by = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            anyhow!(
                "a region already runs on {}{by}; use its endpoint, or name another folder with --data-dir",
                folder.display()
            )
        }
        other => anyhow::Error::new(other).context(format!("cannot open the store in {}", folder.display())),
    }
}

fn init_log(filter: &str, format: LogFormat) -> Result<()> {
    use std::io::IsTerminal;
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .with_context(|| format!("log: '{filter}' is no filter such as info or info,edge=debug"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
    };
    set.map_err(|error| anyhow!("cannot log: {error}"))
}

fn print_banner(settings: &Settings, data: &DataDir, region: &Region, started: Instant) -> Result<()> {
    let default_folder = Settings::resolve(crate::settings::Values::new(), crate::settings::Values::new())
        .is_ok_and(|default| default.data_dir == settings.data_dir);
    let folder = if default_folder { String::new() } else { format!(" --data-dir {}", data.root().display()) };
    let machines = match settings.host {
        HostKind::Linux => "QEMU on this machine",
        HostKind::Sim => "simulated: the API is real, but nothing boots (--host sim)",
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "Welkin {} is ready after {} ms\n", env!("CARGO_PKG_VERSION"), started.elapsed().as_millis())?;
    writeln!(out, "  endpoint  {}", env::endpoint(region.address()))?;
    writeln!(out, "  region    {} ({})", settings.region, settings.zones.join(", "))?;
    writeln!(out, "  account   {}", region.root_key().account)?;
    writeln!(out, "  data      {}", data.root().display())?;
    writeln!(out, "  machines  {machines}\n")?;
    writeln!(out, "In another terminal:\n")?;
    writeln!(out, "  eval \"$(welkin env{folder})\"")?;
    writeln!(out, "  aws sts get-caller-identity\n")?;
    writeln!(out, "Ctrl-C stops the region and leaves its machines running;")?;
    writeln!(out, "`welkin down{folder}` stops the machines too.")?;
    out.flush()?;
    if settings.host == HostKind::Linux && !data.images().join("tiny").exists() {
        info!("there is no image yet: run `welkin image build tiny{folder}` once; this region then offers it");
    }
    if settings.listen.ip().is_unspecified() {
        info!("listening on every address of this machine, without TLS");
    }
    Ok(())
}

/// Refuses a setting that cannot work before anything is touched.
pub fn require_root() -> Result<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    bail!(
        "running machines needs root here (network namespaces, taps, nftables): run it with sudo, or start the API alone with `welkin up --host sim`"
    )
}
