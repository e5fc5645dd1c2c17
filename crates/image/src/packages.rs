//! Debian packages: found in the cache or fetched with `apt-get download`, unpacked with `dpkg-deb`. Neither needs root.
//! Not here: upgrades. A package in the cache is used as it is, so that a build works without a network and twice the
//! same; who wants newer ones empties the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::Program;
use crate::error::file_error;
use crate::manifest::sha256_of_file;
use crate::{ImageError, Package};

/// Depends on the newest kernel for virtual machines.
const KERNEL_METAPACKAGE: &str = "linux-image-cloud-amd64";

/// The kernel is chosen by the metapackage; its own name has the version in it.
const KERNEL: &str = "linux-image-";

/// What the image takes files from, besides the kernel.
const PACKAGES: [&str; 10] = [
    "busybox-static",
    "dropbear-bin",
    "libc6",
    "libcrypt1",
    "libgmp10",
    "libtomcrypt1",
    "libtommath1",
    "openssh-client",
    "openssh-sftp-server",
    "zlib1g",
];

const APT_CACHE: Program = Program {
    name: "apt-cache",
    install: "apt-get install apt (the image is made of Debian packages and needs a Debian machine or container)",
    remedy: "`apt-get update` brings the list of packages up to date",
    limit: Duration::from_secs(60),
};

const APT_GET: Program = Program {
    name: "apt-get",
    install: APT_CACHE.install,
    remedy: "`apt-get update` brings the list of packages up to date; without a network, fill the package cache",
    limit: Duration::from_secs(600),
};

const DPKG_DEB: Program = Program {
    name: "dpkg-deb",
    install: "apt-get install dpkg",
    remedy: "delete the package cache and build again",
    limit: Duration::from_secs(120),
};

/// Gives the packages of the image out of `cache_dir`, fetching what is not there, and unpacks them all into `folder`.
pub(crate) fn unpack_all(cache_dir: &Path, folder: &Path) -> Result<Vec<Package>, ImageError> {
    fs::create_dir_all(cache_dir).map_err(file_error("make", cache_dir))?;
    let mut missing: Vec<String> =
        PACKAGES.iter().filter(|name| find(cache_dir, name).is_none()).map(|name| format!("{name}:amd64")).collect();
    if find(cache_dir, KERNEL).is_none() {
        missing.push(format!("{}:amd64", newest_kernel(cache_dir)?));
    }
    if !missing.is_empty() {
        fetch(cache_dir, &missing)?;
    }
    let mut packages = Vec::new();
    for name in PACKAGES.into_iter().chain([KERNEL]) {
        let path = find(cache_dir, name).ok_or_else(|| ImageError::MissingFile {
            package: name.to_owned(),
            file: format!("package file in {}", cache_dir.display()),
        })?;
        DPKG_DEB.run(cache_dir, &["-x".as_ref(), path.as_os_str(), folder.as_os_str()])?;
        let shown = DPKG_DEB
            .run(cache_dir, &["--show".as_ref(), "--showformat=${Package} ${Version}".as_ref(), path.as_os_str()])?;
        let shown = String::from_utf8_lossy(&shown).into_owned();
        let (name, version) = shown.split_once(' ').unwrap_or((name, ""));
        packages.push(Package {
            name: name.to_owned(),
            version: version.trim().to_owned(),
            sha256: sha256_of_file(&path)?,
        });
    }
    Ok(packages)
}

/// Fetches into a folder of its own, so that a package file with its final name is always whole.
fn fetch(cache_dir: &Path, names: &[String]) -> Result<(), ImageError> {
    let folder = tempfile::tempdir_in(cache_dir).map_err(file_error("make a folder in", cache_dir))?;
    // As root, apt would fetch as its own user, who may not write here.
    let mut arguments = vec!["-q", "-o", "APT::Sandbox::User=root", "download"];
    arguments.extend(names.iter().map(String::as_str));
    APT_GET.run(folder.path(), &arguments)?;
    for entry in fs::read_dir(folder.path()).map_err(file_error("read", folder.path()))? {
        let entry = entry.map_err(file_error("read", folder.path()))?;
        let path = cache_dir.join(entry.file_name());
        fs::rename(entry.path(), &path).map_err(file_error("make", &path))?;
    }
    Ok(())
}

fn newest_kernel(folder: &Path) -> Result<String, ImageError> {
    let printed = APT_CACHE.run(folder, &["depends", &format!("{KERNEL_METAPACKAGE}:amd64")])?;
    kernel_among(&String::from_utf8_lossy(&printed)).ok_or_else(|| ImageError::ProgramFailed {
        command: format!("apt-cache depends {KERNEL_METAPACKAGE}"),
        cause: "it names no kernel".to_owned(),
        remedy: APT_CACHE.remedy.to_owned(),
    })
}

fn kernel_among(depends: &str) -> Option<String> {
    depends
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .map(|name| name.split(':').next().unwrap_or(name))
        .find(|name| name.starts_with(KERNEL) && name.contains("-cloud-"))
        .map(str::to_owned)
}

/// The package file of that name that came last; of a kernel, any version of it.
fn find(cache_dir: &Path, name: &str) -> Option<PathBuf> {
    let files = fs::read_dir(cache_dir).ok()?.flatten().filter(|entry| {
        let file = entry.file_name();
        file.to_str().is_some_and(|file| is_file_of(file, name))
    });
    files.max_by_key(|entry| entry.metadata().and_then(|metadata| metadata.modified()).ok()).map(|entry| entry.path())
}

fn is_file_of(file: &str, name: &str) -> bool {
    let Some((package, rest)) = file.split_once('_') else { return false };
    let is_name = if name == KERNEL { package.starts_with(KERNEL) } else { package == name };
    is_name && rest.ends_with(".deb")
}

#[cfg(test)]
mod tests {
    use super::{KERNEL, is_file_of, kernel_among};

    #[test]
    fn the_metapackage_names_the_kernel() {
        let printed = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n";
        assert_eq!(kernel_among(printed).as_deref(), Some("linux-image-6.1.0-56-cloud-amd64"));
        let foreign = "linux-image-cloud-amd64:amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64:amd64\n";
        assert_eq!(kernel_among(foreign).as_deref(), Some("linux-image-6.1.0-56-cloud-amd64"));
        assert_eq!(kernel_among("linux-image-cloud-amd64\n  Conflicts: linux-image-x-cloud-amd64\n"), None);
    }

    #[test]
    fn package_files_are_found_by_name() {
        for (file, name, expected) in [
            ("libc6_2.36-9+deb12u14_amd64.deb", "libc6", true),
            ("libc6-dev_2.36-9_amd64.deb", "libc6", false),
            ("libc6_2.36-9+deb12u14_amd64.deb.partial", "libc6", false),
            ("libc6", "libc6", false),
            ("linux-image-6.1.0-56-cloud-amd64_6.1.192-2_amd64.deb", KERNEL, true),
        ] {
            assert_eq!(is_file_of(file, name), expected, "{file} {name}");
        }
    }
}
