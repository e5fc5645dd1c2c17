//! The setting of what new buckets are like where their maker says nothing of it.

use anyhow::{Result, bail};
use clap::Args;
use region::NewBuckets;

/// Options of `welkin up`.
#[derive(Args)]
pub struct NewBucketOptions {
    /// What new buckets are like: aws, with no lists and nothing public, or classic, as before April 2023 [default: aws]
    #[arg(long, value_name = "KIND")]
    s3_new_buckets: Option<String>,
}

impl NewBucketOptions {
    /// The options that were given, by key.
    pub fn values(self) -> impl IntoIterator<Item = (String, String)> {
        self.s3_new_buckets.map(|value| ("s3_new_buckets".to_owned(), value))
    }
}

/// What new buckets are like.
///
/// # Errors
/// A value that is neither of the two.
pub fn new_buckets(text: Option<&str>) -> Result<NewBuckets> {
    match text {
        None | Some("aws") => Ok(NewBuckets::Aws),
        Some("classic") => Ok(NewBuckets::Classic),
        Some(other) => bail!("s3_new_buckets: '{other}' is neither aws nor classic"),
    }
}

#[cfg(test)]
mod tests {
    use region::NewBuckets;

    use super::new_buckets;

    #[test]
    fn kinds() {
        for (text, expected) in [
            (None, Some(NewBuckets::Aws)),
            (Some("aws"), Some(NewBuckets::Aws)),
            (Some("classic"), Some(NewBuckets::Classic)),
            (Some("Classic"), None),
            (Some(""), None),
        ] {
            assert_eq!(new_buckets(text).ok(), expected, "{text:?}");
        }
    }
}
