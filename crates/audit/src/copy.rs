//! The trail as files, for whoever copies it elsewhere and brings it back.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::index::{ENTRY, Entry, Lane};
use crate::segment::{is_file_name, list};
use crate::trails::{folder_of, folders};

/// A file of the trail, as far as it is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailFile {
    /// Its name in the trail's folder, such as `process-1/changes-20261122-000001.jsonl`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its bytes, up to the end of the last record that its index knows.
    pub length: u64,
}

/// The files of the trail at `root`, of all processes. Whoever copies each up to its length has a trail that is whole,
/// whatever is written meanwhile. Blocks on the disk.
///
/// # Errors
/// The kernel's.
pub fn trail_files(root: &Path) -> io::Result<Vec<TrailFile>> {
    let mut files = Vec::new();
    for folder in folders(root)? {
        for lane in Lane::ALL {
            for segment in list(&folder.path, lane)? {
                let lengths = match whole(&segment.path, &segment.index_path()) {
                    // Taken away as the oldest, just now.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    other => other?,
                };
                for (path, length) in [segment.path.clone(), segment.index_path()].into_iter().zip(lengths) {
                    let Some(file) = path.file_name().and_then(|name| name.to_str()) else { continue };
                    let name = if folder.name.is_empty() { file.to_owned() } else { format!("{}/{file}", folder.name) };
                    files.push(TrailFile { name, path, length });
                }
            }
        }
    }
    Ok(files)
}

/// Where the file `name` of [`trail_files`] belongs in the trail at `root`; none if no file of a trail is called so.
pub fn place_of(root: &Path, name: &str) -> Option<PathBuf> {
    let (process, file) = name.split_once('/').map_or((None, name), |(process, file)| (Some(process), file));
    let folder = folder_of(root, process).ok()?;
    is_file_name(file).then(|| folder.join(file))
}

/// The bytes of a file of records and of its index that belong together.
fn whole(records: &Path, index: &Path) -> io::Result<[u64; 2]> {
    let index = File::open(index)?;
    let there = fs::metadata(records)?.len();
    let mut entries = index.metadata()?.len() / ENTRY as u64;
    while entries > 0 {
        let mut bytes = [0; ENTRY];
        index.read_exact_at(&mut bytes, (entries - 1) * ENTRY as u64)?;
        let last = Entry::from_bytes(&bytes);
        let end = last.offset + u64::from(last.length);
        if end <= there {
            return Ok([end, entries * ENTRY as u64]);
        }
        entries -= 1;
    }
    Ok([0, 0])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::place_of;

    #[test]
    fn files_go_nowhere_but_into_the_trail() {
        let root = Path::new("/data/audit");
        for name in ["reads-20261122-000001.jsonl", "process-3/changes-20261122-000010.idx"] {
            assert_eq!(place_of(root, name), Some(root.join(name)));
        }
        for name in [
            "",
            "..",
            "../identity.json",
            "process-1",
            "process-1/../reads-20261122-000001.idx",
            "process-1/process-2/reads-20261122-000001.idx",
            "/reads-20261122-000001.idx",
            "reads-20261122-000001.txt",
            "reads-20261122-../../x.jsonl",
            "others-20261122-000001.jsonl",
        ] {
            assert_eq!(place_of(root, name), None, "{name}");
        }
    }
}
