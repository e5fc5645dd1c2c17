//! Golden files of stored records: proof that rows written by every past version still read as they should.

use std::fmt::Debug;
use std::fs;
use std::path::Path;

use crate::error::StoreError;
use crate::record::{Record, decode, encode};

/// Checks one golden file for each shape version of `R`, `<folder>/<table, slashes as dots>.v<version>.json`, against
/// what it must read as: the versions from the first to the present one, each with its record. The file of the
/// present version must also be exactly what is written today. A missing file of the present version is made when the
/// environment has `BLESS`; one that is there is never changed.
///
/// # Panics
/// When a version, a file or a field is missing or differs.
pub fn check_shapes<R: Record + PartialEq + Debug>(folder: impl AsRef<Path>, wanted: &[(u16, R)]) {
    let versions: Vec<u16> = wanted.iter().map(|(version, _)| *version).collect();
    let first = versions.first().copied().unwrap_or_default();
    assert_eq!(versions, (first..=R::VERSION).collect::<Vec<_>>(), "{}: a version has no golden record", R::TABLE);
    let newer = format!("{{\"v\":{},\"r\":{{}}}}", R::VERSION + 1);
    match decode::<R>(newer.as_bytes()) {
        Err(StoreError::NewerShape { table, .. }) if table == R::TABLE => {}
        other => panic!("{}: a record of a newer program must be refused as such: {other:?}", R::TABLE),
    }
    for (version, record) in wanted {
        let file = folder.as_ref().join(format!("{}.v{version}.json", R::TABLE.replace('/', ".")));
        let today = encode(record).expect("the record has a JSON form");
        if *version == R::VERSION && !file.exists() && std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(folder.as_ref()).expect("the folder of golden files can be made");
            fs::write(&file, &today).expect("the golden file can be written");
        }
        let stored = fs::read(&file).unwrap_or_else(|error| {
            panic!("{}: {error}; the record as of today: {}", file.display(), String::from_utf8_lossy(&today))
        });
        let read: R = decode(&stored).unwrap_or_else(|error| panic!("{}: {error:?}", file.display()));
        assert_eq!(read, *record, "{}", file.display());
        if *version == R::VERSION {
            assert_eq!(
                String::from_utf8_lossy(&stored),
                String::from_utf8_lossy(&today),
                "{}: the stored shape changed; raise VERSION and migrate",
                file.display()
            );
        }
    }
}
