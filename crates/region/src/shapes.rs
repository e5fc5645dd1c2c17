//! Rows written by any released version must be read for ever.

use store::conformance::check_shapes;

use crate::home::HomeRecord;
use crate::lease::{BeatRecord, LeaseRecord};

const SHAPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes");

#[test]
fn stored_shapes() {
    let name = || "reconcilers".to_owned();
    check_shapes(SHAPES, &[(1, HomeRecord { name: "home".into(), tag: "abcdef".into() })]);
    check_shapes(SHAPES, &[(1, LeaseRecord { name: name(), term: 3, holder: Some("process-1 (pid 4711)".into()) })]);
    check_shapes(SHAPES, &[(1, BeatRecord { name: name(), term: 3, count: 7 })]);
}
