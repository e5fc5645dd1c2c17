//! `welkin doctor`: what this machine offers, and the command that mends what is missing.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use host_linux::machine::{Accel, probe as probe_accel};
use host_linux::network::probe as probe_network;
use region::Limits;
use store_postgres::{Target, probe};

use crate::settings::{Settings, StoreKind};
use crate::{descriptors, dev, space, up};

/// One line of the report.
struct Finding {
    name: &'static str,
    verdict: Verdict,
    detail: String,
    remedy: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Slow,
    Missing,
}

/// Prints the report; an error if something that a region needs is missing.
pub fn run(settings: &Settings) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut findings = vec![root(), qemu(), runtime.block_on(accelerator())];
    findings.extend(network());
    findings.extend([cgroups(), disk(&settings.data_dir), connections()]);
    findings.extend(database(settings));
    findings.extend(runtime.block_on(dev::finding(&settings.data_dir)).map(|detail| Finding {
        name: "signatures",
        verdict: Verdict::Slow,
        detail,
        remedy: "start the region without --dev to have them checked".to_owned(),
    }));
    for (name, detail, is_wrong) in space::lines(settings) {
        let verdict = if is_wrong { Verdict::Slow } else { Verdict::Good };
        let remedy = match (is_wrong, name) {
            (false, _) => "",
            (true, "scrub") => "`welkin scrub --found` names the objects: restore them from a backup, or delete them",
            (true, _) => "mount its disk and run `welkin restart`",
        };
        findings.push(Finding { name, verdict, detail, remedy: remedy.to_owned() });
    }
    let mut is_complete = true;
    for finding in &findings {
        let mark = match finding.verdict {
            Verdict::Good => "ok  ",
            Verdict::Slow => "slow",
            Verdict::Missing => "MISS",
        };
        println!("{mark}  {:<16} {}", finding.name, finding.detail);
        if !finding.remedy.is_empty() {
            println!("{:>24}{}", "-> ", finding.remedy);
        }
        is_complete &= finding.verdict != Verdict::Missing;
    }
    if !is_complete {
        bail!("this machine lacks something that `welkin up` needs; `welkin up --host sim` works without");
    }
    Ok(())
}

/// The checks that `welkin up` makes before it touches anything: root and QEMU. Networks are checked when they open.
///
/// # Errors
/// What is missing and what gets it, in one line.
pub fn require_host() -> Result<()> {
    up::require_root()?;
    let qemu = qemu();
    if qemu.verdict == Verdict::Missing {
        bail!("{} is missing: {}; or start the API alone with `welkin up --host sim`", qemu.name, qemu.remedy);
    }
    Ok(())
}

fn root() -> Finding {
    let is_root = rustix::process::geteuid().is_root();
    Finding {
        name: "root",
        verdict: if is_root { Verdict::Good } else { Verdict::Missing },
        detail: if is_root { "yes" } else { "no: namespaces, taps and nftables need it" }.to_owned(),
        remedy: if is_root { "" } else { "run with sudo, or use `welkin up --host sim`" }.to_owned(),
    }
}

fn qemu() -> Finding {
    let programs = ["qemu-system-x86_64", "qemu-img"];
    let missing: Vec<&str> = programs.into_iter().filter(|program| !is_in_path(program)).collect();
    let is_there = missing.is_empty();
    Finding {
        name: "qemu",
        verdict: if is_there { Verdict::Good } else { Verdict::Missing },
        detail: if is_there { programs.join(", ") } else { format!("not in PATH: {}", missing.join(", ")) },
        remedy: if is_there {
            String::new()
        } else {
            "apt-get install --no-install-recommends qemu-system-x86 qemu-utils".to_owned()
        },
    }
}

fn is_in_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

async fn accelerator() -> Finding {
    let name = "virtualisation";
    let Ok(folder) = tempfile::tempdir() else {
        return Finding { name, verdict: Verdict::Slow, detail: "no temporary folder".into(), remedy: String::new() };
    };
    match probe_accel(folder.path(), Path::new("qemu-system-x86_64")).await {
        Accel::Kvm => Finding {
            name,
            verdict: Verdict::Good,
            detail: "KVM, tested: it runs guest code at full speed".into(),
            remedy: String::new(),
        },
        Accel::Tcg { why } => Finding {
            name,
            verdict: Verdict::Slow,
            detail: format!("software emulation, ten times slower or more ({why})"),
            remedy: "enable VT-x/AMD-V in the firmware, or nested virtualisation on the host above; then load kvm_intel or kvm_amd".into(),
        },
    }
}

