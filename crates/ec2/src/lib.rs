//! EC2: instances, images, key pairs, security groups, and the default network that each account begins with.
//! Not here: machines, taps and firewalls. Operations write what is wanted; [`InstanceReconciler`] hands it to the node
//! and writes down what the node sees.
#![forbid(unsafe_code)]

mod bind;
mod digest;
mod error;
mod filters;
mod images;
mod instances;
mod key_pairs;
mod network;
mod paging;
mod scan;
mod security_groups;
mod tables;
mod tags;
mod text;

use std::sync::Arc;

use api::Call;
use host::Node;
use service::{Refusal, Runner, Service};
use wire::ServiceError;

pub use error::Ec2Error;
pub use images::{BuiltinImage, ImageSource, register_builtin};
pub use instances::InstanceReconciler;
pub use network::{DefaultNetwork, default_network};
pub use tables::prepare;

/// What is stored, for whoever holds the rows to what is claimed of them.
#[cfg(feature = "hostile")]
pub mod records {
    pub use crate::images::record::ImageRecord;
    pub use crate::instances::record::InstanceRecord;
    pub use crate::key_pairs::record::KeyPairRecord;
    pub use crate::network::record::{PrivateAddressRecord, PublicAddressRecord, SubnetRecord, VpcRecord};
    pub use crate::security_groups::record::SecurityGroupRecord;
    pub use crate::tags::record::TagRecord;
}

/// EC2.
#[derive(Clone)]
pub struct Ec2 {
    runner: Runner,
    node: Arc<dyn Node>,
}

impl Ec2 {
    /// EC2 over a runner. The node is asked for console output and nothing else.
    pub fn new(runner: Runner, node: Arc<dyn Node>) -> Self {
        Self { runner, node }
    }
}

impl Service for Ec2 {
    const NAME: &'static str = "ec2";

    fn runner(&self) -> &Runner {
        &self.runner
    }

    fn unauthorized(call: &Call, refusal: &Refusal) -> ServiceError {
        let text = format!("You are not authorized to perform this operation. {}", refusal.message(&call.caller));
        ServiceError::sender("UnauthorizedOperation", 403, text)
    }
}
