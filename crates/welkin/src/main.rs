//! The `welkin` binary: command line, settings, and which engine and host a region stands on.
//! Not here: anything that a region does once it is open.
#![forbid(unsafe_code)]

mod account;
mod addresses;
mod audit_trail;
mod backing;
mod backup;
mod bucket_hosts;
mod certificate;
mod cli;
mod completions;
mod console;
mod convert;
mod data_dir;
mod descriptors;
mod dev;
mod doctor;
mod down;
mod driver;
mod env;
mod explain;
mod hosts;
mod image;
mod lifecycle;
mod login;
mod new_buckets;
mod notify;
mod object_key;
mod orphans;
mod own_certificate;
mod processes;
mod reconcilers;
mod restart;
mod restore;
mod session;
mod settings;
mod signals;
mod space;
mod standing;
mod up;
mod watching;

use std::process::ExitCode;

/// That of the C library gives a fifth of a busy region's time to itself (`DescribeInstances`, `HeadObject`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("welkin: {error:#}");
            // As the parser of the command line ends: what was asked for is no sense, and was not tried.
            if error.is::<settings::Wrong>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
