//! What S3 says of the encryption that a request asks for, or does without.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>; the texts are what S3 was seen to answer.

use wire::ServiceError;

/// The header that S3's errors name whichever header is wrong.
const HEADER: &str = "x-amz-server-side-encryption";

/// Why a request is refused for its encryption.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncryptionError {
    /// There is no such encryption.
    #[error("The encryption method specified is not supported")]
    Unsupported(String),
    /// Both a key of the customer's and an encryption of the region's; what it says of the latter.
    #[error("Server Side Encryption with Customer provided key is incompatible with the encryption method specified")]
    Incompatible(String),
    /// A key of KMS, but not its encryption; what it says instead.
    #[error(
        "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms"
    )]
    NotKms(Option<String>),
    /// The algorithm for the customer's key is not the only one there is.
    #[error("The Encryption request you specified is not valid. Supported value: AES256.")]
    Algorithm(String),
    /// A customer's key, and no algorithm.
    #[error(
        "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm."
    )]
    NoAlgorithm,
    /// An algorithm for a customer's key, and no key.
    #[error(
        "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key."
    )]
    NoKey,
    /// A customer's key without its digest.
    #[error(
        "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key."
    )]
    NoKeyMd5,
    /// The digest is that of another key.
    #[error("The calculated MD5 hash of the key did not match the hash that was provided.")]
    KeyMd5,
    /// The key has not 256 bits.
    #[error("The secret key was invalid for the specified algorithm.")]
    KeyLength,
    /// A key that others on the wire could read.
    #[error(
        "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection."
    )]
    Insecure,
    /// The object wants its customer's key.
    #[error(
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."
    )]
    KeyMissing,
    /// The object has no customer's key.
    #[error("The encryption parameters are not applicable to this object.")]
    NotApplicable,
    /// The object has another key.
    #[error(
        "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key."
    )]
    WrongKey,
    /// A part brings a customer's key and its upload did not, or the other way round.
    #[error(
        "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters."
    )]
    PartMismatch,
    /// A part has another key than its upload.
    #[error("The provided encryption parameters did not match the ones used originally.")]
    PartKey,
    /// There is no such key of KMS; KMS's words.
    #[error("{0}")]
    NoKmsKey(String),
    /// A default key that the default algorithm has no use for.
    #[error("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")]
    KmsKeyNotApplicable,
    /// The bucket takes no customers' keys; AWS's sentence.
    #[error("{0}")]
    Blocked(String),
}

impl From<EncryptionError> for ServiceError {
    fn from(error: EncryptionError) -> Self {
        use EncryptionError as E;
        let text = error.to_string();
        let argument = |value: String| {
            Self::sender("InvalidArgument", 400, text.clone())
                .with_field("ArgumentName", HEADER)
                .with_field("ArgumentValue", value)
        };
        let nothing = || "null".to_owned();
        match error {
            E::Unsupported(value) | E::Incompatible(value) => argument(value),
            E::NotKms(value) => argument(value.unwrap_or_else(nothing)),
            E::NoAlgorithm | E::NoKey | E::NoKeyMd5 | E::KeyMd5 | E::KeyLength => argument(nothing()),
            E::Algorithm(value) => Self::sender("InvalidEncryptionAlgorithmError", 400, text)
                .with_field("ArgumentName", HEADER)
                .with_field("ArgumentValue", value),
            E::KmsKeyNotApplicable => Self::sender("InvalidArgument", 400, text)
                .with_field("ArgumentName", "ApplyServerSideEncryptionByDefault"),
            E::Insecure | E::KeyMissing | E::NotApplicable | E::PartMismatch | E::PartKey => {
                Self::sender("InvalidRequest", 400, text)
            }
            E::WrongKey | E::Blocked(_) => Self::sender("AccessDenied", 403, text),
            E::NoKmsKey(_) => Self::sender("KMS.NotFoundException", 400, text),
        }
    }
}
