//! Instance profiles of instances: which instance has which, and the credentials of its role.
//! Not here: profiles and roles, which are IAM's; the making of credentials, which is the region's.

mod associate;
mod credentials;
mod describe;
mod disassociate;
mod record;
mod replace;
mod resolve;

use api::ec2::IamInstanceProfileAssociation;
use ids::InstanceId;
use store::{Changes, KeyPrefix, StoreError, View};

pub(crate) use credentials::credential_leaves;
pub use record::{AssociationRecord, InstanceCredentialsRecord, IssuedCredentials};
pub(crate) use resolve::{Profile, Resolved, resolve};

use crate::instances::record::InstanceRecord;
use crate::scan::scan_all;

/// An association as EC2 shows it, in this state.
fn shown(association: &AssociationRecord, state: &str, is_dated: bool) -> IamInstanceProfileAssociation {
    IamInstanceProfileAssociation {
        association_id: Some(association.id.clone()),
        instance_id: Some(association.instance.to_string()),
        iam_instance_profile: Some(association.shown()),
        state: Some(state.to_owned()),
        timestamp: is_dated.then_some(association.since),
    }
}

/// A new association's id.
pub(crate) fn association_id(random: [u8; 8]) -> String {
    InstanceId::from_random(random).as_str().replacen("i-", "iip-assoc-", 1)
}

/// Every instance that has a profile, and every credential that there is: what the region's roles are kept by.
///
/// # Errors
/// The store's.
pub fn instance_profiles(view: &View) -> Result<(Vec<AssociationRecord>, Vec<InstanceCredentialsRecord>), StoreError> {
    Ok((scan_all(view, &KeyPrefix::all())?, scan_all(view, &KeyPrefix::all())?))
}

/// Takes the profile off an instance that has ended.
///
/// # Errors
/// The store's.
pub(crate) fn release(view: &View, record: &InstanceRecord, changes: &mut Changes) -> Result<(), StoreError> {
    let key = (record.account.clone(), record.id.clone());
    if view.contains::<AssociationRecord>(&key)? {
        changes.delete::<AssociationRecord>(&key);
    }
    Ok(())
}
