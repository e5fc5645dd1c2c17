//! The root file system: a staging folder with everything in it, made into an ext4 file without mounting it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ImageError;
use crate::command::Program;
use crate::error::file_error;

/// Where Debian keeps shared libraries; older packages leave out the `usr`.
const LIBRARY_FOLDERS: [&str; 2] = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];

/// Programs besides busybox: the package, where it is there, and where it is in the image.
const PROGRAMS: [(&str, &str, &str); 5] = [
    ("dropbear-bin", "usr/sbin/dropbear", "usr/bin/dropbear"),
    ("dropbear-bin", "usr/bin/dropbearkey", "usr/bin/dropbearkey"),
    ("dropbear-bin", "usr/bin/dbclient", "usr/bin/dbclient"),
    ("openssh-client", "usr/bin/scp", "usr/bin/scp"),
    ("openssh-sftp-server", "usr/lib/openssh/sftp-server", "usr/lib/sftp-server"),
];

/// Shared libraries that those programs are linked with: the package, and how the file's name begins.
const LIBRARIES: [(&str, &str); 8] = [
    ("libc6", "ld-linux-x86-64.so."),
    ("libc6", "libc.so."),
    ("libc6", "libresolv.so."),
    ("libcrypt1", "libcrypt.so."),
    ("libgmp10", "libgmp.so."),
    ("libtomcrypt1", "libtomcrypt.so."),
    ("libtommath1", "libtommath.so."),
    ("zlib1g", "libz.so."),
];

/// Our own files: path in the image, permissions, contents.
const FILES: [(&str, u32, &str); 21] = [
    ("etc/inittab", 0o644, include_str!("../guest/inittab")),
    ("etc/welkin/mounts", 0o755, include_str!("../guest/mounts")),
    ("etc/welkin/boot", 0o755, include_str!("../guest/boot")),
    ("etc/welkin/imds.sh", 0o644, include_str!("../guest/imds.sh")),
    ("etc/welkin/dhcp", 0o755, include_str!("../guest/dhcp")),
    ("etc/welkin/shutdown", 0o755, include_str!("../guest/shutdown")),
    ("etc/acpi/PWRF/00000080", 0o755, include_str!("../guest/power_button")),
    ("etc/passwd", 0o644, include_str!("../guest/passwd")),
    ("etc/group", 0o644, include_str!("../guest/group")),
    ("etc/shadow", 0o600, include_str!("../guest/shadow")),
    ("etc/nsswitch.conf", 0o644, "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"),
    ("etc/motd", 0o644, include_str!("../guest/motd")),
    ("etc/hosts", 0o644, "127.0.0.1 localhost\n"),
    ("etc/hostname", 0o644, "localhost\n"),
    ("etc/shells", 0o644, "/bin/sh\n/bin/bash\n"),
    ("etc/resolv.conf", 0o644, ""),
    ("etc/profile", 0o644, "export PATH=/usr/bin:/bin:/sbin PS1='[\\u@\\h \\W]\\$ '\nalias su=/usr/bin/su\n"),
    ("usr/bin/bash", 0o755, include_str!("../guest/bash")),
    ("usr/bin/imds", 0o755, include_str!("../guest/imds")),
    ("usr/bin/sudo", 0o755, include_str!("../guest/sudo")),
    ("etc/os-release", 0o644, "NAME=\"Welkin tiny\"\nID=welkin-tiny\nPRETTY_NAME=\"Welkin tiny\"\n"),
];

const FOLDERS: [&str; 16] = [
    "dev",
    "etc/dropbear",
    "home/ec2-user",
    "mnt",
    "opt",
    "proc",
    "root",
    "run",
    "srv",
    "sys",
    "tmp",
    "usr/bin",
    "usr/lib64",
    "var/lib/welkin",
    "var/log",
    "var/www",
];

