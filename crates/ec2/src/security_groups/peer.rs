//! The other end of a rule: address blocks, read and written as AWS does.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html>: blocks with
//! host bits are taken, and kept without them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::record::RulePeer;
use crate::Ec2Error;

/// An IPv4 block.
///
/// # Errors
/// `InvalidParameterValue` in AWS's words.
pub(super) fn read_ipv4(text: &str) -> Result<RulePeer, Ec2Error> {
    let block = split::<Ipv4Addr>(text, 32).ok_or_else(|| malformed(text))?;
    let mask = u32::MAX.checked_shl(32 - u32::from(block.1)).unwrap_or(0);
    Ok(RulePeer::Ipv4(Ipv4Addr::from_bits(block.0.to_bits() & mask), block.1))
}

/// An IPv6 block.
///
/// # Errors
/// `InvalidParameterValue` in AWS's words.
pub(super) fn read_ipv6(text: &str) -> Result<RulePeer, Ec2Error> {
    let block = split::<Ipv6Addr>(text, 128).ok_or_else(|| malformed(text))?;
    let mask = u128::MAX.checked_shl(128 - u32::from(block.1)).unwrap_or(0);
    Ok(RulePeer::Ipv6(format!("{}/{}", Ipv6Addr::from_bits(block.0.to_bits() & mask), block.1)))
}

/// The other end as AWS's error texts write it.
pub(super) fn peer_text(peer: &RulePeer) -> String {
    match peer {
        RulePeer::Ipv4(base, length) => format!("{base}/{length}"),
        RulePeer::Ipv6(block) => block.clone(),
        RulePeer::Group(id) => id.to_string(),
    }
}

fn split<A: std::str::FromStr>(text: &str, longest: u8) -> Option<(A, u8)> {
    let (address, length) = text.split_once('/')?;
    if length.is_empty() || length.len() > 3 || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let length = length.parse().ok().filter(|length| *length <= longest)?;
    Some((address.parse().ok()?, length))
}

fn malformed(text: &str) -> Ec2Error {
    Ec2Error::invalid_value(format!("CIDR block {text} is malformed"))
}

#[cfg(test)]
mod tests {
    use super::{peer_text, read_ipv4, read_ipv6};

    #[test]
    fn blocks_lose_their_host_bits() {
        for (text, expected) in [
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("1.2.3.4/0", Some("0.0.0.0/0")),
            ("100.68.0.18/18", Some("100.68.0.0/18")),
            ("10.0.0.1/32", Some("10.0.0.1/32")),
            ("10.0.0.1", None),
            ("10.0.0.1/33", None),
            ("10.0.0/8", None),
            ("10.0.0.1/+8", None),
            ("10.0.0.1/", None),
            ("::/0", None),
        ] {
            assert_eq!(read_ipv4(text).ok().map(|peer| peer_text(&peer)).as_deref(), expected, "{text}");
        }
        for (text, expected) in [
            ("::/0", Some("::/0")),
            ("2001:DB8::1/32", Some("2001:db8::/32")),
            ("2001:db8::1/128", Some("2001:db8::1/128")),
            ("::/129", None),
            ("0.0.0.0/0", None),
        ] {
            assert_eq!(read_ipv6(text).ok().map(|peer| peer_text(&peer)).as_deref(), expected, "{text}");
        }
    }
}
