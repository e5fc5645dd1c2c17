//! The command line of a machine: pure, so that it can be compared with a golden file.

use std::path::Path;

use host::{HostError, MachineSpec};
use ids::InstanceId;

use super::accel::Accel;
use crate::names::{netns_name, tap_name};

/// Where things are on the guest's PCI bus: fixed, so that a guest finds its devices under the same names after each
/// start. The chipset has 0x1f.
const RNG_SLOT: usize = 0x02;
const ROOT_DISK_SLOT: usize = 0x03;
const FIRST_DISK_SLOT: usize = 0x04;
const FIRST_NIC_SLOT: usize = 0x10;
const FIRST_PORT_SLOT: usize = 0x18;
const MOST_DISKS: usize = FIRST_NIC_SLOT - FIRST_DISK_SLOT;
const MOST_NICS: usize = FIRST_PORT_SLOT - FIRST_NIC_SLOT;
/// Empty hotplug ports, for disks and interfaces attached while the machine runs.
const SPARE_PORTS: usize = 4;
/// QEMU keeps this much of the serial console for us. It is bounded and needs no reader, so it works while no agent
/// runs; we take it over into a file.
pub(crate) const CONSOLE_RING: usize = 256 << 10;

/// Says why a machine cannot be run whatever happens, if that is so.
pub(crate) fn check(spec: &MachineSpec) -> Result<(), HostError> {
    let refuse = |why: String| Err(HostError::Refused(format!("machine {}: {why}", spec.id)));
    if spec.vcpus == 0 || spec.memory_mib == 0 {
        return refuse("needs at least one processor and some memory".into());
    }
    if spec.nics.len() > MOST_NICS || spec.disks.len() > MOST_DISKS {
        return refuse(format!("has room for {MOST_NICS} network interfaces and {MOST_DISKS} further disks"));
    }
    if spec.nics.iter().any(|nic| nic.vpc != spec.nics[0].vpc) {
        return refuse("its network interfaces are in different VPCs".into());
    }
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-_.".contains(&byte));
    if !spec.nics.iter().all(|nic| is_plain(&nic.mac)) || !spec.disks.iter().all(|disk| is_plain(&disk.serial)) {
        return refuse("a MAC address or disk serial has characters that it must not have".into());
    }
    Ok(())
}

