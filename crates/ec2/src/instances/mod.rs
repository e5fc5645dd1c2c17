//! instances

pub(crate) mod record;
pub(crate) mod states;
