//! The encryption that a request asks for, or gets without asking.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html> (`x-amz-server-side-encryption`).

use std::sync::Arc;

use api::Call;
use api::s3::{
    CompleteMultipartUploadRequest, CopyObjectRequest, CreateMultipartUploadRequest, PutObjectRequest,
    UploadPartCopyRequest, UploadPartRequest,
};
use aws_lc_rs::digest;
use blobs::Cipher;
use service::Cx;

use super::customer::{AES256, CustomerHeaders, CustomerKey};
use super::data_key::{DataKey, Place, seal, unseal};
use super::error::EncryptionError;
use super::record::{BucketEncryption, Encryption};
use crate::buckets::{BucketRecord, object_arn};
use crate::owner::hex;
use crate::{S3, S3Error};

/// What a request says of encryption.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted<'a> {
    algorithm: Option<&'a str>,
    kms_key: Option<&'a str>,
    kms_context: Option<&'a str>,
    customer: CustomerHeaders<'a>,
}

macro_rules! wanted {
    ($($request:ident)*) => {
        $(impl<'a> From<&'a $request> for Wanted<'a> {
            fn from(input: &'a $request) -> Self {
                Self {
                    algorithm: input.server_side_encryption.as_deref(),
                    kms_key: input.ssekms_key_id.as_deref(),
                    kms_context: input.ssekms_encryption_context.as_deref(),
                    customer: input.into(),
                }
            }
        })*
    };
}

wanted! { CopyObjectRequest CreateMultipartUploadRequest PutObjectRequest }

/// The requests after the one that begins an upload say nothing but the customer's key: everything else was said when the upload was begun.
macro_rules! wanted_of_part {
    ($($request:ident)*) => {
        $(impl<'a> From<&'a $request> for Wanted<'a> {
            fn from(input: &'a $request) -> Self {
                Self { customer: input.into(), ..Self::default() }
            }
        })*
    };
}

wanted_of_part! { CompleteMultipartUploadRequest UploadPartCopyRequest UploadPartRequest }

/// Whose key it is.
enum Kind {
    Region,
    Customer(CustomerKey),
    /// A key of KMS, or the one that it has for S3.
    Kms(Option<String>),
}

/// A new key for new bytes.
pub(crate) struct Sealing {
    /// What is stored of it.
    pub(crate) encryption: Encryption,
    /// What it does to the bytes.
    pub(crate) cipher: Arc<dyn Cipher>,
}

