//! The tables of this crate: brought to the present shape when a region starts, and their shapes pinned.

use store::{CommitError, Store};

use crate::{AccessKeyRecord, AccountRecord};

/// Brings the tables of accounts and keys to the shapes and indexes of this program. On a store that has them already
/// it reads one key a table.
///
/// # Errors
/// See [`Store::prepare`].
pub async fn prepare(store: &Store) -> Result<(), CommitError> {
    tokio::try_join!(store.prepare::<AccountRecord>(), store.prepare::<AccessKeyRecord>()).map(drop)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use store::conformance::check_shapes;

    use crate::{AccessKeyRecord, AccountRecord, AccountStatus, KeyOwner, KeyStatus};

    const SHAPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes");

    #[test]
    fn stored_shapes() {
        let created = Timestamp::constant(1_795_248_000, 0);
        let account = AccountRecord {
            id: "111111111111".parse().unwrap(),
            name: "root".into(),
            status: AccountStatus::Active,
            created,
        };
        let owner = KeyOwner::User { name: "ann".into(), id: "AIDA1".into() };
        let key = AccessKeyRecord {
            id: "AKIA1".into(),
            secret: "secret".into(),
            account: account.id.clone(),
            owner,
            status: KeyStatus::Active,
            created,
        };
        check_shapes(SHAPES, &[(1, account)]);
        check_shapes(SHAPES, &[(1, key)]);
    }

    /// The words that a golden file, which has but one of each, does not show.
    #[test]
    fn stored_words() {
        let word = |value: serde_json::Value| value.as_str().map(str::to_owned);
        assert_eq!(word(serde_json::to_value(AccountStatus::Suspended).unwrap()).as_deref(), Some("Suspended"));
        assert_eq!(word(serde_json::to_value(KeyStatus::Inactive).unwrap()).as_deref(), Some("Inactive"));
        assert_eq!(word(serde_json::to_value(KeyOwner::Root).unwrap()).as_deref(), Some("Root"));
    }
}
