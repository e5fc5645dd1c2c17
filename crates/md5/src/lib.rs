//! MD5 as in RFC 1321, by AWS-LC's assembly: a quarter faster than what Rust compiles to, and every byte that is put into
//! S3 goes through it. Not for secrets: MD5 is broken, and here because S3's entity tags and old signatures of keys are made
//! with it.
//!
//! The calls of C are why this crate may be `unsafe`; aws-lc-rs, which has all other digests, does not offer this one.

use std::mem::MaybeUninit;

use aws_lc_sys::{MD5_CTX, MD5_Final, MD5_Init, MD5_Update};

/// Bytes of a digest.
const LENGTH: usize = 16;

/// A digest that is being computed.
#[derive(Clone)]
pub struct Md5(MD5_CTX);

impl Md5 {
    /// Of nothing yet.
    pub fn new() -> Self {
        let mut context = MaybeUninit::<MD5_CTX>::zeroed();
        // SAFETY: the context is numbers alone, of which zeros are valid ones; `MD5_Init` cannot fail.
        unsafe {
            MD5_Init(context.as_mut_ptr());
            Self(context.assume_init())
        }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        // SAFETY: the context is initialised, and as many bytes can be read as are told.
        unsafe {
            MD5_Update(&mut self.0, bytes.as_ptr().cast(), bytes.len());
        }
    }

    /// The digest of all that was taken in.
    pub fn finish(mut self) -> [u8; LENGTH] {
        let mut digest = [0; LENGTH];
        // SAFETY: the context is initialised, and the digest has the room that is written.
        unsafe {
            MD5_Final(digest.as_mut_ptr(), &mut self.0);
        }
        digest
    }
}

impl Default for Md5 {
    fn default() -> Self {
        Self::new()
    }
}

/// The digest of these bytes.
pub fn of(bytes: &[u8]) -> [u8; LENGTH] {
    let mut digest = Md5::new();
    digest.update(bytes);
    digest.finish()
}

#[cfg(test)]
mod tests {
    use super::{Md5, of};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 1321, A.5.
    #[test]
    fn known_values() {
        let long = "12345678901234567890123456789012345678901234567890123456789012345678901234567890";
        for (text, expected) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (long, "57edf4a22be3c955ac49da2e2107b67a"),
        ] {
            assert_eq!(hex(&of(text.as_bytes())), expected, "{text:?}");
        }
    }

    #[test]
    fn pieces_make_no_difference() {
        let bytes: Vec<u8> = (0..1000u32).map(|number| (number * 7) as u8).collect();
        for size in [1, 3, 55, 56, 63, 64, 65, 999] {
            let mut digest = Md5::default();
            for piece in bytes.chunks(size) {
                digest.clone().update(b"a copy of its own");
                digest.update(piece);
            }
            assert_eq!(digest.finish(), of(&bytes), "pieces of {size}");
        }
    }
}
