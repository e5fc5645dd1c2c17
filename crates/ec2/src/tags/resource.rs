//! What can be tagged, found by the prefix of its id.

use ids::{AccountId, ImageId, InstanceId, KeyPairId, SecurityGroupId, SecurityGroupRuleId, SubnetId, VpcId};
use service::Need;
use store::{KeyPrefix, StoreError, View};

use crate::Ec2Error;
use crate::grounds::Grounds;
use crate::images::record::ImageRecord;
use crate::instances::record::InstanceRecord;
use crate::key_pairs::record::KeyPairRecord;
use crate::network::record::{SubnetRecord, VpcRecord};
use crate::security_groups::record::SecurityGroupRecord;

/// More groups than an account may have.
const ALL: usize = 100_000;

/// Something that can be tagged, by its id.
pub(super) enum Resource {
    /// An instance.
    Instance(InstanceId),
    /// An image.
    Image(ImageId),
    /// A key pair.
    KeyPair(KeyPairId),
    /// A security group.
    SecurityGroup(SecurityGroupId),
    /// A rule of a security group.
    SecurityGroupRule(SecurityGroupRuleId),
    /// A VPC.
    Vpc(VpcId),
    /// A subnet.
    Subnet(SubnetId),
}

impl Resource {
    /// The resource that an id names.
    ///
    /// # Errors
    /// `InvalidID` for an id of no kind that can be tagged.
    pub(super) fn parse(id: &str) -> Result<Self, Ec2Error> {
        let parsed = match id.split_once('-').map_or("", |(prefix, _)| prefix) {
            InstanceId::PREFIX => id.parse().map(Self::Instance),
            ImageId::PREFIX => id.parse().map(Self::Image),
            KeyPairId::PREFIX => id.parse().map(Self::KeyPair),
            SecurityGroupId::PREFIX => id.parse().map(Self::SecurityGroup),
            SecurityGroupRuleId::PREFIX => id.parse().map(Self::SecurityGroupRule),
            VpcId::PREFIX => id.parse().map(Self::Vpc),
            SubnetId::PREFIX => id.parse().map(Self::Subnet),
            _ => return Err(invalid(id)),
        };
        parsed.map_err(|_| invalid(id))
    }

    /// The id.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Instance(id) => id.as_str(),
            Self::Image(id) => id.as_str(),
            Self::KeyPair(id) => id.as_str(),
            Self::SecurityGroup(id) => id.as_str(),
            Self::SecurityGroupRule(id) => id.as_str(),
            Self::Vpc(id) => id.as_str(),
            Self::Subnet(id) => id.as_str(),
        }
    }

    /// The type as `DescribeTags` names it, which is also its name in ARNs.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Instance(_) => "instance",
            Self::Image(_) => "image",
            Self::KeyPair(_) => "key-pair",
            Self::SecurityGroup(_) => "security-group",
            Self::SecurityGroupRule(_) => "security-group-rule",
            Self::Vpc(_) => "vpc",
            Self::Subnet(_) => "subnet",
        }
    }

    /// What an action on it needs. Policies name key pairs by name, those on tags by id.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn need(&self, action: &'static str, grounds: &Grounds<'_>) -> Result<Need, StoreError> {
        match self {
            Self::Instance(id) => grounds.instance(action, id.as_str()),
            Self::Image(id) => grounds.image(action, id.as_str()),
            Self::KeyPair(_) => grounds.tagged(action, "key-pair", self.id()),
            Self::SecurityGroup(id) => grounds.group(action, id.as_str()),
            Self::SecurityGroupRule(id) => {
                let need = grounds.tagged(action, "security-group-rule", id.as_str())?;
                Ok(need.with("ec2:SecurityGroupRuleID", id.as_str()))
            }
            Self::Vpc(id) => grounds.vpc(action, id.as_str()),
            Self::Subnet(id) => grounds.subnet(action, id.as_str()),
        }
    }

    /// Refuses a resource that the account does not have. Public images may be tagged by everybody: tags belong to
    /// who puts them.
    ///
    /// # Errors
    /// The `NotFound` of its kind.
    pub(super) fn require(&self, view: &View, account: &AccountId) -> Result<(), Ec2Error> {
        let (exists, code, what) = match self {
            Self::Instance(id) => {
                let key = (account.clone(), id.clone());
                (view.contains::<InstanceRecord>(&key)?, "InvalidInstanceID.NotFound", format!("instance ID '{id}'"))
            }
            Self::Image(id) => {
                let image = view.get::<ImageRecord>(id)?;
                let is_seen = image.is_some_and(|image| image.is_public || image.owner.as_ref() == Some(account));
                (is_seen, "InvalidAMIID.NotFound", format!("image id '[{id}]'"))
            }
            Self::KeyPair(id) => {
                let found = view.by_index::<KeyPairRecord>("id", (account.clone(), id.clone()), None, 1)?;
                (!found.is_empty(), "InvalidKeyPair.NotFound", format!("key pair ID '{id}'"))
            }
            Self::SecurityGroup(id) => {
                let key = (account.clone(), id.clone());
                (view.contains::<SecurityGroupRecord>(&key)?, "InvalidGroup.NotFound", format!("security group '{id}'"))
            }
            Self::SecurityGroupRule(id) => {
                let groups = view.scan::<SecurityGroupRecord>(&KeyPrefix::of(account), None, ALL)?;
                let exists = groups.iter().any(|group| group.rules.iter().any(|rule| rule.id == *id));
                (exists, "InvalidSecurityGroupRuleId.NotFound", format!("security group rule ID '{id}'"))
            }
            Self::Vpc(id) => {
                let key = (account.clone(), id.clone());
                (view.contains::<VpcRecord>(&key)?, "InvalidVpcID.NotFound", format!("vpc ID '{id}'"))
            }
            Self::Subnet(id) => {
                let key = (account.clone(), id.clone());
                (view.contains::<SubnetRecord>(&key)?, "InvalidSubnetID.NotFound", format!("subnet ID '{id}'"))
            }
        };
        if exists { Ok(()) } else { Err(Ec2Error::refused(code, format!("The {what} does not exist"))) }
    }
}

fn invalid(id: &str) -> Ec2Error {
    Ec2Error::refused("InvalidID", format!("The ID '{id}' is not valid"))
}

#[cfg(test)]
mod tests {
    use super::Resource;

    #[test]
    fn ids_name_their_kind() {
        for (id, expected) in [
            ("i-0123456789abcdef0", Some("instance")),
            ("ami-0123456789abcdef0", Some("image")),
            ("key-0123456789abcdef0", Some("key-pair")),
            ("sg-0123456789abcdef0", Some("security-group")),
            ("sgr-0123456789abcdef0", Some("security-group-rule")),
            ("vpc-0123456789abcdef0", Some("vpc")),
            ("subnet-0123456789abcdef0", Some("subnet")),
            ("subnet-1", None),
            ("thing-0123456789abcdef0", None),
            ("", None),
        ] {
            assert_eq!(Resource::parse(id).ok().map(|resource| resource.type_name()), expected, "{id}");
        }
    }
}
