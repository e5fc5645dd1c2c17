//! What an image is: the file `manifest.json` in its folder.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ImageError;
use crate::error::file_error;

/// The name of the manifest within the image's folder.
pub const MANIFEST_FILE: &str = "manifest.json";

/// The user that the instance's key opens, besides root.
pub const LOGIN_USER: &str = "ec2-user";

/// The shape of manifest that this version writes and reads.
const FORMAT: u32 = 1;

/// An image: its files, how it boots, and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The shape of this record; 1.
    pub format: u32,
    /// The image's name, such as `welkin-tiny`.
    pub name: String,
    /// The version of Welkin that built it.
    pub version: String,
    /// `x86_64`.
    pub architecture: String,
    /// A sentence for people.
    pub description: String,
    /// The kernel (bzImage).
    pub kernel: ImageFile,
    /// The initial RAM file system.
    pub initrd: ImageFile,
    /// The root disk, raw and sparse; read only, instances have a layer of their own above it.
    pub root: ImageFile,
    /// The size of the root disk in bytes; the file system fills it. The least that an instance's disk may have.
    pub root_bytes: u64,
    /// The kernel's command line.
    pub command_line: String,
    /// The user to log in as by ssh.
    pub login_user: String,
    /// The first line that the guest's own programs write to the console.
    pub first_line: String,
    /// How the line begins that the guest writes when ssh can be reached.
    pub ready_line: String,
    /// The packages that it was made of.
    pub packages: Vec<Package>,
}

/// One file of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFile {
    /// Its name within the image's folder.
    pub file: String,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A package that an image was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The package's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The SHA-256 of the package file in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    pub(crate) const FORMAT: u32 = FORMAT;

    /// Reads the manifest of the image in `folder` and checks that its files are there. Does not read the files;
    /// [`Manifest::verify`] does.
    pub fn load(folder: &Path) -> Result<Self, ImageError> {
        let path = folder.join(MANIFEST_FILE);
        let text = fs::read(&path).map_err(file_error("read", &path))?;
        let invalid = |cause: String| ImageError::InvalidManifest { path: path.clone(), cause };
        let manifest: Self = serde_json::from_slice(&text).map_err(|cause| invalid(cause.to_string()))?;
        if manifest.format != FORMAT {
            return Err(invalid(format!("it has format {}, this version knows {FORMAT}", manifest.format)));
        }
        for file in manifest.files() {
            if file.file.contains('/') || file.file.starts_with('.') {
                return Err(invalid(format!("{} is not the name of a file beside it", file.file)));
            }
            let path = folder.join(&file.file);
            fs::metadata(&path).map_err(file_error("find", &path))?;
        }
        Ok(manifest)
    }

    /// Writes the manifest into `folder`, whole or not at all.
    pub fn save(&self, folder: &Path) -> Result<(), ImageError> {
        let path = folder.join(MANIFEST_FILE);
        let failed = |cause: std::io::Error| ImageError::File { doing: "write", path: path.clone(), cause };
        let mut text = serde_json::to_vec_pretty(self).map_err(|cause| failed(cause.into()))?;
        text.push(b'\n');
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        let mut file = tempfile::Builder::new().permissions(readable).tempfile_in(folder).map_err(failed)?;
        std::io::Write::write_all(&mut file, &text).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|cause| failed(cause.error))?;
        Ok(())
    }

    /// Reads the image's files and compares them with the manifest. Takes a second or so for each GiB.
    pub fn verify(&self, folder: &Path) -> Result<(), ImageError> {
        for file in self.files() {
            if sha256_of_file(&folder.join(&file.file))? != file.sha256 {
                return Err(ImageError::InvalidManifest {
                    path: folder.join(MANIFEST_FILE),
                    cause: format!("{} has changed since the image was built", file.file),
                });
            }
        }
        Ok(())
    }

    fn files(&self) -> [&ImageFile; 3] {
        [&self.kernel, &self.initrd, &self.root]
    }
}

/// The SHA-256 of a file in hexadecimal.
pub(crate) fn sha256_of_file(path: &Path) -> Result<String, ImageError> {
    let mut file = fs::File::open(path).map_err(file_error("open", path))?;
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer).map_err(file_error("read", path))?;
        if count == 0 {
            break;
        }
        digest.update(&buffer[..count]);
    }
    Ok(digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of the empty text.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn example(folder: &Path) -> Manifest {
        let file = |name: &str| {
            fs::write(folder.join(name), b"").unwrap();
            ImageFile { file: name.to_owned(), sha256: EMPTY.to_owned() }
        };
        Manifest {
            format: FORMAT,
            name: "welkin-tiny".to_owned(),
            version: "0.1.0".to_owned(),
            architecture: "x86_64".to_owned(),
            description: "An example.".to_owned(),
            kernel: file("kernel"),
            initrd: file("initrd"),
            root: file("root.img"),
            root_bytes: 1 << 30,
            command_line: "console=ttyS0".to_owned(),
            login_user: LOGIN_USER.to_owned(),
            first_line: "welkin: init".to_owned(),
            ready_line: "welkin: ready".to_owned(),
            packages: vec![],
        }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = example(folder.path());
        manifest.save(folder.path()).unwrap();
        assert_eq!(Manifest::load(folder.path()).unwrap(), manifest);
        manifest.verify(folder.path()).unwrap();
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |change: &dyn Fn(&mut Manifest)| {
            let mut manifest = example(folder.path());
            change(&mut manifest);
            manifest.save(folder.path()).unwrap();
            let loaded = Manifest::load(folder.path());
            loaded.and_then(|manifest| manifest.verify(folder.path())).unwrap_err().to_string()
        };
        assert!(refused(&|manifest| manifest.format = 2).contains("format 2"));
        assert!(refused(&|manifest| manifest.kernel.file = "../kernel".to_owned()).contains("not the name of a file"));
        assert!(refused(&|manifest| manifest.root.file = "gone".to_owned()).contains("find"));
        assert!(refused(&|manifest| manifest.initrd.sha256 = "00".to_owned()).contains("initrd has changed"));
    }
}
