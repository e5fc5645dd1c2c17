//! Reading what is encrypted, and what answers say of it.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>.

use std::sync::Arc;

use api::Call;
use blobs::Cipher;

use super::customer::{AES256, CustomerHeaders};
use super::data_key::{DataKey, Place, unseal};
use super::error::EncryptionError;
use super::keys::KeyRing;
use super::record::Encryption;
use crate::S3Error;

/// The headers of an answer that tell of encryption.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// `x-amz-server-side-encryption`.
    pub(crate) algorithm: Option<String>,
    /// `x-amz-server-side-encryption-customer-algorithm`.
    pub(crate) customer_algorithm: Option<String>,
    /// `x-amz-server-side-encryption-customer-key-MD5`.
    pub(crate) customer_key_md5: Option<String>,
}

impl Shown {
    /// What is said of an encryption to who sent these headers.
    pub(crate) fn of(encryption: &Encryption, headers: CustomerHeaders<'_>) -> Self {
        match encryption {
            Encryption::None => Self::default(),
            Encryption::Region { .. } => Self { algorithm: Some(AES256.to_owned()), ..Self::default() },
            Encryption::Customer(_) => Self {
                algorithm: None,
                customer_algorithm: headers.algorithm.map(str::to_owned),
                customer_key_md5: headers.key_md5.map(str::to_owned),
            },
        }
    }
}

/// Checks that a request brings what it takes to read the object at `place`, and nothing that has no use; gives what its
/// answer says.
///
/// # Errors
/// [`EncryptionError`].
pub(crate) fn reading(
    encryption: &Encryption,
    place: Place<'_>,
    headers: CustomerHeaders<'_>,
    call: &Call,
) -> Result<Shown, S3Error> {
    headers.check_way(call)?;
    match (encryption, headers.read()?) {
        (Encryption::Customer(_), None) => return Err(EncryptionError::KeyMissing.into()),
        (Encryption::Customer(sealed), Some(key)) => {
            let opened = key.bytes().and_then(|root| unseal(root, place, sealed));
            opened.ok_or(EncryptionError::WrongKey)?;
        }
        (Encryption::None | Encryption::Region { .. }, Some(_)) => return Err(EncryptionError::NotApplicable.into()),
        (Encryption::None | Encryption::Region { .. }, None) => {}
    }
    Ok(Shown::of(encryption, headers))
}

/// What turns bytes of the object at `place` back: with `encryption` as it is stored of the object, or of the part that
/// the bytes are of.
///
/// # Errors
/// [`EncryptionError`] of a customer's key, [`S3Error::Internal`] if the region's key is lost or the record was changed.
pub(crate) fn opening(
    encryption: &Encryption,
    place: Place<'_>,
    headers: CustomerHeaders<'_>,
    keys: &KeyRing,
) -> Result<Option<Arc<dyn Cipher>>, S3Error> {
    let key = match encryption {
        Encryption::None => return Ok(None),
        Encryption::Region { master, key } => unseal(&keys.get(master)?, place, key).ok_or_else(|| {
            let Place { bucket, key } = place;
            S3Error::Internal(format!("the key of {bucket}/{key} does not open with master key {master}"))
        })?,
        Encryption::Customer(sealed) => {
            let given = headers.read()?.ok_or(EncryptionError::KeyMissing)?;
            given.bytes().and_then(|root| unseal(root, place, sealed)).ok_or(EncryptionError::WrongKey)?
        }
    };
    Ok(Some(Arc::new(DataKey::new(&key))))
}
