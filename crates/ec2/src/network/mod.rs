//! network

pub(crate) mod record;
