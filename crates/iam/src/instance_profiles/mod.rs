//! Instance profiles: what hands a role to an instance.

mod record;

pub use record::InstanceProfileRecord;
