//! Whose store it is. Objects and machines are in a data folder, the facts about them may be in a database elsewhere: a
//! region that took the one with another one's other would take all objects for leftovers.

use serde::{Deserialize, Serialize};
use store::{Changes, CommitError, KeyPrefix, Record, Store};

/// The folder that a store belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HomeRecord {
    /// One row: `home`.
    pub name: String,
    /// The tag of the data folder's region.
    pub tag: String,
}

impl Record for HomeRecord {
    const TABLE: &'static str = "region/home";
    const VERSION: u16 = 1;
    type Key = String;

    fn key(&self) -> String {
        self.name.clone()
    }
}

/// Why a folder and a store are not used together.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The store is that of another folder.
    #[error("this database holds the facts of another region (its tag is {0}): name that region's data folder")]
    Other(String),
    /// The store is empty, and the folder is not.
    #[error("this database is empty, but the data folder is not: its facts are elsewhere")]
    Empty,
    /// The store failed.
    #[error("the store cannot be read or written")]
    Store(#[from] CommitError),
}

/// Makes sure that the store is that of the folder with this tag. One that is nobody's becomes its own; an empty one only
/// if the folder `is_new` to the store that it had before.
///
/// # Errors
/// [`HomeError`]; nothing has been changed then.
pub async fn claim(store: &Store, tag: &str, is_new: bool) -> Result<(), HomeError> {
    loop {
        let view = store.view().map_err(CommitError::from)?;
        if let Some(home) = view.get::<HomeRecord>(&"home".to_owned()).map_err(CommitError::from)? {
            return if home.tag == tag { Ok(()) } else { Err(HomeError::Other(home.tag)) };
        }
        let accounts = view.scan::<iam::AccountRecord>(&KeyPrefix::all(), None, 1).map_err(CommitError::from)?;
        if accounts.is_empty() && !is_new {
            return Err(HomeError::Empty);
        }
        let mut changes = Changes::new();
        changes.put(&HomeRecord { name: "home".to_owned(), tag: tag.to_owned() }).map_err(CommitError::from)?;
        match store.commit(Some(&view), changes).await {
            Ok(_) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use store::{Memory, Store};

    use super::{HomeError, claim};

    #[tokio::test]
    async fn a_store_has_one_folder() {
        let store = Store::new(Memory::new());
        assert!(matches!(claim(&store, "a", false).await, Err(HomeError::Empty)));
        claim(&store, "a", true).await.unwrap();
        claim(&store, "a", false).await.unwrap();
        assert!(matches!(claim(&store, "b", true).await, Err(HomeError::Other(tag)) if tag == "a"));
    }
}
