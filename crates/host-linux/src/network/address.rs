//! Addresses and device names that a VPC's router has by convention, and arithmetic on address blocks.

use std::net::Ipv4Addr;

/// The metadata service. Source: EC2 user guide.
pub const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// The resolver under its link-local address. Source: VPC user guide, "Amazon DNS server".
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
/// The uplink namespace as every VPC and the host see it.
pub const UPLINK_SIDE: Ipv4Addr = Ipv4Addr::new(169, 254, 0, 1);
/// Every VPC as the uplink namespace sees it: told apart by the link, not by the address.
pub const VPC_SIDE: Ipv4Addr = Ipv4Addr::new(169, 254, 0, 2);
/// The VPC's end of its veth pair with the uplink namespace.
pub const UPLINK: &str = "uplink";
/// The uplink namespace's end of its veth pair with the host.
pub const HOST: &str = "host";
/// The router's MAC address on every tap: a tap made anew answers as the old one did, and no guest has to ask again.
pub const ROUTER_MAC: &str = "0a:57:4b:00:00:01";

/// An address block: base address and prefix length.
pub type Cidr = (Ipv4Addr, u8);

/// The mask of a prefix length; of more than 32 bits, as of 32.
pub fn mask(length: u8) -> Ipv4Addr {
    let shift = 32 - u32::from(length.min(32));
    Ipv4Addr::from_bits(u32::MAX.checked_shl(shift).unwrap_or(0))
}

/// True if the address is in the block.
pub fn contains(cidr: Cidr, address: Ipv4Addr) -> bool {
    let mask = mask(cidr.1).to_bits();
    cidr.0.to_bits() & mask == address.to_bits() & mask
}

/// The block's base address plus `n`.
pub fn nth(cidr: Cidr, n: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(cidr.0.to_bits().wrapping_add(n))
}

/// The last address of the block.
pub fn last(cidr: Cidr) -> Ipv4Addr {
    Ipv4Addr::from_bits(cidr.0.to_bits() | !mask(cidr.1).to_bits())
}

/// The router of a subnet: its base plus one.
pub fn gateway(subnet: Cidr) -> Ipv4Addr {
    nth(subnet, 1)
}

/// The resolver of a VPC: its base plus two.
pub fn resolver(vpc: Cidr) -> Ipv4Addr {
    nth(vpc, 2)
}

#[cfg(test)]
mod tests {
    use super::{contains, last, mask};

    #[test]
    fn blocks() {
        for (length, text) in [(0, "0.0.0.0"), (8, "255.0.0.0"), (20, "255.255.240.0"), (32, "255.255.255.255")] {
            assert_eq!(mask(length).to_string(), text);
        }
        let block = ([172, 31, 0, 0].into(), 20);
        assert_eq!(last(block).to_string(), "172.31.15.255");
        assert!(contains(block, [172, 31, 15, 255].into()) && !contains(block, [172, 31, 16, 0].into()));
    }
}
