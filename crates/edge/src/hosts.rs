//! What host names say: the bucket in front of S3's own name, and S3 Control's account.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html>.

use std::net::IpAddr;

use http::request::Parts;

use crate::trace::text_header;

/// The host names that are buckets because the operator says so, beside those that S3's own names tell.
#[derive(Debug, Clone, Default)]
pub struct BucketHosts {
    domains: Vec<String>,
    websites: Vec<String>,
}

impl BucketHosts {
    /// Below each of `domains` every name is a bucket. Each of `websites` is a bucket itself, with a website; one that
    /// begins with `*.` stands for all names below.
    pub fn new(domains: Vec<String>, websites: Vec<String>) -> Self {
        Self { domains, websites }
    }

    /// The bucket that a host name carries in front of one of the domains; none for S3's own name there.
    pub(crate) fn bucket<'a>(&self, host: &'a str) -> Option<&'a str> {
        let bucket = self.domains.iter().find_map(|domain| below(name_of(host), domain))?;
        let is_of_s3 = bucket.eq_ignore_ascii_case("s3") || bucket.to_ascii_lowercase().ends_with(".s3");
        (!is_of_s3).then_some(bucket)
    }

    /// The bucket whose website a host name is.
    pub(crate) fn website<'a>(&self, host: &'a str) -> Option<&'a str> {
        let name = name_of(host);
        let is_it = |pattern: &String| match pattern.strip_prefix("*.") {
            Some(domain) => below(name, domain).is_some(),
            None => name.eq_ignore_ascii_case(pattern),
        };
        self.websites.iter().any(is_it).then_some(name)
    }
}

/// What is in front of `domain` in a name, without the dot between.
fn below<'a>(name: &'a str, domain: &str) -> Option<&'a str> {
    let (front, rest) = name.split_at_checked(name.len().checked_sub(domain.len())?)?;
    let front = front.strip_suffix('.').filter(|front| !front.is_empty())?;
    rest.eq_ignore_ascii_case(domain).then_some(front)
}

/// The bucket that the host name of a request carries in front of a domain of [`BucketHosts`].
#[derive(Clone)]
pub(crate) struct HostBucket(pub(crate) String);

/// The bucket that a request's host name carries; none in path style.
pub(crate) fn bucket_of_host(parts: &Parts) -> Option<&str> {
    let said = parts.extensions.get::<HostBucket>().map(|said| said.0.as_str());
    said.or_else(|| virtual_bucket(text_header(parts, "host")))
}

/// Whether a label of a host name is an account.
pub(crate) fn is_account(label: &str) -> bool {
    label.len() == 12 && label.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a host is S3 Control's, with an account in front or without.
pub(crate) fn names_s3_control(host: &str) -> bool {
    let rest = host.split_once('.').filter(|(first, _)| is_account(first)).map_or(host, |(_, rest)| rest);
    rest.starts_with("s3-control.")
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    host.rsplit_once(':')
        .map_or(host, |(name, port)| if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host })
}

/// The bucket whose website a host name is, as in `bucket.s3-website-us-east-1.example.net` and
/// `bucket.s3-website.us-east-1.localhost`.
pub(crate) fn website_bucket(host: &str) -> Option<&str> {
    let name = name_of(host);
    let at = [".s3-website.", ".s3-website-"].into_iter().filter_map(|mark| name.find(mark)).min()?;
    name.get(..at).filter(|bucket| !bucket.is_empty())
}

/// The bucket that a host name carries in front of S3's own name, as in `bucket.s3.us-east-1.example.net` and
/// `bucket.localhost`; none in path style.
pub(crate) fn virtual_bucket(host: &str) -> Option<&str> {
    let name = name_of(host);
    if names_s3_control(name) || name.parse::<IpAddr>().is_ok() {
        return None;
    }
    // The first of them: a domain may have such a label too.
    if let Some(at) = [".s3.", ".s3-"].into_iter().filter_map(|mark| name.find(mark)).min() {
        return name.get(..at).filter(|bucket| !bucket.is_empty());
    }
    let bucket = name.strip_suffix(".localhost")?;
    let is_of_s3 = bucket == "s3" || bucket.starts_with("s3.") || is_regional(bucket);
    (!bucket.is_empty() && !is_of_s3).then_some(bucket)
}

/// Whether a label is S3's name with a region, as in `s3-eu-west-1`.
fn is_regional(label: &str) -> bool {
    let Some(region) = label.strip_prefix("s3-") else { return false };
    let mut parts = region.rsplit('-');
    parts.next().is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.count() >= 2
}

#[cfg(test)]
mod tests {
    use super::{BucketHosts, virtual_bucket, website_bucket};

    #[test]
    fn buckets_by_the_operators_word() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let hosts = BucketHosts::new(list(&["objects.example.net"]), list(&["www.example.org", "*.pages.example.net"]));
        for (host, bucket, website) in [
            ("my.bucket.objects.example.net:4566", Some("my.bucket"), None),
            ("B.Objects.Example.Net", Some("B"), None),
            ("objects.example.net", None, None),
            (".objects.example.net", None, None),
            ("myobjects.example.net", None, None),
            ("s3.objects.example.net", None, None),
            ("bucket.s3.objects.example.net", None, None),
            ("WWW.example.org:80", None, Some("WWW.example.org")),
            ("a.www.example.org", None, None),
            ("a.pages.example.net", None, Some("a.pages.example.net")),
            ("pages.example.net", None, None),
            ("example.org", None, None),
            ("127.0.0.1:4566", None, None),
            ("[::1]:4566", None, None),
            ("", None, None),
        ] {
            assert_eq!((hosts.bucket(host), hosts.website(host)), (bucket, website), "{host}");
        }
        let none = BucketHosts::default();
        assert_eq!((none.bucket("a.example.net"), none.website("a.example.net")), (None, None));
    }

    #[test]
    fn buckets_in_host_names() {
        for (host, bucket) in [
            ("127.0.0.1:4566", None),
            ("localhost:4566", None),
            ("localhost", None),
            ("s3.us-east-1.example.net", None),
            ("s3.localhost:4566", None),
            ("s3.us-east-1.localhost:4566", None),
            ("s3-eu-west-1.localhost:4566", None),
            ("my-bucket.localhost:4566", Some("my-bucket")),
            ("my.bucket.localhost:4566", Some("my.bucket")),
            ("s3-logs.localhost:4566", Some("s3-logs")),
            ("my.bucket.s3.localhost", Some("my.bucket")),
            ("my-bucket.s3.us-east-1.localhost:4566", Some("my-bucket")),
            ("my.bucket.s3.dualstack.eu-west-1.example.net", Some("my.bucket")),
            ("my-bucket.s3.us-east-1.example.net:443", Some("my-bucket")),
            ("my-bucket.s3-us-west-2.example.net", Some("my-bucket")),
            ("my-bucket.s3.my.s3.example.net", Some("my-bucket")),
            ("123456789012.s3-control.us-east-1.example.net", None),
            ("s3-control.us-east-1.example.net", None),
            ("[::1]:4566", None),
        ] {
            assert_eq!(virtual_bucket(host), bucket, "{host}");
        }
    }

    #[test]
    fn websites_in_host_names() {
        for (host, bucket) in [
            ("b.s3-website-us-east-1.localhost:4566", Some("b")),
            ("www.b.example.s3-website.eu-west-1.example.net", Some("www.b.example")),
            ("b.s3-website.localhost", Some("b")),
            ("s3-website.localhost", None),
            ("b.s3.localhost", None),
            ("localhost", None),
        ] {
            assert_eq!(website_bucket(host), bucket, "{host}");
        }
    }
}
