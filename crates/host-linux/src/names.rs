//! Names of the kernel objects that machines and networks share. Both sides derive them from ids, so that neither has
//! to ask the other or remember anything.

use ids::{NetworkInterfaceId, VpcId};

/// The named network namespace of a VPC. `region_tag` keeps several regions on one machine apart.
pub fn netns_name(region_tag: &str, vpc: &VpcId) -> String {
    format!("welkin-{region_tag}-{vpc}")
}

/// The tap of a network interface within its VPC's namespace: `t` and the last 14 digits of its id, as the kernel
/// allows 15 characters. The 14 digits are 56 random bits, and only interfaces of one VPC share a namespace.
pub fn tap_name(interface: &NetworkInterfaceId) -> String {
    let digits = interface.as_str().rsplit('-').next().unwrap_or_default();
    format!("t{}", &digits[digits.len().saturating_sub(14)..])
}

#[cfg(test)]
mod tests {
    use super::{netns_name, tap_name};

    #[test]
    fn names_fit_and_tell_apart() {
        assert_eq!(tap_name(&"eni-0123456789abcdef0".parse().unwrap()), "t3456789abcdef0");
        assert_eq!(tap_name(&"eni-0a1b2c3d".parse().unwrap()), "t0a1b2c3d");
        let vpc = "vpc-0123456789abcdef0".parse().unwrap();
        assert_eq!(netns_name("a1", &vpc), "welkin-a1-vpc-0123456789abcdef0");
    }
}
