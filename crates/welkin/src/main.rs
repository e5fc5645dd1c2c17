//! The `welkin` binary: command line, settings, and which engine and host a region stands on.
//! Not here: anything that a region does once it is open.
#![forbid(unsafe_code)]

mod cli;
mod data_dir;
mod doctor;
mod down;
mod driver;
mod env;
mod hosts;
mod image;
mod processes;
mod reconcilers;
mod settings;
mod standing;
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
