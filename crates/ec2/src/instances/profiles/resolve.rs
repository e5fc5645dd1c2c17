//! Finds the instance profile that a request names. Profiles are IAM's, so IAM is asked, before the operation decides; what
//! it says takes the place of what the client gave. A client can't say it: what it gives is always replaced.

use api::ec2::IamInstanceProfileSpecification;
use api::iam::{GetInstanceProfileRequest, GetRoleRequest};
use api::{Call, Caller};
use ids::Arn;
use serde::{Deserialize, Serialize};
use service::Need;

use crate::{Ec2, Ec2Error};

/// The principal of EC2.
const EC2: &str = "ec2.amazonaws.com";

/// What is known of the profile that a request names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Resolved {
    /// It is there, and has a role.
    Found {
        /// Its ARN.
        arn: String,
        /// Its unique id.
        id: String,
        /// The ARN of its role.
        role: String,
        /// The tags of its role.
        tags: Vec<(String, String)>,
    },
    /// The request does not name one rightly, or there is none: the text for the caller, and whether it is the
    /// parameters that do not go together.
    Wrong(String, bool),
}

impl Resolved {
    /// What [`resolve`] wrote into a request.
    ///
    /// # Errors
    /// The refusal of a request that names no profile to be had.
    pub(crate) fn read(given: &IamInstanceProfileSpecification) -> Result<Profile, Ec2Error> {
        match Self::written(given) {
            Some(Self::Found { arn, id, .. }) => Ok(Profile { arn, id }),
            Some(Self::Wrong(text, true)) => Err(Ec2Error::combination(text)),
            Some(Self::Wrong(text, false)) => Err(Ec2Error::invalid_value(text)),
            None => Err(Ec2Error::Internal("an instance profile that nobody asked IAM for".to_owned())),
        }
    }

    /// The need to hand the profile's role to EC2 for `instance`; none if there is no such role.
    pub(crate) fn need(given: &IamInstanceProfileSpecification, instance: &Arn) -> Option<Need> {
        let Some(Self::Found { role, tags, .. }) = Self::written(given) else { return None };
        let need = Need::on("iam:PassRole", role.parse().ok()?)
            .with("iam:PassedToService", EC2)
            .with("iam:AssociatedResourceArn", instance.as_str())
            .tagged(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        Some(tags.into_iter().fold(need, |need, (key, value)| need.with(format!("iam:ResourceTag/{key}"), value)))
    }

    /// The ARN of the profile, if it is there.
    pub(crate) fn arn(given: &IamInstanceProfileSpecification) -> Option<String> {
        match Self::written(given) {
            Some(Self::Found { arn, .. }) => Some(arn),
            _ => None,
        }
    }

    fn written(given: &IamInstanceProfileSpecification) -> Option<Self> {
        given.name.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }
}

/// A profile that may be put on an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Its ARN.
    pub(crate) arn: String,
    /// Its unique id.
    pub(crate) id: String,
}

/// Asks IAM for the profile that a request names, and writes what it says in the place of what the client gave.
///
/// # Errors
/// Only failures; what is wrong is said by [`Resolved::read`], to those who may ask.
pub(crate) async fn resolve(
    service: &Ec2,
    call: &Call,
    given: &mut IamInstanceProfileSpecification,
) -> Result<(), Ec2Error> {
    let resolved = match (given.arn.take(), given.name.take()) {
        (Some(_), Some(_)) => {
            let text =
                "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'";
            Resolved::Wrong(text.to_owned(), true)
        }
        (Some(arn), None) => {
            let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
            let text = format!(
                "Value ({arn}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN"
            );
            match find(service, call, name, &text).await? {
                Resolved::Found { arn: found, .. } if found != arn => Resolved::Wrong(text, false),
                found => found,
            }
        }
        (None, Some(name)) => {
            let text = format!(
                "Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
            );
            find(service, call, name, &text).await?
        }
        (None, None) => {
            let text = "The request must contain the parameter iamInstanceProfile.name or iamInstanceProfile.arn";
            Resolved::Wrong(text.to_owned(), true)
        }
    };
    given.name = Some(serde_json::to_string(&resolved).map_err(|error| Ec2Error::Internal(error.to_string()))?);
    Ok(())
}

async fn find(service: &Ec2, call: &Call, name: String, missing: &str) -> Result<Resolved, Ec2Error> {
    let Some(account) = call.caller.account.clone() else { return Ok(Resolved::Wrong(missing.to_owned(), false)) };
    let as_ec2 =
        || Call { caller: Caller::service(account.clone(), EC2), verdicts: api::Verdicts::default(), ..call.clone() };
    let asked = GetInstanceProfileRequest { instance_profile_name: name };
    let profile = match service.iam().get_instance_profile(as_ec2(), asked).await {
        Ok(answer) => answer.instance_profile,
        Err(error) if error.status < 500 => return Ok(Resolved::Wrong(missing.to_owned(), false)),
        Err(error) => return Err(Ec2Error::Internal(format!("IAM: {}", error.message))),
    };
    let Some(role) = profile.roles.into_iter().next() else {
        let text = format!("IAM Instance Profile \"{}\" has no associated IAM Roles", profile.arn);
        return Ok(Resolved::Wrong(text, false));
    };
    let asked = GetRoleRequest { role_name: role.role_name };
    let tags = match service.iam().get_role(as_ec2(), asked).await {
        Ok(answer) => answer.role.tags.unwrap_or_default(),
        Err(error) if error.status < 500 => Vec::new(),
        Err(error) => return Err(Ec2Error::Internal(format!("IAM: {}", error.message))),
    };
    let tags = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    Ok(Resolved::Found { arn: profile.arn, id: profile.instance_profile_id, role: role.arn, tags })
}
