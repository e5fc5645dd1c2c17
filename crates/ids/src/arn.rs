//! Amazon Resource Names: `arn:partition:service:region:account:resource`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.

use std::fmt;
use std::str::FromStr;

/// An ARN, kept whole; its parts are found on request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn(String);

/// The text lacks one of the six parts of an ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an ARN has the form arn:partition:service:region:account:resource")]
pub struct InvalidArn;

impl Arn {
    /// Makes an ARN in the partition `aws`. `region` and `account` are empty where the service has none.
    pub fn new(service: &str, region: &str, account: &str, resource: &str) -> Self {
        Self(format!("arn:aws:{service}:{region}:{account}:{resource}"))
    }

    /// The service part, such as `ec2`.
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// The region part; empty for global services.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account part; empty for S3 buckets and objects.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// All after the fifth colon, such as `instance/i-0123456789abcdef0`.
    pub fn resource(&self) -> &str {
        self.part(5)
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn part(&self, index: usize) -> &str {
        self.0.splitn(6, ':').nth(index).unwrap_or_default()
    }
}

impl FromStr for Arn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", partition, service, _, _, resource]
                if !partition.is_empty() && !service.is_empty() && !resource.is_empty() =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidArn),
        }
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Arn;

    #[test]
    fn parts_are_found() {
        let arn: Arn = "arn:aws:ec2:us-east-1:123456789012:instance/i-1:x".parse().unwrap();
        assert_eq!(
            (arn.service(), arn.region(), arn.account(), arn.resource()),
            ("ec2", "us-east-1", "123456789012", "instance/i-1:x")
        );
        assert!("arn:aws:ec2".parse::<Arn>().is_err());
        assert!("urn:aws:ec2:a:b:c".parse::<Arn>().is_err());
    }
}
