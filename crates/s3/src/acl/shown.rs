//! A list as S3 shows it. Display names are gone from S3's answers since November 2025.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAcl.html>.

use api::s3;
use ids::AccountId;

use super::given::EC2;
use super::record::{Acl, Grant, Grantee};
use crate::owner::canonical_id;

/// Everyone.
pub(super) const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
/// Everyone with an account.
pub(super) const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
/// Who writes logs.
pub(super) const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// The grants of a list; without a list, of the private one.
pub(super) fn shown(acl: Option<&Acl>, owner: &AccountId) -> Vec<s3::Grant> {
    match acl {
        Some(acl) => acl.grants.iter().map(grant).collect(),
        None => vec![grant(&Grant::full_control(owner))],
    }
}

fn grant(grant: &Grant) -> s3::Grant {
    let (id, uri) = match &grant.grantee {
        Grantee::Account(account) => (Some(canonical_id(account)), None),
        Grantee::Ec2 => (Some(EC2.to_owned()), None),
        Grantee::Everyone => (None, Some(ALL_USERS)),
        Grantee::Authenticated => (None, Some(AUTHENTICATED_USERS)),
        Grantee::LogDelivery => (None, Some(LOG_DELIVERY)),
    };
    let grantee = s3::Grantee {
        display_name: None,
        email_address: None,
        r#type: if id.is_some() { "CanonicalUser" } else { "Group" }.to_owned(),
        id,
        uri: uri.map(str::to_owned),
    };
    s3::Grant { grantee: Some(grantee), permission: Some(grant.permission.name().to_owned()) }
}
