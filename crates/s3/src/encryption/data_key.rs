//! The key of an object's or a part's bytes: what it does to them, and how it is sealed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use blobs::Cipher;

use super::record::SealedKey;

const BLOCK: usize = 16;

/// A key of 256 bits that encrypts the bytes of one blob and nothing else: AES in counter mode, the counter being the
/// number of the block.
pub(super) struct DataKey {
    key: EncryptingKey,
}

impl DataKey {
    /// The cipher with this key.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let key = UnboundCipherKey::new(&AES_256, key).and_then(EncryptingKey::ctr);
        Self { key: key.expect("AES-256 has keys of 32 bytes, and a counter mode") }
    }

    fn add(&self, block: u64, bytes: &mut [u8]) {
        let counter = u128::from(block).to_be_bytes();
        let done = self.key.less_safe_encrypt(bytes, EncryptionContext::Iv128((&counter).into()));
        done.expect("a counter mode takes any number of bytes, and a counter of 16");
    }
}

impl Cipher for DataKey {
    fn apply(&self, offset: u64, bytes: &mut [u8]) {
        let skipped = (offset % BLOCK as u64) as usize;
        let mut block = offset / BLOCK as u64;
        let mut rest = bytes;
        if skipped > 0 {
            let mut stream = [0; BLOCK];
            self.add(block, &mut stream);
            let count = rest.len().min(BLOCK - skipped);
            let (head, tail) = rest.split_at_mut(count);
            for (byte, added) in head.iter_mut().zip(&stream[skipped..]) {
                *byte ^= added;
            }
            (block, rest) = (block + 1, tail);
        }
        self.add(block, rest);
    }
}

/// Whose bytes a sealed key is for. It opens for nobody else's: who can change records cannot have the bytes of one
/// object shown as another's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The bucket.
    pub(crate) bucket: &'a str,
    /// The key of the object.
    pub(crate) key: &'a str,
}

/// Seals `key` under a key that is derived from `root` and `salt`, which is random, for this one.
pub(super) fn seal(root: &[u8; 32], place: Place<'_>, key: &[u8; 32], salt: [u8; 16]) -> SealedKey {
    let mut sealed = [0; 48];
    let (text, tag) = sealed.split_at_mut(32);
    text.copy_from_slice(key);
    let made = derived(root, place, &salt).seal_in_place_separate_tag(nonce(), Aad::empty(), text);
    tag.copy_from_slice(made.expect("GCM seals 32 bytes").as_ref());
    SealedKey { salt, sealed }
}

/// Opens a sealed key; none if `root` or the place is not the one that it was sealed with, or if it was changed.
pub(super) fn unseal(root: &[u8; 32], place: Place<'_>, sealed: &SealedKey) -> Option<[u8; 32]> {
    let mut bytes = sealed.sealed;
    let key = derived(root, place, &sealed.salt).open_in_place(nonce(), Aad::empty(), &mut bytes).ok()?;
    (&*key).try_into().ok()
}

/// A key that seals one thing alone, so it needs no number that is used once beside it.
fn derived(root: &[u8; 32], place: Place<'_>, salt: &[u8; 16]) -> LessSafeKey {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, root));
    for part in [b"welkin s3 object key 1".as_slice(), salt, place.bucket.as_bytes(), place.key.as_bytes()] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let key = UnboundKey::new(&AES_256_GCM, context.sign().as_ref());
    LessSafeKey::new(key.expect("SHA-256 gives the 32 bytes that AES-256 takes"))
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

#[cfg(test)]
mod tests {
    use blobs::Cipher;
    use proptest::prelude::*;

    use super::{DataKey, Place, seal, unseal};

    const PLACE: Place<'_> = Place { bucket: "bucket", key: "key" };

    /// NIST SP 800-38A, F.5.5: CTR-AES256.Encrypt, whose counter begins at another number than ours.
    #[test]
    fn the_key_stream_is_that_of_the_standard() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let block = 0xf8f9_fafb_fcfd_feff_u64;
        let mut bytes = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        let cipher = DataKey::new(&key.try_into().unwrap());
        let counter = (0xf0f1_f2f3_f4f5_f6f7_u128 << 64 | u128::from(block)).to_be_bytes();
        let context = aws_lc_rs::cipher::EncryptionContext::Iv128((&counter).into());
        cipher.key.less_safe_encrypt(&mut bytes, context).unwrap();
        assert_eq!(bytes, hex("601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"));
    }

    #[test]
    fn a_key_opens_with_its_root_at_its_place_unchanged_and_not_else() {
        let sealed = seal(&[1; 32], PLACE, &[2; 32], [3; 16]);
        assert_eq!(unseal(&[1; 32], PLACE, &sealed), Some([2; 32]));
        assert_eq!(unseal(&[9; 32], PLACE, &sealed), None, "another root");
        for other in [Place { bucket: "other", key: "key" }, Place { bucket: "bucketk", key: "ey" }] {
            assert_eq!(unseal(&[1; 32], other, &sealed), None, "{other:?}");
        }
        for bit in 0..48 * 8 {
            let mut changed = sealed.clone();
            changed.sealed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unseal(&[1; 32], PLACE, &changed), None, "bit {bit}");
        }
        let mut changed = sealed;
        changed.salt[0] ^= 1;
        assert_eq!(unseal(&[1; 32], PLACE, &changed), None);
    }

    proptest! {
        #[test]
        fn any_range_is_turned_as_a_part_of_the_whole(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            base in prop_oneof![Just(0_u64), Just((1 << 36) - 40), any::<u32>().prop_map(u64::from)],
            cut in any::<(prop::sample::Index, prop::sample::Index)>(),
        ) {
            let cipher = DataKey::new(&[5; 32]);
            let mut whole = bytes.clone();
            cipher.apply(base, &mut whole);
            let (one, other) = (cut.0.index(bytes.len() + 1), cut.1.index(bytes.len() + 1));
            let (from, to) = (one.min(other), one.max(other));
            let mut part = bytes[from..to].to_vec();
            cipher.apply(base + from as u64, &mut part);
            prop_assert_eq!(&part, &whole[from..to]);
            cipher.apply(base, &mut whole);
            prop_assert_eq!(whole, bytes);
        }
    }
}
