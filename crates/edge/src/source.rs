//! Where a connection comes from, as far as shares are counted by it.

use std::net::{IpAddr, Ipv6Addr};

/// One who shares: an IPv4 address, or the /64 of an IPv6 one, all of which anybody has who has one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Source(IpAddr);

impl Source {
    /// The source of this address; all without one are one source.
    pub(crate) fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V6(address)) => {
                Self(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))))
            }
            Some(address) => Self(address),
            None => Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn who_shares_with_whom() {
        let check = |one: &str, other: &str, is_same: bool| {
            let source = |text: &str| Source::of(Some(text.parse().unwrap()));
            assert_eq!(source(one) == source(other), is_same, "{one} {other}");
        };
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("192.0.2.1", "::ffff:192.0.2.1", true);
        check("2001:db8::1", "2001:db8::2:0:0:1", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
    }
}
