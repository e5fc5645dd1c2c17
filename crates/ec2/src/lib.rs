//! EC2: instances, images, key pairs, security groups, and the default network that each account begins with.
//! Not here: machines, taps and firewalls. Operations write what is wanted; [`InstanceReconciler`] hands it to the node
//! and writes down what the node sees.
#![forbid(unsafe_code)]

mod bind;
mod digest;
mod error;
mod filters;
mod grounds;
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
use api::iam::IamApi;
use host::Node;
use service::{Refusal, Runner, Service};
use wire::ServiceError;

pub use error::Ec2Error;
pub use images::{BuiltinImage, ImageSource, register_builtin};
pub use instances::profiles::{AssociationRecord, InstanceCredentialsRecord, IssuedCredentials, instance_profiles};
pub use instances::{InstanceReconciler, InstanceRecord, InstanceState};
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
    iam: Arc<dyn IamApi>,
}

impl Ec2 {
    /// EC2 over a runner. The node is asked for console output and nothing else; IAM, for the instance profiles that
    /// requests name.
    pub fn new(runner: Runner, node: Arc<dyn Node>, iam: Arc<dyn IamApi>) -> Self {
        Self { runner, node, iam }
    }

    pub(crate) fn iam(&self) -> &dyn IamApi {
        &*self.iam
    }
}

impl Service for Ec2 {
    const NAME: &'static str = "ec2";

    fn runner(&self) -> &Runner {
        &self.runner
    }

    fn unauthorized(call: &Call, refusal: &Refusal) -> ServiceError {
        // What has no resource is not said to be on any.
        let resource = refusal.need.resource.as_ref().map(ids::Arn::as_str);
        let why = refusal.message_on(&call.caller, resource);
        let mut text = format!("You are not authorized to perform this operation. {why}");
        if let Some(encoded) = &refusal.encoded {
            text.push_str(". Encoded authorization failure message: ");
            text.push_str(encoded);
        }
        ServiceError::sender("UnauthorizedOperation", 403, text)
    }
}