fn network() -> Vec<Finding> {
    let verdict = |is_ok| if is_ok { Verdict::Good } else { Verdict::Missing };
    let finding = |check: host_linux::network::Check| Finding {
        name: check.name,
        verdict: verdict(check.is_ok),
        detail: check.detail,
        remedy: check.remedy,
    };
    probe_network().into_iter().map(finding).collect()
}

/// The database, for a region whose facts are in one.
fn database(settings: &Settings) -> Option<Finding> {
    let StoreKind::Postgres(url) = &settings.store else { return None };
    let probed = Target::parse(url).and_then(|target| probe(&target).map(|found| (target, found)));
    let (verdict, detail, remedy) = match probed {
        Ok((target, found)) => {
            let sessions = found.sessions;
            (Verdict::Good, format!("PostgreSQL {} at {target}, {sessions} connections of regions", found.server), "")
        }
        Err(error) => {
            let remedy = "see that the server runs, and that user, password and pg_hba.conf let this machine in";
            (Verdict::Missing, format!("{:#}", anyhow::Error::new(error)), remedy)
        }
    };
    Some(Finding { name: "store", verdict, detail, remedy: remedy.to_owned() })
}

/// Containers will need them; machines do not.
fn cgroups() -> Finding {
    let unified = std::fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
    let has_v1 = Path::new("/sys/fs/cgroup/memory").is_dir();
    let (verdict, detail) = if unified.contains("memory") && unified.contains("cpu") {
        (Verdict::Good, "version 2")
    } else if has_v1 {
        (Verdict::Good, "version 1")
    } else {
        (Verdict::Slow, "no memory and cpu controllers: containers will not be limited (machines are not affected)")
    };
    Finding { name: "cgroups", verdict, detail: detail.to_owned(), remedy: String::new() }
}

fn connections() -> Finding {
    let wanted = Limits::default().connections;
    let (room, waiting) = descriptors::prospect(wanted);
    let is_enough = room == wanted && waiting >= 1024;
    Finding {
        name: "connections",
        verdict: if is_enough { Verdict::Good } else { Verdict::Slow },
        detail: format!("room for {room} at a time; {waiting} more may wait in the kernel"),
        remedy: if is_enough {
            String::new()
        } else {
            "raise the limit of open files (ulimit -Hn 1048576) and net.core.somaxconn (sysctl, 4096)".to_owned()
        },
    }
}

/// Every acknowledged write waits for one of these.
fn disk(data_dir: &Path) -> Finding {
    let name = "disk sync";
    let place = data_dir.ancestors().find(|folder| folder.is_dir()).unwrap_or_else(|| Path::new("."));
    match sync_time(place) {
        Ok(time) => {
            let is_quick = time < Duration::from_millis(20);
            Finding {
                name,
                verdict: if is_quick { Verdict::Good } else { Verdict::Slow },
                detail: format!("{:.1} ms for a 4 KiB write in {}", time.as_secs_f64() * 1000.0, place.display()),
                remedy: if is_quick { String::new() } else { "put the data folder on an SSD with --data-dir".into() },
            }
        }
        Err(error) => Finding {
            name,
            verdict: Verdict::Missing,
            detail: format!("{error:#}"),
            remedy: "name a folder that can be written with --data-dir".into(),
        },
    }
}

/// The median of some synced writes.
fn sync_time(folder: &Path) -> Result<Duration> {
    const TRIES: usize = 9;
    let file =
        tempfile::NamedTempFile::new_in(folder).with_context(|| format!("cannot write in {}", folder.display()))?;
    let mut handle: &File = file.as_file();
    let mut times = Vec::with_capacity(TRIES);
    for _ in 0..TRIES {
        let started = Instant::now();
        handle.write_all(&[7; 4096])?;
        handle.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort();
    Ok(times[TRIES / 2])
}
