//! The instance types: sizes by AWS's names. A type stands for its processors and memory and nothing else; a host
//! gives every type the same kind of processor.
//! Source: <https://docs.aws.amazon.com/ec2/latest/instancetypes/>.

/// An instance type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InstanceType {
    /// Its name, such as `t3.micro`.
    pub(crate) name: &'static str,
    /// Virtual processors.
    pub(crate) vcpus: u16,
    /// Memory in MiB.
    pub(crate) memory_mib: u32,
    /// Whether AWS counts it among the current generation.
    pub(crate) is_current: bool,
}

/// The type of a launch that names none, in AWS.
pub(crate) const DEFAULT: &str = "m1.small";

/// All types, in the order of their names.
pub(crate) const ALL: &[InstanceType] = &[
    new("c5.large", 2, 4_096),
    new("c5.xlarge", 4, 8_192),
    InstanceType { name: "m1.small", vcpus: 1, memory_mib: 1_740, is_current: false },
    new("m5.large", 2, 8_192),
    new("m5.xlarge", 4, 16_384),
    new("r5.large", 2, 16_384),
    new("t2.medium", 2, 4_096),
    new("t2.micro", 1, 1_024),
    new("t2.nano", 1, 512),
    new("t2.small", 1, 2_048),
    new("t3.large", 2, 8_192),
    new("t3.medium", 2, 4_096),
    new("t3.micro", 2, 1_024),
    new("t3.nano", 2, 512),
    new("t3.small", 2, 2_048),
    new("t3a.medium", 2, 4_096),
    new("t3a.micro", 2, 1_024),
    new("t3a.nano", 2, 512),
    new("t3a.small", 2, 2_048),
];

const fn new(name: &'static str, vcpus: u16, memory_mib: u32) -> InstanceType {
    InstanceType { name, vcpus, memory_mib, is_current: true }
}

/// The type with this name.
pub(crate) fn find(name: &str) -> Option<&'static InstanceType> {
    ALL.iter().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::{ALL, DEFAULT, find};

    #[test]
    fn the_table_is_in_order_and_has_the_default() {
        assert!(ALL.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(find(DEFAULT).is_some());
        assert!(find("t9.nano").is_none());
    }
}
