//! The digests that are computed while a blob is written: MD5 always, others on request.

use aws_lc_rs::digest;
use crc_fast::CrcAlgorithm;
use md5::{Digest, Md5};

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
}

/// A digest and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestValue {
    /// Which digest.
    pub kind: DigestKind,
    /// Its value, the most significant byte first: what S3 sends in base64.
    pub bytes: Vec<u8>,
}

/// Computes MD5 and a set of other digests in one pass. Slow (MD5 does half a gigabyte a second): not for a thread
/// that serves others.
pub struct Hashers {
    md5: Md5,
    others: Vec<(DigestKind, Hasher)>,
}

enum Hasher {
    Crc(Box<crc_fast::Digest>),
    Sha(digest::Context),
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
            }
        }
    }

    /// The MD5 and the other digests, in the order in which they were asked for.
    pub fn finish(self) -> ([u8; 16], Vec<DigestValue>) {
        let values = self.others.into_iter().map(|(kind, hasher)| DigestValue { kind, bytes: hasher.finish(kind) });
        (self.md5.finalize().into(), values.collect())
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
        }
    }

    fn finish(self, kind: DigestKind) -> Vec<u8> {
        match self {
            Self::Crc(crc) => {
                let value = crc.finalize().to_be_bytes();
                if kind == DigestKind::Crc64Nvme { value.to_vec() } else { value[4..].to_vec() }
            }
            Self::Sha(sha) => sha.finish().as_ref().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DigestKind, Hashers};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Check values: the catalogue of parametrised CRC algorithms, RFC 1321, FIPS 180-4; all of `123456789`.
    #[test]
    fn known_values() {
        let table = [
            (DigestKind::Crc32, "cbf43926"),
            (DigestKind::Crc32c, "e3069283"),
            (DigestKind::Crc64Nvme, "ae8b14860a799888"),
            (DigestKind::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (DigestKind::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
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
}
