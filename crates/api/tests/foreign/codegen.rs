//! The generator's own reading of a model, so that the test proves the rules by which `crates/api` is made.
#![allow(dead_code, missing_docs, reason = "the generator uses the rest")]

#[path = "../../../../xtask/src/codegen/facts.rs"]
pub mod facts;
#[path = "../../../../xtask/src/codegen/model.rs"]
pub mod model;
#[path = "../../../../xtask/src/codegen/names.rs"]
pub mod names;
#[path = "../../../../xtask/src/codegen/order.rs"]
pub mod order;
#[path = "../../../../xtask/src/codegen/overrides.rs"]
pub mod overrides;