impl Wanted<'_> {
    /// Whether anything is said at all, be it what would happen anyway.
    pub(crate) fn is_given(&self) -> bool {
        self.algorithm.is_some() || self.customer.is_given()
    }

    fn kind(&self) -> Result<Kind, EncryptionError> {
        if self.customer.is_given()
            && let Some(algorithm) = self.algorithm
        {
            return Err(EncryptionError::Incompatible(algorithm.to_owned()));
        }
        if let Some(key) = self.customer.read()? {
            return if key.bytes().is_some() { Ok(Kind::Customer(key)) } else { Err(EncryptionError::KeyLength) };
        }
        let names_kms = self.kms_key.or(self.kms_context).is_some();
        match self.algorithm {
            Some("aws:kms" | "aws:kms:dsse") => Ok(Kind::Kms(self.kms_key.map(str::to_owned))),
            None | Some(AES256) if names_kms => Err(EncryptionError::NotKms(self.algorithm.map(str::to_owned))),
            None | Some(AES256) => Ok(Kind::Region),
            Some(other) => Err(EncryptionError::Unsupported(other.to_owned())),
        }
    }

    /// Refuses what the bucket doesn't take, or nobody. `action` is what the request is, such as `s3:PutObject`, and `key`
    /// the object that it writes.
    ///
    /// # Errors
    /// [`EncryptionError`].
    pub(crate) fn check(&self, bucket: &BucketRecord, key: &str, action: &str, cx: &Cx) -> Result<(), S3Error> {
        let default = bucket.encryption.as_ref();
        match self.kind()? {
            Kind::Customer(_) => {
                self.customer.check_way(&cx.call)?;
                if default.and_then(|default| default.blocks_customer_keys) == Some(true) {
                    return Err(EncryptionError::Blocked(blocked(&cx.call, &bucket.name, key, action)).into());
                }
            }
            Kind::Kms(key) => return Err(no_kms_key(key.as_deref(), bucket).into()),
            Kind::Region => {
                if let (None, Some(default)) = (self.algorithm, default)
                    && default.is_kms()
                {
                    return Err(no_kms_key(default.key_id.as_deref(), bucket).into());
                }
            }
        }
        Ok(())
    }

    /// Refuses what a part says if it is not what its upload said, whose key is `upload` for the object at `place`. What
    /// the bucket takes is for [`Wanted::check`] to say.
    ///
    /// # Errors
    /// [`EncryptionError::PartMismatch`], [`EncryptionError::PartKey`], or what is wrong with the headers.
    pub(crate) fn check_part(&self, upload: &Encryption, place: Place<'_>) -> Result<(), S3Error> {
        let key = match self.kind()? {
            Kind::Customer(key) => Some(key),
            Kind::Region | Kind::Kms(_) => None,
        };
        match (upload, key) {
            (Encryption::Customer(sealed), Some(key)) => {
                match key.bytes().and_then(|root| unseal(root, place, sealed)) {
                    Some(_) => Ok(()),
                    None => Err(EncryptionError::PartKey.into()),
                }
            }
            (Encryption::None | Encryption::Region { .. }, None) => Ok(()),
            (Encryption::Customer(_), None) | (Encryption::None | Encryption::Region { .. }, Some(_)) => {
                Err(EncryptionError::PartMismatch.into())
            }
        }
    }

    /// A new key for bytes of the object at `place`, sealed under the key that the request brings, or else under the
    /// region's. What the bucket takes was asked before.
    ///
    /// # Errors
    /// [`EncryptionError`].
    pub(crate) fn seal(&self, service: &S3, place: Place<'_>, cx: &Cx) -> Result<Sealing, S3Error> {
        let (key, salt) = (cx.random::<32>(), cx.random::<16>());
        let encryption = match self.kind()? {
            Kind::Customer(customer) => {
                let root = customer.bytes().ok_or(EncryptionError::KeyLength)?;
                Encryption::Customer(seal(root, place, &key, salt))
            }
            Kind::Region => {
                let (master, root) = service.keys().current();
                Encryption::Region { master, key: seal(&root, place, &key, salt) }
            }
            Kind::Kms(_) => return Err(S3Error::Internal("no check was made for keys of KMS".to_owned())),
        };
        Ok(Sealing { encryption, cipher: Arc::new(DataKey::new(&key)) })
    }
}

impl Encryption {
    /// The entity tag, without quotes, of an object or a part whose bytes have this MD5: that MD5, but where a customer
    /// has the key, nothing that tells of the bytes.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html> (`ETag`).
    pub(crate) fn etag(&self, md5: &[u8; 16]) -> String {
        let Self::Customer(key) = self else { return hex(md5) };
        hex(&digest::digest(&digest::SHA256, &[&key.sealed[..], md5].concat()).as_ref()[..16])
    }
}

impl BucketEncryption {
    pub(super) fn is_kms(&self) -> bool {
        self.algorithm.starts_with("aws:kms")
    }
}

/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html>.
fn blocked(call: &Call, bucket: &str, key: &str, action: &str) -> String {
    let caller = call.caller.arn().unwrap_or_else(|| "anonymous".to_owned());
    let resource = object_arn(bucket, key);
    format!(
        "User: {caller} is not authorized to perform: {action} on resource: \"{}\" because this bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please specify a different server-side encryption type",
        resource.as_str()
    )
}

/// What KMS says of a key that it doesn't know. There are none at all yet.
fn no_kms_key(key: Option<&str>, bucket: &BucketRecord) -> EncryptionError {
    let here = |resource: &str| format!("arn:aws:kms:{}:{}:{resource}", bucket.region, bucket.owner);
    let is_id = |key: &str| {
        let digits = key.strip_prefix("mrk-").unwrap_or(key);
        digits.len() >= 32 && digits.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
    };
    let key = key.unwrap_or("alias/aws/s3");
    let alias = |arn: &str| format!("Alias {arn} is not found.");
    EncryptionError::NoKmsKey(match key.strip_prefix("arn:").map(|rest| rest.splitn(5, ':').collect::<Vec<_>>()) {
        Some(parts) => match parts.as_slice() {
            [_, "kms", region, _, resource] if *region == bucket.region && resource.starts_with("alias/") => alias(key),
            [_, "kms", region, _, _] if *region == bucket.region => format!("Key '{key}' does not exist"),
            [_, "kms", region, ..] => format!("Invalid arn {region}"),
            _ => "Invalid arn".to_owned(),
        },
        None if key.starts_with("alias/") => alias(&here(key)),
        None if is_id(key) => format!("Key '{}' does not exist", here(&format!("key/{key}"))),
        None => format!("Invalid keyId '{key}'"),
    })
}
