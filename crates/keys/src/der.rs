//! As much of DER as it takes to walk through a private key.
//! Source: ITU-T X.690, section 8.1.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const SEQUENCE: u8 = 0x30;

/// The content of the next element, which must have the tag `tag`, and what follows it; none for anything else.
pub(crate) fn take(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    if *found != tag {
        return None;
    }
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(*first & 0x7f);
        let digits = rest.get(..count).filter(|_| (1..=4).contains(&count))?;
        (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), &rest[count..])
    };
    Some((rest.get(..length)?, &rest[length..]))
}

#[cfg(test)]
mod tests {
    use super::{INTEGER, take};

    #[test]
    fn lengths() {
        let long = [&[INTEGER, 0x82, 0x01, 0x00][..], &[7; 256], &[9]].concat();
        for (bytes, expected) in [
            (&[INTEGER, 1, 5, 6][..], Some((&[5][..], &[6][..]))),
            (&[INTEGER, 2, 5], None),
            (&[0x30, 0], None),
            (&[INTEGER, 0x80], None),
            (&[INTEGER, 0x85, 0, 0, 0, 0, 0], None),
            (&[], None),
            (&long, Some((&[7; 256][..], &[9][..]))),
        ] {
            assert_eq!(take(INTEGER, bytes), expected, "{bytes:?}");
        }
    }
}
