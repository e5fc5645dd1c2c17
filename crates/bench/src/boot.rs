//! `RunInstances`: the call, the start of QEMU, and the guest's first line, beside the same QEMU run by hand.
//!
//! Both sides run in turn, one guest at a time. A process counts as started when QEMU has written its process id. The
//! console is looked at every 50 ms: by `GetConsoleOutput` on one side, in a file on the other. As a look costs the one
//! side more than the other, and takes time from the guest (looks every 20 ms made a boot of 1.75 s last 2.1 s), both
//! leave the guest alone for three quarters of the time that the last boot by hand took.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Setting;
use crate::by_hand::{BOOT_LIMIT, ByHand, CONSOLE_STEP, FIRST_LINE, PROCESS_STEP};
use crate::calls::image;
use crate::connection::Connection;
use crate::endpoint::{EC2, Endpoint, elements};
use crate::load::median;
use crate::processes::command_line;
use crate::table::{Aim, Row, Value};

const CALL_AIM: Duration = Duration::from_millis(20);
const PROCESS_AIM: Duration = Duration::from_millis(200);
/// What a boot may cost more than by hand.
const BOOT_AIM: f64 = 1.15;
/// Launches whose guests are not waited for: only the call is measured.
const MORE_CALLS: usize = 10;

struct Launched {
    id: String,
    folder: PathBuf,
    pid: u32,
    call: Duration,
    process: Duration,
    begun: Instant,
}

/// Every figure of `RunInstances`.
pub async fn boot(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let count = if setting.quick { 1 } else { 7 };
    let mut region = setting.region_with_image("linux")?;
    let (endpoint, _) = region.start().await?;
    let mut guests = Guests { image: image(&endpoint).await?, machines: region.folder().join("machines"), endpoint };
    // The first of a region also tests KVM (up to 1.5 s) and makes the VPC's network; it warms the file cache for both sides, too.
    let first = guests.launch().await?;
    guests.wait_for_init(&first, Duration::ZERO).await?;
    guests.terminate(&first).await?;
    let (mut calls, mut processes, mut inits) = (Vec::new(), Vec::new(), Vec::new());
    let (mut hand_processes, mut hand_inits) = (Vec::new(), Vec::new());
    let mut quiet = Duration::ZERO;
    for _ in 0..count {
        let launched = guests.launch().await?;
        let init = guests.wait_for_init(&launched, quiet).await?;
        let words = command_line(launched.pid)?;
        let by_hand = ByHand::prepare(&words, &launched.folder, setting.scratch())?;
        guests.terminate(&launched).await?;
        let times = by_hand.run(quiet).await?;
        quiet = times.init * 3 / 4;
        calls.push(launched.call);
        processes.push(launched.process);
        inits.push(init);
        hand_processes.push(times.process);
        hand_inits.push(times.init);
    }
    for _ in 0..if setting.quick { 1 } else { MORE_CALLS } {
        let launched = guests.launch().await?;
        guests.terminate(&launched).await?;
        calls.push(launched.call);
        processes.push(launched.process);
    }
    let time = |times: &[Duration]| Value::Time(median(times));
    let row = |figure: String, ours, peer, aim| Row { figure, ours, peer, aim };
    let calls_made = calls.len();
    rows.push(row(
        format!("RunInstances, linux, call (median of {calls_made})"),
        time(&calls),
        None,
        Aim::AtMost(Value::Time(CALL_AIM)),
    ));
    rows.push(row(
        format!("RunInstances to QEMU's pid (median of {calls_made}; by hand {count})"),
        time(&processes),
        Some(time(&hand_processes)),
        Aim::AtMost(Value::Time(PROCESS_AIM)),
    ));
    rows.push(row(
        "RunInstances to QEMU's pid, first of a region (tests KVM once)".to_owned(),
        Value::Time(first.process),
        None,
        Aim::None,
    ));
    rows.push(row(
        format!("RunInstances to /init, against QEMU by hand (median of {count})"),
        time(&inits),
        Some(time(&hand_inits)),
        Aim::RatioAtMost(BOOT_AIM),
    ));
    Ok(())
}