/// One folder for all programs and one for libraries; the other customary names lead there.
const LINKS: [(&str, &str); 7] = [
    ("bin", "usr/bin"),
    ("sbin", "usr/bin"),
    ("usr/sbin", "bin"),
    ("lib", "usr/lib"),
    ("lib64", "usr/lib64"),
    ("var/run", "../run"),
    ("var/tmp", "../tmp"),
];

const BUSYBOX_PACKAGE: &str = "busybox-static";

const MKE2FS: Program = Program {
    name: "mke2fs",
    install: "apt-get install e2fsprogs",
    remedy: "mke2fs of e2fsprogs 1.43 or newer is needed, and room for 64 MiB",
    limit: Duration::from_secs(120),
};

const DEBUGFS: Program =
    Program { name: "debugfs", install: MKE2FS.install, remedy: MKE2FS.remedy, limit: Duration::from_secs(120) };

/// Fills the empty folder `staging` from the unpacked packages, and makes the raw ext4 file `image` of `bytes` out of it.
pub(crate) fn build(packages: &Path, staging: &Path, image: &Path, bytes: u64) -> Result<(), ImageError> {
    stage(packages, staging)?;
    let folder = staging.parent().unwrap_or(staging);
    let blocks = format!("{}k", bytes / 1024);
    let arguments: [&std::ffi::OsStr; 18] = [
        "-q".as_ref(),
        "-F".as_ref(),
        "-t".as_ref(),
        "ext4".as_ref(),
        "-L".as_ref(),
        "welkin-root".as_ref(),
        "-m".as_ref(),
        "0".as_ref(),
        "-i".as_ref(),
        "65536".as_ref(),
        "-J".as_ref(),
        "size=8".as_ref(),
        "-E".as_ref(),
        "root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0".as_ref(),
        "-d".as_ref(),
        staging.as_os_str(),
        image.as_os_str(),
        blocks.as_ref(),
    ];
    MKE2FS.run(folder, &arguments)?;
    let owner = fs::metadata(staging).map_err(file_error("find", staging))?.uid();
    if owner != 0 { give_to_root(staging, image) } else { Ok(()) }
}

/// The path of a file in the unpacked packages, whether or not its package already lives in `/usr` alone.
pub(crate) fn find(packages: &Path, file: &str) -> Option<PathBuf> {
    [packages.join(file), packages.join(file.strip_prefix("usr/").unwrap_or(file))]
        .into_iter()
        .find(|path| path.exists())
}

/// The path of the static busybox in the unpacked packages.
pub(crate) fn find_busybox(packages: &Path) -> Result<PathBuf, ImageError> {
    find(packages, "usr/bin/busybox").ok_or_else(|| missing(BUSYBOX_PACKAGE, "busybox"))
}

fn missing(package: &str, file: &str) -> ImageError {
    ImageError::MissingFile { package: package.to_owned(), file: file.to_owned() }
}

fn stage(packages: &Path, staging: &Path) -> Result<(), ImageError> {
    for folder in FOLDERS {
        let path = staging.join(folder);
        fs::create_dir_all(&path).map_err(file_error("make", &path))?;
    }
    for (link, target) in LINKS {
        let path = staging.join(link);
        symlink(target, &path).map_err(file_error("make", &path))?;
    }
    for (path, permissions, contents) in FILES {
        place(staging, path, permissions, contents.as_bytes())?;
    }
    for (package, source, path) in PROGRAMS {
        let found = find(packages, source).ok_or_else(|| missing(package, source))?;
        place(staging, path, 0o755, &read(&found)?)?;
    }
    stage_libraries(packages, staging)?;
    stage_busybox(packages, staging)?;
    // Not what the builder's umask made of it: dropbear takes no keys from a folder that a group may write to.
    for_each_entry(staging, &mut |path, kind| {
        if kind.is_dir() { set_permissions(path, 0o755) } else { Ok(()) }
    })?;
    set_permissions(&staging.join("root"), 0o700)
}

