//! images

pub(crate) mod record;
