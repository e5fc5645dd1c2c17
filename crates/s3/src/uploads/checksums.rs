//! Checksums of what is put together of parts: which kinds there are, and how they come of the parts' own.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blobs::Hashers;
use crc_fast::CrcAlgorithm;

use crate::S3Error;
use crate::objects::{ChecksumKind, StoredChecksum, computed, read_algorithm};

/// Whether a checksum can be a composite one and one of the whole object.
fn types(kind: ChecksumKind) -> (bool, bool) {
    match kind {
        ChecksumKind::Crc32 | ChecksumKind::Crc32c => (true, true),
        ChecksumKind::Crc64nvme => (false, true),
        ChecksumKind::Sha1
        | ChecksumKind::Sha256
        | ChecksumKind::Sha512
        | ChecksumKind::Md5
        | ChecksumKind::Xxhash64
        | ChecksumKind::Xxhash3
        | ChecksumKind::Xxhash128 => (true, false),
    }
}

/// What `CreateMultipartUpload` says of checksums: the algorithm, if it names one, and whether it is composite.
///
/// # Errors
/// [`S3Error::InvalidRequest`] for unknown ones, and for those that don't go together.
pub(super) fn read_choice(
    algorithm: Option<&str>,
    kind: Option<&str>,
) -> Result<(Option<ChecksumKind>, bool), S3Error> {
    let algorithm = read_algorithm(algorithm)?;
    let is_composite = kind.map(read_type).transpose()?;
    let Some(algorithm) = algorithm else {
        if is_composite.is_some() {
            let text = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
            return Err(S3Error::InvalidRequest(text.to_owned()));
        }
        return Ok((None, false));
    };
    let (can_be_composite, can_be_full) = types(algorithm);
    let is_composite = is_composite.unwrap_or(can_be_composite);
    if if is_composite { can_be_composite } else { can_be_full } {
        return Ok((Some(algorithm), is_composite));
    }
    let (kind, name) = (if is_composite { "COMPOSITE" } else { "FULL_OBJECT" }, algorithm.lower_name());
    Err(S3Error::InvalidRequest(format!("The {kind} checksum type cannot be used with the {name} checksum algorithm.")))
}

/// Whether `x-amz-checksum-type` says composite.
///
/// # Errors
/// [`S3Error::InvalidRequest`] for an unknown type.
pub(super) fn read_type(name: &str) -> Result<bool, S3Error> {
    match name.to_ascii_uppercase().as_str() {
        "COMPOSITE" => Ok(true),
        "FULL_OBJECT" => Ok(false),
        _ => Err(S3Error::InvalidRequest("Value for x-amz-checksum-type header is invalid.".to_owned())),
    }
}

/// That bytes came with another checksum than their upload's.
pub(super) fn mismatch(expected: ChecksumKind, actual: Option<ChecksumKind>) -> S3Error {
    let (expected, actual) = (expected.lower_name(), actual.map_or("null", ChecksumKind::lower_name));
    let text =
        format!("Checksum Type mismatch occurred, expected checksum Type: {expected}, actual checksum Type: {actual}");
    S3Error::InvalidRequest(text)
}

/// The composite checksum of parts: the digest of their digests, and how many they are.
///
/// # Errors
/// [`S3Error::Internal`] for a value that is no base64, which none that was checked is.
pub(super) fn composite<'a>(
    kind: ChecksumKind,
    values: impl IntoIterator<Item = &'a str>,
) -> Result<StoredChecksum, S3Error> {
    let (mut hashers, mut count) = (Hashers::new(&[kind.digest()]), 0);
    for value in values {
        hashers.update(&decode(value)?);
        count += 1;
    }
    let whole = computed(&hashers.finish().1, kind);
    let whole = whole.ok_or_else(|| S3Error::Internal(format!("no digest for {}", kind.name())))?;
    Ok(StoredChecksum { value: format!("{}-{count}", whole.value), is_composite: true, ..whole })
}

/// The checksum of the whole of parts, of their checksums and lengths.
///
/// # Errors
/// [`S3Error::Internal`] for a kind that can't be combined, or values that are none of it.
pub(super) fn combined<'a>(
    kind: ChecksumKind,
    parts: impl IntoIterator<Item = (&'a str, u64)>,
) -> Result<StoredChecksum, S3Error> {
    let algorithm = match kind {
        ChecksumKind::Crc32 => CrcAlgorithm::Crc32IsoHdlc,
        ChecksumKind::Crc32c => CrcAlgorithm::Crc32Iscsi,
        ChecksumKind::Crc64nvme => CrcAlgorithm::Crc64Nvme,
        _ => {
            return Err(S3Error::Internal(format!("{} can't be combined", kind.name())));
        }
    };
    // The checksum of no bytes is 0 in all three.
    let mut whole = 0;
    for (value, length) in parts {
        let bytes = decode(value)?;
        let part = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        whole = crc_fast::checksum_combine(algorithm, whole, part, length);
    }
    let bytes = whole.to_be_bytes();
    let bytes = if kind == ChecksumKind::Crc64nvme { &bytes[..] } else { &bytes[4..] };
    Ok(StoredChecksum { kind, value: STANDARD.encode(bytes), is_composite: false })
}

