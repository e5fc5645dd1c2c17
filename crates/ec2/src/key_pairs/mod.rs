//! key_pairs

pub(crate) mod record;
