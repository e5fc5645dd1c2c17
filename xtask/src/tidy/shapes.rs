//! Every record has a golden file of every version of its stored shape: rows of all of them may be in somebody's store.
//! That the files read as they should, and that the newest one is what is written today, `check_shapes` in each
//! crate's tests says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{Complaint, File};

/// A table that the code has.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    /// The file and the line where it is named.
    place: String,
    /// The crate.
    package: String,
    name: String,
    version: u16,
}

pub(crate) fn check(root: &Path, files: &[File]) -> Vec<Complaint> {
    let tables: Vec<Table> = files.iter().flat_map(tables).collect();
    let packages: BTreeSet<String> = files.iter().filter_map(|file| package(&file.path)).map(str::to_owned).collect();
    let mut found = BTreeSet::new();
    for package in packages {
        let folder = format!("crates/{package}/tests/shapes");
        let Ok(entries) = fs::read_dir(root.join(&folder)) else { continue };
        found.extend(entries.flatten().map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy())));
    }
    compare(&tables, &found)
}

fn compare(tables: &[Table], found: &BTreeSet<String>) -> Vec<Complaint> {
    let mut wanted = BTreeSet::new();
    let mut complaints = Vec::new();
    for table in tables {
        for version in 1..=table.version {
            let name = table.name.replace('/', ".");
            let file = format!("crates/{}/tests/shapes/{name}.v{version}.json", table.package);
            if !found.contains(&file) {
                complaints.push(Complaint::new(
                    &table.place,
                    format!("version {version} of table {} has no golden file", table.name),
                    format!(
                        "give the record to check_shapes in a test, and run that once with BLESS=1; it makes {file}"
                    ),
                ));
            }
            wanted.insert(file);
        }
    }
    for file in found.difference(&wanted) {
        complaints.push(Complaint::new(
            file,
            "no record has a table and version like this",
            "rows of it may be in somebody's store: keep the record that reads them, or migrate them",
        ));
    }
    complaints
}

fn package(path: &str) -> Option<&str> {
    let (package, rest) = path.strip_prefix("crates/")?.split_once('/')?;
    // The tables of `store` itself are its tests'.
    (rest.starts_with("src/") && package != "store").then_some(package)
}

/// The tables that a file names, apart from those of its tests.
fn tables(file: &File) -> Vec<Table> {
    let Some(package) = package(&file.path) else { return Vec::new() };
    if file.path.contains("/tests") || file.path.contains("/conformance") {
        return Vec::new();
    }
    let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut tables: Vec<Table> = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let value = |start: &str| line.trim().strip_prefix(start).and_then(|rest| rest.strip_suffix(';'));
        if let Some(name) = value("const TABLE: &'static str = ") {
            let (place, package) = (format!("{}:{}", file.path, index + 1), package.to_owned());
            tables.push(Table { place, package, name: name.trim_matches('"').to_owned(), version: 0 });
        }
        if let (Some(version), Some(table)) = (value("const VERSION: u16 = "), tables.last_mut())
            && table.version == 0
        {
            table.version = version.parse().unwrap_or(0);
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::{compare, tables};
    use crate::tidy::File;

    const CODE: &str = r#"
impl Record for Machine {
    const TABLE: &'static str = "test/machine";
    const VERSION: u16 = 2;
}
#[cfg(test)]
mod tests {
    const TABLE: &'static str = "test/other";
}
"#;

    #[test]
    fn every_version_of_every_table_needs_its_file() {
        let file = |path: &str| File { path: path.to_owned(), text: CODE.to_owned() };
        let found = tables(&file("crates/ec2/src/machines.rs"));
        assert_eq!((found.len(), found[0].name.as_str(), found[0].version), (1, "test/machine", 2));
        for elsewhere in ["crates/ec2/src/tests/machines.rs", "crates/store/src/tests.rs", "xtask/src/main.rs"] {
            assert_eq!(tables(&file(elsewhere)), [], "{elsewhere}");
        }
        let files = |versions: &[u8]| {
            versions.iter().map(|version| format!("crates/ec2/tests/shapes/test.machine.v{version}.json")).collect()
        };
        let wrongs = |versions: &[u8]| -> Vec<String> {
            compare(&found, &files(versions)).into_iter().map(|complaint| complaint.wrong).collect()
        };
        assert_eq!(wrongs(&[1, 2]), [""; 0]);
        assert_eq!(wrongs(&[2]), ["version 1 of table test/machine has no golden file"]);
        assert_eq!(wrongs(&[1, 2, 3]), ["no record has a table and version like this"]);
    }
}
