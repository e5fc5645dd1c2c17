//! Which accelerator machines run on. That `/dev/kvm` opens proves little: within some virtual machines it is there
//! and a thousand times slower than plain emulation. So KVM is used only after it has run a loop in time.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

/// What runs the guests' instructions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Accel {
    /// The processor itself.
    Kvm,
    /// QEMU's translator: works everywhere, ten times slower or more.
    Tcg {
        /// Why it is not KVM.
        why: String,
    },
}

/// A judgement on this machine, and what it was made of: another kernel or device asks for another one.
#[derive(Serialize, Deserialize)]
struct Judgement {
    kernel: String,
    has_device: bool,
    accel: Accel,
}

/// Real KVM does the loop below in some 30 ms, QEMU starts in 50 ms; emulated KVM takes minutes.
const LIMIT: Duration = Duration::from_millis(1500);
/// Processor time that the loop's QEMU may use. With plain emulation the loop takes less than one second.
const CPU_SECONDS: u64 = 5;
/// What the loop's QEMU exits with: the byte written to the debug port, doubled plus one.
const DONE: i32 = (0x10 << 1) | 1;
/// Written to the BIOS ROM's start: counts 50 million down in `ecx`, writes 0x10 to port 0x501, halts.
const LOOP: [u8; 19] = [
    0x66, 0xb9, 0x80, 0xf0, 0xfa, 0x02, // mov ecx, 50_000_000
    0x66, 0x49, // dec ecx
    0x75, 0xfc, // jnz back to the dec
    0xb0, 0x10, // mov al, 0x10
    0xba, 0x01, 0x05, // mov dx, 0x501
    0xee, // out dx, al
    0xf4, // hlt
    0xeb, 0xfd, // jmp back to the hlt
];
/// Where the processor begins, 16 bytes below the ROM's end: a far jump to the ROM's start.
const RESET: [u8; 5] = [0xea, 0x00, 0x00, 0x00, 0xf0];
const ROM_BYTES: usize = 64 << 10;

/// Finds out what this machine can use. The judgement is kept in `folder` as `accel.json` and made again when the
/// kernel or the presence of `/dev/kvm` changes, or when that file is removed.
pub async fn probe(folder: &Path, qemu: &Path) -> Accel {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned();
    let has_device = Path::new("/dev/kvm").exists();
    let file = folder.join("accel.json");
    let known = std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Judgement>(&bytes).ok());
    if let Some(known) = known.filter(|known| known.kernel == kernel && known.has_device == has_device) {
        return known.accel;
    }
    let accel = if has_device {
        match run_loop(folder, qemu, "kvm", LIMIT).await {
            Ok(()) => Accel::Kvm,
            Err(why) => Accel::Tcg { why },
        }
    } else {
        Accel::Tcg { why: "there is no /dev/kvm".into() }
    };
    let judgement = Judgement { kernel, has_device, accel };
    let kept = serde_json::to_vec(&judgement).map_err(std::io::Error::from).and_then(|bytes| {
        let fresh = folder.join("accel.json.new");
        std::fs::write(&fresh, bytes)?;
        std::fs::rename(fresh, &file)
    });
    if let Err(cause) = kept {
        tracing::warn!(%cause, "the accelerator is tested again at the next start");
    }
    judgement.accel
}

/// Runs the loop on an accelerator. Gives what is wrong with it if it does not end in order within `limit`.
async fn run_loop(folder: &Path, qemu: &Path, accel: &str, limit: Duration) -> Result<(), String> {
    let rom = Rom::write(folder).map_err(|cause| format!("the test of {accel} could not be written: {cause}"))?;
    let mut command = Command::new(qemu);
    command
        .args(["-accel", accel, "-machine", "pc", "-m", "16M", "-nodefaults", "-no-user-config", "-display", "none"])
        .args(["-device", "isa-debug-exit,iobase=0x501,iosize=0x02"])
        .arg("-bios")
        .arg(&rom.0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // A loop that hangs would outlive a `kill -9` of ours: the kernel ends it after some seconds of processor time.
    let cpu = Rlimit { current: Some(CPU_SECONDS), maximum: Some(CPU_SECONDS) };
    let limit_cpu = move || setrlimit(Resource::Cpu, cpu).map_err(std::io::Error::from);
    // SAFETY: between fork and exec only setrlimit(2) is called, which is async-signal-safe; the closure owns plain
    // numbers and allocates nothing.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(limit_cpu)
    };
    let child = command.spawn().map_err(|cause| format!("{} does not start: {cause}", qemu.display()))?;
    match tokio::time::timeout(limit, child.wait_with_output()).await {
        Err(_) => {
            Err(format!("{accel} is too slow here: a loop of 50 million steps took over {} ms", limit.as_millis()))
        }
        Ok(Err(cause)) => Err(format!("the test of {accel} failed: {cause}")),
        Ok(Ok(output)) if output.status.code() == Some(DONE) => Ok(()),
        Ok(Ok(output)) => {
            let words = String::from_utf8_lossy(&output.stderr);
            let signal = output.status.signal().map(|signal| format!(" (signal {signal})")).unwrap_or_default();
            Err(format!("{accel} does not work here{signal}: {}", words.lines().next().unwrap_or("no message")))
        }
    }
}

/// The ROM file, removed when dropped.
struct Rom(PathBuf);

impl Rom {
    fn write(folder: &Path) -> std::io::Result<Self> {
        let mut bytes = vec![0xf4; ROM_BYTES];
        bytes[..LOOP.len()].copy_from_slice(&LOOP);
        bytes[ROM_BYTES - 16..][..RESET.len()].copy_from_slice(&RESET);
        let path = folder.join(format!(".probe-{}.rom", std::process::id()));
        std::fs::write(&path, bytes)?;
        Ok(Self(path))
    }
}

impl Drop for Rom {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{Accel, Judgement, probe, run_loop};

    const QEMU: &str = "qemu-system-x86_64";

    #[tokio::test]
    async fn the_loop_ends_where_the_accelerator_works() {
        let folder = tempfile::tempdir().unwrap();
        let outcome = run_loop(folder.path(), Path::new(QEMU), "tcg", Duration::from_secs(60)).await;
        assert_eq!(outcome, Ok(()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    }

    #[tokio::test]
    async fn what_does_not_end_in_time_or_does_not_exist_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let slow = run_loop(folder.path(), Path::new(QEMU), "tcg", Duration::ZERO).await;
        assert!(slow.as_ref().is_err_and(|why| why.contains("too slow")), "{slow:?}");
        let unknown = run_loop(folder.path(), Path::new(QEMU), "nonesuch", Duration::from_secs(60)).await;
        assert!(unknown.as_ref().is_err_and(|why| why.contains("nonesuch")), "{unknown:?}");
    }

    #[tokio::test]
    async fn the_judgement_is_kept_until_the_kernel_changes() {
        let folder = tempfile::tempdir().unwrap();
        let first = probe(folder.path(), Path::new(QEMU)).await;
        let file = folder.path().join("accel.json");
        let mut kept: Judgement = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(kept.accel, first);
        kept.accel = Accel::Tcg { why: "as kept".into() };
        std::fs::write(&file, serde_json::to_vec(&kept).unwrap()).unwrap();
        assert_eq!(probe(folder.path(), Path::new(QEMU)).await, kept.accel);
        kept.kernel.push_str("-other");
        std::fs::write(&file, serde_json::to_vec(&kept).unwrap()).unwrap();
        assert_eq!(probe(folder.path(), Path::new(QEMU)).await, first);
    }
}
