//! The language as AWS documents it, table by table.

mod elements;
mod evaluation;
mod examples;
mod operators;
mod support;
mod validation;
