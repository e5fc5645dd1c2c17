//! `bench`: measures what Welkin promises, on this machine and in one run, beside a peer: moto's server for calls, QEMU run by
//! hand for boots. Timings never fail it; a figure that could not be taken does.
//! Not here: figures that need more than one machine.

#![forbid(unsafe_code)]

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use crate::region::Region;
use crate::table::Row;

mod authorise;
mod boot;
mod build;
mod by_hand;
mod calls;
mod commits;
mod connection;
mod endpoint;
mod growth;
mod load;
mod moto;
mod policy;
mod postgres;
mod processes;
mod region;
mod s3;
mod small_blobs;
mod stages;
mod standing;
mod stream;
mod table;
mod verify;

/// Measures Welkin beside its peers and prints a table.
#[derive(Parser)]
#[command(name = "bench")]
struct Options {
    /// The binary to measure [default: the one beside this program]
    #[arg(long, value_name = "FILE")]
    welkin: Option<PathBuf>,
    /// A Python that has moto[server] [default: .venv/bin/python, or python3]
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// Folder for what is made on the way; the image that guests boot stays there [default: beside the program's folder]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// Only whether everything can be measured: few and short runs, figures that say little
    #[arg(long)]
    quick: bool,
    /// Measure only this
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,

    /// Of the figures of objects, measure only those whose name has this in it
    #[arg(long, value_name = "TEXT", default_value = "")]
    figures: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Time to the first answer
    Start,
    /// Idle memory
    Memory,
    /// Calls a second
    Calls,
    /// Objects: put, get, head, lists, multipart uploads, beside other servers and what this machine could do at most; takes
    /// 40 GB of disk for a while
    S3,
    /// Durable commits a second of the embedded store
    Commits,
    /// Durable small blobs a second
    Blobs,
    /// What each step of a call costs
    Stages,
    /// What authorisation costs each kind of caller, and among a hundred thousand users
    Authorise,
    /// A signature verified, beside the hash of its body
    Verify,
    /// Decisions on requests, by the number of statements
    Policy,
    /// Memory after a hundred thousand calls, and after a million
    Growth,
    /// RunInstances and the guest's boot
    Boot,
    /// A clean release build, in a folder of its own; only if it is named
    Build,
}

/// What is measured, with what, and where.
pub struct Setting {
    /// The binary.
    pub welkin: PathBuf,
    /// A Python with moto's server.
    pub python: PathBuf,
    /// Few and short runs.
    pub quick: bool,
    /// What the names of the figures of objects have in them that are measured.
    pub figures: String,
    work: PathBuf,
    made: Cell<u32>,
}

impl Setting {
    fn new(options: &Options) -> Result<Self> {
        let program = std::env::current_exe()?;
        let beside = program.parent().context("this program is in no folder")?;
        let welkin = options.welkin.clone().unwrap_or_else(|| beside.join("welkin"));
        let welkin = welkin.canonicalize().with_context(|| format!("{}: build it first", welkin.display()))?;
        let venv = Path::new(".venv/bin/python");
        let python = options.python.clone();
        let python = python.unwrap_or_else(|| if venv.exists() { venv.to_owned() } else { "python3".into() });
        let work = options.work.clone().unwrap_or_else(|| beside.with_file_name("bench"));
        fs::create_dir_all(work.join("runs")).with_context(|| work.display().to_string())?;
        let work = work.canonicalize()?;
        Ok(Self { welkin, python, quick: options.quick, figures: options.figures.clone(), work, made: Cell::new(0) })
    }

    /// Every kind of host.
    pub fn hosts(&self) -> [&'static str; 2] {
        ["sim", "linux"]
    }

    /// A region in a new folder.
    pub fn region(&self, host: &'static str) -> Result<Region> {
        Region::new(&self.welkin, self.scratch(), host)
    }

    /// A region in a new folder, with the image that guests boot.
    pub fn region_with_image(&self, host: &'static str) -> Result<Region> {
        let home = self.work.join("image");
        let output = Command::new(&self.welkin).args(["image", "build", "tiny", "--data-dir"]).arg(&home).output()?;
        if !output.status.success() {
            bail!("welkin image build tiny: {}", String::from_utf8_lossy(&output.stderr));
        }
        let region = self.region(host)?;
        std::os::unix::fs::symlink(home.join("images"), region.folder().join("images"))?;
        Ok(region)
    }

    /// The folder for what is made on the way, and kept.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// The path of a folder that is not there yet.
    pub fn scratch(&self) -> PathBuf {
        self.made.set(self.made.get() + 1);
        self.work.join("runs").join(format!("{}-{}", std::process::id(), self.made.get()))
    }

    /// Removes what runs that were killed left behind.
    fn sweep(&self) -> Result<()> {
        for entry in fs::read_dir(self.work.join("runs"))? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let owner = name.split('-').next().unwrap_or_default();
            if path.is_dir() && !Path::new("/proc").join(owner).exists() {
                region::purge(&self.welkin, &path)?;
            }
        }
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let setting = Setting::new(&options)?;
    processes::raise_file_limit()?;
    setting.sweep()?;
    let peer = moto::version(&setting.python)?;
    println!("Welkin beside {peer}; load average {}", standing::load_average());
    let mut rows = Vec::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let failures = tokio::select! {
        failures = measure(&options, &setting, &mut rows) => failures,
        _ = interrupt.recv() => vec!["interrupted".to_owned()],
        _ = terminate.recv() => vec!["interrupted".to_owned()],
    };
    println!("\n{}", table::render(&rows));
    println!(
        "Connections are kept alive; every request is signed and every answer checked. The load average is now {}.",
        standing::load_average()
    );
    if setting.quick {
        println!("This was a quick run: it shows that everything can be measured, and its figures say little.");
    }
    for failure in &failures {
        eprintln!("not measured: {failure}");
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures part after part; one that fails does not keep the others from being measured.
async fn measure(options: &Options, setting: &Setting, rows: &mut Vec<Row>) -> Vec<String> {
    let mut failures = Vec::new();
    for part in Part::value_variants() {
        let is_wanted = if options.only.is_empty() { *part != Part::Build } else { options.only.contains(part) };
        if !is_wanted {
            continue;
        }
        let outcome = match part {
            Part::Start => standing::starts(setting, rows).await,
            Part::Memory => standing::memory(setting, rows).await,
            Part::Calls => calls::calls(setting, rows).await,
            Part::S3 => s3::objects(setting, rows).await,
            Part::Commits => commits::commits(setting, rows).await,
            Part::Blobs => small_blobs::small_blobs(setting, rows).await,
            Part::Stages => stages::stages(setting, rows).await,
            Part::Authorise => authorise::authorise(setting, rows).await,
            Part::Verify => verify::verifications(setting, rows),
            Part::Policy => policy::decisions(setting, rows),
            Part::Growth => growth::growth(setting, rows).await,
            Part::Boot => boot::boot(setting, rows).await,
            Part::Build => build::build(setting, rows),
        };
        let name = part.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        match outcome {
            Ok(()) => eprintln!("{name}: done"),
            Err(cause) => failures.push(format!("{name}: {cause:#}")),
        }
    }
    failures
}
