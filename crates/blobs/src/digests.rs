//! The digests that are computed while a blob is written: MD5 always, others on request.

use std::hash::Hasher as _;

use aws_lc_rs::digest;
use crc_fast::CrcAlgorithm;
use md5::Md5;
use twox_hash::{XxHash3_64, XxHash3_128, XxHash64};

/// A digest beside MD5. Source: the S3 type `ChecksumAlgorithm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestKind {
    /// CRC-32 as in ISO 3309 (zlib).
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// MD5, once more as one of the others.
    Md5,
    /// XXH64 with seed 0.
    Xxhash64,
    /// XXH3 with seed 0 and 64 bits.
    Xxhash3,
    /// XXH3 with seed 0 and 128 bits.
    Xxhash128,
}

/// A digest and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestValue {
    /// Which digest.
    pub kind: DigestKind,
    /// Its value, the most significant byte first: what S3 sends in base64.
    pub bytes: Vec<u8>,
}

/// Computes MD5 and a set of other digests in one pass. Slow (MD5 does three quarters of a gigabyte a second): not for a thread
/// that serves others.
pub struct Hashers {
    md5: Md5,
    others: Vec<(DigestKind, Hasher)>,
}

enum Hasher {
    Crc(Box<crc_fast::Digest>),
    Sha(digest::Context),
    /// The MD5 that is computed anyway.
    Md5,
    Xxhash64(XxHash64),
    Xxhash3(Box<XxHash3_64>),
    Xxhash128(Box<XxHash3_128>),
}

impl Hashers {
    /// MD5 and `kinds`.
    pub fn new(kinds: &[DigestKind]) -> Self {
        Self { md5: Md5::new(), others: kinds.iter().map(|kind| (*kind, Hasher::new(*kind))).collect() }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        for (_, hasher) in &mut self.others {
            match hasher {
                Hasher::Crc(crc) => crc.update(bytes),
                Hasher::Sha(sha) => sha.update(bytes),
                Hasher::Md5 => {}
                Hasher::Xxhash64(xxh) => xxh.write(bytes),
                Hasher::Xxhash3(xxh) => xxh.write(bytes),
                Hasher::Xxhash128(xxh) => xxh.write(bytes),
            }
        }
    }

    /// The MD5 and the other digests, in the order in which they were asked for.
    pub fn finish(self) -> ([u8; 16], Vec<DigestValue>) {
        let md5 = self.md5.finish();
        let values = self.others.into_iter();
        let values = values.map(|(kind, hasher)| DigestValue { kind, bytes: hasher.finish(kind, md5) });
        (md5, values.collect())
    }
}

impl Hasher {
    fn new(kind: DigestKind) -> Self {
        let crc = |algorithm| Self::Crc(Box::new(crc_fast::Digest::new(algorithm)));
        match kind {
            DigestKind::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc),
            DigestKind::Crc32c => crc(CrcAlgorithm::Crc32Iscsi),
            DigestKind::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme),
            DigestKind::Sha1 => Self::Sha(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY)),
            DigestKind::Sha256 => Self::Sha(digest::Context::new(&digest::SHA256)),
            DigestKind::Sha512 => Self::Sha(digest::Context::new(&digest::SHA512)),
            DigestKind::Md5 => Self::Md5,
            DigestKind::Xxhash64 => Self::Xxhash64(XxHash64::with_seed(0)),
            DigestKind::Xxhash3 => Self::Xxhash3(Box::new(XxHash3_64::new())),
            DigestKind::Xxhash128 => Self::Xxhash128(Box::new(XxHash3_128::new())),
        }
    }

    fn finish(self, kind: DigestKind, md5: [u8; 16]) -> Vec<u8> {
        match self {
            Self::Crc(crc) => {
                let value = crc.finalize().to_be_bytes();
                if kind == DigestKind::Crc64Nvme { value.to_vec() } else { value[4..].to_vec() }
            }
            Self::Sha(sha) => sha.finish().as_ref().to_vec(),
            Self::Md5 => md5.to_vec(),
            Self::Xxhash64(xxh) => xxh.finish().to_be_bytes().to_vec(),
            Self::Xxhash3(xxh) => xxh.finish().to_be_bytes().to_vec(),
            Self::Xxhash128(xxh) => xxh.finish_128().to_be_bytes().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DigestKind, Hashers};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Check values: the catalogue of parametrised CRC algorithms, RFC 1321, FIPS 180-4, xxHash's reference
    /// implementation; all of `123456789`.
    #[test]
    fn known_values() {
        let table = [
            (DigestKind::Crc32, "cbf43926"),
            (DigestKind::Crc32c, "e3069283"),
            (DigestKind::Crc64Nvme, "ae8b14860a799888"),
            (DigestKind::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (DigestKind::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
            (
                DigestKind::Sha512,
                "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85",
            ),
            (DigestKind::Md5, "25f9e794323b453885f5181f1b624d0b"),
            (DigestKind::Xxhash64, "8cb841db40e6ae83"),
            (DigestKind::Xxhash3, "72dcb18b67a17dff"),
            (DigestKind::Xxhash128, "33119477ede5dcd5e9716427681d5860"),
        ];
        let mut hashers = Hashers::new(&table.map(|(kind, _)| kind));
        hashers.update(b"1234");
        hashers.update(b"");
        hashers.update(b"56789");
        let (md5, values) = hashers.finish();
        assert_eq!(hex(&md5), "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(values.len(), table.len());
        for ((kind, expected), value) in table.iter().zip(&values) {
            assert_eq!((value.kind, hex(&value.bytes).as_str()), (*kind, *expected));
        }
    }

    /// XXH3 works otherwise on long inputs than on short ones.
    #[test]
    fn known_values_of_long_inputs_in_pieces() {
        let bytes: Vec<u8> = (0..5000_u32).map(|number| (number % 251) as u8).collect();
        let mut hashers = Hashers::new(&[DigestKind::Xxhash64, DigestKind::Xxhash3, DigestKind::Xxhash128]);
        bytes.chunks(333).for_each(|piece| hashers.update(piece));
        let values: Vec<_> = hashers.finish().1.iter().map(|value| hex(&value.bytes)).collect();
        assert_eq!(values, ["a6833d648fd6a332", "b418500fc42320ee", "b92ec02c39d33ce7b418500fc42320ee"]);
    }
}
