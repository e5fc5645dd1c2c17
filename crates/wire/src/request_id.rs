//! The ids that answers carry, so that a user's report finds its line in our log.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A request id as every service but S3 writes it: a version 4 UUID made of random `bytes`.
pub fn uuid_request_id(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (position, byte) in bytes.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// A request id as S3 writes it: sixteen upper-case characters made of random `bytes`.
pub fn s3_request_id(bytes: [u8; 8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// S3's second id, `x-amz-id-2`: base64 of random `bytes`.
pub fn s3_host_id(bytes: [u8; 48]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::{s3_request_id, uuid_request_id};

    #[test]
    fn ids_have_amazons_form() {
        assert_eq!(uuid_request_id([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(s3_request_id([0, 1, 2, 3, 4, 5, 6, 0xab]), "00010203040506AB");
    }
}
