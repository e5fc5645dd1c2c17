//! `welkin store convert`: every fact of a region from one engine to another. Object bytes and the rest of the data
//! folder stay where they are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use store::{CopyError, Engine, copy_all_and};
use store_postgres::{Postgres, Target, is_postgres, probe};
use store_sqlite::Sqlite;

/// Copies the store at the address `from` to the empty one at `to`.
pub fn run(from: &str, to: &str) -> Result<()> {
    let (from, to) = (Address::parse(from), Address::parse(to));
    if from == to {
        bail!("--from and --to are the same store");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let copied = runtime.block_on(async {
        from.refuse_in_use()?;
        to.refuse_in_use()?;
        let source = from.open(Role::Source)?;
        let target = to.open(Role::Target)?;
        copy_all_and(&*source, &*target, || to.take_home()).await.map_err(|error| match error {
            CopyError::NotEmpty(_) => anyhow::Error::new(error).context(format!("{to}: nothing was copied")),
            _ => anyhow::Error::new(error)
                .context(format!("{to} is not usable: run the same command again, which begins anew")),
        })
    })?;
    println!("Copied {} keys ({} bytes) from {from} to {to}, and compared every one.", copied.pairs, copied.bytes);
    println!("{}", to.what_next());
    Ok(())
}

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Address {
    /// SQLite in the data folder.
    Folder(PathBuf),
    /// A database of PostgreSQL.
    Postgres(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Source,
    Target,
}

impl Address {
    fn parse(text: &str) -> Self {
        if is_postgres(text) {
            return Self::Postgres(text.to_owned());
        }
        let path = Path::new(text.strip_prefix("sqlite:").unwrap_or(text));
        Self::Folder(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }

    /// A folder is locked by whoever uses it. A database isn't, as several regions' processes may.
    fn refuse_in_use(&self) -> Result<()> {
        let Self::Postgres(url) = self else { return Ok(()) };
        let sessions = probe(&Target::parse(url)?)?.sessions;
        if sessions > 0 {
            bail!("a region uses {self} ({sessions} connections): stop its processes first (`welkin down`, or Ctrl-C)");
        }
        Ok(())
    }

    /// A folder whose facts were in a database has them itself now.
    fn take_home(&self) -> io::Result<()> {
        let Self::Folder(folder) = self else { return Ok(()) };
        match fs::remove_file(folder.join("database")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => fs::File::open(folder)?.sync_all(),
        }
    }

    fn open(&self, role: Role) -> Result<Arc<dyn Engine>> {
        match self {
            Self::Folder(folder) => {
                let store = folder.join("store");
                if role == Role::Source && !store.join("store.db").exists() {
                    bail!("{self} has no store: --from wants the data folder of a region, or a postgres:// URL");
                }
                let engine = Sqlite::open(&store).with_context(|| match role {
                    Role::Source => format!("cannot open {self}; stop the region first (`welkin down`, or Ctrl-C)"),
                    Role::Target => format!("cannot open {self}"),
                })?;
                Ok(Arc::new(engine))
            }
            Self::Postgres(url) => Ok(Arc::new(Postgres::open(&Target::parse(url)?)?)),
        }
    }

    fn what_next(&self) -> String {
        match self {
            Self::Folder(folder) => format!(
                "Start the region with --data-dir {}; its blobs, images and machines must be there too.",
                folder.display()
            ),
            Self::Postgres(_) => {
                "Start the region with --store and this URL, and its data folder as before.".to_owned()
            }
        }
    }
}

impl std::fmt::Display for Address {
    /// Without the URL's password.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder) => write!(out, "{}", folder.display()),
            Self::Postgres(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                write!(out, "{scheme}://{}", place.split('?').next().unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use store::conformance::{commit, put, value};
    use store::{Direction, Engine, KeyRange, Store, StoreError};
    use store_sqlite::Sqlite;

    use super::{Address, run};

    #[test]
    fn addresses_are_told_apart_and_show_no_password() {
        for (text, shown) in [
            ("postgres://ann:secret@db.example:5432/welkin?sslmode=require", "postgres://db.example:5432/welkin"),
            ("postgresql:///welkin", "postgresql:///welkin"),
            ("sqlite:/nowhere/data", "/nowhere/data"),
            ("/nowhere/data", "/nowhere/data"),
        ] {
            assert_eq!(Address::parse(text).to_string(), shown);
        }
    }

    #[test]
    fn a_store_is_copied_whole_and_only_to_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (from, to) = (path("from"), path("to"));
        let failed = run(&from, &to).unwrap_err().to_string();
        assert!(failed.contains("has no store") && !folder.path().join("from").exists(), "{failed}");
        let source = Sqlite::open(format!("{from}/store")).unwrap();
        commit(&source, [put("key", "value"), put("other", vec![7; 100_000])]);
        let busy = format!("{:#}", run(&from, &to).unwrap_err());
        assert!(busy.contains("stop the region first"), "{busy}");
        let all = |engine: &Sqlite| engine.snapshot().unwrap().scan(KeyRange::all(), Direction::Ascending, 99).unwrap();
        let expected = all(&source);
        drop(source);
        // Its facts were in a database: it is no store of its own before it forgets that.
        let database = folder.path().join("to/database");
        std::fs::create_dir_all(&database).unwrap();
        let unsettled = format!("{:#}", run(&from, &to).unwrap_err());
        assert!(unsettled.contains("run the same command again"), "{unsettled}");
        let store = Store::new(Sqlite::open(format!("{to}/store")).unwrap());
        assert!(matches!(store.require_whole(), Err(StoreError::Unfinished)));
        drop(store);
        std::fs::remove_dir(&database).unwrap();
        std::fs::write(&database, "postgres://db.example/welkin").unwrap();
        run(&from, &to).unwrap();
        assert!(!database.exists());
        assert!(run(&from, &from).is_err());
        let refused = format!("{:#}", run(&from, &to).unwrap_err());
        assert!(refused.contains("not empty"), "{refused}");
        let target = Sqlite::open(format!("{to}/store")).unwrap();
        assert_eq!(all(&target), expected);
        assert_eq!(value(&target, "key"), Some(b"value".to_vec()));
    }
}
