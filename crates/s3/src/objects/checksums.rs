//! Checksums of objects: what a request promises, and what is kept.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blobs::{DigestKind, DigestValue};
use serde::{Deserialize, Serialize};

use crate::S3Error;

/// A checksum algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ChecksumKind {
    /// CRC-32.
    Crc32,
    /// CRC-32C.
    Crc32c,
    /// CRC-64/NVME.
    Crc64nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// MD5.
    Md5,
    /// XXH64.
    Xxhash64,
    /// XXH3 with 64 bits.
    Xxhash3,
    /// XXH3 with 128 bits.
    Xxhash128,
}

/// The checksum of an object or a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredChecksum {
    /// Its algorithm.
    pub kind: ChecksumKind,
    /// Its value in base64; of a composite one with `-` and the number of parts.
    pub value: String,
    /// Whether it is a checksum of parts' checksums, and not of the bytes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_composite: bool,
}

impl StoredChecksum {
    /// As in `x-amz-checksum-type`.
    pub(crate) fn type_name(&self) -> &'static str {
        if self.is_composite { "COMPOSITE" } else { "FULL_OBJECT" }
    }
}

impl ChecksumKind {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64nvme,
        Self::Sha1,
        Self::Sha256,
        Self::Sha512,
        Self::Md5,
        Self::Xxhash64,
        Self::Xxhash3,
        Self::Xxhash128,
    ];

    /// What S3 computes when the client sends none.
    pub(crate) const DEFAULT: Self = Self::Crc64nvme;

    /// As in `x-amz-sdk-checksum-algorithm`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
            Self::Md5 => "MD5",
            Self::Xxhash64 => "XXHASH64",
            Self::Xxhash3 => "XXHASH3",
            Self::Xxhash128 => "XXHASH128",
        }
    }

    /// Its name as S3 writes it within sentences.
    pub(crate) fn lower_name(self) -> &'static str {
        match self {
            Self::Crc32 => "crc32",
            Self::Crc32c => "crc32c",
            Self::Crc64nvme => "crc64nvme",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Md5 => "md5",
            Self::Xxhash64 => "xxhash64",
            Self::Xxhash3 => "xxhash3",
            Self::Xxhash128 => "xxhash128",
        }
    }

    /// The header or trailer that carries the value.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
            Self::Sha512 => "x-amz-checksum-sha512",
            Self::Md5 => "x-amz-checksum-md5",
            Self::Xxhash64 => "x-amz-checksum-xxhash64",
            Self::Xxhash3 => "x-amz-checksum-xxhash3",
            Self::Xxhash128 => "x-amz-checksum-xxhash128",
        }
    }

    /// The digest that computes it.
    pub(crate) fn digest(self) -> DigestKind {
        match self {
            Self::Crc32 => DigestKind::Crc32,
            Self::Crc32c => DigestKind::Crc32c,
            Self::Crc64nvme => DigestKind::Crc64Nvme,
            Self::Sha1 => DigestKind::Sha1,
            Self::Sha256 => DigestKind::Sha256,
            Self::Sha512 => DigestKind::Sha512,
            Self::Md5 => DigestKind::Md5,
            Self::Xxhash64 => DigestKind::Xxhash64,
            Self::Xxhash3 => DigestKind::Xxhash3,
            Self::Xxhash128 => DigestKind::Xxhash128,
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64nvme | Self::Xxhash64 | Self::Xxhash3 => 8,
            Self::Md5 | Self::Xxhash128 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// The algorithm that `x-amz-sdk-checksum-algorithm` names.
///
/// # Errors
/// [`S3Error::InvalidRequest`] for an unknown one.
pub(crate) fn read_algorithm(name: Option<&str>) -> Result<Option<ChecksumKind>, S3Error> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(None) };
    let found = ChecksumKind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name));
    let text = "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, XXHASH3, XXHASH64]";
    found.map(Some).ok_or_else(|| S3Error::InvalidRequest(text.to_owned()))
}

/// The one checksum that a client gives in headers or trailers, if any.
///
/// # Errors
/// [`S3Error::InvalidRequest`] for several, or for a value that is no such checksum.
pub(crate) fn read_given(given: &[(ChecksumKind, &str)]) -> Result<Option<StoredChecksum>, S3Error> {
    let [(kind, value)] = given else {
        if given.is_empty() {
            return Ok(None);
        }
        let text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
        return Err(S3Error::InvalidRequest(text.to_owned()));
    };
    match STANDARD.decode(value) {
        Ok(bytes) if bytes.len() == kind.length() => {
            Ok(Some(StoredChecksum { kind: *kind, value: STANDARD.encode(bytes), is_composite: false }))
        }
        _ => Err(S3Error::InvalidRequest(format!("Value for {} header is invalid.", kind.header()))),
    }
}

