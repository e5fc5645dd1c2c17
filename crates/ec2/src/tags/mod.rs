//! tags

pub(crate) mod record;
