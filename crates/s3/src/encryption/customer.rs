//! Keys of customers: SSE-C. A key comes with every request that writes or reads, and is never kept.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html>.

use api::Call;
use api::s3::{
    CompleteMultipartUploadRequest, CopyObjectRequest, CreateMultipartUploadRequest, GetObjectAttributesRequest,
    GetObjectRequest, HeadObjectRequest, ListPartsRequest, PutObjectRequest, UploadPartCopyRequest, UploadPartRequest,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blobs::Hashers;

use super::error::EncryptionError;

/// The only encryption under a customer's key, and under the region's.
pub(super) const AES256: &str = "AES256";

/// The three headers in which a customer's key comes.
#[derive(Clone, Copy, Default)]
pub(crate) struct CustomerHeaders<'a> {
    pub(super) algorithm: Option<&'a str>,
    key: Option<&'a str>,
    pub(super) key_md5: Option<&'a str>,
}

/// A key as a request brings it.
pub(crate) struct CustomerKey {
    bytes: Vec<u8>,
}

impl CustomerKey {
    /// The key, if it has the right length.
    pub(super) fn bytes(&self) -> Option<&[u8; 32]> {
        self.bytes.as_slice().try_into().ok()
    }
}

/// Headers that are kept for as long as bytes are read that need their key.
#[derive(Clone, Default)]
pub(crate) struct KeptHeaders {
    algorithm: Option<String>,
    key: Option<String>,
    key_md5: Option<String>,
}

impl KeptHeaders {
    /// The headers.
    pub(crate) fn headers(&self) -> CustomerHeaders<'_> {
        CustomerHeaders {
            algorithm: self.algorithm.as_deref(),
            key: self.key.as_deref(),
            key_md5: self.key_md5.as_deref(),
        }
    }
}

impl CustomerHeaders<'_> {
    /// The same, for longer than their request.
    pub(crate) fn keep(&self) -> KeptHeaders {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        KeptHeaders { algorithm: owned(self.algorithm), key: owned(self.key), key_md5: owned(self.key_md5) }
    }

    /// Whether any of them is there.
    pub(crate) fn is_given(&self) -> bool {
        self.algorithm.or(self.key).or(self.key_md5).is_some()
    }

    /// The key that they bring, if they bring one. Its length is checked where it is used: of a read, S3 says that the
    /// key is the wrong one.
    ///
    /// # Errors
    /// [`EncryptionError`]: headers that lack another one, or do not fit each other.
    pub(super) fn read(&self) -> Result<Option<CustomerKey>, EncryptionError> {
        if !self.is_given() {
            return Ok(None);
        }
        match self.algorithm {
            None => return Err(EncryptionError::NoAlgorithm),
            Some(AES256) => {}
            Some(other) => return Err(EncryptionError::Algorithm(other.to_owned())),
        }
        let key = self.key.filter(|key| !key.is_empty()).ok_or(EncryptionError::NoKey)?;
        let key_md5 = self.key_md5.ok_or(EncryptionError::NoKeyMd5)?;
        let bytes = STANDARD.decode(key.trim()).map_err(|_| EncryptionError::KeyLength)?;
        let mut hashers = Hashers::new(&[]);
        hashers.update(&bytes);
        if STANDARD.encode(hashers.finish().0) != key_md5.trim() {
            return Err(EncryptionError::KeyMd5);
        }
        Ok(Some(CustomerKey { bytes }))
    }

    /// Refuses a key that came where others could read it: neither encrypted nor within this machine.
    ///
    /// # Errors
    /// [`EncryptionError::Insecure`].
    pub(super) fn check_way(&self, call: &Call) -> Result<(), EncryptionError> {
        let stays_here = call.source_ip.is_none_or(|address| address.to_canonical().is_loopback());
        if self.is_given() && !call.is_secure && !stays_here { Err(EncryptionError::Insecure) } else { Ok(()) }
    }
}

macro_rules! customer_headers {
    ($($request:ident)*) => {
        $(impl<'a> From<&'a $request> for CustomerHeaders<'a> {
            fn from(input: &'a $request) -> Self {
                Self {
                    algorithm: input.sse_customer_algorithm.as_deref(),
                    key: input.sse_customer_key.as_deref(),
                    key_md5: input.sse_customer_key_md5.as_deref(),
                }
            }
        })*
    };
}

customer_headers! {
    CompleteMultipartUploadRequest
    CopyObjectRequest
    CreateMultipartUploadRequest
    GetObjectAttributesRequest
    GetObjectRequest
    HeadObjectRequest
    ListPartsRequest
    PutObjectRequest
    UploadPartCopyRequest
    UploadPartRequest
}

/// A request that reads another object than it writes.
pub(crate) trait CopySource {
    /// The headers with the key of what it reads.
    fn source_headers(&self) -> CustomerHeaders<'_>;
}

macro_rules! source_headers {
    ($($request:ident)*) => {
        $(impl CopySource for $request {
            fn source_headers(&self) -> CustomerHeaders<'_> {
                CustomerHeaders {
                    algorithm: self.copy_source_sse_customer_algorithm.as_deref(),
                    key: self.copy_source_sse_customer_key.as_deref(),
                    key_md5: self.copy_source_sse_customer_key_md5.as_deref(),
                }
            }
        })*
    };
}

source_headers! { CopyObjectRequest UploadPartCopyRequest }

#[cfg(test)]
pub(super) mod tests {
    use super::{AES256, CustomerHeaders, EncryptionError};

    /// Headers with these values.
    pub(crate) fn headers<'a>(
        algorithm: Option<&'a str>,
        key: Option<&'a str>,
        key_md5: Option<&'a str>,
    ) -> CustomerHeaders<'a> {
        CustomerHeaders { algorithm, key, key_md5 }
    }

    /// A key of 32 bytes `a`, as botocore writes it, and its MD5.
    pub(crate) const KEY: &str = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";
    pub(crate) const KEY_MD5: &str = "Xsqb0+sHwAbNQ65I395/0w==";

    #[test]
    fn headers_want_each_other() {
        let read = |algorithm, key, md5| match headers(algorithm, key, md5).read() {
            Ok(key) => Ok(key.map(|key| key.bytes().is_some())),
            Err(error) => Err(error),
        };
        let (algorithm, key, md5) = (Some(AES256), Some(KEY), Some(KEY_MD5));
        assert_eq!(read(None, None, None), Ok(None));
        assert_eq!(read(algorithm, key, md5), Ok(Some(true)));
        assert_eq!(read(None, key, md5), Err(EncryptionError::NoAlgorithm));
        assert_eq!(read(Some("AES128"), key, md5), Err(EncryptionError::Algorithm("AES128".to_owned())));
        assert_eq!(read(algorithm, None, md5), Err(EncryptionError::NoKey));
        assert_eq!(read(algorithm, Some(""), md5), Err(EncryptionError::NoKey));
        assert_eq!(read(algorithm, key, None), Err(EncryptionError::NoKeyMd5));
        assert_eq!(read(algorithm, key, Some("AAAAAAAAAAAAAAAAAAAAAA==")), Err(EncryptionError::KeyMd5));
        assert_eq!(read(algorithm, Some("no base64!"), md5), Err(EncryptionError::KeyLength));
        // The digest is right, the length is not.
        assert_eq!(read(algorithm, Some("YmFy"), Some("N7UdGUp1E+RbVvZSTy1R8g==")), Ok(Some(false)));
    }
}
