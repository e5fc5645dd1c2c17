//! Requests of S3, from the request line to the tree.

use bytes::Bytes;
use wire::{Protocol, RequestParts, decode_request, parse_query, route};

use crate::input::Request;
use crate::value::{assert_fits, count};

/// See [`crate::TARGETS`].
pub(crate) fn s3(bytes: &[u8]) {
    let Some(request) = Request::read(bytes) else { return };
    let Ok(query) = parse_query(request.query) else { return };
    let service = &api::s3::SERVICE;
    let headers = request.header_map(false);
    let Ok(found) = route(service, &request.method, request.path, &query, &headers) else { return };
    let turned: Vec<_> = query.iter().rev().cloned().collect();
    let again = route(service, &request.method, request.path, &turned, &request.header_map(true));
    let again = again.map(|found| found.operation.name).ok();
    assert_eq!(again, Some(found.operation.name), "the order of query and headers decides");
    let path = wire::decode_path(request.path).unwrap_or_default();
    for (name, label) in &found.labels {
        assert!(path.contains(label.as_str()) && !label.is_empty(), "{name} is not in the path");
    }
    let Some(operation) = found.operation.shape else { return };
    let parts = RequestParts {
        method: request.method.clone(),
        labels: found.labels,
        query,
        headers,
        body: Bytes::copy_from_slice(if operation.has_streaming_input { &[] } else { request.body }),
    };
    match decode_request(Protocol::RestXml, operation, &parts) {
        Ok(value) => {
            if let Some(shape) = operation.input {
                assert_fits(shape, &value);
                assert!(count(&value) <= 1 + 2 * bytes.len(), "more values than the request can pay for");
            }
        }
        Err(error) => assert!((400..500).contains(&Protocol::RestXml.refusal(error).status)),
    }
}
