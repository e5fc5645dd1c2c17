//! The schema of a service: its names, its operations and their HTTP routes.

use crate::error::{DecodeError, ServiceError};
use crate::protocol::{Protocol, rest_xml_refusal};
use crate::shape::Shape;

/// A service of AWS's, as far as its model describes it.
#[derive(Debug)]
pub struct ServiceShape {
    /// Our name for it, such as `ec2`: the module and the operations file.
    pub name: &'static str,
    /// The model's `serviceId`, such as `EC2`.
    pub service_id: &'static str,
    /// The first label of its host names, such as `monitoring`.
    pub endpoint_prefix: &'static str,
    /// The service in a SigV4 credential scope.
    pub signing_name: &'static str,
    /// All protocols the service speaks, the model's favourite first.
    pub protocols: &'static [Protocol],
    /// The `Version` parameter, such as `2016-11-15`.
    pub api_version: &'static str,
    /// The namespace of its XML answers; empty if the model names none.
    pub xml_namespace: &'static str,
    /// What stands before the dot in `X-Amz-Target`.
    pub target_prefix: Option<&'static str>,
    /// XML errors are a bare `<Error>` instead of an `<ErrorResponse>`: S3.
    pub has_bare_errors: bool,
    /// Times in its answers, where they are texts, have no fraction of a second: IAM, STS.
    pub has_whole_seconds: bool,
    /// It once spoke `query`, and tells clients of that time the codes they know in a header.
    pub is_query_compatible: bool,
    /// The errors that the model lists for implemented operations, sorted by name.
    pub errors: &'static [ErrorShape],
    /// Every operation of the model, sorted by name.
    pub operations: &'static [OperationEntry],
}

impl ServiceShape {
    /// The entry of the operation called `name`, or none if AWS has no such operation.
    pub fn find(&self, name: &str) -> Option<&'static OperationEntry> {
        let position = self.operations.binary_search_by(|entry| entry.name.cmp(name)).ok()?;
        self.operations.get(position)
    }

    /// The schema of the operation called `name`.
    ///
    /// # Errors
    /// AWS's error for a name it does not know, or for an operation this build does not implement.
    pub fn resolve(&self, name: &str) -> Result<&'static OperationShape, ServiceError> {
        let entry = self.find(name).ok_or_else(|| {
            let message = format!("The action {name} is not valid for this web service.");
            ServiceError::bad_request("InvalidAction", message)
        })?;
        entry.shape.ok_or_else(|| self.not_implemented(entry))
    }

    /// As [`ServiceShape::resolve`], with the error that `protocol` has for a name nobody knows.
    ///
    /// # Errors
    /// As [`ServiceShape::resolve`].
    pub fn resolve_in(&self, protocol: Protocol, name: &str) -> Result<&'static OperationShape, ServiceError> {
        match protocol {
            Protocol::Json { .. } | Protocol::Cbor if self.find(name).is_none() => {
                Err(ServiceError::bad_request("UnknownOperationException", ""))
            }
            _ => self.resolve(name),
        }
    }

    /// What AWS answers to a request to this service, written in `protocol`, that does not fit its schema.
    pub fn refusal(&self, protocol: Protocol, error: DecodeError) -> ServiceError {
        match protocol {
            Protocol::RestXml if !self.has_bare_errors => rest_xml_refusal(&error).because(error),
            _ => protocol.refusal(error),
        }
    }

    /// What the model says of the error `code`, which is a shape's name or a code on the wire.
    pub fn error(&self, code: &str) -> Option<&'static ErrorShape> {
        let named = self.errors.binary_search_by(|error| error.name.cmp(code)).ok();
        match named.and_then(|position| self.errors.get(position)) {
            None => self.errors.iter().find(|error| error.code == code),
            found => found,
        }
    }

    /// The answer to a known operation that this build does not implement.
    pub fn not_implemented(&self, entry: &OperationEntry) -> ServiceError {
        if self.has_bare_errors {
            let message = "A header or query you provided requested a function that is not implemented.";
            return ServiceError::receiver("NotImplemented", 501, message);
        }
        let message = format!("The operation {} is not supported.", entry.name);
        ServiceError::bad_request("UnsupportedOperation", message)
    }
}

