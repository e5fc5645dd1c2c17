//! The project's own chores: `cargo xtask {codegen,tidy,coverage}`.
#![forbid(unsafe_code)]

mod codegen;
mod coverage;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

const USAGE: &str = "usage: cargo xtask <codegen [--check] [--models DIR] | coverage [--check] | tidy>";

/// The root of the repository.
fn root() -> anyhow::Result<PathBuf> {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(parent.context("xtask lies in the repository's root")?.to_owned())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("codegen") => {
            let (mut models, mut is_check) = (None, false);
            while let Some(argument) = arguments.next() {
                match argument.as_str() {
                    "--check" => is_check = true,
                    "--models" => models = Some(PathBuf::from(arguments.next().context("--models takes a folder")?)),
                    other => anyhow::bail!("{other}? {USAGE}"),
                }
            }
            codegen::run(&root()?, models, is_check)
        }
        Some("coverage") => match arguments.next().as_deref() {
            None => coverage::run(&root()?, false),
            Some("--check") => coverage::run(&root()?, true),
            Some(other) => anyhow::bail!("{other}? {USAGE}"),
        },
        Some("tidy") => tidy::run(&root()?),
        _ => anyhow::bail!(USAGE),
    }
}
