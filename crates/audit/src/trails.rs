//! The trails of a region's processes. A process that is alone writes into the trail's folder; of several, each writes into
//! a folder of its own in it, since offsets in an index are those of one writer. Who reads, reads all of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::index::Lane;
use crate::segment::{Segment, list};

/// What the folder of a process beside others is called.
const PREFIX: &str = "process-";
/// Folders of processes that are looked at.
const MOST: usize = 64;

/// Where one process writes, or has written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TrailFolder {
    /// Empty for a process that is alone.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// The folder of the process `name` in the trail at `root`; the trail's own for a process that is alone.
pub(crate) fn folder_of(root: &Path, name: Option<&str>) -> io::Result<PathBuf> {
    match name {
        None => Ok(root.to_owned()),
        Some(name) if is_name(name) => Ok(root.join(name)),
        Some(name) => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("no process is called {name}"))),
    }
}

/// All folders of the trail at `root`, by name. A trail that is not there has its own, with nothing in it.
pub(crate) fn folders(root: &Path) -> io::Result<Vec<TrailFolder>> {
    let mut found = vec![TrailFolder { name: String::new(), path: root.to_owned() }];
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if let Some(name) = name.to_str().filter(|name| is_name(name)) {
            found.push(TrailFolder { name: name.to_owned(), path: entry.path() });
        }
    }
    found.sort();
    found.truncate(MOST);
    Ok(found)
}

/// The files of one lane that may go, of all processes, the oldest first, and the bytes of all there are. The newest of
/// each process stays: it may be written to. Only if it was begun before the day `before`, it is not, as every day has
/// its own, and goes unless it is in `own`.
pub(crate) fn removable(root: &Path, lane: Lane, own: &Path, before: u32) -> io::Result<(Vec<Segment>, u64)> {
    let mut old = Vec::new();
    let mut total = 0;
    for folder in folders(root)? {
        let mut segments = match list(&folder.path, lane) {
            // A file that is called like a process is no folder.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => continue,
            other => other?,
        };
        total += segments.iter().map(Segment::size).sum::<u64>();
        let newest = segments.pop().filter(|newest| newest.day < before && folder.path != own);
        old.extend(segments.into_iter().chain(newest));
    }
    let written = |segment: &Segment| fs::metadata(&segment.path).and_then(|metadata| metadata.modified()).ok();
    old.sort_by_cached_key(|segment| (segment.day, written(segment), segment.number));
    Ok((old, total))
}

fn is_name(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .is_some_and(|number| (1..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{folder_of, folders, removable};
    use crate::index::Lane;
    use crate::segment::Segment;

    #[test]
    fn folders_of_processes_are_found_and_strangers_passed_over() {
        let root = tempfile::tempdir().unwrap();
        for name in ["process-2", "process-10", "process-", "process-x", "process-12345", "lost+found"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let names: Vec<String> = folders(root.path()).unwrap().into_iter().map(|folder| folder.name).collect();
        assert_eq!(names, ["", "process-10", "process-2"]);
        assert!(folder_of(root.path(), Some("../elsewhere")).is_err());
        assert_eq!(folder_of(root.path(), Some("process-2")).unwrap(), root.path().join("process-2"));
        assert_eq!(folders(&root.path().join("none")).unwrap().len(), 1);
    }

    #[test]
    fn the_oldest_of_all_processes_go_first_and_what_may_be_written_to_stays() {
        let root = tempfile::tempdir().unwrap();
        let make = |folder: &str, day, number| {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            let segment = Segment::new(&folder, Lane::Reads, day, number);
            fs::write(&segment.path, "12345").unwrap();
            segment
        };
        let (first, _own_newest) = (make("process-1", 20_261_120, 1), make("process-1", 20_261_121, 2));
        let (second, _other_newest) = (make("process-2", 20_261_121, 1), make("process-2", 20_261_122, 2));
        let dead = make("process-3", 20_261_118, 7);
        let own = root.path().join("process-1");
        let (old, total) = removable(root.path(), Lane::Reads, &own, 20_261_122).unwrap();
        assert_eq!((old, total), (vec![dead, first.clone(), second.clone()], 25));
        let (old, _) = removable(root.path(), Lane::Reads, &own, 20_261_118).unwrap();
        assert_eq!(old, [first, second]);
    }
}
