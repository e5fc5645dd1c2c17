//! What S3 calls an owner: the canonical user id of an account.

use api::s3::Owner;
use ids::AccountId;
use service::canonical_user_id;

/// The owner element for an account. Display names are gone from S3's answers since November 2025.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Owner.html>.
pub(crate) fn owner(account: &AccountId) -> Owner {
    Owner { display_name: None, id: Some(canonical_user_id(account)) }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::hex;

    #[test]
    fn digits() {
        assert_eq!(hex(&[0x00, 0xaf, 0x10]), "00af10");
    }
}
