//! What S3 calls an owner: the canonical user id of an account.

use api::s3::Owner;
use aws_lc_rs::digest;
use ids::AccountId;

/// The owner element for an account. Display names are gone from S3's answers since November 2025.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Owner.html>.
pub(crate) fn owner(account: &AccountId) -> Owner {
    Owner { display_name: None, id: Some(canonical_id(account)) }
}

/// 64 hexadecimal digits, always the same for an account.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/finding-canonical-user-id.html>.
pub(crate) fn canonical_id(account: &AccountId) -> String {
    let text = format!("canonical user of {account}");
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::{canonical_id, hex};

    #[test]
    fn ids_are_64_digits_and_differ() {
        let one = canonical_id(&"123456789012".parse().unwrap());
        let other = canonical_id(&"123456789013".parse().unwrap());
        assert_eq!((one.len(), other.len()), (64, 64));
        assert_ne!(one, other);
        assert_eq!(hex(&[0x00, 0xaf, 0x10]), "00af10");
    }
}
