//! Typed identifiers: account ids, resource ids such as `i-0123456789abcdef0`, and ARNs.
//! Not here: where the random bytes of a new id come from (a service takes them from its context).
#![forbid(unsafe_code)]

mod account;
mod arn;
mod resource;

pub use account::{AccountId, InvalidAccountId};
pub use arn::{Arn, InvalidArn};
pub use resource::{
    ImageId, InstanceId, InternetGatewayId, InvalidId, KeyPairId, NetworkAclId, NetworkInterfaceId, ReservationId,
    RouteTableId, SecurityGroupId, SecurityGroupRuleId, SubnetId, VolumeId, VpcId,
};
