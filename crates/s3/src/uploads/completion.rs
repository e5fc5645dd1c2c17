//! What a client says of the object that it completes, compared with the parts that are there.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.

use api::s3::{CompleteMultipartUploadRequest, CompletedPart};
use blobs::Hashers;

use super::checksums::{combined, composite, mismatch, read_type};
use super::error::{MIN_PART_BYTES, UploadError};
use super::record::{MAX_PARTS, PartRecord, UploadRecord};
use crate::S3Error;
use crate::objects::{ChecksumKind, StoredChecksum, read_given};
use crate::owner::hex;

/// The most bytes of an object.
const MAX_OBJECT_BYTES: u64 = 5 << 40;

/// A part as the client lists it.
struct Listed {
    number: u32,
    etag: String,
    checksum: Option<(ChecksumKind, String)>,
}

/// What the client says of its object.
pub(super) struct Completion {
    parts: Vec<Listed>,
    /// The checksum of the whole; how many parts it says it is of.
    checksum: Option<(StoredChecksum, Option<usize>)>,
    is_composite: Option<bool>,
    length: Option<u64>,
}

/// The object that comes of it.
pub(super) struct Whole {
    /// Its parts: their numbers and lengths.
    pub parts: Vec<(u32, u64)>,
    /// Whether there are other parts.
    pub has_spares: bool,
    pub length: u64,
    pub etag: String,
    pub checksum: StoredChecksum,
}

/// The checksums among the members of a request or a part.
macro_rules! checksums {
    ($it:expr) => {
        [
            (ChecksumKind::Crc32, $it.checksum_crc32.as_deref()),
            (ChecksumKind::Crc32c, $it.checksum_crc32_c.as_deref()),
            (ChecksumKind::Crc64nvme, $it.checksum_crc64_nvme.as_deref()),
            (ChecksumKind::Sha1, $it.checksum_sha1.as_deref()),
            (ChecksumKind::Sha256, $it.checksum_sha256.as_deref()),
            (ChecksumKind::Sha512, $it.checksum_sha512.as_deref()),
            (ChecksumKind::Md5, $it.checksum_md5.as_deref()),
            (ChecksumKind::Xxhash64, $it.checksum_xxhash64.as_deref()),
            (ChecksumKind::Xxhash3, $it.checksum_xxhash3.as_deref()),
            (ChecksumKind::Xxhash128, $it.checksum_xxhash128.as_deref()),
        ]
    };
}

