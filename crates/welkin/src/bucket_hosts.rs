//! The settings of host names that are buckets, beside those that S3's own names tell.

use anyhow::{Result, bail};
use clap::Args;
use region::BucketHosts;

use crate::settings::domain;

/// Options of `welkin up`.
#[derive(Args)]
pub struct BucketHostOptions {
    /// Domains below which every name is a bucket, as in BUCKET.objects.example.net
    #[arg(long, value_name = "DOMAIN,DOMAIN...")]
    s3_domains: Option<String>,
    /// Host names that are buckets with websites, such as www.example.net; *.example.net for all below one
    #[arg(long, value_name = "NAME,NAME...")]
    s3_websites: Option<String>,
}

impl BucketHostOptions {
    /// The options that were given, by key.
    pub fn values(self) -> impl IntoIterator<Item = (String, String)> {
        let given = [("s3_domains", self.s3_domains), ("s3_websites", self.s3_websites)];
        given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)))
    }
}

/// What the two settings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketNames {
    domains: Vec<String>,
    websites: Vec<String>,
}

impl BucketNames {
    /// Reads them.
    ///
    /// # Errors
    /// A name that no host can have.
    pub fn of(domains: Option<&str>, websites: Option<&str>) -> Result<Self> {
        Ok(Self { domains: names("s3_domains", domains, false)?, websites: names("s3_websites", websites, true)? })
    }

    /// The same for the front.
    pub fn hosts(&self) -> BucketHosts {
        BucketHosts::new(self.domains.clone(), self.websites.clone())
    }
}

fn names(key: &str, text: Option<&str>, may_be_all: bool) -> Result<Vec<String>> {
    let names = text.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    let checked = names.map(|name| {
        let bare = if may_be_all { name.strip_prefix("*.").unwrap_or(name) } else { name };
        match domain(bare) {
            Ok(_) => Ok(name.to_ascii_lowercase()),
            Err(_) => bail!("{key}: '{name}' is not a name such as objects.example.net"),
        }
    });
    checked.collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn lists_of_names() {
        let check = |text, may_be_all| names("s3_websites", text, may_be_all).ok().map(|names| names.join(" "));
        for (text, may_be_all, expected) in [
            (None, true, Some("")),
            (Some(""), true, Some("")),
            (Some("www.example.net, *.Pages.example.net"), true, Some("www.example.net *.pages.example.net")),
            (Some("*.example.net"), false, None),
            (Some("a b"), true, None),
            (Some("192.0.2.1"), true, None),
            (Some("*"), true, None),
            (Some("*.*.example.net"), true, None),
        ] {
            assert_eq!(check(text, may_be_all).as_deref(), expected, "{text:?}");
        }
    }
}
