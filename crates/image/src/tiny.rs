//! Builds the image `welkin-tiny`: Debian's cloud kernel, busybox and dropbear, behaving as an EC2 guest.
//! It is for tests, demonstrations and first steps; it boots in seconds even without hardware virtualisation.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::Program;
use crate::cpio::Archive;
use crate::error::file_error;
use crate::manifest::sha256_of_file;
use crate::{ImageError, ImageFile, LOGIN_USER, Manifest, packages, root};

const ROOT_BYTES: u64 = 1 << 30;

/// Measured on a quiet machine under TCG, to the first line: 1.75 s quiet, 1.97 s with all kernel messages.
/// `loglevel=6` keeps the notices (1.3 KB instead of 22); `cryptomgr.notests` saves 0.25 s, `init_kprobe_trace` 0.15 s,
/// `mitigations=off` and `no_timer_check` less than the noise. The guest is alone in its machine.
///
/// `no5lvl`: with `-cpu max`, QEMU 7.2 without acceleration offers five-level page tables and gets them wrong: programs
/// read wrong bytes and die (`_dl_get_origin: Assertion`, crashes of `wget`). Models without `la57` are not affected.
const COMMAND_LINE: &str = "console=ttyS0 loglevel=6 panic=1 no5lvl mitigations=off no_timer_check cryptomgr.notests \
                            initcall_blacklist=init_kprobe_trace random.trust_cpu=on";

/// Kernel modules in the order in which they depend on each other.
const MODULES: [&str; 12] = [
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "virtio_blk",
    "failover",
    "net_failover",
    "virtio_net",
    "virtio-rng",
    "evdev",
    "button",
];

const XZ: Program = Program {
    name: "xz",
    install: "apt-get install xz-utils",
    remedy: "delete the package cache and build again",
    limit: Duration::from_secs(60),
};

/// Builds the image into the folder `out_dir`, which must not exist or must hold an older build of it, out of packages
/// in `cache_dir`, where it puts those that are not there yet. Needs Debian's `apt-get`, `dpkg-deb` and `mke2fs`, no
/// privileges, and a network only for packages that the cache lacks. `out_dir` appears whole or not at all.
pub fn build_tiny(out_dir: &Path, cache_dir: &Path) -> Result<Manifest, ImageError> {
    let out_dir = absolute(out_dir)?;
    let cache_dir = absolute(cache_dir)?;
    let beside = out_dir.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(beside).map_err(file_error("make", beside))?;
    let work = tempfile::Builder::new()
        .prefix(".image-")
        .tempdir_in(beside)
        .map_err(file_error("make a folder in", beside))?;
    let unpacked = work.path().join("packages");
    let staging = work.path().join("root");
    let image = work.path().join("image");
    for folder in [&unpacked, &staging, &image] {
        fs::create_dir(folder).map_err(file_error("make", folder))?;
    }
    let packages = packages::unpack_all(&cache_dir, &unpacked)?;

    let kernel = find_kernel(&unpacked)?;
    let kernel_copy = image.join("kernel");
    fs::copy(&kernel, &kernel_copy).map_err(file_error("write", &kernel_copy))?;
    let initrd = image.join("initrd");
    fs::write(&initrd, build_initrd(&unpacked)?).map_err(file_error("write", &initrd))?;
    root::build(&unpacked, &staging, &image.join("root.img"), ROOT_BYTES)?;

    let file = |name: &str| {
        let path = image.join(name);
        let sha256 = sha256_of_file(&path)?;
        fs::File::open(&path).and_then(|file| file.sync_all()).map_err(file_error("write", &path))?;
        Ok(ImageFile { file: name.to_owned(), sha256 })
    };
    let manifest = Manifest {
        format: Manifest::FORMAT,
        name: "welkin-tiny".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        architecture: "x86_64".to_owned(),
        description: "Debian kernel, busybox and dropbear: an instance in seconds".to_owned(),
        kernel: file("kernel")?,
        initrd: file("initrd")?,
        root: file("root.img")?,
        root_bytes: ROOT_BYTES,
        command_line: COMMAND_LINE.to_owned(),
        login_user: LOGIN_USER.to_owned(),
        first_line: "welkin: init".to_owned(),
        ready_line: "welkin: ready".to_owned(),
        packages,
    };
    manifest.save(&image)?;
    put_in_place(&image, &out_dir, &work.path().join("old"))?;
    Ok(manifest)
}

fn absolute(path: &Path) -> Result<PathBuf, ImageError> {
    std::path::absolute(path).map_err(file_error("find", path))
}

