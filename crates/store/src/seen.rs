//! What a view has read last, one key at a time: a call asks for the same few records again and again, to authorise, to
//! decide, to answer. In one snapshot they are the same.

/// Keys that are kept.
const KEPT: usize = 8;
/// Bytes of a value that is kept.
const MOST: usize = 16 << 10;

/// The last keys read, with their values.
#[derive(Default)]
pub(crate) struct Seen {
    rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Where the next one goes, once there are as many as are kept.
    next: usize,
}

impl Seen {
    /// What was read under this key, if that is known.
    pub(crate) fn find(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        // The newest are asked for most.
        self.rows.iter().rev().find(|(seen, _)| seen == key).map(|(_, value)| value)
    }

    /// Keeps what was read under a key that is not known.
    pub(crate) fn keep(&mut self, key: &[u8], value: &Option<Vec<u8>>) {
        if value.as_ref().is_some_and(|value| value.len() > MOST) {
            return;
        }
        let row = (key.to_vec(), value.clone());
        if self.rows.len() < KEPT {
            self.rows.push(row);
        } else {
            self.rows[self.next] = row;
            self.next = (self.next + 1) % KEPT;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, MOST, Seen};

    #[test]
    fn the_last_ones_are_known_and_large_ones_are_not() {
        let mut seen = Seen::default();
        for number in 0..=KEPT as u8 {
            seen.keep(&[number], &Some(vec![number; 3]));
        }
        assert_eq!(seen.find(&[0]), None, "there is room for {KEPT}");
        assert_eq!(seen.find(&[KEPT as u8]), Some(&Some(vec![KEPT as u8; 3])));
        assert_eq!(seen.find(&[1]), Some(&Some(vec![1; 3])));
        seen.keep(b"none", &None);
        assert_eq!(seen.find(b"none"), Some(&None), "that there is nothing is known too");
        seen.keep(b"large", &Some(vec![0; MOST + 1]));
        assert_eq!(seen.find(b"large"), None);
    }
}
