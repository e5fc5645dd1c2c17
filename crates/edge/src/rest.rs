//! S3's way of REST: paths in both styles, payload markers, and bodies with a framing of their own.

use crate::unread::Incoming;
use api::Caller;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Uri, Version, header};
use wire::aws_chunked::{ChunkSigner, Decoder, Framing};
use wire::sigv4::{Claim, SigningKey};
use wire::{
    Decoded, Matched, OperationEntry, OperationShape, RequestParts, Route, RouteError, ServiceError, ServiceShape,
    decode_request, route,
};

use crate::authenticate::{Chunks, Proven, body_hash};
use crate::body::{CollectError, Promise, collect, stream};
use crate::budget::Reservation;
use crate::checksum;
use crate::evidence::{Evidence, hoist, payload_marker};
use crate::failures::{collect_error, route_error, stream_error};
use crate::front::{Asked, Edge};
use crate::hosts::bucket_of_host;
use crate::misplaced;
use crate::mount::Mount;
use crate::pipeline::Ready;
use crate::post::no_form;
use crate::reads;
use crate::refuse::{Refusal, refusal_error};
use crate::subresources;
use crate::trace::{SentUri, Trace, text_header};
use crate::web::bucket_of;

impl Edge {
    /// REST: method, path and query name the operation; the body may be a stream.
    pub(crate) async fn rest<'a>(
        &self,
        mount: &'a Mount,
        asked: Asked<'a>,
        body: Incoming,
        memory: &mut Reservation,
        trace: &mut Trace,
    ) -> Result<Ready<'a>, ServiceError> {
        let Asked { parts, claim, query, .. } = asked;
        let query = query.map_err(|error| trace.protocol.refusal(error))?;
        let found = route(mount.service, &parts.method, parts.uri.path(), &query, &parts.headers);
        let marker = payload_marker(claim, &parts.headers);
        let is_dev = self.dev_for(parts, claim).is_some();
        if matches!(claim, Ok(Evidence::V4(_))) && marker.is_empty() && !is_dev {
            let text = "Missing required header for this request: x-amz-content-sha256";
            return Err(ServiceError::bad_request("InvalidRequest", text));
        }
        check_marker(&marker)?;
        let known = self.identify(claim, parts, trace).await?;
        let proven = known.map(|known| self.prove(known, parts, &marker, trace)).transpose()?;
        let matched = found.map_err(route_error).and_then(|matched| whole(matched, &query));
        let matched = matched.map_err(|error| with_resource(error, parts, &query))?;
        trace.operation = matched.operation.name;
        misplaced::check(parts, &query)?;
        let operation = implemented(mount.service, matched.operation)?;
        let framing = Framing::from_marker(&marker);
        let limit = if proven.is_some() { self.limits.body_bytes } else { self.limits.unsigned_body_bytes };
        let mut headers = parts.headers.clone();
        hoist(claim, &query, &mut headers);
        if framing.is_some() {
            strip_chunked(&mut headers);
        }
        let mut request =
            RequestParts { method: parts.method.clone(), labels: matched.labels, query, headers, body: Bytes::new() };
        let signed_hash = (marker.len() == 64).then(|| marker.to_ascii_lowercase());
        let stream = if operation.has_streaming_input || framing.is_some() {
            let promise = promise(parts, framing, signed_hash, claim.as_ref().ok(), proven.as_ref())?;
            Some(stream(body, promise, &self.limits))
        } else {
            request.body =
                collect(body, limit, &self.limits, memory).await.map_err(|e| collect_error(trace.family(), e))?;
            if let Some(sent) = signed_hash {
                let computed = body_hash(&request.body);
                if computed != sent {
                    return Err(refusal_error(trace, Refusal::Payload { sent, computed }, claim.as_ref().ok()));
                }
            }
            None
        };
        let mut trailers = None;
        let stream = match stream {
            // A framed body of an operation that wants it whole, as some SDKs send DeleteObjects.
            Some(stream) if !operation.has_streaming_input => {
                trailers = stream.trailers();
                let announced = stream.length().and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
                if announced > limit {
                    return Err(collect_error(trace.family(), CollectError::TooLarge(limit)));
                }
                let grown = memory.grow_to(announced, self.limits.held_wait).await;
                grown.map_err(|error| collect_error(trace.family(), error.into()))?;
                request.body = stream.collect(limit).await.map_err(stream_error)?;
                None
            }
            other => other,
        };
        if stream.is_none() {
            let trailers = trailers.as_ref().and_then(|trailers| trailers.get()).map_or(&[][..], Vec::as_slice);
            // What completes an upload says in such headers what its parts together must have.
            let is_of_body = operation.name != "CompleteMultipartUpload";
            let is_required = checksum::is_required(operation);
            checksum::check(&parts.headers, trailers, &request.body, is_of_body, is_required)?;
        }
        reads::check(operation.name, &request.headers)?;
        let value = decode_request(trace.protocol, operation, &request).map_err(|e| trace.protocol.refusal(e))?;
        let caller = proven.map_or(Caller::ANONYMOUS, |proven| proven.caller);
        Ok(Ready { mount, operation, decoded: Decoded { value, body: stream }, caller })
    }
}

/// Refuses a `POST` that says nothing of what it is for.
fn whole(matched: Matched, query: &[(String, Option<String>)]) -> Result<Matched, ServiceError> {
    let lacks = |route: &Route| {
        route.method == "POST" && route.required_query.iter().any(|name| !query.iter().any(|(given, _)| given == name))
    };
    match matched.operation.route {
        Some(ref route) if lacks(route) => Err(route_error(RouteError::MethodNotAllowed)),
        _ => Ok(matched),
    }
}

