//! The language as AWS documents it, table by table.

mod elements;
mod evaluation;
mod operators;
mod support;
mod validation;
