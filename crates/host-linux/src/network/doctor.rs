//! Whether this machine can carry VPC networks, as facts for `welkin doctor`.

use std::path::Path;

/// One thing that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked for.
    pub name: &'static str,
    /// True if it is there and usable.
    pub is_ok: bool,
    /// What was found.
    pub detail: String,
    /// What mends it; empty if nothing needs mending.
    pub remedy: String,
}

/// Number of the capability in the kernel's masks. Source: `linux/capability.h`.
const NET_ADMIN: u32 = 12;
const SYS_ADMIN: u32 = 21;

/// Looks for the programs, the device and the rights that [`super::LinuxNetworks`] needs. Changes nothing.
pub fn probe() -> Vec<Check> {
    vec![
        program("ip", "install the package iproute2"),
        program("nft", "install the package nftables"),
        tun(),
        capability("CAP_NET_ADMIN", NET_ADMIN),
        capability("CAP_SYS_ADMIN", SYS_ADMIN),
    ]
}

fn check(name: &'static str, found: Result<String, String>, remedy: &str) -> Check {
    match found {
        Ok(detail) => Check { name, is_ok: true, detail, remedy: String::new() },
        Err(detail) => Check { name, is_ok: false, detail, remedy: remedy.to_owned() },
    }
}

fn program(name: &'static str, remedy: &str) -> Check {
    let folders = std::env::var("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|file| file.is_file());
    check(name, found.map(|file| file.display().to_string()).ok_or_else(|| "not in PATH".to_owned()), remedy)
}

fn tun() -> Check {
    let file = Path::new("/dev/net/tun");
    let opened = std::fs::OpenOptions::new().read(true).write(true).open(file);
    let found = opened.map(|_| "opens".to_owned()).map_err(|error| error.to_string());
    check("/dev/net/tun", found, "load the module tun (modprobe tun) and run with the right to open it")
}

fn capability(name: &'static str, number: u32) -> Check {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let mask = mask.and_then(|text| u64::from_str_radix(text.trim(), 16).ok()).unwrap_or(0);
    let found = if mask >> number & 1 == 1 { Ok("effective".to_owned()) } else { Err("not effective".to_owned()) };
    check(name, found, "run as root")
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn a_missing_program_comes_with_its_remedy() {
        assert!(program("sh", "").is_ok);
        let check = program("no-such-program", "install it");
        assert_eq!((check.is_ok, check.remedy.as_str()), (false, "install it"));
    }
}
