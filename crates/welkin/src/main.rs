//! The `welkin` binary: command line, settings, and which engine and host a region stands on.
//! Not here: anything that a region does once it is open.
#![forbid(unsafe_code)]

mod audit_trail;
mod cli;
mod data_dir;
mod doctor;
mod down;
mod env;
mod hosts;
mod image;
mod reconcilers;
mod settings;
mod up;
mod watching;

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
