//! Real QEMU machines, translated, without network interfaces and thus without root: the suite that every host passes,
//! how ends are noted, and cuts at every step of every effect.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, which clippy finds only below #[test]")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use host::conformance::{self, MachineHost};
use host::{BootSpec, HostError, MachineSpec, MachineState, Machines};
use host_linux::machine::{Accel, Config, LinuxMachines, Steps};
use ids::InstanceId;
use rustix::process::{Pid, Signal, kill_process};

/// Far above what any of these waits takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder of machines whose processes are killed when the test ends, however it ends.
struct Rig {
    folder: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("machines")
    }

    async fn open_with(&self, steps: Option<Steps>) -> LinuxMachines {
        let mut config = Config::new(self.root(), "test");
        (config.accel, config.steps) = (Some(Accel::Tcg { why: "a test".into() }), steps);
        LinuxMachines::open(config).await.unwrap()
    }

    /// An image with this boot sector.
    fn image(&self, code: &[u8]) -> PathBuf {
        let mut sector = vec![0; 1 << 20];
        sector[..code.len()].copy_from_slice(code);
        sector[510..512].copy_from_slice(&[0x55, 0xaa]);
        let path = self.folder.path().join("image.raw");
        fs::write(&path, sector).unwrap();
        path
    }

    /// A machine that boots this image.
    fn booting(&self, id: InstanceId, code: &[u8]) -> MachineSpec {
        let mut spec = self.spec(id);
        spec.boot.root = Some(self.image(code));
        spec
    }

    /// The processes that belong to this folder.
    fn processes(&self) -> Vec<Pid> {
        let own = self.folder.path().to_str().unwrap();
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let pid = entry.unwrap().file_name().to_str()?.parse().ok()?;
            let command_line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            String::from_utf8_lossy(&command_line).contains(own).then(|| Pid::from_raw(pid)).flatten()
        });
        pids.collect()
    }

    /// Everything in the folder of machines.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for pid in self.processes() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

#[async_trait]
impl MachineHost for Rig {
    async fn open(&self) -> Arc<dyn Machines> {
        Arc::new(self.open_with(None).await)
    }

    /// The firmware finds nothing to boot and waits.
    fn spec(&self, id: InstanceId) -> MachineSpec {
        let boot =
            BootSpec { kernel: None, initrd: None, command_line: String::new(), root: None, root_bytes: 1 << 20 };
        MachineSpec { id, vcpus: 1, memory_mib: 32, boot, nics: Vec::new(), disks: Vec::new() }
    }

    async fn crash(&self, id: &InstanceId) {
        let pid = fs::read_to_string(self.root().join(id.as_str()).join("pid")).unwrap();
        let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
        until(|| !self.processes().contains(&pid)).await;
    }
}

#[tokio::test]
async fn a_machine_that_ends_with_its_host_is_not_noted_as_ended() {
    let rig = Rig::new();
    let machines = rig.open_with(None).await;
    let id = InstanceId::from_random([50; 8]);
    machines.prepare(&rig.spec(id.clone())).await.unwrap();
    machines.start(&id).await.unwrap();
    let folder = rig.root().join(id.as_str());
    for pid in rig.processes() {
        kill_process(pid, Signal::TERM).unwrap();
    }
    until(|| rig.processes().is_empty()).await;
    assert_eq!(machines.list().await.unwrap()[0].state, MachineState::Running, "the host may be going down");
    drop(machines);
    assert!(!folder.join("exit.json").exists());
    // As in the next boot of the host, which has another name.
    fs::write(folder.join("ran"), "another boot").unwrap();
    let machines = rig.open_with(None).await;
    assert_eq!(machines.list().await.unwrap()[0].state, MachineState::Prepared, "it is started again");
}

async fn until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it does not become so");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn instance(number: u8) -> InstanceId {
    InstanceId::from_random([number; 8])
}

/// Writes the text to the serial port, then powers off through the chipset's power management register.
fn says_and_powers_off(text: &str) -> Vec<u8> {
    let mut code = vec![0xba, 0xf8, 0x03]; // mov dx, 0x3f8
    for byte in text.bytes() {
        code.extend([0xb0, byte, 0xee]); // mov al, byte; out dx, al
    }
    code.extend([0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef]); // mov dx, 0x604; mov ax, 0x2000; out dx, ax
    code.extend([0xf4, 0xeb, 0xfd]); // hlt, for ever
    code
}

async fn state(machines: &dyn Machines, id: &InstanceId) -> Option<MachineState> {
    machines.list().await.unwrap().into_iter().find(|seen| &seen.id == id).map(|seen| seen.state)
}

