//! Small texts as EC2 writes them.

use std::net::Ipv4Addr;

use jiff::Timestamp;

/// A time in ISO 8601 with milliseconds, as in `2026-11-21T08:00:00.000Z`.
pub(crate) fn iso_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// `true` or `false`.
pub(crate) fn yes_no(is_so: bool) -> String {
    is_so.to_string()
}

/// The private host name of an address.
/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html>.
pub(crate) fn private_dns_name(region: &str, address: Ipv4Addr) -> String {
    let domain = if region == "us-east-1" { "ec2.internal".to_owned() } else { format!("{region}.compute.internal") };
    format!("ip-{}.{domain}", dashed(address))
}

/// The public host name of an address. Source: as [`private_dns_name`].
pub(crate) fn public_dns_name(region: &str, address: Ipv4Addr) -> String {
    let domain = if region == "us-east-1" { "compute-1".to_owned() } else { format!("{region}.compute") };
    format!("ec2-{}.{domain}.amazonaws.com", dashed(address))
}

fn dashed(address: Ipv4Addr) -> String {
    address.to_string().replace('.', "-")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::{iso_time, private_dns_name, public_dns_name};

    #[test]
    fn names_differ_in_the_first_region() {
        let address = Ipv4Addr::new(172, 31, 0, 5);
        assert_eq!(private_dns_name("us-east-1", address), "ip-172-31-0-5.ec2.internal");
        assert_eq!(private_dns_name("eu-west-1", address), "ip-172-31-0-5.eu-west-1.compute.internal");
        assert_eq!(public_dns_name("us-east-1", address), "ec2-172-31-0-5.compute-1.amazonaws.com");
        assert_eq!(public_dns_name("eu-west-1", address), "ec2-172-31-0-5.eu-west-1.compute.amazonaws.com");
    }

    #[test]
    fn times() {
        assert_eq!(iso_time("2026-11-21T08:00:00.7Z".parse().unwrap()), "2026-11-21T08:00:00.000Z");
    }
}
