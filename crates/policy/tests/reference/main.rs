//! The decision beside a second one, written naively from AWS's pages on the JSON itself, over random policies and
//! requests; and what must hold of any decision.

mod evaluator;
mod generate;
mod properties;
