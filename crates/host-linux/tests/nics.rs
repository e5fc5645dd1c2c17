//! A machine with a network interface: QEMU within the VPC's namespace, on the tap that is there. Needs root to make a
//! namespace; says so and ends where there is none, as the rest of this crate's machines run without.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, which clippy finds only below #[test]")]

use std::fs;
use std::process::Command;

use host::{BootSpec, MachineSpec, MachineState, Machines, NicSpec};
use host_linux::machine::{Accel, Config, LinuxMachines};
use host_linux::names::{netns_name, tap_name};
use ids::{InstanceId, NetworkInterfaceId, VpcId};

/// A namespace that goes when the test ends.
struct Namespace(String);

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

fn ip(arguments: &[&str]) -> String {
    let output = Command::new("ip").args(arguments).output().unwrap();
    assert!(output.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_machine_is_on_the_tap_in_the_namespace_of_its_vpc() {
    if !rustix::process::geteuid().is_root() {
        println!("not run: making a network namespace needs root");
        return;
    }
    let (tag, number) = (format!("t{}", std::process::id()), std::process::id().to_le_bytes());
    let random = [number, number].concat().try_into().unwrap();
    let (id, vpc, eni) =
        (InstanceId::from_random(random), VpcId::from_random(random), NetworkInterfaceId::from_random(random));
    let (name, tap) = (netns_name(&tag, &vpc), tap_name(&eni));

    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path(), &tag);
    config.accel = Some(Accel::Tcg { why: "a test".into() });
    let machines = LinuxMachines::open(config.clone()).await.unwrap();
    let boot = BootSpec { kernel: None, initrd: None, command_line: String::new(), root: None, root_bytes: 0 };
    let nics = vec![NicSpec { id: eni, vpc, mac: "02:00:00:00:00:01".into() }];
    let spec = MachineSpec { id: id.clone(), vcpus: 1, memory_mib: 32, boot, nics, disks: Vec::new() };
    machines.prepare(&spec).await.unwrap();
    machines.start(&id).await.expect_err("without the namespace");

    ip(&["netns", "add", &name]);
    let _namespace = Namespace(name.clone());
    let refused = machines.start(&id).await.expect_err("without the tap").to_string();
    assert!(refused.contains(&tap), "{refused}");
    assert!(!ip(&["-n", &name, "link", "show"]).contains(&tap), "and none was made");

    ip(&["-n", &name, "tuntap", "add", &tap, "mode", "tap"]);
    ip(&["-n", &name, "link", "set", &tap, "up"]);
    let has_carrier = || ip(&["-n", &name, "link", "show", "dev", &tap]).contains("LOWER_UP");
    assert!(!has_carrier());
    machines.start(&id).await.unwrap();
    assert!(has_carrier(), "QEMU holds the tap");
    let pid = fs::read_to_string(folder.path().join(id.as_str()).join("pid")).unwrap();
    assert_eq!(ip(&["netns", "identify", pid.trim()]).trim(), name);

    drop(machines);
    let machines = LinuxMachines::open(config).await.unwrap();
    assert_eq!(machines.list().await.unwrap()[0].state, MachineState::Running, "it is found within its namespace");
    machines.remove(&id).await.unwrap();
    assert!(!has_carrier(), "the tap is free again, and still there");
}
