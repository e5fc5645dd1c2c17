//! A small digest that stays the same in every version and process: FNV-1a with 64 bits. Not for secrets: whoever
//! wants to can find two texts with one digest.
//! Source: <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>.

/// The digest of `bytes`.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    const START: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(START, |digest, byte| (digest ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::fnv1a;

    #[test]
    fn known_answers() {
        for (text, digest) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            assert_eq!(fnv1a(text.as_bytes()), digest, "{text}");
        }
    }
}
