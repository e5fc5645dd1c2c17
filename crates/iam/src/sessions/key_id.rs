//! The ids of access keys, which tell the account they belong to: eighty bits in base 32, of which the first is set, the
//! next forty are the number of the account, and the rest are random. So are AWS's, as
//! `sts:GetAccessKeyInfo` and those who took it apart show.

use ids::AccountId;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Bits of the id that are random.
const RANDOM_BITS: u32 = 39;

/// The id of a key of `account`: `prefix` (`AKIA` for permanent keys, `ASIA` for sessions) and sixteen characters.
pub fn access_key_id(prefix: &str, account: &AccountId, random: [u8; 5]) -> String {
    // Twelve digits are always a number.
    let account: u128 = account.as_str().parse().unwrap_or_default();
    let random = random.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte)) & ((1 << RANDOM_BITS) - 1);
    let bits = 1 << 79 | account << RANDOM_BITS | random;
    let digit = |place: u32| char::from(BASE32[usize::try_from(bits >> (75 - 5 * place) & 31).unwrap_or_default()]);
    prefix.chars().chain((0..16).map(digit)).collect()
}

/// The account that the id of an access key tells; none for an id that tells none.
pub fn account_of_access_key(id: &str) -> Option<AccountId> {
    let digits = id.get(4..).filter(|digits| digits.len() == 16)?;
    let mut bits = 0_u128;
    for digit in digits.bytes() {
        let value = BASE32.iter().position(|known| *known == digit)?;
        bits = bits << 5 | u128::try_from(value).ok()?;
    }
    let account = bits >> RANDOM_BITS & ((1 << 40) - 1);
    let has_account = bits >> 79 == 1;
    has_account.then(|| format!("{account:012}").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{access_key_id, account_of_access_key};

    #[test]
    fn ids_tell_their_account_and_nothing_else() {
        for account in ["000000000000", "000000000001", "123456789012", "999999999999"] {
            for random in [[0; 5], [255; 5], [1, 2, 3, 4, 5]] {
                let id = access_key_id("ASIA", &account.parse().unwrap(), random);
                assert_eq!(id.len(), 20);
                assert_eq!(account_of_access_key(&id).unwrap().as_str(), account);
            }
        }
        // The example in AWS's documentation is of the older kind, which tells nothing.
        for nothing in ["AKIAIOSFODNN7EXAMPLE", "ASIA", "", "ASIAqqqqqqqqqqqqqqqq", "ASIA7777777777777777"] {
            assert_eq!(account_of_access_key(nothing), None, "{nothing}");
        }
    }
}
