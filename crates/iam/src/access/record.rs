//! What is stored of the use of services. None of it bears on what a policy decides, so none of it is below `iam/`.

use ids::AccountId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Changes, KeyPrefix, Record, StoreError, View};

/// When and where something was last used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    /// When.
    pub time: Timestamp,
    /// In which region.
    pub region: String,
}

/// When a user or a role last used a service, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceUseRecord {
    /// The account of the user or role.
    pub account: AccountId,
    /// Its unique id: `AIDA…`, `AROA…`.
    pub entity: String,
    /// The service's namespace, such as `s3`.
    pub service: String,
    /// Its last use.
    pub last: LastUse,
    /// The last use of each action, where actions are tracked, by their names such as `GetObject`.
    pub actions: Vec<(String, LastUse)>,
}

impl Record for ServiceUseRecord {
    const TABLE: &'static str = "identity/service-use";
    const VERSION: u16 = 1;
    /// The account, the entity and the service.
    type Key = (AccountId, String, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.entity.clone(), self.service.clone())
    }
}

/// Takes away what is known of a user or role that goes, by its unique id.
///
/// # Errors
/// The store's.
pub(crate) fn forget(view: &View, changes: &mut Changes, account: &AccountId, entity: &str) -> Result<(), StoreError> {
    // One a service, of which there are hundreds.
    let all = KeyPrefix::of((account.clone(), entity.to_owned()));
    for used in view.scan::<ServiceUseRecord>(&all, None, usize::MAX)? {
        changes.delete::<ServiceUseRecord>(&used.key());
    }
    Ok(())
}

/// That a report was asked for, as stored. It is made when it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessJobRecord {
    /// The account.
    pub account: AccountId,
    /// The job's id.
    pub id: String,
    /// The user, group, role or policy that it is about.
    pub arn: String,
    /// Whether it tells actions apart.
    pub has_actions: bool,
    /// When it was asked for.
    pub created: Timestamp,
}

impl Record for AccessJobRecord {
    const TABLE: &'static str = "identity/access-job";
    const VERSION: u16 = 1;
    /// The account and the job.
    type Key = (AccountId, String);

    fn key(&self) -> Self::Key {
        (self.account.clone(), self.id.clone())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use store::conformance::check_shapes;

    use super::{AccessJobRecord, LastUse, ServiceUseRecord};

    const SHAPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes");

    #[test]
    fn stored_shapes_of_uses() {
        let time = Timestamp::constant(1_795_248_000, 0);
        let account: ids::AccountId = "111111111111".parse().unwrap();
        let last = LastUse { time, region: "us-east-1".into() };
        let used = ServiceUseRecord {
            account: account.clone(),
            entity: "AIDA1".into(),
            service: "s3".into(),
            last: last.clone(),
            actions: vec![("GetObject".into(), last)],
        };
        let arn = "arn:aws:iam::111111111111:user/Ann".to_owned();
        let job = AccessJobRecord { account, id: "j".into(), arn, has_actions: true, created: time };
        check_shapes(SHAPES, &[(1, used)]);
        check_shapes(SHAPES, &[(1, job)]);
    }
}
