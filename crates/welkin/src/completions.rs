//! `welkin completions`: what completes commands and options in a shell.

use std::io;

use anyhow::{Context, Result};
use clap::{Command, ValueEnum};
use clap_complete::aot::{Generator, Shell as Known};

/// A shell that we write completions for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// The Z shell.
    Zsh,
    /// Fish.
    Fish,
}

/// Prints the completions of `command`.
///
/// # Errors
/// If nobody takes them.
pub fn print(shell: Shell, command: &mut Command) -> Result<()> {
    let shell = match shell {
        Shell::Bash => Known::Bash,
        Shell::Zsh => Known::Zsh,
        Shell::Fish => Known::Fish,
    };
    command.set_bin_name("welkin");
    command.build();
    shell.try_generate(command, &mut io::stdout().lock()).context("cannot print")
}