/// The MD5 that a `Content-MD5` header promises.
///
/// # Errors
/// [`S3Error::InvalidDigest`] for anything but 16 bytes in base64.
pub(crate) fn read_md5(header: Option<&str>) -> Result<Option<[u8; 16]>, S3Error> {
    let Some(header) = header else { return Ok(None) };
    let bytes = STANDARD.decode(header).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    bytes.map(Some).ok_or_else(|| S3Error::InvalidDigest(header.to_owned()))
}

/// Compares the MD5 that was promised with the one computed.
///
/// # Errors
/// [`S3Error::BadMd5`].
pub(crate) fn check_md5(promised: Option<[u8; 16]>, computed: [u8; 16]) -> Result<(), S3Error> {
    match promised {
        Some(promised) if promised != computed => {
            Err(S3Error::BadMd5 { expected: STANDARD.encode(promised), calculated: STANDARD.encode(computed) })
        }
        _ => Ok(()),
    }
}

/// The checksum of `kind` among those computed.
pub(crate) fn computed(digests: &[DigestValue], kind: ChecksumKind) -> Option<StoredChecksum> {
    let found = digests.iter().find(|value| value.kind == kind.digest())?;
    Some(StoredChecksum { kind, value: STANDARD.encode(&found.bytes), is_composite: false })
}

/// The checksum members of an answer, filled in for one algorithm.
#[derive(Debug, Default)]
pub(crate) struct ChecksumFields {
    pub crc32: Option<String>,
    pub crc32c: Option<String>,
    pub crc64nvme: Option<String>,
    pub sha1: Option<String>,
    pub sha256: Option<String>,
    pub sha512: Option<String>,
    pub md5: Option<String>,
    pub xxhash64: Option<String>,
    pub xxhash3: Option<String>,
    pub xxhash128: Option<String>,
    pub kind: Option<String>,
}

impl ChecksumFields {
    /// The fields that show `checksum`.
    pub(crate) fn of(checksum: Option<StoredChecksum>) -> Self {
        let mut fields = Self::default();
        let Some(checksum) = checksum else { return fields };
        fields.kind = Some(checksum.type_name().to_owned());
        let StoredChecksum { kind, value, .. } = checksum;
        match kind {
            ChecksumKind::Crc32 => fields.crc32 = Some(value),
            ChecksumKind::Crc32c => fields.crc32c = Some(value),
            ChecksumKind::Crc64nvme => fields.crc64nvme = Some(value),
            ChecksumKind::Sha1 => fields.sha1 = Some(value),
            ChecksumKind::Sha256 => fields.sha256 = Some(value),
            ChecksumKind::Sha512 => fields.sha512 = Some(value),
            ChecksumKind::Md5 => fields.md5 = Some(value),
            ChecksumKind::Xxhash64 => fields.xxhash64 = Some(value),
            ChecksumKind::Xxhash3 => fields.xxhash3 = Some(value),
            ChecksumKind::Xxhash128 => fields.xxhash128 = Some(value),
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::{ChecksumKind, check_md5, read_algorithm, read_given, read_md5};

    #[test]
    fn values_must_have_their_length() {
        for (kind, value, is_valid) in [
            (ChecksumKind::Crc32, "y/Q5Jg==", true),
            (ChecksumKind::Crc32, "y/Q5", false),
            (ChecksumKind::Crc32, "?", false),
            (ChecksumKind::Crc64nvme, "rosUhgp5mIg=", true),
            (ChecksumKind::Sha256, "y/Q5Jg==", false),
            (ChecksumKind::Xxhash64, "jLhB20DmroM=", true),
            (ChecksumKind::Xxhash128, "jLhB20DmroM=", false),
            (ChecksumKind::Md5, "JfnnlDI7RTiF9RgfG2JNCw==", true),
        ] {
            assert_eq!(read_given(&[(kind, value)]).is_ok(), is_valid, "{kind:?} {value}");
        }
        assert_eq!(read_given(&[]).unwrap(), None);
        assert!(read_given(&[(ChecksumKind::Crc32, "y/Q5Jg=="), (ChecksumKind::Sha1, "")]).is_err());
    }

    #[test]
    fn algorithms_by_name() {
        for kind in ChecksumKind::ALL {
            assert_eq!(read_algorithm(Some(kind.name())).unwrap(), Some(kind));
        }
        assert!(read_algorithm(Some("MD4")).is_err());
        assert_eq!(read_algorithm(None).unwrap(), None);
    }

    #[test]
    fn md5() {
        let sum = read_md5(Some("1B2M2Y8AsgTpgAmY7PhCfg==")).unwrap();
        assert!(check_md5(sum, [0; 16]).is_err());
        assert!(check_md5(sum, sum.unwrap()).is_ok());
        assert!(check_md5(None, [0; 16]).is_ok());
        assert!(read_md5(Some("abc")).is_err());
        assert!(read_md5(Some("y/Q5Jg==")).is_err());
    }
}
