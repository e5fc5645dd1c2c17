//! How the parts of an object follow each other: where each begins, and which of them a range of bytes touches.

use std::ops::Range;

use store::{StoreError, View};

use super::record::{AssemblyRecord, PartRecord, Run};
use crate::S3Error;

/// The assembly of a completed upload.
///
/// # Errors
/// The store's; [`S3Error::Internal`] if there is none, which an object with such content never lacks.
pub(crate) fn assembly(view: &View, upload: &str) -> Result<AssemblyRecord, S3Error> {
    let found = view.get::<AssemblyRecord>(&upload.to_owned())?;
    found.ok_or_else(|| S3Error::Internal(format!("upload {upload} has no assembly")))
}

impl AssemblyRecord {
    /// The assembly of these parts of an upload, by number and length.
    pub(crate) fn of(upload: &str, parts: impl IntoIterator<Item = (u32, u64)>) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for (number, length) in parts {
            match runs.last_mut() {
                Some(run) if run.length == length && run.first + run.count == number => run.count += 1,
                _ => runs.push(Run { first: number, count: 1, length }),
            }
        }
        Self { upload: upload.to_owned(), runs, became: None }
    }

    /// How many parts there are.
    pub(crate) fn count(&self) -> u32 {
        self.runs.iter().map(|run| run.count).sum()
    }

    /// Whether the part of this number is one of them.
    pub(crate) fn has(&self, number: u32) -> bool {
        let below = self.runs.partition_point(|run| run.first <= number);
        below > 0 && number - self.runs[below - 1].first < self.runs[below - 1].count
    }

    /// The bytes of the object that its `place`th part has, counted from 1 whatever the numbers of the parts were: S3
    /// numbers them anew when the upload is completed.
    pub(crate) fn bytes_of(&self, place: u32) -> Option<Range<u64>> {
        let (mut before, mut start) = (0, 0);
        for run in &self.runs {
            if place > before && place <= before + run.count {
                let start = start + u64::from(place - before - 1) * run.length;
                return Some(start..start + run.length);
            }
            before += run.count;
            start += u64::from(run.count) * run.length;
        }
        None
    }

    /// The numbers that the parts after the `after`th had in the upload, in order.
    pub(crate) fn numbers(&self, after: u32) -> impl Iterator<Item = u32> + '_ {
        let all = self.runs.iter().flat_map(|run| run.first..run.first + run.count);
        all.skip(usize::try_from(after).unwrap_or(usize::MAX))
    }

    /// The parts after the `after`th, up to `limit` of them.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn parts(&self, view: &View, after: u32, limit: usize) -> Result<Vec<PartRecord>, S3Error> {
        self.numbers(after).take(limit).map(|number| part(view, &self.upload, number)).collect()
    }

    /// What of which parts makes up a range of the object's bytes.
    pub(crate) fn pieces(self, range: Range<u64>) -> Pieces {
        Pieces { runs: self.runs, run: 0, part: 0, start: 0, range }
    }
}

/// A part that an assembly names.
///
/// # Errors
/// The store's; [`S3Error::Internal`] if it is gone.
pub(crate) fn part(view: &View, upload: &str, number: u32) -> Result<PartRecord, S3Error> {
    let found: Result<_, StoreError> = view.get::<PartRecord>(&(upload.to_owned(), number));
    found?.ok_or_else(|| S3Error::Internal(format!("part {number} of upload {upload} is gone")))
}

/// The parts that a range touches: their numbers, and which of their own bytes. Empty parts are not among them.
pub(crate) struct Pieces {
    runs: Vec<Run>,
    /// The run that comes next, the part within it, and where that begins in the object.
    run: usize,
    part: u32,
    start: u64,
    range: Range<u64>,
}

impl Iterator for Pieces {
    type Item = (u32, Range<u64>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let run = *self.runs.get(self.run)?;
            if self.start >= self.range.end {
                return None;
            }
            // What lies before the range is passed by runs, not by parts.
            let before = self.range.start.saturating_sub(self.start).checked_div(run.length);
            let skipped = before.map_or(run.count, |parts| u32::try_from(parts).unwrap_or(u32::MAX));
            let skipped = skipped.min(run.count - self.part);
            self.part += skipped;
            self.start += u64::from(skipped) * run.length;
            if self.part == run.count {
                (self.run, self.part) = (self.run + 1, 0);
                continue;
            }
            let number = run.first + self.part;
            let bytes = self.range.start.saturating_sub(self.start)..run.length.min(self.range.end - self.start);
            self.part += 1;
            self.start += run.length;
            return Some((number, bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::AssemblyRecord;

    proptest! {
        #[test]
        fn pieces_are_those_of_the_model(
            parts in prop::collection::btree_map(1_u32..30, prop::sample::select(vec![0_u64, 1, 2, 5, 5, 5]), 1..20),
            from in 0_u64..60,
            length in 0_u64..60,
        ) {
            let bytes: Vec<(u32, u64)> =
                parts.iter().flat_map(|(number, length)| (0..*length).map(|at| (*number, at))).collect();
            let total = bytes.len() as u64;
            let range = from.min(total)..(from + length).min(total);
            let assembly = AssemblyRecord::of("u", parts.clone());
            assert_eq!(assembly.count() as usize, parts.len());
            assert!(assembly.numbers(0).eq(parts.keys().copied()));
            for number in 0..31 {
                assert_eq!(assembly.has(number), parts.contains_key(&number), "{number}");
            }
            let pieces = assembly.pieces(range.clone());
            let seen: Vec<(u32, u64)> = pieces.flat_map(|(number, range)| range.map(move |at| (number, at))).collect();
            assert_eq!(seen, &bytes[range.start as usize..range.end as usize]);
        }
    }

    #[test]
    fn equal_parts_are_one_run() {
        let assembly =
            AssemblyRecord::of("u", (1..=10_000).map(|number| (number, if number < 10_000 { 8 } else { 3 })));
        assert_eq!(assembly.runs.len(), 2);
        assert_eq!(assembly.bytes_of(1), Some(0..8));
        assert_eq!(assembly.bytes_of(10_000), Some(79_992..79_995));
        assert_eq!((assembly.bytes_of(0), assembly.bytes_of(10_001)), (None, None));
        let sparse = AssemblyRecord::of("u", [(2, 8), (7, 8), (9, 1)]);
        assert_eq!(sparse.bytes_of(3), Some(16..17), "parts count from 1 whatever their numbers were");
    }
}
