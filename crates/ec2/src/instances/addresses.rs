//! Which address a new interface gets. The search begins at a random place: two launches at once then seldom want the
//! same address, and an address that was just given up is seldom given out again at once.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use store::StoreError;

/// The addresses of a subnet at its beginning that are AWS's: network, router, DNS, and one for the future.
/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>.
const RESERVED: u32 = 4;
/// Addresses that are looked at one by one, before whole stretches are read.
const PROBES: u32 = 8;

/// What is known of the addresses in use.
pub(crate) trait InUse {
    /// Whether this one is.
    fn is_used(&self, address: u32) -> Result<bool, StoreError>;

    /// The used ones from `first` on, in ascending order, at most `limit`.
    fn used_from(&self, first: u32, limit: usize) -> Result<Vec<u32>, StoreError>;
}

/// The addresses of a block that may be given out: all but the first four and the last of a subnet; none in a block
/// too small.
pub(crate) fn usable((base, length): (Ipv4Addr, u8)) -> Option<(u32, u32)> {
    let size = 1_u32.checked_shl(32_u32.checked_sub(u32::from(length))?)?;
    let (first, last) = (base.to_bits().checked_add(RESERVED)?, base.to_bits().checked_add(size.checked_sub(2)?)?);
    (first <= last).then_some((first, last))
}

/// Whether a block has this address.
pub(crate) fn is_within((base, length): (Ipv4Addr, u8), address: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(length))).unwrap_or(0);
    (base.to_bits() ^ address.to_bits()) & mask == 0
}

/// A free address between `first` and `last`, both included: the next one from a place that `random` chooses. `taken`
/// are used too, and the found one is added to them.
///
/// # Errors
/// The store's.
pub(crate) fn find_free(
    (first, last): (u32, u32),
    random: [u8; 8],
    taken: &mut BTreeSet<u32>,
    in_use: &impl InUse,
) -> Result<Option<Ipv4Addr>, StoreError> {
    let count = u64::from(last - first) + 1;
    let offset = u32::try_from(u64::from_be_bytes(random) % count).unwrap_or_default();
    let start = first + offset;
    let found = match next_free(start, last, taken, in_use)? {
        None if start > first => next_free(first, start - 1, taken, in_use)?,
        found => found,
    };
    taken.extend(found);
    Ok(found.map(Ipv4Addr::from_bits))
}

fn next_free(first: u32, last: u32, taken: &BTreeSet<u32>, in_use: &impl InUse) -> Result<Option<u32>, StoreError> {
    let probes = last.min(first.saturating_add(PROBES - 1));
    for address in first..=probes {
        if !taken.contains(&address) && !in_use.is_used(address)? {
            return Ok(Some(address));
        }
    }
    let Some(mut next) = probes.checked_add(1).filter(|next| *next <= last) else { return Ok(None) };
    const CHUNK: usize = 256;
    loop {
        let used = in_use.used_from(next, CHUNK)?;
        let is_last = used.len() < CHUNK;
        for address in used {
            while next < address && next <= last {
                if !taken.contains(&next) {
                    return Ok(Some(next));
                }
                next += 1;
            }
            if address >= last {
                return Ok(None);
            }
            next = address + 1;
        }
        if is_last {
            return Ok((next..=last).find(|address| !taken.contains(address)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::Ipv4Addr;

    use store::StoreError;

    use super::{InUse, find_free, is_within, usable};

    impl InUse for BTreeSet<u32> {
        fn is_used(&self, address: u32) -> Result<bool, StoreError> {
            Ok(self.contains(&address))
        }

        fn used_from(&self, first: u32, limit: usize) -> Result<Vec<u32>, StoreError> {
            Ok(self.range(first..).take(limit).copied().collect())
        }
    }

    #[test]
    fn aws_keeps_five_addresses() {
        let base = Ipv4Addr::new(10, 0, 0, 0);
        let bits = base.to_bits();
        assert_eq!(usable((base, 24)), Some((bits + 4, bits + 254)));
        assert_eq!(usable((base, 28)), Some((bits + 4, bits + 14)));
        for too_small in [30, 31, 32, 33] {
            assert_eq!(usable((base, too_small)), None, "{too_small}");
        }
        assert!(is_within((base, 24), Ipv4Addr::new(10, 0, 0, 255)));
        assert!(!is_within((base, 24), Ipv4Addr::new(10, 0, 1, 0)));
        assert!(is_within((base, 0), Ipv4Addr::new(255, 0, 1, 0)));
    }

    #[test]
    fn every_address_is_given_out_once() {
        for size in [1, 2, 9, 10, 300, 1000] {
            for seed in 0..7_u64 {
                let used: BTreeSet<u32> = (0..size).filter(|address| u64::from(*address) % 7 < seed).collect();
                let (mut taken, mut count) = (BTreeSet::new(), 0);
                let random = |count: u64| (seed.wrapping_mul(0x9e37_79b9) ^ (count * 0x1_0001)).to_be_bytes();
                while let Some(found) = find_free((0, size - 1), random(count), &mut taken, &used).unwrap() {
                    assert!(!used.contains(&found.to_bits()) && found.to_bits() < size, "{size} {seed} {found}");
                    count += 1;
                }
                assert_eq!(count, u64::from(size) - used.len() as u64, "{size} {seed}");
                assert_eq!(taken.len() as u64, count, "{size} {seed}");
            }
        }
    }
}
