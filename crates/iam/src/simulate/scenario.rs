//! `ResourceHandlingOption`: which resources a simulated `ec2:RunInstances` must be given.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>.

use ids::Arn;

use crate::IamError;

/// Refuses resources that lack a kind which the scenario needs.
///
/// # Errors
/// `InvalidInput`.
pub(super) fn check(scenario: Option<&str>, resources: &[String]) -> Result<(), IamError> {
    let Some(scenario) = scenario else { return Ok(()) };
    let needed: &[&str] = match scenario {
        "EC2-Classic-InstanceStore" => &["instance", "image", "security-group"],
        "EC2-Classic-EBS" => &["instance", "image", "security-group", "volume"],
        "EC2-VPC-InstanceStore" => &["instance", "image", "security-group", "network-interface"],
        "EC2-VPC-InstanceStore-Subnet" => &["instance", "image", "security-group", "network-interface", "subnet"],
        "EC2-VPC-EBS" => &["instance", "image", "security-group", "network-interface", "volume"],
        "EC2-VPC-EBS-Subnet" => &["instance", "image", "security-group", "network-interface", "subnet", "volume"],
        _ => return Err(IamError::InvalidInput(format!("Invalid ResourceHandlingOption: {scenario}"))),
    };
    let kinds: Vec<String> = resources
        .iter()
        .filter_map(|resource| resource.parse::<Arn>().ok())
        .filter_map(|arn| arn.resource().split_once('/').map(|(kind, _)| kind.to_owned()))
        .collect();
    match needed.iter().find(|kind| !kinds.iter().any(|given| given == **kind)) {
        Some(kind) => Err(IamError::InvalidInput(format!("{scenario} needs a resource of the type {kind}."))),
        None => Ok(()),
    }
}
