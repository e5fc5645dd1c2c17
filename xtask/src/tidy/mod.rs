//! `cargo xtask tidy`: the project's own rules, those that a compiler does not know. Each complaint names the place, the
//! rule and what mends it.
//! Not here: formatting (rustfmt), habits of the language (clippy), licences and duplicates (cargo-deny).

mod arrows;
mod documents;
mod shapes;
mod source;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// A rule that is broken somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Complaint {
    /// The file, from the repository's root, with `:line` where there is one.
    place: String,
    /// What is wrong.
    wrong: String,
    /// What to do about it.
    remedy: String,
}

impl Complaint {
    fn new(place: impl Into<String>, wrong: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place: place.into(), wrong: wrong.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}\n    {}", self.place, self.wrong, self.remedy)
    }
}

/// A file of the repository, with its path from the root.
#[derive(Debug, Clone)]
pub(crate) struct File {
    path: String,
    text: String,
}

/// Checks the repository below `root`.
///
/// # Errors
/// A rule that is broken; all of them are printed.
pub fn run(root: &Path) -> anyhow::Result<()> {
    let files = read_all(root)?;
    let mut complaints = arrows::check(&arrows::read(root)?);
    complaints.extend(source::check(&files));
    complaints.extend(documents::check(root, &files));
    complaints.extend(shapes::check(root, &files));
    complaints.sort();
    complaints.dedup();
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    ensure!(complaints.is_empty(), "tidy: {} complaints", complaints.len());
    Ok(())
}

/// Folders that hold what is made or fetched.
const NOT_OURS: [&str; 8] =
    [".cache", ".git", ".pytest_cache", ".venv", ".venv-2020", "__pycache__", "node_modules", "target"];

fn read_all(root: &Path) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let full = root.join(&folder);
        for entry in fs::read_dir(&full).with_context(|| full.display().to_string())? {
            let entry = entry?;
            let name = entry.file_name();
            let path = folder.join(&name);
            if entry.file_type()?.is_dir() {
                if !NOT_OURS.iter().any(|other| name == *other) {
                    folders.push(path);
                }
            } else if is_text(&path) {
                let text = fs::read_to_string(entry.path()).with_context(|| path.display().to_string())?;
                files.push(File { path: path.to_string_lossy().into_owned(), text });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn is_text(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("rs" | "md" | "toml" | "py" | "txt" | "sh"))
        || path.file_name().is_some_and(|name| name == "Makefile" || name == "BOTOCORE_VERSION")
        || path.starts_with("scripts")
        || path.starts_with(".ci")
}
