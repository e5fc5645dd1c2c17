//! A bucket elsewhere for the bytes of objects: which settings name it, and that a region keeps to where its bytes are.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use backing::{BucketBlobs, Place};
use blobs::{BlobError, BlobStore};

use crate::data_dir::DataDir;
use crate::settings::Values;

/// Processes of one region that stage uploads beside each other at most.
const MOST: usize = 16;

/// Where the bucket is, and who we are there; never shown whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backing {
    address: String,
    region: String,
    access_key: String,
    secret: Secret,
}

/// Text that is not shown.
#[derive(Clone, PartialEq, Eq, Default)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Backing {
    /// What the settings say; none if they name no bucket.
    ///
    /// # Errors
    /// They name one in part.
    pub fn from_values(values: &Values) -> Result<Option<Self>> {
        let text = |key: &str| values.get(key).filter(|text| !text.is_empty()).cloned();
        let Some(address) = text("backing") else { return Ok(None) };
        let uri: Result<http::Uri, _> = address.parse();
        let is_bucket = uri.is_ok_and(|uri| uri.scheme().is_some() && uri.path().len() > 1);
        if !is_bucket {
            bail!("backing: '{address}' is not the address of a bucket such as https://s3.example.net/bucket");
        }
        let wanted = |key: &str| text(key).with_context(|| format!("backing: {key} is wanted with it"));
        Ok(Some(Self {
            address,
            region: text("backing_region").unwrap_or_else(|| "us-east-1".to_owned()),
            access_key: wanted("backing_access_key")?,
            secret: Secret(wanted("backing_secret_key")?),
        }))
    }
}

/// Sees that the bytes of a data folder are where they were: in the bucket that its file `backing` names, or here.
///
/// # Errors
/// They are elsewhere than the settings say.
pub fn require_same(backing: Option<&Backing>, data: &DataDir) -> Result<()> {
    let file = data.blobs().join("backing");
    let before = fs::read_to_string(&file).ok().map(|text| text.trim().to_owned());
    match (before, backing) {
        (None, None) => Ok(()),
        (Some(before), Some(now)) if before == now.address => Ok(()),
        (Some(before), _) => {
            bail!("the bytes of objects are in the bucket {before}: set `backing` to it, or mend {}", file.display())
        }
        (None, Some(_)) if has_blobs(&data.blobs())? => {
            bail!("the bytes of objects are in {} already: a bucket goes with a new region", data.blobs().display())
        }
        (None, Some(now)) => {
            fs::create_dir_all(data.blobs()).and_then(|()| fs::write(&file, format!("{}\n", now.address)))?;
            Ok(fs::File::open(&file)?.sync_all()?)
        }
    }
}

fn has_blobs(folder: &Path) -> Result<bool> {
    for byte in 0..=u8::MAX {
        if let Ok(mut entries) = fs::read_dir(folder.join(format!("{byte:02x}")))
            && entries.next().is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Opens the bucket; uploads are staged in a folder that no other process has.
///
/// # Errors
/// The folder's.
pub fn open(backing: &Backing, data: &DataDir) -> Result<Arc<dyn BlobStore>> {
    let place = Place {
        address: backing.address.parse().context("backing: it is no address")?,
        region: backing.region.clone(),
        access_key: backing.access_key.clone(),
        secret: backing.secret.0.clone(),
    };
    for number in 1..=MOST {
        match BucketBlobs::open(place.clone(), data.blobs().join(format!("staging-{number}"))) {
            Ok(blobs) => return Ok(Arc::new(blobs)),
            Err(BlobError::InUse(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    bail!("{MOST} processes use {} already", data.root().display())
}

#[cfg(test)]
mod tests {
    use super::Backing;
    use crate::settings::Values;

    #[test]
    fn a_bucket_is_named_whole_and_its_secret_is_not_shown() {
        let values = |pairs: &[(&str, &str)]| -> Values {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(Backing::from_values(&values(&[])).unwrap(), None);
        let (address, key) = (("backing", "https://s3.example.net/b"), ("backing_access_key", "AK"));
        let secret = ("backing_secret_key", "hidden");
        for wrong in [&[address][..], &[address, key], &[("backing", "bucket"), key, secret]] {
            let error = Backing::from_values(&values(wrong)).unwrap_err().to_string();
            assert!(error.starts_with("backing: "), "{error}");
        }
        let backing = Backing::from_values(&values(&[address, key, secret])).unwrap().unwrap();
        assert!(!format!("{backing:?}").contains("hidden"));
    }
}
