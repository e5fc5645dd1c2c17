//! The `welkin` binary: command line, settings, and which engine and host a region stands on.
//! Not here: anything that a region does once it is open.
#![forbid(unsafe_code)]

mod backup;
mod cli;
mod convert;
mod data_dir;
mod doctor;
mod down;
mod env;
mod hosts;
mod image;
mod reconcilers;
mod restore;
mod settings;
mod up;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("welkin: {error:#}");
            ExitCode::FAILURE
        }
    }
}
