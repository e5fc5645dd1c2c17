//! Files that past versions of this program wrote, in `golden/schema-<number>.db`: each opens, reads as it was written,
//! and takes commits. The file of the present schema is made with `BLESS=1` where it is missing, and never changed.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use store::conformance::{commit, del, put, value};
use store::{Direction, Engine, KeyRange, Pair};
use store_sqlite::Sqlite;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden");
/// The newest schema.
const SCHEMA: u32 = 1;

/// What each file holds: written by three commits, one of which deletes.
fn contents() -> Vec<Pair> {
    let mut pairs: Vec<Pair> =
        (0..40u8).map(|number| (vec![b'k', number], vec![number; usize::from(number)])).collect();
    pairs.push((b"large".to_vec(), vec![7; 5000]));
    pairs
}

fn make(file: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Sqlite::open(folder.path()).unwrap();
    commit(&engine, contents().into_iter().map(|(key, value)| put(key, value)).collect::<Vec<_>>());
    commit(&engine, [put("gone", "soon")]);
    commit(&engine, [del("gone")]);
    drop(engine);
    fs::create_dir_all(GOLDEN).unwrap();
    fs::copy(folder.path().join("store.db"), file).unwrap();
}

#[test]
fn the_file_of_every_past_schema_opens_and_goes_on() {
    let newest = Path::new(GOLDEN).join(format!("schema-{SCHEMA}.db"));
    if !newest.exists() && std::env::var_os("BLESS").is_some() {
        make(&newest);
    }
    for schema in 1..=SCHEMA {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(Path::new(GOLDEN).join(format!("schema-{schema}.db")), folder.path().join("store.db")).unwrap();
        let engine = Sqlite::open(folder.path()).unwrap();
        let snapshot = engine.snapshot().unwrap();
        assert_eq!(snapshot.version(), 3, "schema {schema}");
        assert_eq!(snapshot.scan(KeyRange::all(), Direction::Ascending, 99).unwrap(), contents(), "schema {schema}");
        drop(snapshot);
        assert_eq!(commit(&engine, [put("new", "1")]), 4);
        drop(engine);
        let engine = Sqlite::open(folder.path()).unwrap();
        assert_eq!(value(&engine, "new"), Some(b"1".to_vec()), "schema {schema}");
    }
}
