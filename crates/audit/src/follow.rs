//! Reads the trail in the order of time, for people: what is there, and then what comes. It reads files only, so it
//! works on a region that is down as well.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::index::Lane;
use crate::segment::list;
use crate::stored::Stored;
use crate::trails::{TrailFolder, folders};

/// Records that are held back of each lane while the others are compared.
const AHEAD: usize = 256;

/// A reader of all lanes of all processes.
pub struct Trail {
    root: PathBuf,
    since: u64,
    /// Processes whose trails are read.
    names: Vec<String>,
    lanes: Vec<LaneReader>,
}

struct LaneReader {
    folder: PathBuf,
    lane: Lane,
    open: Option<(u64, BufReader<File>)>,
    /// Half a line, of which the rest has not been written yet.
    half: Vec<u8>,
    /// Files up to this number have been read.
    done: u64,
    ready: VecDeque<Stored>,
    since: u64,
}

impl Trail {
    /// A reader of the trail in `root` that begins with records not older than `since`, in microseconds since 1970.
    pub fn new(root: &Path, since: u64) -> Self {
        Self { root: root.to_owned(), since, names: Vec::new(), lanes: Vec::new() }
    }

    /// The next record in the order of time; none if there is none yet. Lines that are no records are passed over.
    ///
    /// # Errors
    /// The kernel's.
    #[expect(clippy::should_implement_trait, reason = "an iterator ends; this one may go on after a none")]
    pub fn next(&mut self) -> io::Result<Option<Stored>> {
        if self.lanes.iter().all(|lane| lane.ready.is_empty()) {
            self.find_processes()?;
        }
        for lane in &mut self.lanes {
            if lane.ready.is_empty() {
                lane.fill()?;
            }
        }
        let time = |lane: &LaneReader| lane.ready.front().map(|record| record.additional_event_data.epoch_micros);
        let oldest = self.lanes.iter_mut().filter(|lane| !lane.ready.is_empty()).min_by_key(|lane| time(lane));
        Ok(oldest.and_then(|lane| lane.ready.pop_front()))
    }

    /// Takes in the trails of processes that have begun.
    fn find_processes(&mut self) -> io::Result<()> {
        for TrailFolder { name, path } in folders(&self.root)? {
            if !self.names.contains(&name) {
                self.lanes.extend(Lane::ALL.map(|lane| LaneReader::new(path.clone(), lane, self.since)));
                self.names.push(name);
            }
        }
        Ok(())
    }
}

impl LaneReader {
    fn new(folder: PathBuf, lane: Lane, since: u64) -> Self {
        Self { folder, lane, open: None, half: Vec::new(), done: 0, ready: VecDeque::new(), since }
    }

    fn fill(&mut self) -> io::Result<()> {
        while self.ready.len() < AHEAD {
            if self.open.is_none() && !self.open_next()? {
                return Ok(());
            }
            let Some((number, reader)) = &mut self.open else { return Ok(()) };
            if reader.read_until(b'\n', &mut self.half)? > 0 && self.half.ends_with(b"\n") {
                let record = Stored::parse(&self.half);
                self.half.clear();
                let is_wanted = |record: &Stored| record.additional_event_data.epoch_micros >= self.since;
                self.ready.extend(record.filter(is_wanted));
                continue;
            }
            // The end of this file, for now or, if there is a newer one, for good.
            let number = *number;
            if !list(&self.folder, self.lane)?.iter().any(|segment| segment.number > number) {
                return Ok(());
            }
            // What was written between the last look and the beginning of the newer file.
            if reader.read_until(b'\n', &mut self.half)? > 0 {
                let place = reader.stream_position()? - self.half.len() as u64;
                reader.seek(SeekFrom::Start(place))?;
                self.half.clear();
                continue;
            }
            self.half.clear();
            self.done = number;
            self.open = None;
        }
        Ok(())
    }

    fn open_next(&mut self) -> io::Result<bool> {
        for segment in list(&self.folder, self.lane)? {
            if segment.number <= self.done {
                continue;
            }
            match File::open(&segment.path) {
                // Taken away as the oldest, just now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => {
                    let file = opened?;
                    let modified = file.metadata()?.modified()?.duration_since(std::time::UNIX_EPOCH);
                    let newest = modified.map_or(u64::MAX, |age| u64::try_from(age.as_micros()).unwrap_or(u64::MAX));
                    if newest.saturating_add(1_000_000) < self.since {
                        self.done = segment.number;
                        continue;
                    }
                    self.open = Some((segment.number, BufReader::new(file)));
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
