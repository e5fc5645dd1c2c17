//! Which names a bucket may have.

use std::net::Ipv4Addr;

/// Whether `name` is a name for a general purpose bucket.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
pub(crate) fn is_bucket_name(name: &str) -> bool {
    let is_edge = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| is_edge(byte) || matches!(byte, b'.' | b'-'))
        && bytes.first().is_some_and(is_edge)
        && bytes.last().is_some_and(is_edge)
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
        && !["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|suffix| name.ends_with(suffix))
}

/// Whether a bucket of this name may be made. Between periods are labels of host names, which a dash neither begins nor
/// ends: S3 refuses such names, though its page does not say so; buckets of a region that once made them stay.
pub(crate) fn is_new_bucket_name(name: &str) -> bool {
    is_bucket_name(name) && !name.contains(".-") && !name.contains("-.")
}

#[cfg(test)]
mod tests {
    use super::{is_bucket_name, is_new_bucket_name};

    #[test]
    fn names() {
        let longest = "a".repeat(63);
        for good in ["abc", "0-9", "my-bucket.example.com", "a.b", &longest, "1.2.3", "a--b"] {
            assert!(is_new_bucket_name(good), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in [
            "",
            "ab",
            &too_long,
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "a..b",
            "192.168.5.4",
            "xn--a",
            "sthree-a",
            "amzn-s3-demo-a",
            "a-s3alias",
            "a--ol-s3",
            "a.mrap",
            "a--x-s3",
            "a--table-s3",
            "a/b",
            "äbc",
            "a b",
        ] {
            assert!(!is_bucket_name(bad), "{bad}");
        }
        for bad in ["a.-b", "a-.b", "a_b"] {
            assert!(!is_new_bucket_name(bad), "{bad}");
        }
    }
}
