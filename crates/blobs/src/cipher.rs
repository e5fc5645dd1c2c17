//! Bytes that are other ones on disk: what a store applies on the way there and back, without knowing any key.

/// Turns the bytes of a blob into those that lie on disk, and back: a key stream that is added to them. So the length
/// stays, and any range can be turned for itself.
pub trait Cipher: Send + Sync {
    /// Turns `bytes`, which begin `offset` bytes after the beginning of the blob, in place. Twice is as good as not at
    /// all.
    fn apply(&self, offset: u64, bytes: &mut [u8]);
}

#[cfg(any(test, feature = "conformance"))]
pub(crate) mod fake {
    use super::Cipher;

    /// A key stream that everybody knows, for tests.
    #[derive(Debug)]
    pub(crate) struct Known(pub(crate) u8);

    impl Cipher for Known {
        fn apply(&self, offset: u64, bytes: &mut [u8]) {
            for (at, byte) in (offset..).zip(bytes) {
                *byte ^= (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8 ^ self.0;
            }
        }
    }
}
