//! Every input of `fuzz/corpus` keeps the claim of its target.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;

use hostile::TARGETS;

fn corpora() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let folders: BTreeSet<String> =
        fs::read_dir(corpora()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(folders, names);
}

#[test]
fn every_input_of_the_corpora_keeps_its_claim() {
    let mut broken = Vec::new();
    for target in TARGETS {
        let mut count = 0;
        for entry in fs::read_dir(corpora().join(target.name)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            count += 1;
            if catch_unwind(|| (target.check)(&bytes)).is_err() {
                broken.push(format!("{}: {}", path.display(), target.claim));
            }
        }
        assert!(count > 0, "{} has no input", target.name);
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