struct Guests {
    endpoint: Endpoint,
    image: String,
    machines: PathBuf,
}

impl Guests {
    /// Launches one, and waits until its QEMU runs.
    async fn launch(&mut self) -> Result<Launched> {
        let known = folders(&self.machines);
        let mut connection = Connection::new(self.endpoint.address);
        // So that the connection is open, as an SDK's is.
        self.endpoint.call_on(&mut connection, EC2, "DescribeRegions", &[]).await?;
        let parameters =
            [("ImageId", self.image.as_str()), ("MinCount", "1"), ("MaxCount", "1"), ("InstanceType", "t3.micro")];
        let begun = Instant::now();
        let call = async {
            let answer = self.endpoint.call_on(&mut connection, EC2, "RunInstances", &parameters).await?;
            anyhow::Ok((answer, begun.elapsed()))
        };
        let ((answer, call), (folder, pid, process)) =
            tokio::try_join!(call, new_process(&self.machines, &known, begun))?;
        let id = elements(&answer, "instanceId").first().map(|id| (*id).to_owned()).context("no instance id")?;
        if !folder.ends_with(&id) {
            bail!("{id} was launched, but {} is new", folder.display());
        }
        Ok(Launched { id, folder, pid, call, process, begun })
    }

    /// Waits for the guest's first line, not looking before `quiet` is over, and gives the time since the call.
    async fn wait_for_init(&self, launched: &Launched, quiet: Duration) -> Result<Duration> {
        tokio::time::sleep(quiet.saturating_sub(launched.begun.elapsed())).await;
        let mut connection = Connection::new(self.endpoint.address);
        let mut last = String::new();
        while launched.begun.elapsed() < BOOT_LIMIT {
            let parameters = [("InstanceId", launched.id.as_str())];
            match self.endpoint.call_on(&mut connection, EC2, "GetConsoleOutput", &parameters).await {
                Ok(answer) => {
                    let output = elements(&answer, "output").concat();
                    let bytes = STANDARD.decode(output.trim()).context("the console is not base64")?;
                    last = String::from_utf8_lossy(&bytes).into_owned();
                    if last.contains(FIRST_LINE) {
                        return Ok(launched.begun.elapsed());
                    }
                }
                // The region may not know yet that the machine runs.
                Err(cause) => last = format!("{cause:#}"),
            }
            tokio::time::sleep(CONSOLE_STEP).await;
        }
        bail!("{} did not say '{FIRST_LINE}' in {BOOT_LIMIT:?}: {last}", launched.id)
    }

    /// Terminates one, and waits until its process and folder are gone.
    async fn terminate(&self, launched: &Launched) -> Result<()> {
        let parameters = [("InstanceId.1", launched.id.as_str())];
        self.endpoint.call(EC2, "TerminateInstances", &parameters).await?;
        let begun = Instant::now();
        while begun.elapsed() < BOOT_LIMIT {
            if !Path::new(&format!("/proc/{}", launched.pid)).exists() && !launched.folder.exists() {
                return Ok(());
            }
            tokio::time::sleep(CONSOLE_STEP).await;
        }
        bail!("{} still runs {BOOT_LIMIT:?} after it was terminated", launched.id)
    }
}

fn folders(machines: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(machines).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"i-")).map(|entry| entry.path()).collect()
}

async fn new_process(machines: &Path, known: &BTreeSet<PathBuf>, begun: Instant) -> Result<(PathBuf, u32, Duration)> {
    while begun.elapsed() < BOOT_LIMIT {
        for folder in folders(machines).difference(known) {
            let text = fs::read_to_string(folder.join("pid")).unwrap_or_default();
            if let Some(pid) = text.strip_suffix('\n').and_then(|text| text.trim().parse().ok()) {
                return Ok((folder.clone(), pid, begun.elapsed()));
            }
        }
        tokio::time::sleep(PROCESS_STEP).await;
    }
    bail!("no machine was started in {BOOT_LIMIT:?}")
}
