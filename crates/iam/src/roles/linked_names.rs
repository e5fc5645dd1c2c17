//! The services that have roles linked to them: what these are called and what they may do.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html>.

/// A service that has a role linked to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinkedService {
    /// The service, such as `autoscaling.amazonaws.com`.
    pub service: &'static str,
    /// What follows `AWSServiceRoleFor`.
    pub name: &'static str,
    /// The policy that the role is given, among AWS's below `/aws-service-role/`.
    pub policy: &'static str,
    /// Whether an account may have more of them, each with a suffix.
    pub has_suffix: bool,
}

const fn linked(service: &'static str, name: &'static str, policy: &'static str) -> LinkedService {
    LinkedService { service, name, policy, has_suffix: false }
}

const fn with_suffix(service: &'static str, name: &'static str, policy: &'static str) -> LinkedService {
    LinkedService { service, name, policy, has_suffix: true }
}

const SERVICES: &[LinkedService] = &[
    with_suffix("autoscaling.amazonaws.com", "AutoScaling", "AutoScalingServiceRolePolicy"),
    linked("batch.amazonaws.com", "Batch", "BatchServiceRolePolicy"),
    linked("cloudtrail.amazonaws.com", "CloudTrail", "CloudTrailServiceRolePolicy"),
    linked("config.amazonaws.com", "Config", "AWSConfigServiceRolePolicy"),
    linked("ec2fleet.amazonaws.com", "EC2Fleet", "AWSEC2FleetServiceRolePolicy"),
    linked("ecs.amazonaws.com", "ECS", "AmazonECSServiceRolePolicy"),
    linked(
        "ecs.application-autoscaling.amazonaws.com",
        "ApplicationAutoScaling_ECSService",
        "AWSApplicationAutoscalingECSServicePolicy",
    ),
    linked("eks.amazonaws.com", "AmazonEKS", "AmazonEKSServiceRolePolicy"),
    linked("elasticache.amazonaws.com", "ElastiCache", "ElastiCacheServiceRolePolicy"),
    linked("elasticfilesystem.amazonaws.com", "AmazonElasticFileSystem", "AmazonElasticFileSystemServiceRolePolicy"),
    linked("elasticloadbalancing.amazonaws.com", "ElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"),
    linked("es.amazonaws.com", "AmazonElasticsearchService", "AmazonElasticsearchServiceRolePolicy"),
    linked("events.amazonaws.com", "CloudWatchEvents", "CloudWatchEventsServiceRolePolicy"),
    linked("guardduty.amazonaws.com", "AmazonGuardDuty", "AmazonGuardDutyServiceRolePolicy"),
    linked("opensearchservice.amazonaws.com", "AmazonOpenSearchService", "AmazonOpenSearchServiceRolePolicy"),
    linked("ops.apigateway.amazonaws.com", "APIGateway", "APIGatewayServiceRolePolicy"),
    linked("organizations.amazonaws.com", "Organizations", "AWSOrganizationsServiceTrustPolicy"),
    linked("rds.amazonaws.com", "RDS", "AmazonRDSServiceRolePolicy"),
    linked("replicator.lambda.amazonaws.com", "LambdaReplicator", "AWSLambdaReplicator"),
    linked("spot.amazonaws.com", "EC2Spot", "AWSEC2SpotServiceRolePolicy"),
    linked("spotfleet.amazonaws.com", "EC2SpotFleet", "AWSEC2SpotFleetServiceRolePolicy"),
    linked("ssm.amazonaws.com", "AmazonSSM", "AmazonSSMServiceRolePolicy"),
    linked("support.amazonaws.com", "Support", "AWSSupportServiceRolePolicy"),
    linked("transitgateway.amazonaws.com", "VPCTransitGateway", "AWSVPCTransitGatewayServiceRolePolicy"),
    linked("trustedadvisor.amazonaws.com", "TrustedAdvisor", "AWSTrustedAdvisorServiceRolePolicy"),
];

/// The service of this name.
pub(super) fn find(service: &str) -> Option<&'static LinkedService> {
    SERVICES.iter().find(|known| known.service == service)
}

#[cfg(test)]
mod tests {
    use super::SERVICES;

    #[test]
    fn they_are_sorted_and_each_has_a_name_of_its_own() {
        assert!(SERVICES.is_sorted_by_key(|known| known.service));
        let mut names: Vec<&str> = SERVICES.iter().map(|known| known.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SERVICES.len());
    }
}
