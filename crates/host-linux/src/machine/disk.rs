//! A machine's root disk: a qcow2 layer above the image, which is only read.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use host::{BootSpec, HostError};

use super::folder::Folder;

/// True if a machine with this specification has a root disk.
pub(crate) fn is_wanted(boot: &BootSpec) -> bool {
    boot.root.is_some() || boot.root_bytes > 0
}

/// Says what the specification needs and this machine lacks, or why no disk can be made of it.
pub(crate) fn check(boot: &BootSpec) -> Result<(), HostError> {
    for path in [&boot.kernel, &boot.initrd, &boot.root].into_iter().flatten() {
        if !path.is_file() {
            let remedy = "the image must be brought here first".into();
            return Err(HostError::Missing { what: path.display().to_string(), remedy });
        }
    }
    let Some(root) = &boot.root else { return Ok(()) };
    let image = root.metadata().map_err(|cause| HostError::failed(format!("look at {}", root.display()), cause))?;
    if boot.root_bytes < image.len() {
        let (asked, least) = (boot.root_bytes, image.len());
        return Err(HostError::Refused(format!("a root disk of {asked} bytes is smaller than its image of {least}")));
    }
    Ok(())
}

/// Makes the root disk in the folder, whole or not at all; one that is there stays as it is.
pub(crate) fn make(folder: &Folder, boot: &BootSpec) -> io::Result<()> {
    let disk = folder.file("root.qcow2");
    if !is_wanted(boot) || disk.exists() {
        return Ok(());
    }
    let fresh = folder.file("root.qcow2.new");
    create(&fresh, boot)?;
    File::open(&fresh)?.sync_all()?;
    std::fs::rename(fresh, disk)
}

fn create(path: &Path, boot: &BootSpec) -> io::Result<()> {
    let mut command = Command::new("qemu-img");
    command.args(["create", "-q", "-f", "qcow2"]);
    if let Some(root) = &boot.root {
        command.args(["-F", "raw", "-b"]).arg(root.canonicalize()?);
    }
    command.arg(path).arg(boot.root_bytes.to_string());
    let output = command.stdin(Stdio::null()).output().map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => io::Error::other("qemu-img is missing; install it: apt-get install qemu-utils"),
        _ => cause,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("qemu-img: {}", words.trim())))
}
