//! Codes out of a seed and the time: six digits, SHA-1, a new one every 30 seconds.
//! Source: RFC 6238 and RFC 4226.

use aws_lc_rs::hmac;
use jiff::Timestamp;

/// How long a code is shown, in seconds.
const STEP: i64 = 30;

/// The alphabet of base 32. Source: RFC 4648, section 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new seed: 64 characters of base 32, as those of AWS are; 320 bits.
pub(super) fn new_seed(random: [u8; 64]) -> String {
    random.iter().map(|byte| char::from(BASE32[usize::from(byte & 31)])).collect()
}

/// The step that a time is in.
pub(super) fn step_at(time: Timestamp) -> i64 {
    time.as_second().div_euclid(STEP)
}

/// The codes of a seed.
pub(super) struct Codes(hmac::Key);

impl Codes {
    /// Those of a seed in base 32; what is not of its alphabet is passed over.
    pub fn of(seed: &str) -> Self {
        let (mut bytes, mut held, mut bits) = (Vec::with_capacity(seed.len()), 0_u32, 0);
        for digit in seed.bytes().filter_map(|byte| BASE32.iter().position(|own| *own == byte)) {
            held = ((held << 5) | u32::try_from(digit).unwrap_or_default()) & 0xfff;
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                bytes.push(u8::try_from((held >> bits) & 0xff).unwrap_or_default());
            }
        }
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes))
    }

    /// The code of a step.
    pub fn at(&self, step: i64) -> String {
        let tag = hmac::sign(&self.0, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or_default() & 15);
        let word = tag.iter().skip(offset).take(4).fold(0_u32, |word, byte| (word << 8) | u32::from(*byte));
        format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
    }

    /// Whether `code` is that of a step. Takes the same time wherever they differ.
    pub fn is(&self, step: i64, code: &str) -> bool {
        wire::sigv4::is_same(&self.at(step), code)
    }

    /// The first of these steps that `first` is the code of, with `second` that of the step after it.
    pub fn find_pair(&self, mut steps: impl Iterator<Item = i64>, first: &str, second: &str) -> Option<i64> {
        steps.find(|step| self.is(*step, first) && self.is(step + 1, second))
    }
}

#[cfg(test)]
mod tests {
    use super::{Codes, new_seed, step_at};

    /// RFC 6238, appendix B, and RFC 4226, appendix D, of their eight digits the last six.
    #[test]
    fn codes_of_the_rfc() {
        let codes = Codes::of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let time = jiff::Timestamp::from_second(second).unwrap();
            assert_eq!(codes.at(step_at(time)), code, "{second}");
        }
        for (step, code) in ["755224", "287082", "359152", "969429", "338314"].iter().enumerate() {
            assert_eq!(codes.at(i64::try_from(step).unwrap()), *code);
        }
        assert!(codes.is(0, "755224") && !codes.is(1, "755224") && !codes.is(0, "75522") && !codes.is(0, ""));
        assert_eq!(codes.find_pair(0..4, "359152", "969429"), Some(2));
        assert_eq!(codes.find_pair(0..4, "969429", "359152"), None);
    }

    #[test]
    fn seeds_are_as_long_as_those_of_aws() {
        assert_eq!(new_seed([0; 64]), "A".repeat(64));
    }
}
