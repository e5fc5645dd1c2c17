//! security_groups

pub(crate) mod record;
