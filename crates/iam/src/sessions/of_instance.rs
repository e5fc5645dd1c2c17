//! The sessions that EC2 hands to instances: of the role of an instance's profile, if the role lets EC2 in.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html>.

use ids::{AccountId, InstanceId};
use jiff::Timestamp;
use policy::{Attached, Context, Kind, Policy, PolicySet, Request, Source, SourceKind, Subject, SubjectKind, decide};
use store::{StoreError, View};

use super::{SESSION_BYTES, SessionHolder, SessionRecord, new_session};
use crate::names::folded;
use crate::{InstanceProfileRecord, RoleRecord};

/// The principal that a role must let in.
const EC2: &str = "ec2.amazonaws.com";
/// How long such a session lasts, whatever the role says.
const SECONDS: u32 = 6 * 3600;

/// The role of an instance profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRole {
    /// The account of both.
    account: AccountId,
    /// The role's name.
    pub name: String,
    /// The role's unique id.
    pub id: String,
    /// Whether the role's trust policy lets EC2 assume it.
    pub trusts_ec2: bool,
}

impl InstanceRole {
    /// The role of the profile with this name and this unique id, if there is still that profile, and it has one.
    ///
    /// # Errors
    /// The store's.
    pub fn find(view: &View, account: &AccountId, profile: &str, profile_id: &str) -> Result<Option<Self>, StoreError> {
        let found = view.get::<InstanceProfileRecord>(&(account.clone(), folded(profile)))?;
        let Some(name) = found.filter(|found| found.id == profile_id).and_then(|found| found.role) else {
            return Ok(None);
        };
        let Some(role) = view.get::<RoleRecord>(&(account.clone(), name))? else { return Ok(None) };
        let trusts_ec2 = lets_ec2_in(&role);
        Ok(Some(Self { account: account.clone(), name: role.name, id: role.id, trusts_ec2 }))
    }

    /// A session of the role from `now` on for six hours, which is named after the instance that it is for.
    pub fn session(
        &self,
        random: &[u8; SESSION_BYTES],
        region: &str,
        instance: &InstanceId,
        now: Timestamp,
    ) -> SessionRecord {
        let holder = SessionHolder::Role { id: self.id.clone(), session: instance.to_string() };
        let mut session = new_session(random, self.account.clone(), holder, now, SECONDS);
        session.instance = Some(format!("arn:aws:ec2:{region}:{}:instance/{instance}", self.account));
        session
    }
}

/// Whether the trust policy of a role allows `sts:AssumeRole` to EC2.
fn lets_ec2_in(role: &RoleRecord) -> bool {
    let Ok(policy) = Policy::parse(&role.trust, Kind::Trust) else { return false };
    let arn = role.arn();
    let source = Source { kind: SourceKind::Resource, id: arn.clone(), attached_to: arn.clone() };
    let trust = Attached { source: source.into(), policy: policy.into() };
    let subject = Subject {
        kind: SubjectKind::Service,
        account: None,
        arn: EC2.to_owned(),
        role_arn: None,
        service: Some(EC2.to_owned()),
    };
    let context = Context::new()
        .with("aws:PrincipalIsAWSService", "true")
        .with("aws:PrincipalServiceName", EC2)
        .with("aws:SourceAccount", role.account.as_str());
    let request = Request { subject: &subject, action: "sts:AssumeRole", resource: &arn, context: &context };
    let set = PolicySet {
        resource: Some(&trust),
        owner: Some(role.account.as_str()),
        needs_resource_policy: true,
        ..PolicySet::default()
    };
    decide(&request, &set).is_allowed()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::lets_ec2_in;
    use crate::RoleRecord;

    #[test]
    fn a_role_says_whether_ec2_may_assume_it() {
        for (statement, expected) in [
            (r#"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}"#, true),
            (
                r#"{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","x.amazonaws.com"]},"Action":"sts:AssumeRole"}"#,
                true,
            ),
            (r#"{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}"#, false),
            (r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}"#, false),
            (r#"{"Effect":"Deny","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}"#, false),
        ] {
            let role = RoleRecord {
                account: "111111111111".parse().unwrap(),
                name: "web".into(),
                path: "/".into(),
                id: "AROA1".into(),
                created: Timestamp::UNIX_EPOCH,
                trust: format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#),
                description: None,
                max_session: 3600,
                boundary: None,
                tags: Vec::new(),
                linked_service: None,
            };
            assert_eq!(lets_ec2_in(&role), expected, "{statement}");
        }
    }
}