/// One operation of the model, implemented or not.
#[derive(Debug)]
pub struct OperationEntry {
    /// Its name, such as `RunInstances`.
    pub name: &'static str,
    /// How HTTP finds it, in the REST protocols.
    pub route: Option<Route>,
    /// Its schema if it is implemented.
    pub shape: Option<&'static OperationShape>,
    /// It may be called without a signature.
    pub is_unsigned: bool,
    /// AWS has replaced it; where two operations share a route, the other one is meant.
    pub is_deprecated: bool,
}

impl OperationEntry {
    /// An operation that is not implemented, has no route of its own and needs a signature.
    pub const fn new(name: &'static str) -> Self {
        Self { name, route: None, shape: None, is_unsigned: false, is_deprecated: false }
    }

    /// With this route.
    pub const fn route(mut self, route: Route) -> Self {
        self.route = Some(route);
        self
    }

    /// Implemented, with this schema.
    pub const fn shape(mut self, shape: &'static OperationShape) -> Self {
        self.shape = Some(shape);
        self
    }

    /// Needs no signature.
    pub const fn unsigned(mut self) -> Self {
        self.is_unsigned = true;
        self
    }

    /// Replaced by another operation.
    pub const fn deprecated(mut self) -> Self {
        self.is_deprecated = true;
        self
    }

    /// Whether this build knows what the operation means.
    pub fn is_implemented(&self) -> bool {
        self.shape.is_some()
    }
}

/// The schema of an implemented operation.
#[derive(Debug)]
pub struct OperationShape {
    /// Its name, such as `RunInstances`.
    pub name: &'static str,
    /// What it takes.
    pub input: Option<&'static Shape>,
    /// What it gives.
    pub output: Option<&'static Shape>,
    /// The status code of success.
    pub status: u16,
    /// The root element of a REST-XML answer that has no payload member.
    pub output_root: &'static str,
    /// The only body member is the root element itself: S3's `GetBucketLocation`.
    pub is_output_unwrapped: bool,
    /// The input has a byte stream.
    pub has_streaming_input: bool,
    /// The output has a byte stream.
    pub has_streaming_output: bool,
    /// The request must carry a checksum or `Content-MD5`.
    pub requires_checksum: bool,
    /// What SDKs put before the host name, such as `{AccountId}.`; empty for nearly all.
    pub host_prefix: &'static str,
    /// The errors the model lists for it, by name; [`ServiceShape::error`] says what they are.
    pub errors: &'static [&'static str],
}

/// An error the model lists.
#[derive(Debug, Clone, Copy)]
pub struct ErrorShape {
    /// The shape's name, such as `MalformedPolicyDocumentException`.
    pub name: &'static str,
    /// The code on the wire, such as `MalformedPolicyDocument`.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The caller is at fault.
    pub is_sender_fault: bool,
    /// Its members. The message is among them, under `message` or `Message`.
    pub shape: Option<&'static Shape>,
}

/// The HTTP route of an operation of a REST protocol.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path.
    pub path: &'static [Segment],
    /// Query parameters that must be there, with the value they must have if any is named.
    pub query: &'static [(&'static str, Option<&'static str>)],
    /// Query parameters that carry a required member.
    pub required_query: &'static [&'static str],
    /// Headers that carry a required member, in lower case.
    pub required_headers: &'static [&'static str],
}

/// One part of a route's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// This very text.
    Literal(&'static str),
    /// One segment, bound to the member of this wire name.
    Label(&'static str),
    /// All the rest, slashes included, bound to the member of this wire name.
    Rest(&'static str),
}
