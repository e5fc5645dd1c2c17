//! Services with one operation, which takes nothing and gives nothing.

use wire::{OperationEntry, OperationShape, Protocol, ServiceShape, Shape};

static NOTHING: Shape = Shape::structure("Nothing", &[]);
pub static OPERATION: OperationShape = OperationShape {
    name: "GetThing",
    input: Some(&NOTHING),
    output: Some(&NOTHING),
    status: 200,
    output_root: "GetThingResponse",
    is_output_unwrapped: false,
    has_streaming_input: false,
    has_streaming_output: false,
    requires_checksum: false,
    errors: &[],
    host_prefix: "",
};
static BY_NAME: [OperationEntry; 1] = [OperationEntry::new("GetThing").shape(&OPERATION)];

/// A service that speaks these protocols.
pub const fn service(name: &'static str, protocols: &'static [Protocol]) -> ServiceShape {
    ServiceShape {
        name,
        service_id: name,
        endpoint_prefix: name,
        signing_name: name,
        protocols,
        api_version: "2020-01-01",
        xml_namespace: "",
        target_prefix: None,
        has_bare_errors: false,
        has_whole_seconds: false,
        is_query_compatible: false,
        errors: &[],
        operations: &BY_NAME,
    }
}
