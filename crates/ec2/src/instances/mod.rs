//! Instances: launched, looked at, rebooted, terminated, and made real by [`InstanceReconciler`].
//! An instance's disk is instance store: it goes with the instance. So an instance cannot be stopped yet, only
//! terminated.

mod addresses;
mod assignment;
mod console;
mod describe;
mod describe_status;
mod describe_type_offerings;
mod describe_types;
mod find;
mod launch;
mod launch_needs;
mod launch_request;
mod launch_where;
mod metadata;
mod observe;
mod present;
pub(crate) mod profiles;
mod reboot;
mod reconcile;
pub(crate) mod record;
pub(crate) mod states;
mod terminate;
#[cfg(test)]
mod tests;
pub(crate) mod types;

pub use reconcile::InstanceReconciler;
pub use record::InstanceRecord;
pub use states::InstanceState;

/// The name of an instance's root disk within the instance.
pub(crate) const ROOT_DEVICE: &str = "/dev/vda";
