//! Canonical user ids: what S3 calls accounts.

use aws_lc_rs::digest;
use ids::AccountId;

/// 64 hexadecimal digits, always the same for an account.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/finding-canonical-user-id.html>.
pub fn canonical_user_id(account: &AccountId) -> String {
    let text = format!("canonical user of {account}");
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text can be a canonical user id.
pub fn is_canonical_user_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::{canonical_user_id, is_canonical_user_id};

    #[test]
    fn ids_are_64_digits_and_differ() {
        let one = canonical_user_id(&"123456789012".parse().unwrap());
        let other = canonical_user_id(&"123456789013".parse().unwrap());
        assert!(is_canonical_user_id(&one) && is_canonical_user_id(&other));
        assert_ne!(one, other);
        assert!(!is_canonical_user_id("123456789012") && !is_canonical_user_id(&one.to_uppercase()));
    }
}
