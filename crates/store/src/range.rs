//! Ranges of keys, and the set of ranges that a transaction has read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::limits::MAX_READS;

/// The keys from `start` (included) to `end` (excluded; `None` is the end of the key space).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key.
    pub start: Vec<u8>,
    /// The key after the last one, or `None` for no end.
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    /// From `start` up to and without `end`. Empty when `end` isn't above `start`.
    pub fn between(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self { start: start.into(), end: Some(end.into()) }
    }

    /// Every key.
    pub fn all() -> Self {
        Self { start: Vec::new(), end: None }
    }

    /// One key and no other.
    pub fn point(key: &[u8]) -> Self {
        Self { start: key.to_vec(), end: Some(successor(key)) }
    }

    /// Every key that begins with `prefix`, itself included.
    pub fn prefix(prefix: &[u8]) -> Self {
        Self { start: prefix.to_vec(), end: after_prefix(prefix) }
    }

    /// Whether `key` lies within.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_slice() && self.end.as_deref().is_none_or(|end| key < end)
    }

    /// Whether no key can lie within.
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }
}

/// The least key above `key`.
pub fn successor(key: &[u8]) -> Vec<u8> {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next
}

/// The least key above all keys that begin with `prefix`; `None` where there is none, as for `0xff 0xff`.
pub fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// What a transaction has read, as disjoint ranges. Never holds more than [`MAX_READS`] ranges: beyond that,
/// neighbours that have most in common become one range, which can only make a conflict more likely, never less.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSet {
    /// Start to end; disjoint, so ordered by end too.
    ranges: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl ReadSet {
    /// Nothing read.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one key, whether a value was found there or not.
    pub fn add_key(&mut self, key: &[u8]) {
        self.add_range(KeyRange::point(key));
    }

    /// Adds all keys of a range.
    pub fn add_range(&mut self, range: KeyRange) {
        if range.is_empty() {
            return;
        }
        let KeyRange { mut start, mut end } = range;
        // The one range that begins before ours may reach into it.
        if let Some((before, reach)) = self.ranges.range(..=start.clone()).next_back()
            && reach.as_ref().is_none_or(|reach| *reach >= start)
        {
            if is_within(&end, reach) {
                return;
            }
            start.clone_from(before);
        }
        loop {
            let next = self.ranges.range(start.clone()..).next();
            let Some((found, reach)) = next.map(|(found, reach)| (found.clone(), reach.clone())) else { break };
            if end.as_ref().is_some_and(|end| found > *end) {
                break;
            }
            self.ranges.remove(&found);
            if is_within(&end, &reach) {
                end = reach;
            }
        }
        self.ranges.insert(start, end);
        if self.ranges.len() > MAX_READS {
            self.coalesce();
        }
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many ranges the set holds.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether `key` was read.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.ranges
            .range::<[u8], _>((Bound::Unbounded, Bound::Included(key)))
            .next_back()
            .is_some_and(|(_, end)| end.as_deref().is_none_or(|end| key < end))
    }

    /// Whether any of `keys` was read.
    pub fn touches(&self, keys: &BTreeSet<Vec<u8>>) -> bool {
        self.iter().any(|(start, end)| {
            let end = end.map_or(Bound::Unbounded, Bound::Excluded);
            keys.range::<[u8], _>((Bound::Included(start), end)).next().is_some()
        })
    }

    /// The ranges in ascending order, as start and end (excluded; `None` is no end).
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.ranges.iter().map(|(start, end)| (start.as_slice(), end.as_deref()))
    }

    /// Joins the half of the neighbours that share the longest beginnings.
    fn coalesce(&mut self) {
        let ranges: Vec<_> = std::mem::take(&mut self.ranges).into_iter().collect();
        let mut gaps: Vec<(usize, usize)> =
            ranges.windows(2).enumerate().map(|(at, pair)| (common(&pair[0].0, &pair[1].0), at)).collect();
        gaps.sort_unstable_by(|left, right| right.cmp(left));
        let mut joined = vec![false; ranges.len()];
        for (_, at) in gaps.iter().take(ranges.len() / 2) {
            joined[at + 1] = true;
        }
        let mut kept: Vec<(Vec<u8>, Option<Vec<u8>>)> = Vec::with_capacity(ranges.len() / 2 + 1);
        for ((start, end), join) in ranges.into_iter().zip(joined) {
            match kept.last_mut() {
                Some(open) if join => open.1 = end,
                _ => kept.push((start, end)),
            }
        }
        self.ranges = kept.into_iter().collect();
    }
}

/// Whether a range that ends at `end` ends no later than one that ends at `other`.
fn is_within(end: &Option<Vec<u8>>, other: &Option<Vec<u8>>) -> bool {
    match (end, other) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(end), Some(other)) => end <= other,
    }
}

fn common(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{KeyRange, ReadSet};
    use crate::limits::MAX_READS;

    fn range(start: u8, end: Option<u8>) -> KeyRange {
        KeyRange { start: vec![start], end: end.map(|end| vec![end]) }
    }

    proptest! {
        #[test]
        fn a_read_set_holds_the_union_of_its_ranges(ranges in prop::collection::vec(any::<(u8, Option<u8>)>(), 0..12)) {
            let mut reads = ReadSet::new();
            for (start, end) in &ranges {
                reads.add_range(range(*start, *end));
            }
            for key in 0..=255u8 {
                let wanted = ranges.iter().any(|(start, end)| range(*start, *end).contains(&[key]));
                assert_eq!(reads.contains(&[key]), wanted, "{key} in {reads:?}");
                assert_eq!(reads.touches(&[vec![key]].into()), wanted, "{key} in {reads:?}");
            }
            let kept: Vec<_> = reads.iter().collect();
            for pair in kept.windows(2) {
                assert!(pair[0].1.is_some_and(|end| end < pair[1].0), "disjoint and apart: {reads:?}");
            }
        }
    }

    #[test]
    fn a_full_read_set_joins_what_has_most_in_common() {
        let mut reads = ReadSet::new();
        reads.add_key(b"other/table");
        for number in 0..MAX_READS * 3 {
            reads.add_key(format!("table/{number:06}").as_bytes());
        }
        assert!(reads.len() <= MAX_READS, "{}", reads.len());
        for number in 0..MAX_READS * 3 {
            assert!(reads.contains(format!("table/{number:06}").as_bytes()), "{number}");
        }
        assert!(reads.contains(b"other/table"));
        assert!(!reads.contains(b"other/tables"), "tables aren't joined while rows can be");
    }
}
