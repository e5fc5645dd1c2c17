//! Errors about uploads and their parts, with AWS's codes, texts and fields.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.

use wire::ServiceError;

/// The least bytes of a part that is not the last.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.
pub(super) const MIN_PART_BYTES: u64 = 5 << 20;

/// Why an operation on an upload or its parts was refused.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is no such upload, or no more.
    #[error("no upload {0}")]
    NoSuchUpload(String),
    /// A part that is listed is not there, or is another.
    #[error("part {number} of upload {upload} is not {etag}")]
    InvalidPart {
        /// The upload.
        upload: String,
        /// The part's number.
        number: u32,
        /// The entity tag that was listed.
        etag: String,
    },
    /// Parts are not listed by their numbers; the upload.
    #[error("parts of upload {0} in no order")]
    InvalidPartOrder(String),
    /// A part is too small for one that is not the last.
    #[error("part {number} of {size} bytes")]
    PartTooSmall {
        /// How many bytes it has.
        size: u64,
        /// Its number.
        number: u32,
        /// Its entity tag.
        etag: String,
    },
    /// A part was listed with a checksum of an algorithm that is not its own.
    #[error("the {algorithm} of part {number}")]
    BadPartChecksum {
        /// The algorithm.
        algorithm: &'static str,
        /// The part's number.
        number: u32,
    },
    /// A copied range does not lie within its source.
    #[error("range {requested} of a source of {length} bytes")]
    CopyRange {
        /// The range as the client wrote it.
        requested: String,
        /// How many bytes the source has.
        length: u64,
    },
}

impl From<UploadError> for ServiceError {
    fn from(error: UploadError) -> Self {
        let refused = |code, status, text: &str| Self::sender(code, status, text);
        match error {
            UploadError::NoSuchUpload(id) => {
                let text = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
                refused("NoSuchUpload", 404, text).with_field("UploadId", id)
            }
            UploadError::InvalidPart { upload, number, etag } => {
                let text = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.";
                refused("InvalidPart", 400, text)
                    .with_field("UploadId", upload)
                    .with_field("PartNumber", number.to_string())
                    .with_field("ETag", etag)
            }
            UploadError::InvalidPartOrder(upload) => {
                let text = "The list of parts was not in ascending order. Parts must be ordered by part number.";
                refused("InvalidPartOrder", 400, text).with_field("UploadId", upload)
            }
            UploadError::PartTooSmall { size, number, etag } => {
                let text = "Your proposed upload is smaller than the minimum allowed size";
                refused("EntityTooSmall", 400, text)
                    .with_field("ProposedSize", size.to_string())
                    .with_field("MinSizeAllowed", MIN_PART_BYTES.to_string())
                    .with_field("PartNumber", number.to_string())
                    .with_field("ETag", etag)
            }
            UploadError::BadPartChecksum { algorithm, number } => Self::sender(
                "BadDigest",
                400,
                format!("The {algorithm} you specified for part {number} did not match what we received."),
            ),
            UploadError::CopyRange { requested, length } => Self::sender(
                "InvalidArgument",
                400,
                format!("Range specified is not valid for source object of size: {length}"),
            )
            .with_field("ArgumentName", "x-amz-copy-source-range")
            .with_field("ArgumentValue", requested),
        }
    }
}