/// A folder can't be renamed over one with something in it: the old one goes first. A crash between the two leaves no
/// image, never half of one.
fn put_in_place(image: &Path, out_dir: &Path, old: &Path) -> Result<(), ImageError> {
    if out_dir.exists() {
        if !out_dir.join(crate::MANIFEST_FILE).exists()
            && fs::read_dir(out_dir).is_ok_and(|mut all| all.next().is_some())
        {
            return Err(file_error("replace", out_dir)(std::io::Error::other(
                "it is not an image; name another folder",
            )));
        }
        fs::rename(out_dir, old).map_err(file_error("move away", out_dir))?;
    }
    fs::rename(image, out_dir).map_err(file_error("make", out_dir))?;
    let beside = out_dir.parent().unwrap_or(out_dir);
    fs::File::open(beside).and_then(|folder| folder.sync_all()).map_err(file_error("write", beside))
}

fn kernel_missing(file: &str) -> ImageError {
    ImageError::MissingFile { package: "linux-image-*-cloud-amd64".to_owned(), file: file.to_owned() }
}

fn find_kernel(unpacked: &Path) -> Result<PathBuf, ImageError> {
    let boot = unpacked.join("boot");
    let mut files = fs::read_dir(&boot).map_err(file_error("read", &boot))?.flatten();
    let kernel = files.find(|entry| entry.file_name().to_string_lossy().starts_with("vmlinuz-"));
    kernel.map(|entry| entry.path()).ok_or_else(|| kernel_missing("vmlinuz"))
}

/// Not compressed: to unpack it in an emulated processor takes longer than to load 2.7 MB.
fn build_initrd(unpacked: &Path) -> Result<Vec<u8>, ImageError> {
    let mut archive = Archive::default();
    for folder in ["bin", "dev", "modules", "root"] {
        archive.folder(folder);
    }
    // Before anything is mounted, the kernel opens this one as the first program's input and output.
    archive.device("dev/console", 0o600, (5, 1));
    let busybox = root::find_busybox(unpacked)?;
    archive.file("bin/busybox", 0o755, &fs::read(&busybox).map_err(file_error("read", &busybox))?);
    for (index, (name, contents)) in modules(unpacked)?.into_iter().enumerate() {
        archive.file(&format!("modules/{index:02}-{name}.ko"), 0o644, &contents);
    }
    archive.file("init", 0o755, include_bytes!("../guest/init"));
    Ok(archive.finish())
}

/// The modules of [`MODULES`] that are not built into the kernel.
fn modules(unpacked: &Path) -> Result<Vec<(&'static str, Vec<u8>)>, ImageError> {
    let all = root::find(unpacked, "usr/lib/modules").ok_or_else(|| kernel_missing("lib/modules"))?;
    let release = fs::read_dir(&all).map_err(file_error("read", &all))?.flatten().next();
    let release = release.ok_or_else(|| kernel_missing("lib/modules"))?.path();
    let builtin = fs::read_to_string(release.join("modules.builtin")).unwrap_or_default();
    let mut found: Vec<(&'static str, Vec<u8>)> = Vec::new();
    let mut files = Vec::new();
    root::for_each_entry(&release, &mut |path, kind| {
        if kind.is_file() {
            files.push(path.to_owned());
        }
        Ok(())
    })?;
    for name in MODULES {
        let (plain, packed) = (format!("{name}.ko"), format!("{name}.ko.xz"));
        let is_named = |path: &&PathBuf| path.ends_with(&plain) || path.ends_with(&packed);
        match files.iter().find(is_named) {
            Some(path) if path.ends_with(&packed) => {
                found
                    .push((name, XZ.run(&release, &["--decompress".as_ref(), "--stdout".as_ref(), path.as_os_str()])?));
            }
            Some(path) => found.push((name, fs::read(path).map_err(file_error("read", path))?)),
            None if builtin.lines().any(|line| line.ends_with(&format!("/{plain}"))) => {}
            None => return Err(kernel_missing(&plain)),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, contents: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    #[test]
    fn an_older_build_is_replaced_and_a_foreign_folder_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for build in ["first", "second"] {
            write(&at("new").join(crate::MANIFEST_FILE), build);
            put_in_place(&at("new"), &at("out"), &at(&format!("old-{build}"))).unwrap();
            assert_eq!(fs::read_to_string(at("out").join(crate::MANIFEST_FILE)).unwrap(), build);
        }
        write(&at("foreign").join("thesis.txt"), "years of work");
        write(&at("new").join(crate::MANIFEST_FILE), "third");
        put_in_place(&at("new"), &at("foreign"), &at("old")).unwrap_err();
        assert_eq!(fs::read_to_string(at("foreign/thesis.txt")).unwrap(), "years of work");
    }

    #[test]
    fn a_module_is_a_file_or_built_in_or_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let release = folder.path().join("lib/modules/6.1");
        for name in MODULES.iter().filter(|name| **name != "evdev") {
            write(&release.join(format!("kernel/drivers/{name}.ko")), name);
        }
        let missing = modules(folder.path()).unwrap_err().to_string();
        assert!(missing.contains("has no evdev.ko"), "{missing}");
        write(&release.join("modules.builtin"), "kernel/drivers/input/evdev.ko\n");
        let found: Vec<&str> = modules(folder.path()).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, MODULES.into_iter().filter(|name| *name != "evdev").collect::<Vec<_>>());
    }
}
