//! Organizations: what binds an account from above.

pub(crate) mod effective;
