//! Resource ids: a prefix that says the kind, and 17 hexadecimal digits.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html>.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is not an id of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}-xxxxxxxxxxxxxxxxx")]
pub struct InvalidId {
    /// The prefix that an id of this kind has, such as `i`.
    pub prefix: &'static str,
}

/// Digits of a new id. Eight-digit ids, which AWS gave out before 2018, are accepted but not made.
const DIGITS: usize = 17;
const OLD_DIGITS: usize = 8;

fn is_id(prefix: &str, text: &str) -> bool {
    let Some(digits) = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')) else { return false };
    (digits.len() == DIGITS || digits.len() == OLD_DIGITS)
        && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn from_random(prefix: &str, bytes: [u8; 8]) -> String {
    let mut text = format!("{prefix}-0");
    for byte in bytes {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

macro_rules! resource_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What ids of this kind begin with, without the dash.
            pub const PREFIX: &'static str = $prefix;

            /// A new id from random bytes.
            pub fn from_random(bytes: [u8; 8]) -> Self {
                Self(from_random($prefix, bytes))
            }

            /// The whole id, prefix included.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if is_id($prefix, text) { Ok(Self(text.to_owned())) } else { Err(InvalidId { prefix: $prefix }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                if is_id($prefix, &text) { Ok(Self(text)) } else { Err(InvalidId { prefix: $prefix }) }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

resource_id!(/** An EC2 instance. */ InstanceId, "i");
resource_id!(/** A machine image. */ ImageId, "ami");
resource_id!(/** One call of `RunInstances`. */ ReservationId, "r");
resource_id!(/** A key pair. */ KeyPairId, "key");
resource_id!(/** A virtual private cloud. */ VpcId, "vpc");
resource_id!(/** A subnet of a VPC, in one availability zone. */ SubnetId, "subnet");
resource_id!(/** A security group. */ SecurityGroupId, "sg");
resource_id!(/** One rule of a security group. */ SecurityGroupRuleId, "sgr");
resource_id!(/** An elastic network interface. */ NetworkInterfaceId, "eni");
resource_id!(/** A route table. */ RouteTableId, "rtb");
resource_id!(/** An internet gateway. */ InternetGatewayId, "igw");
resource_id!(/** A network ACL. */ NetworkAclId, "acl");
resource_id!(/** An EBS volume. */ VolumeId, "vol");

#[cfg(test)]
mod tests {
    use super::{InstanceId, VpcId};

    #[test]
    fn only_the_own_prefix_and_lower_case_hex() {
        for good in ["i-0123456789abcdef0", "i-0a1b2c3d"] {
            assert!(good.parse::<InstanceId>().is_ok(), "{good}");
        }
        for bad in ["", "i-", "i-xyz", "i-0123456789ABCDEF0", "vpc-0123456789abcdef0", "i-0123456789abcdef", "i"] {
            assert!(bad.parse::<InstanceId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn made_ids_parse() {
        let id = VpcId::from_random([0xab; 8]);
        assert_eq!(id.as_str(), "vpc-0abababababababab");
        assert_eq!(id.as_str().parse::<VpcId>().unwrap(), id);
    }
}
