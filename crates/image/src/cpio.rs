//! The archive that Linux unpacks as its initial RAM file system: cpio in the `newc` form, uncompressed.
//! Source: `Documentation/driver-api/early-userspace/buffer-format.rst` of the Linux kernel.

use std::fmt::Write;

const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const CHARACTER_DEVICE: u32 = 0o020_000;

/// An archive in the making. Everything in it belongs to root and is of 1970, so that equal inputs give equal bytes.
#[derive(Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// Adds a folder, which must come before what is in it.
    pub fn folder(&mut self, path: &str) {
        self.entry(path, FOLDER | 0o755, (0, 0), &[]);
    }

    /// Adds a file with its permissions, such as `0o755`.
    pub fn file(&mut self, path: &str, permissions: u32, contents: &[u8]) {
        self.entry(path, FILE | permissions, (0, 0), contents);
    }

    /// Adds a character device with its major and minor number.
    pub fn device(&mut self, path: &str, permissions: u32, number: (u32, u32)) {
        self.entry(path, CHARACTER_DEVICE | permissions, number, &[]);
    }

    /// The whole archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entries = 0;
        self.header("TRAILER!!!", 0, (0, 0), 0, 0);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), contents: &[u8]) {
        self.entries += 1;
        let length = u32::try_from(contents.len()).expect("a file of an initrd is far below 4 GiB");
        self.header(path, mode, device, length, self.entries);
        self.bytes.extend_from_slice(contents);
        self.pad();
    }

    fn header(&mut self, path: &str, mode: u32, device: (u32, u32), length: u32, inode: u32) {
        let name_length = u32::try_from(path.len() + 1).expect("a path is far below 4 GiB");
        // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
        let fields = [inode, mode, 0, 0, 1, 0, length, 0, 0, device.0, device.1, name_length, 0];
        let mut text = String::from("070701");
        for field in fields {
            write!(text, "{field:08X}").expect("writing to a string can't fail");
        }
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn bytes_are_those_of_the_kernels_document() {
        let mut archive = Archive::default();
        archive.folder("dev");
        archive.device("dev/console", 0o600, (5, 1));
        archive.file("init", 0o755, b"hello");
        let bytes = archive.finish();
        let zeros = |count: usize| "00000000".repeat(count);
        let mut expected = Vec::new();
        expected.extend(format!("07070100000001000041ED{}00000001{}00000004{}", zeros(2), zeros(6), zeros(1)).bytes());
        expected.extend(b"dev\0\0\0");
        expected.extend(
            format!("0707010000000200002180{}00000001{}00000005000000010000000C{}", zeros(2), zeros(4), zeros(1))
                .bytes(),
        );
        expected.extend(b"dev/console\0\0\0");
        expected.extend(
            format!("07070100000003000081ED{}00000001{}00000005{}00000005{}", zeros(2), zeros(1), zeros(4), zeros(1))
                .bytes(),
        );
        expected.extend(b"init\0\0hello\0\0\0");
        expected.extend(format!("070701{}{}00000001{}0000000B{}", zeros(2), zeros(2), zeros(6), zeros(1)).bytes());
        expected.extend(b"TRAILER!!!\0\0\0\0");
        assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&expected));
    }

    #[test]
    fn equal_inputs_give_equal_bytes() {
        let build = || {
            let mut archive = Archive::default();
            archive.file("a", 0o644, &[7; 1001]);
            archive.finish()
        };
        assert_eq!(build(), build());
    }
}
