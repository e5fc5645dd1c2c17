//! Which members of a request or an answer name a resource, and of which type: what `LookupEvents` shows and finds.
//! By the names of members alone, as AWS uses the same names all over a service's API. Not here: ids deep within an
//! answer, such as the ids of a list of instances; those are found by their own call.

/// A resource that a call named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Its type, as AWS Config writes it.
    pub(crate) kind: &'static str,
    /// Its name or id.
    pub(crate) name: String,
}

/// Members, sorted by name, and the types of what they name. Source of the types:
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events-supported-resource-types.html>.
const KINDS: &[(&str, &str)] = &[
    ("AllocationId", "AWS::EC2::EIP"),
    ("AutoScalingGroupName", "AWS::AutoScaling::AutoScalingGroup"),
    ("Bucket", "AWS::S3::Bucket"),
    ("GroupId", "AWS::EC2::SecurityGroup"),
    ("GroupIds", "AWS::EC2::SecurityGroup"),
    ("GroupName", "AWS::EC2::SecurityGroup"),
    ("ImageId", "AWS::EC2::Ami"),
    ("InstanceId", "AWS::EC2::Instance"),
    ("InstanceIds", "AWS::EC2::Instance"),
    ("InstanceProfileName", "AWS::IAM::InstanceProfile"),
    ("InternetGatewayId", "AWS::EC2::InternetGateway"),
    ("KeyId", "AWS::KMS::Key"),
    ("KeyName", "AWS::EC2::KeyPair"),
    ("KeyPairId", "AWS::EC2::KeyPair"),
    ("LoadBalancerName", "AWS::ElasticLoadBalancing::LoadBalancer"),
    ("NatGatewayId", "AWS::EC2::NatGateway"),
    ("NetworkAclId", "AWS::EC2::NetworkAcl"),
    ("NetworkInterfaceId", "AWS::EC2::NetworkInterface"),
    ("PolicyArn", "AWS::IAM::Policy"),
    ("QueueName", "AWS::SQS::Queue"),
    ("QueueUrl", "AWS::SQS::Queue"),
    ("RoleArn", "AWS::IAM::Role"),
    ("RoleName", "AWS::IAM::Role"),
    ("RouteTableId", "AWS::EC2::RouteTable"),
    ("SecurityGroupIds", "AWS::EC2::SecurityGroup"),
    ("SnapshotId", "AWS::EC2::Snapshot"),
    ("StackName", "AWS::CloudFormation::Stack"),
    ("SubnetId", "AWS::EC2::Subnet"),
    ("SubnetIds", "AWS::EC2::Subnet"),
    ("UserName", "AWS::IAM::User"),
    ("VolumeId", "AWS::EC2::Volume"),
    ("VpcId", "AWS::EC2::VPC"),
    ("VpcIds", "AWS::EC2::VPC"),
];

/// The type of what the member called `name` names, if it names a resource.
pub(crate) fn kind_of(name: &str) -> Option<&'static str> {
    let position = KINDS.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    KINDS.get(position).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::KINDS;

    #[test]
    fn the_table_can_be_searched() {
        assert!(KINDS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
