//! What may stand in `Resource`, with IAM's texts for what may not.
//! Not here: comparing resources, which is `pattern`'s.

use crate::Kind;

const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

/// What IAM's resources begin with, in the order in which IAM lists them.
const OF_IAM: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

/// S3's resources that are of a region.
const REGIONAL_OF_S3: [&str; 5] = ["accesspoint", "access-grants", "async-request/", "job/", "storage-lens"];

/// Why a text is no resource; none if it is one, or if only the older reader refuses it.
pub(crate) fn fault(text: &str, kind: Kind) -> Option<String> {
    if text == "*" {
        return None;
    }
    let Some((_, rest)) = text.split_once(':') else {
        return Some(format!("Resource {text} must be in ARN format or \"*\"."));
    };
    let (partition, rest) = rest.split_once(':').map_or((rest, None), |(partition, rest)| (partition, Some(rest)));
    if !PARTITIONS.contains(&partition) && !partition.contains('*') {
        return Some(bad_partition(partition, rest.unwrap_or_default()));
    }
    let mut parts = rest.unwrap_or_default().splitn(4, ':');
    let mut part = || parts.next().unwrap_or_default();
    let (service, region, _account, resource) = (part(), part(), part(), part());
    if rest.is_none() || service.contains(['*', '?']) {
        return Some("Resource vendor must be fully qualified and cannot contain regexes.".to_owned());
    }
    if kind == Kind::Resource && !(text.starts_with("arn:") && text.matches(':').count() >= 5) {
        return Some(String::new());
    }
    let has_region = !region.is_empty() && region != "*";
    match service {
        "iam" if has_region => Some(format!("IAM resource {text} cannot contain region information.")),
        "s3" if has_region && !REGIONAL_OF_S3.iter().any(|kind| resource.starts_with(kind)) => {
            Some(format!("Resource {text} can not contain region information."))
        }
        "iam" if !(is_of_iam(resource)) => {
            Some(format!("IAM resource path must either be \"*\" or start with {}.", OF_IAM.join(", ")))
        }
        _ => None,
    }
}

/// Newer kinds are taken as well: root users, and FIDO keys.
fn is_of_iam(resource: &str) -> bool {
    let is_newer = resource == "root" || resource.starts_with("u2f/");
    resource.starts_with('*') || is_newer || OF_IAM.iter().any(|start| resource.starts_with(start))
}

fn bad_partition(partition: &str, rest: &str) -> String {
    let parts: Vec<&str> = rest.splitn(4, ':').collect();
    let part = |index: usize| parts.get(index).copied().unwrap_or("*");
    let service = if rest.is_empty() { "*" } else { part(0) };
    format!(
        "Partition \"{partition}\" is not valid for resource \"arn:{partition}:{service}:{}:{}:{}\".",
        part(1),
        part(2),
        part(3)
    )
}

/// Whether IAM's older reader takes it.
pub(crate) fn is_legacy(text: &str) -> bool {
    let has_service = text.split(':').nth(2).is_none_or(|service| !service.is_empty());
    text == "*" || (has_service && (text.matches(':').count() >= 5 || !text.contains("::")))
}
