//! `welkin up`: a region in the foreground.

use std::io::{IsTerminal, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};
use host_linux::inherited::{self, Maker};
use region::admin::Order;
use region::{Limits, Region, RegionConfig, Server};
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use crate::certificate::{self, Certificate};
use crate::data_dir::DataDir;
use crate::env::Endpoint;
use crate::notify::{News, notify};
use crate::restart::{Handover, Successor};
use crate::settings::{HostKind, Settings, StoreKind, TlsKind};
use crate::signals::Signals;
use crate::standing::Standing;
use crate::watching::{init_log, watched};
use crate::{descriptors, dev, doctor, env, orphans, restart};

/// How a region ended.
enum End {
    Stopped,
    Restart(Handover),
}

/// Starts a region and runs it until it is told to stop, or to become another program.
///
/// # Errors
/// Why it does not start.
pub fn run(settings: &Settings) -> Result<()> {
    let started = Instant::now();
    // Before anything is opened here.
    let inherited = inherited::take()?;
    init_log(&settings.log, settings.watching.log_format)?;
    if settings.host == HostKind::Linux {
        doctor::require_host()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let end = runtime.block_on(serve(settings, inherited, started));
    // Nothing of ours is in flight any more; a thread that hangs in the kernel must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match end? {
        End::Stopped => Ok(()),
        End::Restart(handover) => Err(restart::become_next(&handover)),
    }
}

/// Says whether a region could start with these settings, as far as that can be told beside one that runs.
///
/// # Errors
/// Why not.
pub fn check(settings: &Settings) -> Result<()> {
    if settings.host == HostKind::Linux {
        doctor::require_host()?;
    }
    certificate::check(settings)?;
    println!("Welkin {}: a region could start with these settings.", env!("CARGO_PKG_VERSION"));
    Ok(())
}

async fn serve(settings: &Settings, inherited: Option<(TcpListener, Maker)>, started: Instant) -> Result<End> {
    orphans::adopt()?;
    let data = DataDir::create(&settings.data_dir)?;
    let standing = Standing::open(settings, &data).await?;
    let certificate = Certificate::load(settings, &data)?;
    let config = RegionConfig {
        name: settings.region.clone(),
        zones: settings.zones.clone(),
        listen: settings.listen,
        public_pool: standing.identity().public_pool,
        admin_dir: Some(standing.admin_dir(&data)),
        image_dir: Some(data.images()),
        is_simulated: settings.host == HostKind::Sim,
        is_dev: settings.is_dev,
        lifecycle_day: settings.lifecycle_day,
        new_buckets: settings.new_buckets,
        bucket_hosts: settings.bucket_hosts.hosts(),
    };
    let (mut server, maker) = server(settings.listen, inherited).await?;
    if let Some(certificate) = &certificate {
        server = server.with_tls(certificate.tls(), settings.is_plain_allowed);
    }
    let socket = server.socket()?;
    let successor = Successor::ourselves()?;
    let limits = Limits::default();
    let limits = Limits { connections: descriptors::raise(limits.connections), ..limits };
    let region =
        Region::open_on(server, config, standing.parts()).await?.with_limits(limits).with_restart(successor.preparer());
    let region = watched(region, &data, standing.process(), &settings.watching)?;
    let endpoint = Endpoint::new(region.address(), certificate.as_ref(), &settings.domain);
    let root = region.root_key();
    let key = if settings.is_dev { dev::key(root) } else { root.clone() };
    if standing.is_first(region.address()) {
        env::write(&data, &endpoint, &settings.region, &key)?;
    }
    let order = watch::Sender::new(Order::Run);
    // From here on, before anybody is told that we are there.
    let bell = Arc::new(Notify::new());
    let signals = Signals::new(order.clone(), successor.clone(), Arc::clone(&bell))?;
    let signals = tokio::spawn(signals.heed());
    let keeper = certificate.map(|certificate| tokio::spawn(certificate.keep(bell)));
    // A terminal that is gone is no reason to stop.
    if let Err(error) = print_banner(settings, &data, &region, &endpoint, started) {
        warn!("nobody reads that the region is ready: {error:#}");
    }
    notify(News::Ready);
    let given = region.run(order).await;
    notify(if given == Order::Restart { News::Reloading } else { News::Stopping });
    signals.abort();
    if let Some(keeper) = keeper {
        keeper.abort();
    }
    standing.end(given).await?;
    if given == Order::Restart {
        return Ok(End::Restart(Handover { program: successor.program(), socket, maker }));
    }
    info!("stopped");
    Ok(End::Stopped)
}

/// The socket that we were given, if it is where we should listen; else one of our own.
async fn server(listen: SocketAddr, inherited: Option<(TcpListener, Maker)>) -> Result<(Server, Maker)> {
    if let Some((socket, maker)) = inherited {
        let address = socket.local_addr()?;
        let is_wanted = address.ip() == listen.ip() && (listen.port() == 0 || address.port() == listen.port());
        if is_wanted || maker == Maker::Manager {
            return Ok((Server::inherit(socket)?, maker));
        }
    }
    Ok((Server::bind(listen).await?, Maker::Ourselves))
}

fn print_banner(
    settings: &Settings,
    data: &DataDir,
    region: &Region,
    endpoint: &Endpoint,
    started: Instant,
) -> Result<()> {
    let default_folder = Settings::resolve(crate::settings::Values::new(), crate::settings::Values::new())
        .is_ok_and(|default| default.data_dir == settings.data_dir);
    let folder = if default_folder { String::new() } else { format!(" --data-dir {}", data.root().display()) };
    let machines = match settings.host {
        HostKind::Linux => "QEMU on this machine",
        HostKind::Sim => "simulated: the API is real, but nothing boots (--host sim)",
    };
    if settings.is_dev {
        warn!("development mode: signatures are not checked; everybody on this machine is believed");
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "Welkin {} is ready after {} ms\n", env!("CARGO_PKG_VERSION"), started.elapsed().as_millis())?;
    writeln!(out, "  endpoint  {}", endpoint.url)?;
    writeln!(out, "  region    {} ({})", settings.region, settings.zones.join(", "))?;
    writeln!(out, "  account   {}", region.root_key().account)?;
    writeln!(out, "  data      {}", data.root().display())?;
    if let StoreKind::Postgres(_) = settings.store {
        writeln!(out, "  facts     PostgreSQL at {}", std::fs::read_to_string(data.database())?.trim())?;
    }
    writeln!(out, "  machines  {machines}\n")?;
    if settings.is_dev {
        writeln!(out, "{}\n", dev::banner(std::io::stdout().is_terminal()))?;
    }
    writeln!(out, "In another terminal:\n")?;
    writeln!(out, "  eval \"$(welkin env{folder})\"")?;
    writeln!(out, "  aws sts get-caller-identity\n")?;
    writeln!(out, "Ctrl-C stops the region and leaves its machines running;")?;
    writeln!(out, "`welkin down{folder}` stops the machines too.")?;
    out.flush()?;
    if settings.host == HostKind::Linux && !data.images().join("tiny").exists() {
        info!("there is no image yet: run `welkin image build tiny{folder}` once; this region then offers it");
    }
    if region.address().ip().is_unspecified() && (settings.tls == TlsKind::Off || settings.is_plain_allowed) {
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