impl Completion {
    /// Reads a request, without asking what there is.
    ///
    /// # Errors
    /// [`S3Error::MalformedXml`], [`S3Error::InvalidRequest`], [`S3Error::InvalidArgument`].
    pub(super) fn read(input: &CompleteMultipartUploadRequest) -> Result<Self, S3Error> {
        let parts = input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_deref()).unwrap_or_default();
        if parts.is_empty() || parts.len() > MAX_PARTS {
            return Err(S3Error::MalformedXml);
        }
        let given = checksums!(input).into_iter().filter_map(|(kind, value)| Some((kind, value?)));
        let length = |size: i64| {
            let text = "Value for x-amz-mp-object-size header is invalid.";
            u64::try_from(size).map_err(|_| S3Error::InvalidRequest(text.to_owned()))
        };
        Ok(Self {
            parts: parts.iter().map(read_part).collect::<Result<_, _>>()?,
            checksum: read_checksum(&given.collect::<Vec<_>>())?,
            is_composite: input.checksum_type.as_deref().map(read_type).transpose()?,
            length: input.mpu_object_size.map(length).transpose()?,
        })
    }

    /// The entity tags of the listed parts.
    pub(super) fn etags(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.etag.as_str())
    }

    /// The object, if all that was said of it holds. `parts` are those that there are, by number.
    ///
    /// # Errors
    /// [`UploadError::InvalidPartOrder`], [`UploadError::InvalidPart`], [`UploadError::PartTooSmall`], [`S3Error::BadChecksum`],
    /// [`S3Error::InvalidRequest`], [`S3Error::EntityTooLarge`].
    pub(super) fn verify(&self, upload: &UploadRecord, parts: &[PartRecord]) -> Result<Whole, S3Error> {
        if self.parts.windows(2).any(|two| two[0].number >= two[1].number) {
            return Err(UploadError::InvalidPartOrder(upload.id.clone()).into());
        }
        if self.is_composite.is_some_and(|is_composite| is_composite != upload.is_composite) {
            let kind = upload.type_name();
            return Err(S3Error::InvalidRequest(format!(
                "The upload was created using the {kind} checksum mode. The complete request must use the same checksum mode."
            )));
        }
        self.check_promised_composite(upload)?;
        let found = self.find(upload, parts)?;
        let length = found.iter().map(|part| part.length).sum();
        if length > MAX_OBJECT_BYTES {
            return Err(S3Error::EntityTooLarge(length));
        }
        if let Some(expected) = self.length.filter(|expected| *expected != length) {
            return Err(S3Error::InvalidRequest(format!(
                "The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {length}"
            )));
        }
        let kind = upload.kind();
        let values = found.iter().map(|part| part.checksum.value.as_str());
        let checksum = if upload.is_composite {
            composite(kind, values)?
        } else {
            combined(kind, values.zip(found.iter().map(|part| part.length)))?
        };
        self.check_checksum(upload, &checksum)?;
        let etag = etag_of(found.iter().map(|part| part.etag.as_str()));
        Ok(Whole {
            parts: found.iter().map(|part| (part.number, part.length)).collect(),
            has_spares: parts.len() > found.len(),
            length,
            etag: etag.ok_or_else(|| S3Error::Internal(format!("an entity tag of upload {}", upload.id)))?,
            checksum,
        })
    }

    /// The listed parts among those that there are.
    fn find<'p>(&self, upload: &UploadRecord, parts: &'p [PartRecord]) -> Result<Vec<&'p PartRecord>, S3Error> {
        let mut found = Vec::with_capacity(self.parts.len());
        for (place, listed) in self.parts.iter().enumerate() {
            let part = parts.binary_search_by_key(&listed.number, |part| part.number).ok().map(|at| &parts[at]);
            let part = part.filter(|part| part.etag == listed.etag).ok_or_else(|| listed.invalid(upload))?;
            listed.check_checksum(upload, part)?;
            if part.length < MIN_PART_BYTES && place + 1 < self.parts.len() {
                let etag = part.etag.clone();
                return Err(UploadError::PartTooSmall { size: part.length, number: part.number, etag }.into());
            }
            found.push(part);
        }
        Ok(found)
    }

    /// Refuses a composite checksum that is not even that of the checksums listed beside it: S3 looks at this before it
    /// looks at the parts.
    fn check_promised_composite(&self, upload: &UploadRecord) -> Result<(), S3Error> {
        let kind = upload.kind();
        let listed: Option<Vec<_>> = self.parts.iter().map(|part| part.checksum_of(kind)).collect();
        match (&self.checksum, listed) {
            (Some((given, _)), Some(listed)) if upload.is_composite && given.kind == kind => {
                self.check_checksum(upload, &composite(kind, listed)?)
            }
            _ => Ok(()),
        }
    }

    /// Compares the checksum of the whole with what the client says it is. Where no algorithm was chosen, what a client
    /// says in another than the default one is not looked at, as S3 doesn't.
    fn check_checksum(&self, upload: &UploadRecord, checksum: &StoredChecksum) -> Result<(), S3Error> {
        let Some((given, count)) = &self.checksum else { return Ok(()) };
        if given.kind != checksum.kind {
            return upload.checksum.map_or(Ok(()), |expected| Err(mismatch(expected, Some(given.kind))));
        }
        if count.is_some() && !upload.is_composite {
            return Err(S3Error::InvalidRequest(format!("Value for {} header is invalid.", given.kind.header())));
        }
        let value = checksum.value.split('-').next().unwrap_or_default();
        if given.value == value && count.is_none_or(|count| count == self.parts.len()) {
            return Ok(());
        }
        Err(S3Error::BadChecksum(given.kind.lower_name()))
    }
}

