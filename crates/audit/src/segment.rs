//! The files of a lane: `<lane>-<day>-<number>.jsonl` with the records and `.idx` with their index. Numbers rise and
//! are never used twice, so that a reader knows where it was even if files have gone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::index::Lane;

/// One file of records, by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Segment {
    /// Its place among the files of its lane.
    pub(crate) number: u64,
    /// The day it was begun on, as `20261122`.
    pub(crate) day: u32,
    /// The records.
    pub(crate) path: PathBuf,
}

impl Segment {
    /// The segment of these names in `folder`, whether it is there or not.
    pub(crate) fn new(folder: &Path, lane: Lane, day: u32, number: u64) -> Self {
        Self { number, day, path: folder.join(format!("{}-{day:08}-{number:06}.jsonl", lane.name())) }
    }

    /// Its index.
    pub(crate) fn index_path(&self) -> PathBuf {
        self.path.with_extension("idx")
    }

    /// Bytes of both its files.
    pub(crate) fn size(&self) -> u64 {
        let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        size(&self.path) + size(&self.index_path())
    }

    /// Takes both files away, the one that [`list`] finds last: a removal that was cut off is found and done again. One
    /// that is gone already is fine.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for path in [&self.index_path(), &self.path] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The segments of a lane, oldest first. A folder that is not there has none.
pub(crate) fn list(folder: &Path, lane: Lane) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut segments = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some((day, number)) = name.to_str().and_then(|name| parse(name, lane)) else { continue };
        segments.push(Segment { number, day, path: entry.path() });
    }
    segments.sort();
    Ok(segments)
}

/// Whether a file of records, or of an index, is called so.
pub(crate) fn is_file_name(name: &str) -> bool {
    let records = name.strip_suffix(".idx").map(|stem| format!("{stem}.jsonl"));
    let records = records.as_deref().unwrap_or(name);
    Lane::ALL.iter().any(|lane| parse(records, *lane).is_some())
}

fn parse(name: &str, lane: Lane) -> Option<(u32, u64)> {
    let rest = name.strip_prefix(lane.name())?.strip_prefix('-')?.strip_suffix(".jsonl")?;
    let (day, number) = rest.split_once('-')?;
    Some((day.parse().ok()?, number.parse().ok()?))
}

/// The day of a time in microseconds since 1970, as `20261122`.
pub(crate) fn day_of(micros: u64) -> u32 {
    let time = i64::try_from(micros).ok().and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    let date = time.unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC).date();
    let part = |number: i8| u32::from(number.unsigned_abs());
    u32::from(date.year().unsigned_abs()) * 10_000 + part(date.month()) * 100 + part(date.day())
}

#[cfg(test)]
mod tests {
    use super::{Segment, day_of, list};
    use crate::Lane;

    #[test]
    fn a_removal_that_was_cut_off_leaves_what_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let segment = Segment::new(folder.path(), Lane::Reads, 20_261_122, 1);
        std::fs::write(segment.index_path(), "index").unwrap();
        // Records that cannot be removed: it goes no further.
        std::fs::create_dir(&segment.path).unwrap();
        assert!(segment.remove().is_err());
        assert!(!segment.index_path().exists());
        assert_eq!(list(folder.path(), Lane::Reads).unwrap(), std::slice::from_ref(&segment));
        std::fs::remove_dir(&segment.path).unwrap();
        std::fs::write(&segment.path, "records").unwrap();
        segment.remove().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn files_are_found_in_order_and_strangers_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "reads-20261122-000010.jsonl",
            "reads-20261122-000009.jsonl",
            "reads-x.jsonl",
            "changes-20261122-000001.jsonl",
        ];
        for name in names {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let found = list(folder.path(), Lane::Reads).unwrap();
        assert_eq!(found.iter().map(|segment| segment.number).collect::<Vec<_>>(), [9, 10]);
        assert_eq!(found[1], Segment::new(folder.path(), Lane::Reads, 20_261_122, 10));
        assert!(list(&folder.path().join("none"), Lane::Reads).unwrap().is_empty());
        assert_eq!(day_of(1_795_248_000_000_000), 20_261_121);
    }
}
