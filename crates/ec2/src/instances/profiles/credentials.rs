//! What an instance's metadata says of its role: which profile it has, and the role's credentials.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html>.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use store::{StoreError, View};

use super::{AssociationRecord, InstanceCredentialsRecord};
use crate::instances::record::InstanceRecord;

/// The leaves below `meta-data/`, by their paths; none without a profile that has a role.
///
/// # Errors
/// The store's.
pub(crate) fn credential_leaves(view: &View, record: &InstanceRecord) -> Result<BTreeMap<String, String>, StoreError> {
    let key = (record.account.clone(), record.id.clone());
    let Some(association) = view.get::<AssociationRecord>(&key)? else { return Ok(BTreeMap::new()) };
    let credentials = view.get::<InstanceCredentialsRecord>(&key)?;
    // Those of the profile before are not for this one.
    let credentials = credentials.filter(|found| found.profile_id == association.profile_id);
    Ok(credentials.map(|credentials| leaves(&association, &credentials)).unwrap_or_default())
}

fn leaves(association: &AssociationRecord, credentials: &InstanceCredentialsRecord) -> BTreeMap<String, String> {
    let updated = second(credentials.updated);
    let info = json!({
        "Code": "Success",
        "LastUpdated": updated,
        "InstanceProfileArn": association.profile_arn,
        "InstanceProfileId": association.profile_id,
    });
    let document = match &credentials.issued {
        Some(issued) => json!({
            "Code": "Success",
            "LastUpdated": updated,
            "Type": "AWS-HMAC",
            "AccessKeyId": issued.access_key,
            "SecretAccessKey": issued.secret,
            "Token": issued.token,
            "Expiration": second(issued.expires),
        }),
        None => json!({
            "Code": "AssumeRoleUnauthorizedAccess",
            "Message": format!(
                "EC2 cannot assume the role {}. Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc.",
                credentials.role
            ),
            "LastUpdated": updated,
        }),
    };
    BTreeMap::from([
        ("iam/info".to_owned(), format!("{info:#}")),
        (format!("iam/security-credentials/{}", credentials.role), format!("{document:#}")),
    ])
}

fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