impl Listed {
    fn checksum_of(&self, kind: ChecksumKind) -> Option<&str> {
        self.checksum.as_ref().filter(|(of, _)| *of == kind).map(|(_, value)| value.as_str())
    }

    fn invalid(&self, upload: &UploadRecord) -> S3Error {
        UploadError::InvalidPart { upload: upload.id.clone(), number: self.number, etag: self.etag.clone() }.into()
    }

    /// Compares what is listed beside a part with what it has.
    fn check_checksum(&self, upload: &UploadRecord, part: &PartRecord) -> Result<(), S3Error> {
        match (&self.checksum, upload.checksum) {
            (None, Some(kind)) if upload.is_composite => {
                let (kind, number) = (kind.lower_name(), self.number);
                Err(S3Error::InvalidRequest(format!(
                    "The upload was created using a {kind} checksum. The complete request must include the checksum for each part. It was missing for part {number} in the request."
                )))
            }
            (None, _) => Ok(()),
            (Some((kind, value)), _) if *kind == part.checksum.kind && *value == part.checksum.value => Ok(()),
            (Some((kind, _)), Some(expected)) if *kind != expected => {
                Err(UploadError::BadPartChecksum { algorithm: kind.lower_name(), number: self.number }.into())
            }
            (Some(_), _) => Err(self.invalid(upload)),
        }
    }
}

fn read_part(part: &CompletedPart) -> Result<Listed, S3Error> {
    let (Some(number), Some(etag)) = (part.part_number, part.e_tag.as_deref()) else {
        return Err(S3Error::MalformedXml);
    };
    let zero = || S3Error::argument("PartNumber", number.to_string(), "PartNumber must be >= 1");
    let number = u32::try_from(number).ok().filter(|number| *number > 0).ok_or_else(zero)?;
    let given = checksums!(part).into_iter().filter_map(|(kind, value)| Some((kind, value?)));
    let given: Vec<_> = given.filter(|(_, value)| !value.is_empty()).collect();
    let checksum = read_given(&given).map_err(|_| {
        let text = "Invalid Base64 or multiple checksums present in request";
        let values: String = given.iter().map(|(kind, value)| format!("{}:{value};", kind.name())).collect();
        S3Error::argument("Checksum", values, text)
    })?;
    let etag = etag.trim().trim_matches('"').to_owned();
    Ok(Listed { number, etag, checksum: checksum.map(|checksum| (checksum.kind, checksum.value)) })
}

/// The checksum of the whole: a composite one may say how many parts it is of, behind a hyphen.
fn read_checksum(given: &[(ChecksumKind, &str)]) -> Result<Option<(StoredChecksum, Option<usize>)>, S3Error> {
    let count = match given {
        [(kind, value)] => match value.split_once('-') {
            Some((_, count)) => Some(
                count
                    .parse()
                    .map_err(|_| S3Error::InvalidRequest(format!("Value for {} header is invalid.", kind.header())))?,
            ),
            None => None,
        },
        _ => None,
    };
    let values: Vec<_> =
        given.iter().map(|(kind, value)| (*kind, value.split('-').next().unwrap_or_default())).collect();
    Ok(read_given(&values)?.map(|checksum| (checksum, count)))
}

/// The entity tag of an object of parts with these: the MD5 of their MD5s, and how many they are. None if one is no MD5.
pub(super) fn etag_of<'a>(etags: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let (mut hashers, mut count) = (Hashers::new(&[]), 0);
    for etag in etags {
        let digits: Option<Vec<u8>> =
            etag.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let digits = digits.filter(|digits| digits.len() == 32)?;
        let bytes: Vec<u8> = digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect();
        hashers.update(&bytes);
        count += 1;
    }
    Some(format!("{}-{count}", hex(&hashers.finish().0)))
}