async fn exited(machines: &dyn Machines, id: &InstanceId) -> (bool, String) {
    let mut changed = machines.changed();
    let waiting = async {
        loop {
            changed.borrow_and_update();
            if let Some(MachineState::Exited { by_guest, reason }) = state(machines, id).await {
                return (by_guest, reason);
            }
            changed.changed().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_conform() {
    conformance::machines(&Rig::new()).await;
}

#[tokio::test]
async fn a_guest_that_powers_off_is_noted_with_its_last_words() {
    let rig = Rig::new();
    let machines = rig.open_with(None).await;
    let id = instance(1);
    machines.prepare(&rig.booting(id.clone(), &says_and_powers_off("bye"))).await.unwrap();
    machines.start(&id).await.unwrap();
    let (by_guest, reason) = exited(&machines, &id).await;
    assert!(by_guest, "{reason}");
    assert_eq!(machines.console(&id).await.unwrap(), b"bye");
    assert_eq!(rig.processes(), []);
    drop(machines);
    assert_eq!(exited(&rig.open_with(None).await, &id).await, (true, reason));
}

#[tokio::test]
async fn a_guest_that_powers_off_while_no_agent_runs_is_noted_by_the_next() {
    let rig = Rig::new();
    let machines = rig.open_with(None).await;
    let id = instance(1);
    machines.prepare(&rig.booting(id.clone(), &says_and_powers_off("alone"))).await.unwrap();
    machines.start(&id).await.unwrap();
    // The firmware alone takes longer than this.
    drop(machines);
    tokio::task::yield_now().await;
    let socket = rig.root().join(id.as_str()).join("qmp.sock");
    tokio::task::spawn_blocking(move || wait_for_shutdown(&socket)).await.unwrap();
    let machines = rig.open_with(None).await;
    let (by_guest, reason) = exited(&machines, &id).await;
    assert!(by_guest, "{reason}");
    assert_eq!(machines.console(&id).await.unwrap(), b"alone");
    assert_eq!(rig.processes(), []);
}

/// Listens on the control socket until the guest has shut down.
fn wait_for_shutdown(socket: &Path) {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"{\"execute\":\"qmp_capabilities\"}{\"execute\":\"query-status\"}").unwrap();
    let shut_down = BufReader::new(stream)
        .lines()
        .map(Result::unwrap)
        .find(|line| line.contains("\"event\": \"SHUTDOWN\"") || line.contains("\"status\": \"shutdown\""));
    assert!(shut_down.is_some(), "QEMU ended");
}

/// Waits until the machine has written this to its console, and no more.
async fn says(machines: &dyn Machines, id: &InstanceId, text: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let console = machines.console(id).await.unwrap();
        if console == text.as_bytes() {
            return;
        }
        assert!(Instant::now() < deadline, "the console says {:?}", String::from_utf8_lossy(&console));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_guest_that_is_asked_to_shut_down_is_given_the_time() {
    let rig = Rig::new();
    let machines = rig.open_with(None).await;
    let id = instance(1);
    let mut code = vec![0xba, 0x02, 0x06, 0xb8, 0x00, 0x01, 0xef]; // enable the power button's status bit
    code.extend([0xba, 0xf8, 0x03, 0xb0, b'r', 0xee]); // write `r`: ready
    code.extend([0xba, 0x00, 0x06, 0xed, 0xf6, 0xc4, 0x01, 0x74, 0xfa]); // wait for that bit
    code.extend(says_and_powers_off("off"));
    machines.prepare(&rig.booting(id.clone(), &code)).await.unwrap();
    machines.start(&id).await.unwrap();
    says(&machines, &id, "r").await;
    machines.stop(&id, PATIENCE).await.unwrap();
    assert!(matches!(state(&machines, &id).await, Some(MachineState::Exited { by_guest: true, .. })));
    assert_eq!(machines.console(&id).await.unwrap(), b"roff");
}

#[tokio::test]
async fn a_reset_boots_the_machine_anew_once() {
    let rig = Rig::new();
    let machines = rig.open_with(None).await;
    let id = instance(1);
    let code = [0xba, 0xf8, 0x03, 0xb0, b'b', 0xee, 0xf4, 0xeb, 0xfd]; // write `b`; hlt, for ever
    machines.prepare(&rig.booting(id.clone(), &code)).await.unwrap();
    machines.start(&id).await.unwrap();
    says(&machines, &id, "b").await;
    machines.reset(&id, 1).await.unwrap();
    says(&machines, &id, "bb").await;
    machines.reset(&id, 1).await.unwrap();
    machines.reset(&id, 2).await.unwrap();
    says(&machines, &id, "bbb").await;
}

#[tokio::test]
async fn without_qemu_the_error_says_what_to_install() {
    let rig = Rig::new();
    let mut config = Config::new(rig.root(), "test");
    config.qemu = "/nonesuch/qemu".into();
    let machines = LinuxMachines::open(config).await.unwrap();
    machines.prepare(&rig.spec(instance(1))).await.unwrap();
    let missing = machines.start(&instance(1)).await.unwrap_err();
    assert!(matches!(&missing, HostError::Missing { remedy, .. } if remedy.contains("qemu-system-x86")), "{missing}");
    assert_eq!(state(&machines, &instance(1)).await, Some(MachineState::Prepared));
}

#[tokio::test]
async fn a_disk_goes_on_where_it_was_and_its_image_stays() {
    let rig = Rig::new();
    let machines = rig.open_with(None).await;
    let spec = rig.booting(instance(1), &says_and_powers_off("x"));
    let image = spec.boot.root.clone().unwrap();
    let before = fs::read(&image).unwrap();
    machines.prepare(&spec).await.unwrap();
    let disk = rig.root().join(spec.id.as_str()).join("root.qcow2");
    let made = fs::metadata(&disk).unwrap().modified().unwrap();
    let bigger = MachineSpec { memory_mib: 48, ..spec.clone() };
    machines.prepare(&bigger).await.unwrap();
    assert_eq!(fs::metadata(&disk).unwrap().modified().unwrap(), made);
    machines.start(&spec.id).await.unwrap();
    exited(&machines, &spec.id).await;
    assert_eq!(fs::read(image).unwrap(), before);
}

#[tokio::test]
async fn a_machine_that_cannot_start_says_why_and_leaves_nothing_running() {
    let rig = Rig::new();
    let machines = rig.open_with(None).await;
    let mut spec = rig.spec(instance(1));
    spec.boot.root = Some(rig.folder.path().join("nonesuch.raw"));
    let missing = machines.prepare(&spec).await.unwrap_err();
    assert!(matches!(&missing, HostError::Missing { what, .. } if what.contains("nonesuch")), "{missing}");

    let kernel = rig.folder.path().join("kernel");
    fs::write(&kernel, "not a kernel").unwrap();
    let mut spec = rig.spec(instance(2));
    spec.boot.kernel = Some(kernel);
    machines.prepare(&spec).await.unwrap();
    let failed = machines.start(&spec.id).await.unwrap_err().to_string();
    assert!(failed.contains("kernel"), "{failed}");
    assert_eq!(rig.processes(), []);
    assert_eq!(state(&machines, &spec.id).await, Some(MachineState::Prepared));
    drop(machines);
    assert_eq!(state(&rig.open_with(None).await, &spec.id).await, Some(MachineState::Prepared));
}

#[tokio::test]
async fn a_data_folder_with_a_long_name_is_no_obstacle() {
    let rig = Rig::new();
    let mut config = Config::new(rig.root().join("long-".repeat(40)), "test");
    config.accel = Some(Accel::Tcg { why: "a test".into() });
    let machines = LinuxMachines::open(config).await.unwrap();
    machines.prepare(&rig.spec(instance(1))).await.unwrap();
    machines.start(&instance(1)).await.unwrap();
    assert_eq!(state(&machines, &instance(1)).await, Some(MachineState::Running));
    machines.remove(&instance(1)).await.unwrap();
    assert_eq!(rig.processes(), []);
}

#[tokio::test]
async fn only_one_process_has_the_machines_and_no_other_user_sees_them() {
    let rig = Rig::new();
    let machines = rig.open_with(None).await;
    let second = LinuxMachines::open(Config::new(rig.root(), "test")).await.err().unwrap();
    assert!(second.to_string().contains("open"), "{second}");
    assert_eq!(fs::metadata(rig.root()).unwrap().permissions().mode() & 0o777, 0o700);
    drop(machines);
    rig.open_with(None).await;
}

#[tokio::test]
async fn a_process_id_that_was_given_to_another_is_not_touched() {
    let rig = Rig::new();
    let machines = rig.open_with(None).await;
    let id = instance(1);
    machines.prepare(&rig.spec(id.clone())).await.unwrap();
    machines.start(&id).await.unwrap();
    drop(machines);
    rig.crash(&id).await;
    let mut other = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    fs::write(rig.root().join(id.as_str()).join("pid"), other.id().to_string()).unwrap();
    let machines = rig.open_with(None).await;
    let state = state(&machines, &id).await;
    machines.remove(&id).await.unwrap();
    let is_alive = other.try_wait().unwrap().is_none();
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(is_alive);
    assert!(matches!(state, Some(MachineState::Exited { by_guest: false, .. })), "{state:?}");
}

/// The steps of bringing a machine up and removing it.
const STEPS: [&str; 10] = [
    "prepare: empty folder",
    "prepare: specification",
    "prepare: disk",
    "prepare: complete",
    "start: socket",
    "start: spawned",
    "start: ready",
    "start: noted",
    "remove: ended",
    "remove: out of the way",
];

/// Steps that cut off at `at`, once; the names of all steps that were passed are noted.
fn cut(at: Option<&'static str>, passed: &Arc<Mutex<Vec<&'static str>>>) -> Steps {
    let (is_armed, passed) = (AtomicBool::new(true), passed.clone());
    Arc::new(move |name| {
        passed.lock().unwrap().push(name);
        if Some(name) == at && is_armed.swap(false, Ordering::SeqCst) {
            return Err(HostError::failed(name, "cut off"));
        }
        Ok(())
    })
}

async fn bring_up(machines: &dyn Machines, spec: &MachineSpec) -> Result<(), HostError> {
    machines.prepare(spec).await?;
    machines.start(&spec.id).await
}

#[tokio::test]
async fn cut_at_any_step_the_next_try_completes_it_and_nothing_is_left() {
    let passed = Arc::default();
    let rig = Rig::new();
    let machines = rig.open_with(Some(cut(None, &passed))).await;
    bring_up(&machines, &rig.spec(instance(1))).await.unwrap();
    machines.remove(&instance(1)).await.unwrap();
    let steps = passed.lock().unwrap().clone();
    assert_eq!(steps, STEPS);
    for step in STEPS {
        for is_reopened in [false, true] {
            cut_at(step, is_reopened).await;
        }
    }
}

async fn cut_at(step: &'static str, is_reopened: bool) {
    let rig = Rig::new();
    let spec = rig.spec(instance(1));
    let mut machines = rig.open_with(Some(cut(Some(step), &Arc::default()))).await;
    if !step.starts_with("remove") {
        bring_up(&machines, &spec).await.expect_err(step);
        if is_reopened {
            drop(machines);
            machines = rig.open_with(None).await;
        }
        bring_up(&machines, &spec).await.unwrap_or_else(|cause| panic!("{step}: {cause}"));
        assert_eq!(state(&machines, &spec.id).await, Some(MachineState::Running), "{step}");
        assert_eq!(rig.processes().len(), 1, "{step}");
    } else {
        bring_up(&machines, &spec).await.unwrap();
        machines.remove(&spec.id).await.expect_err(step);
        if is_reopened {
            drop(machines);
            machines = rig.open_with(None).await;
        }
    }
    machines.remove(&spec.id).await.unwrap();
    assert_eq!(rig.processes(), [], "{step}");
    assert_eq!(rig.files(), [""; 0], "{step}");
    assert_eq!(machines.list().await.unwrap(), [], "{step}");
}

/// Set for a process of this test that is to be killed: the step to be killed at, and the folder of machines.
const KILLED_AT: &str = "WELKIN_TEST_KILLED_AT";
const KILLED_IN: &str = "WELKIN_TEST_KILLED_IN";

#[tokio::test]
async fn a_machine_outlives_our_process_killed_at_any_step_and_the_next_process_completes_it() {
    if let (Ok(step), Some(root)) = (std::env::var(KILLED_AT), std::env::var_os(KILLED_IN)) {
        return bring_up_and_remove_until_killed(step, root.into()).await;
    }
    for step in STEPS {
        let rig = Rig::new();
        let spec = rig.spec(instance(1));
        let own_name = "a_machine_outlives_our_process_killed_at_any_step_and_the_next_process_completes_it";
        let killed = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", own_name])
            .env(KILLED_AT, step)
            .env(KILLED_IN, rig.root())
            .output()
            .unwrap();
        assert_eq!(killed.status.signal(), Some(Signal::KILL.as_raw()), "{step}: {killed:?}");
        let machines = rig.open_with(None).await;
        let is_running = state(&machines, &spec.id).await == Some(MachineState::Running);
        assert_eq!(is_running, step.starts_with("start: ") && step != "start: socket", "{step}");
        if !step.starts_with("remove") {
            bring_up(&machines, &spec).await.unwrap_or_else(|cause| panic!("{step}: {cause}"));
            assert_eq!(rig.processes().len(), 1, "{step}");
        }
        machines.remove(&spec.id).await.unwrap();
        assert_eq!(rig.processes(), [], "{step}");
        assert_eq!(rig.files(), [""; 0], "{step}");
    }
}

async fn bring_up_and_remove_until_killed(step: String, root: PathBuf) {
    let mut config = Config::new(root, "test");
    config.accel = Some(Accel::Tcg { why: "a test".into() });
    config.steps = Some(Arc::new(move |name| {
        if name == step {
            kill_process(rustix::process::getpid(), Signal::KILL).unwrap();
        }
        Ok(())
    }));
    let machines = LinuxMachines::open(config).await.unwrap();
    let spec = Rig::new().spec(instance(1));
    bring_up(&machines, &spec).await.unwrap();
    machines.remove(&spec.id).await.unwrap();
}