/// The program and its arguments: QEMU, within the VPC's namespace if the machine has interfaces. Its standard input
/// must be the listening control socket. Paths must be text, as they travel in JSON and option lists.
///
/// A guest that powers off leaves QEMU paused (`shutdown=pause`): so the cause is still known to an agent that comes
/// back later, which then ends the process.
pub(crate) fn command(
    spec: &MachineSpec,
    folder: &Path,
    has_root_disk: bool,
    accel: &Accel,
    qemu: &Path,
    region_tag: &str,
) -> Vec<String> {
    let mut words = Words(Vec::new());
    if let Some(nic) = spec.nics.first() {
        words.add(&["ip", "netns", "exec", &netns_name(region_tag, &nic.vpc)]);
    }
    words.add(&[&qemu.display().to_string()]);
    words.add(&["-name", &format!("{},debug-threads=on", spec.id)]);
    words.add(&["-pidfile", &folder.join("pid").display().to_string()]);
    words.add(&["-nodefaults", "-no-user-config", "-display", "none"]);
    words.add(&["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]);
    words.add(&["-machine", "q35", "-rtc", "base=utc"]);
    match accel {
        // Guests get no virtualisation of their own, as on EC2.
        Accel::Kvm => words.add(&["-accel", "kvm", "-cpu", "host,-vmx,-svm"]),
        // SVM would make udev load the guest's kvm module. With a fifth page level (la57) programs that fork die
        // in a Debian 12 guest under QEMU 7.2. The translation cache would otherwise grow to 1 GiB a machine.
        Accel::Tcg { .. } => words.add(&["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max,-svm,-la57"]),
    }
    words.add(&["-smp", &spec.vcpus.to_string(), "-m", &format!("{}M", spec.memory_mib)]);
    words.add(&["-action", "shutdown=pause"]);

    let uuid = uuid(&spec.id);
    words.add(&["-uuid", &uuid]);
    words.add(&["-smbios", &format!("type=1,manufacturer=Welkin,product=Welkin,serial={uuid},uuid={uuid}")]);
    words.add(&["-smbios", &format!("type=2,manufacturer=Welkin,asset={}", spec.id)]);

    words.add(&["-chardev", "socket,id=qmp,fd=0,server=on,wait=off", "-mon", "chardev=qmp,mode=control"]);
    words.add(&["-chardev", &format!("ringbuf,id=console,size={CONSOLE_RING}"), "-serial", "chardev:console"]);
    words.add(&["-object", "rng-random,id=rng,filename=/dev/urandom"]);
    words.device(&format!("virtio-rng-pci,rng=rng,addr={RNG_SLOT:#04x}"));

    if has_root_disk {
        let file = folder.join("root.qcow2");
        // A kernel given to QEMU is itself what it boots first, and QEMU refuses a second first.
        let first = if spec.boot.kernel.is_some() { "" } else { ",bootindex=0" };
        words.disk("root", "qcow2", &file, &format!("addr={ROOT_DISK_SLOT:#04x}{first}"));
    }
    for (number, disk) in spec.disks.iter().enumerate() {
        let slot = FIRST_DISK_SLOT + number;
        words.disk(&format!("disk{number}"), "raw", &disk.path, &format!("addr={slot:#04x},serial={}", disk.serial));
    }
    for (number, nic) in spec.nics.iter().enumerate() {
        let (slot, tap) = (FIRST_NIC_SLOT + number, tap_name(&nic.id));
        words.add(&["-netdev", &format!("tap,id=nic{number},ifname={tap},script=no,downscript=no")]);
        // Without the option ROM: machines boot from disk, and the firmware need not look at each interface.
        words.device(&format!("virtio-net-pci,netdev=nic{number},mac={},addr={slot:#04x},romfile=", nic.mac));
    }
    for number in 0..SPARE_PORTS {
        let slot = FIRST_PORT_SLOT + number;
        words.device(&format!("pcie-root-port,id=port{number},chassis={},addr={slot:#04x}", number + 1));
    }
    if let Some(kernel) = &spec.boot.kernel {
        words.add(&["-kernel", &kernel.display().to_string(), "-append", &spec.boot.command_line]);
        if let Some(initrd) = &spec.boot.initrd {
            words.add(&["-initrd", &initrd.display().to_string()]);
        }
    }
    words.0
}

struct Words(Vec<String>);

impl Words {
    fn add(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
    }

    fn device(&mut self, options: &str) {
        self.add(&["-device", options]);
    }

    fn disk(&mut self, name: &str, format: &str, file: &Path, device: &str) {
        let node = serde_json::json!({
            "driver": format,
            "node-name": name,
            "discard": "unmap",
            "file": { "driver": "file", "filename": file.display().to_string(), "discard": "unmap" },
        });
        self.add(&["-blockdev", &node.to_string()]);
        self.device(&format!("virtio-blk-pci,drive={name},{device}"));
    }
}

/// A UUID that begins with `ec2`, by which guests tell that they are on EC2, and that has the instance's digits.
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html>.
pub(crate) fn uuid(id: &InstanceId) -> String {
    let digits = id.as_str().rsplit('-').next().unwrap_or_default();
    let d = format!("{digits:0>17}");
    format!("ec2{}-{}-4{}-8{}-{}0000000000", &d[..5], &d[5..9], &d[9..12], &d[12..15], &d[15..17])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use host::{BootSpec, DiskSpec, MachineSpec, NicSpec};

    use super::{Accel, check, command};

    fn full() -> MachineSpec {
        MachineSpec {
            id: "i-0123456789abcdef0".parse().unwrap(),
            vcpus: 2,
            memory_mib: 512,
            boot: BootSpec {
                kernel: Some("/images/vmlinuz".into()),
                initrd: Some("/images/initrd".into()),
                command_line: "console=ttyS0 root=/dev/vda".into(),
                root: Some("/images/a, b.raw".into()),
                root_bytes: 8 << 30,
            },
            nics: vec![NicSpec {
                id: "eni-0123456789abcdef0".parse().unwrap(),
                vpc: "vpc-0123456789abcdef0".parse().unwrap(),
                mac: "02:00:00:00:00:01".into(),
            }],
            disks: vec![DiskSpec { serial: "vol0123456789abcdef0".into(), path: "/volumes/v, 1.raw".into() }],
        }
    }

    #[test]
    fn the_command_line_is_the_golden_one() {
        let accel = Accel::Tcg { why: "a test".into() };
        let words = command(&full(), Path::new("/m/i-0"), true, &accel, Path::new("qemu-system-x86_64"), "a1");
        let golden = include_str!("../../tests/golden/command.txt");
        assert_eq!(words.join("\n"), golden.trim_end(), "{}", words.join("\n"));
    }

    #[test]
    fn what_can_never_run_is_refused() {
        check(&full()).unwrap();
        let spoilt: [fn(&mut MachineSpec); 4] = [
            |spec| spec.vcpus = 0,
            |spec| spec.nics = vec![spec.nics[0].clone(); 9],
            |spec| spec.disks[0].serial = "a,readonly=on".into(),
            |spec| spec.nics[0].mac = "02:00:00:00:00:01,romfile=/etc/passwd".into(),
        ];
        for spoil in spoilt {
            let mut spec = full();
            spoil(&mut spec);
            assert!(matches!(check(&spec), Err(host::HostError::Refused(_))), "{spec:?}");
        }
    }
}
