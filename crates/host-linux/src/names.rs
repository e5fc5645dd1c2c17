//! Names of kernel objects that more than one part of the host must agree on.
//! Every name carries the region's tag or a resource id, so that regions on one machine never meet.

use ids::{NetworkInterfaceId, VpcId};

/// Hex digits of an id that fit a device name of 15 bytes behind one letter.
const DIGITS: usize = 14;

/// The network namespace of a VPC, as `ip netns` lists it: `welkin-<tag>-<vpc id>`.
pub fn netns_name(tag: &str, vpc: &VpcId) -> String {
    format!("welkin-{tag}-{vpc}")
}

/// The tap of a network interface: `t` and the last 14 hex digits of its id. The digits left out are the first three
/// of 17, of which one is always 0; two interfaces of one VPC share a name with a chance of 2^-56.
pub fn tap_name(eni: &NetworkInterfaceId) -> String {
    format!("t{}", last_digits(eni.as_str()))
}

/// The end of a VPC's veth pair that is in the region's uplink namespace: `v` and the last 14 hex digits of its id.
pub fn uplink_veth_name(vpc: &VpcId) -> String {
    format!("v{}", last_digits(vpc.as_str()))
}

fn last_digits(id: &str) -> &str {
    let digits = id.rsplit('-').next().unwrap_or(id);
    &digits[digits.len().saturating_sub(DIGITS)..]
}

#[cfg(test)]
mod tests {
    use super::{netns_name, tap_name, uplink_veth_name};

    #[test]
    fn names_fit_the_kernel_and_tell_what_they_are() {
        let vpc = "vpc-0123456789abcdef0".parse().unwrap();
        assert_eq!(netns_name("use1", &vpc), "welkin-use1-vpc-0123456789abcdef0");
        assert_eq!(uplink_veth_name(&vpc), "v3456789abcdef0");
        assert_eq!(tap_name(&"eni-0123456789abcdef0".parse().unwrap()), "t3456789abcdef0");
        assert_eq!(tap_name(&"eni-0a1b2c3d".parse().unwrap()), "t0a1b2c3d");
    }
}