fn stage_libraries(packages: &Path, staging: &Path) -> Result<(), ImageError> {
    let folders = LIBRARY_FOLDERS.map(|folder| packages.join(folder));
    let files: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .flatten()
        .map(|file| file.path())
        .collect();
    for (package, beginning) in LIBRARIES {
        // The name that programs ask for has one number after `.so.`; it is a link to the file with more.
        let asked_for = files.iter().find_map(|path| {
            let name = path.file_name()?.to_str()?;
            let number = name.strip_prefix(beginning)?;
            (!number.contains('.')).then_some((path, name))
        });
        let (path, name) = asked_for.ok_or_else(|| missing(package, beginning))?;
        place(staging, &format!("usr/lib/{name}"), 0o755, &read(path)?)?;
    }
    let loader = staging.join("usr/lib64/ld-linux-x86-64.so.2");
    symlink("../lib/ld-linux-x86-64.so.2", &loader).map_err(file_error("make", &loader))
}

/// Busybox, a link for each of its programs, and a `su` of its own that may become root.
fn stage_busybox(packages: &Path, staging: &Path) -> Result<(), ImageError> {
    let source = find_busybox(packages)?;
    let busybox = read(&source)?;
    place(staging, "usr/bin/busybox", 0o755, &busybox)?;
    place(staging, "usr/bin/su", 0o4755, &busybox)?;
    let list = Program {
        // `env` because the path is known only now.
        name: "env",
        install: "apt-get install coreutils",
        remedy: "an x86_64 machine is needed",
        limit: Duration::from_secs(20),
    };
    let printed = list.run(staging, &[source.as_os_str(), "--list".as_ref()])?;
    for name in String::from_utf8_lossy(&printed).lines() {
        let path = staging.join("usr/bin").join(name);
        // Ours, and real programs, come before busybox's of the same name.
        if fs::symlink_metadata(&path).is_err() {
            symlink("busybox", &path).map_err(file_error("make", &path))?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, ImageError> {
    fs::read(path).map_err(file_error("read", path))
}

fn place(staging: &Path, path: &str, permissions: u32, contents: &[u8]) -> Result<(), ImageError> {
    let path = staging.join(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(file_error("make", folder))?;
    }
    fs::write(&path, contents).map_err(file_error("write", &path))?;
    set_permissions(&path, permissions)
}

fn set_permissions(path: &Path, permissions: u32) -> Result<(), ImageError> {
    fs::set_permissions(path, fs::Permissions::from_mode(permissions)).map_err(file_error("write", path))
}

/// Calls `act` for all below `folder`; links are not followed.
pub(crate) fn for_each_entry(
    folder: &Path,
    act: &mut dyn FnMut(&Path, fs::FileType) -> Result<(), ImageError>,
) -> Result<(), ImageError> {
    for entry in fs::read_dir(folder).map_err(file_error("read", folder))? {
        let entry = entry.map_err(file_error("read", folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(file_error("read", &path))?;
        act(&path, kind)?;
        if kind.is_dir() {
            for_each_entry(&path, act)?;
        }
    }
    Ok(())
}

/// mke2fs takes over the owner of each file; when a user without privileges builds, that is not root.
fn give_to_root(staging: &Path, image: &Path) -> Result<(), ImageError> {
    let mut script = tempfile::NamedTempFile::new().map_err(file_error("make", Path::new("a temporary file")))?;
    let mut lines = String::new();
    for_each_entry(staging, &mut |path, kind| {
        if let (false, Ok(inner)) = (kind.is_symlink(), path.strip_prefix(staging)) {
            let inner = inner.display();
            lines.push_str(&format!("sif \"/{inner}\" uid 0\nsif \"/{inner}\" gid 0\n"));
        }
        Ok(())
    })?;
    script.write_all(lines.as_bytes()).map_err(file_error("write", script.path()))?;
    let arguments = ["-w".as_ref(), "-f".as_ref(), script.path().as_os_str(), image.as_os_str()];
    DEBUGFS.run(staging, &arguments).map(drop)
}