fn decode(value: &str) -> Result<Vec<u8>, S3Error> {
    STANDARD.decode(value).map_err(|error| S3Error::Internal(format!("checksum {value}: {error}")))
}

#[cfg(test)]
mod tests {
    use blobs::Hashers;

    use super::{combined, composite, read_choice};
    use crate::S3Error;
    use crate::objects::{ChecksumKind, computed};

    #[test]
    fn which_type_goes_with_which_algorithm() {
        let (composite, full) = (Some("COMPOSITE"), Some("FULL_OBJECT"));
        for (algorithm, default, can_be_composite, can_be_full) in [
            ("CRC32", true, true, true),
            ("CRC32C", true, true, true),
            ("CRC64NVME", false, false, true),
            ("SHA1", true, true, false),
            ("SHA256", true, true, false),
            ("SHA512", true, true, false),
            ("MD5", true, true, false),
            ("XXHASH64", true, true, false),
            ("XXHASH3", true, true, false),
            ("XXHASH128", true, true, false),
        ] {
            let of = |kind| read_choice(Some(algorithm), kind);
            assert_eq!(of(None).unwrap().1, default, "{algorithm}");
            assert_eq!((of(composite).is_ok(), of(full).is_ok()), (can_be_composite, can_be_full), "{algorithm}");
            assert_eq!(of(Some("Composite")).is_ok(), can_be_composite, "{algorithm}");
            assert!(of(Some("PARTS")).is_err());
        }
        assert_eq!(read_choice(None, None).unwrap(), (None, false));
        for (algorithm, kind, text) in [
            (None, full, "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."),
            (Some("SHA256"), full, "The FULL_OBJECT checksum type cannot be used with the sha256 checksum algorithm."),
            (Some("CRC32"), Some("x"), "Value for x-amz-checksum-type header is invalid."),
        ] {
            let Err(S3Error::InvalidRequest(said)) = read_choice(algorithm, kind) else { panic!("{text}") };
            assert_eq!(said, text);
        }
    }

    fn sum(kind: ChecksumKind, bytes: &[u8]) -> String {
        let mut hashers = Hashers::new(&[kind.digest()]);
        hashers.update(bytes);
        computed(&hashers.finish().1, kind).unwrap().value
    }

    #[test]
    fn checksums_of_parts_combine_to_that_of_the_whole() {
        let (parts, whole) = ([&b"1234"[..], b"", b"56789"], b"123456789");
        for kind in [ChecksumKind::Crc32, ChecksumKind::Crc32c, ChecksumKind::Crc64nvme] {
            let sums = parts.map(|part| (sum(kind, part), part.len() as u64));
            let combined = combined(kind, sums.iter().map(|(sum, length)| (sum.as_str(), *length))).unwrap();
            assert_eq!((combined.value, combined.is_composite), (sum(kind, whole), false), "{kind:?}");
        }
        assert!(combined(ChecksumKind::Sha1, []).is_err());
    }

    /// Of the first four, the values are those that AWS gives for one part of `123456789`.
    #[test]
    fn composite_checksums() {
        for (kind, expected) in [
            (ChecksumKind::Crc32, "7kxlUA==-1"),
            (ChecksumKind::Crc32c, "pzJFoA==-1"),
            (ChecksumKind::Sha1, "zGcEPHvP9e6lVmvZsfPHT9mlz10=-1"),
            (ChecksumKind::Sha256, "KSsNAHVmgy25S/rmic1w0at3KBH9RLn0nYVQ7p6mpJQ=-1"),
            (
                ChecksumKind::Sha512,
                "BAhVESR8pFuv/S2pHMrDSxjHVgcYCwozEda98ahLvKJ8ll4B1SyOb7caBgdNEU6tpyb0mS26scvZwucvSD0i8A==-1",
            ),
            (ChecksumKind::Md5, "WSfF1k2UpXhvkAA6om0BWQ==-1"),
            (ChecksumKind::Xxhash64, "aIYCMYPSWcc=-1"),
            (ChecksumKind::Xxhash3, "ksPmtVIgSbU=-1"),
            (ChecksumKind::Xxhash128, "qhtapxAN/tUuBHXli2H9nQ==-1"),
        ] {
            let part = sum(kind, b"123456789");
            assert_eq!(composite(kind, [part.as_str()]).unwrap().value, expected);
        }
    }
}
