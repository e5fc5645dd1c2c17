//! One search for all targets of `hostile`: `FUZZ_TARGET=dns fuzz [options of libFuzzer] [folders]`.
//! Not here: what is claimed of a target; and how the search is bounded, which `scripts/fuzz` says.
#![forbid(unsafe_code)]
#![no_main]

use std::sync::OnceLock;

use hostile::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    static CHOSEN: OnceLock<&Target> = OnceLock::new();
    let target = CHOSEN.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("FUZZ_TARGET is one of {names:?}"))
    });
    (target.check)(bytes);
});