/// What was not allowed, on what, and what is. A `POST` to a bucket should have been a form.
fn with_resource(error: ServiceError, parts: &Parts, query: &[(String, Option<String>)]) -> ServiceError {
    if error.status != 405 {
        return error;
    }
    let (bucket, has_key) = bucket_of(parts.uri.path());
    let named = subresources::named(&bucket, has_key, query);
    if parts.method == Method::POST && named.name == "BUCKET" {
        return no_form();
    }
    let error = error.with_field("Method", parts.method.as_str()).with_field("ResourceType", named.name);
    match named.methods {
        Some(methods) => error.with_header("Allow", methods),
        None => error,
    }
}

pub(crate) fn implemented(
    service: &ServiceShape,
    entry: &OperationEntry,
) -> Result<&'static OperationShape, ServiceError> {
    entry.shape.ok_or_else(|| refusal(service, entry))
}

/// Why an operation is not done: S3 itself has given some up, for all but those who used them before.
/// Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/selecting-content-from-objects.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTorrent.html>.
fn refusal(service: &ServiceShape, entry: &OperationEntry) -> ServiceError {
    let (method, resource_type) = match (service.name, entry.name) {
        ("s3", "GetObjectTorrent") => ("GET", "TORRENT"),
        ("s3", "SelectObjectContent") => ("POST", "SELECT"),
        _ => return service.not_implemented(entry),
    };
    ServiceError::sender("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
        .with_field("Method", method)
        .with_field("ResourceType", resource_type)
}

/// Refuses a payload marker that says nothing of the body: it would go unverified.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
pub(crate) fn check_marker(marker: &str) -> Result<(), ServiceError> {
    let is_hash = marker.len() == 64 && marker.bytes().all(|byte| byte.is_ascii_hexdigit());
    if marker.is_empty() || is_hash || marker == "UNSIGNED-PAYLOAD" || Framing::from_marker(marker).is_some() {
        return Ok(());
    }
    let text = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.";
    Err(ServiceError::bad_request("InvalidArgument", text)
        .with_field("ArgumentName", "x-amz-content-sha256")
        .with_field("ArgumentValue", marker))
}

/// What the headers promise of a body that will be streamed.
pub(crate) fn promise(
    parts: &Parts,
    framing: Option<Framing>,
    sha256: Option<String>,
    claim: Option<&Evidence>,
    proven: Option<&Proven>,
) -> Result<Promise, ServiceError> {
    let number = |name: &str| text_header(parts, name).parse::<u64>().ok();
    let missing_length = || {
        let text = "You must provide the Content-Length HTTP header.";
        ServiceError::sender("MissingContentLength", 411, text)
    };
    let Some(framing) = framing else {
        // Over HTTP/2 nobody has sent that header: it is ours, and stands for a length that is not known.
        if parts.headers.contains_key(header::TRANSFER_ENCODING) && parts.version != Version::HTTP_2 {
            let text = "A header you provided implies functionality that is not implemented";
            return Err(ServiceError::sender("NotImplemented", 501, text).with_field("Header", "Transfer-Encoding"));
        }
        let length = number("content-length").ok_or_else(missing_length)?;
        return Ok(Promise { length: Some(length), sha256, framing: None });
    };
    let length = number("x-amz-decoded-content-length").ok_or_else(missing_length)?;
    let decoder = match (proven.map(|proven| &proven.chunks), claim.and_then(Evidence::v4)) {
        (Some(Chunks::Unchecked), _) => Decoder::unchecked(framing),
        (Some(Chunks::Key(key)), Some(claim)) => Decoder::new(framing, Some(chunk_signer(key, claim))),
        _ => Decoder::new(framing, None),
    };
    Ok(Promise { length: Some(length), sha256: None, framing: Some(decoder) })
}

fn chunk_signer(key: &SigningKey, claim: &Claim) -> ChunkSigner {
    ChunkSigner {
        key: key.clone(),
        amz_date: claim.amz_date.clone(),
        scope: claim.scope.to_string(),
        seed: claim.signature.clone(),
    }
}

/// Takes `aws-chunked` out of the content encodings, and puts the length that counts in place of the framed one.
pub(crate) fn strip_chunked(headers: &mut http::HeaderMap) {
    if let Some(value) = headers.remove(header::CONTENT_ENCODING) {
        let text = value.to_str().unwrap_or_default();
        let rest: Vec<&str> = text.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked").collect();
        if let Ok(value) = HeaderValue::from_str(&rest.join(","))
            && !value.is_empty()
        {
            headers.insert(header::CONTENT_ENCODING, value);
        }
    }
    headers.remove(header::CONTENT_LENGTH);
    if let Some(length) = headers.get("x-amz-decoded-content-length").cloned() {
        headers.insert(header::CONTENT_LENGTH, length);
    }
}

/// Rewrites a virtual-hosted S3 request to path style. The signature was made of the path as sent, so only routing
/// may see the new one; the old is kept in the extensions.
pub(crate) fn to_path_style(parts: &mut Parts) {
    let Some(bucket) = bucket_of_host(parts).map(str::to_ascii_lowercase) else { return };
    let path_and_query = parts.uri.path_and_query().map_or("/", |both| both.as_str());
    if let Ok(uri) = format!("/{}{path_and_query}", bucket).parse::<Uri>() {
        parts.extensions.insert(SentUri(std::mem::replace(&mut parts.uri, uri)));
    }
}
