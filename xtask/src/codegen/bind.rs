//! The binding of a service crate: its implementation of the generated trait, one line an operation, so that the
//! list of operations is written nowhere by hand. What an operation means is `impl service::Operation<Service> for Op`.

use std::fmt::Write as _;

use super::operations::{signature, trait_name};
use super::overrides;
use super::selection::Selection;

/// The crate that implements `service`, and the file its binding goes to.
pub fn target(service: &str) -> Option<(&'static str, &'static str)> {
    match service {
        "cloudtrail" => Some(("cloudtrail", "bind.rs")),
        "ec2" => Some(("ec2", "bind.rs")),
        "iam" => Some(("iam", "bind_iam.rs")),
        "organizations" => Some(("iam", "bind_organizations.rs")),
        "s3" => Some(("s3", "bind.rs")),
        "s3control" => Some(("s3", "bind_control.rs")),
        "sts" => Some(("iam", "bind_sts.rs")),
        _ => None,
    }
}

/// The type in that crate that implements the trait.
fn implementor(service: &str) -> &'static str {
    match service {
        "cloudtrail" => "CloudTrail",
        "ec2" => "Ec2",
        "iam" => "Iam",
        "organizations" => "Organizations",
        "s3" => "S3",
        "s3control" => "S3Control",
        _ => "Sts",
    }
}

/// The text of the binding.
pub fn binding(selection: &Selection<'_>) -> String {
    let service = selection.service;
    let mut out = format!(
        "//! Binds the operations of {} to their meaning.\n\nuse api::Call;\nuse api::{service}::{{self as generated, {}}};\n\
         use service::Service;\nuse wire::{{BoxFuture, ServiceError}};\n\nimpl {} for crate::{} {{\n",
        selection.model.metadata.service_id,
        trait_name(service),
        trait_name(service),
        implementor(service),
    );
    for operation in selection.operations.values() {
        let (method, input, output) = signature(selection, operation);
        let (input, output) = (input.replace("types::", "generated::"), output.replace("types::", "generated::"));
        let is_streaming = selection.is_streaming(operation.input.as_ref())
            || selection.is_streaming(operation.output.as_ref())
            || overrides::reads_beside_the_store(service, &operation.name);
        let run = if is_streaming { "run_streaming" } else { "run" };
        // Writing to a string can't fail.
        let _ = writeln!(
            out,
            "fn {method}(&self, call: Call, input: {input}) -> BoxFuture<'_, Result<{output}, ServiceError>> {{\n\
             Box::pin(self.runner().{run}::<Self, generated::{}>(self, call, input))\n}}\n",
            operation.name
        );
    }
    out.push_str("}\n");
    out
}
