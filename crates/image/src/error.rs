//! Why an image could not be built or read.

use std::path::{Path, PathBuf};

/// Why an image could not be built or read.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A program that the build needs is not installed.
    #[error("{program} is not installed; {remedy}")]
    MissingProgram {
        /// The program.
        program: String,
        /// The command that installs it.
        remedy: String,
    },
    /// A program that the build needs failed or took too long.
    #[error("{command}: {cause}; {remedy}")]
    ProgramFailed {
        /// The program and its arguments.
        command: String,
        /// How it ended, with the last lines that it printed.
        cause: String,
        /// What usually mends it.
        remedy: String,
    },
    /// A package does not have a file that the image needs.
    #[error("package {package} has no {file}; delete the package cache and build again")]
    MissingFile {
        /// The package.
        package: String,
        /// The file that was looked for.
        file: String,
    },
    /// A file could not be read or written.
    #[error("{doing} {}", path.display())]
    File {
        /// What was being done, such as `write`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// The manifest is not one, or it is of another shape than this version of Welkin knows.
    #[error("{} is not a valid image manifest: {cause}", path.display())]
    InvalidManifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
}

/// Names the file and the act in an error of the file system.
pub(crate) fn file_error(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ImageError {
    move |cause| ImageError::File { doing, path: path.to_owned(), cause }
}
