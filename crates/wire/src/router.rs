//! Finds the operation of a REST request among all that the model knows, so that what we don't implement is named as
//! such and never mistaken for something else: `DELETE /bucket?acl` must not delete the bucket.

use http::{HeaderMap, Method};

use crate::error::DecodeError;
use crate::percent::decode_path;
use crate::service::{OperationEntry, Route, Segment, ServiceShape};

/// A route that fits.
#[derive(Debug)]
pub struct Matched {
    /// The operation, implemented or not.
    pub operation: &'static OperationEntry,
    /// The labels found in the path, by wire name, decoded.
    pub labels: Vec<(&'static str, String)>,
}

/// No route fits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The path is known, but not with this method.
    #[error("the method is not allowed for this resource")]
    MethodNotAllowed,
    /// The query names two sub-resources at once.
    #[error("the query names two sub-resources: {0} and {1}")]
    Conflict(String, String),
    /// No operation has such a path.
    #[error("no operation has this path")]
    NotFound,
    /// The path is not valid percent-encoded UTF-8.
    #[error(transparent)]
    Path(#[from] DecodeError),
}

/// The parameter by which newer SDKs name the operation of a S3 request. It only settles ties.
const OPERATION_PARAMETER: &str = "x-id";

/// Finds the operation for `method`, a raw (still percent-encoded) `path` in path style, the decoded `query` and the
/// `headers`.
///
/// # Errors
/// See [`RouteError`].
pub fn route(
    service: &ServiceShape,
    method: &Method,
    path: &str,
    query: &[(String, Option<String>)],
    headers: &HeaderMap,
) -> Result<Matched, RouteError> {
    let mut is_known_path = false;
    let mut candidates: Vec<(&'static OperationEntry, &'static Route)> = Vec::new();
    let mut subresources: Vec<&'static str> = Vec::new();
    for entry in service.operations {
        let Some(route) = &entry.route else { continue };
        if split_path(route.path, path).is_none() {
            continue;
        }
        is_known_path = true;
        for (name, _) in route.query {
            if has_parameter(query, name, None) && !subresources.contains(name) {
                subresources.push(name);
            }
        }
        if route.method == method.as_str() && route.query.iter().all(|(name, value)| has_parameter(query, name, *value))
        {
            candidates.push((entry, route));
        }
    }
    if !is_known_path {
        return Err(RouteError::NotFound);
    }
    // Of equals the first by name is meant: `GET /` without `x-id` lists buckets and not directory buckets.
    let ranked = candidates.into_iter().rev().max_by_key(|(entry, route)| rank(entry, route, query, headers));
    let (operation, route) = ranked.ok_or(RouteError::MethodNotAllowed)?;
    if let Some(other) = subresources.iter().find(|name| is_left_over(route, name)) {
        return Err(match route.query.first() {
            Some((own, _)) => RouteError::Conflict((*own).to_owned(), (*other).to_owned()),
            None => RouteError::MethodNotAllowed,
        });
    }
    let labels = split_path(route.path, path).ok_or(RouteError::NotFound)?;
    let labels =
        labels.into_iter().map(|(name, raw)| Ok((name, decode_path(raw)?))).collect::<Result<_, DecodeError>>()?;
    Ok(Matched { operation, labels })
}

/// A sub-resource that the request names and `route` does not. `list-type` is none: S3 passes over values it does not know.
fn is_left_over(route: &Route, name: &str) -> bool {
    name != "list-type" && route.query.iter().all(|(own, _)| *own != name)
}

fn has_parameter(query: &[(String, Option<String>)], name: &str, value: Option<&str>) -> bool {
    query.iter().any(|(given, text)| given == name && value.is_none_or(|value| text.as_deref() == Some(value)))
}

/// The most specific route wins: literal segments and query parameters first, then required members that are there (so
/// that a part without its number is not taken for an object), then as few missing ones as can be.
fn rank(
    entry: &OperationEntry,
    route: &Route,
    query: &[(String, Option<String>)],
    headers: &HeaderMap,
) -> (usize, usize, usize, std::cmp::Reverse<usize>, bool, bool, bool) {
    let literals = route.path.iter().filter(|segment| matches!(segment, Segment::Literal(_))).count();
    let required = route.required_query.len() + route.required_headers.len();
    let present = route.required_query.iter().filter(|name| has_parameter(query, name, None)).count()
        + route.required_headers.iter().filter(|name| headers.contains_key(**name)).count();
    (
        literals,
        route.query.len(),
        present,
        std::cmp::Reverse(required - present),
        has_parameter(query, OPERATION_PARAMETER, Some(entry.name)),
        entry.is_implemented(),
        !entry.is_deprecated,
    )
}

/// The labels of `path` by `segments`, still encoded; none if it does not fit. A slash at the end of a path counts
/// for nothing unless a key follows.
fn split_path<'a>(segments: &[Segment], path: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
    let mut labels = Vec::new();
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    for (index, segment) in segments.iter().enumerate() {
        if let Segment::Rest(name) = segment {
            // S3 Control has literals behind such a label: `/mrap/instances/{Name+}/policy`.
            for after in segments.get(index + 1..)?.iter().rev() {
                let (head, tail) = rest.rsplit_once('/')?;
                let Segment::Literal(text) = after else { return None };
                if *text != tail {
                    return None;
                }
                rest = head;
            }
            labels.push((*name, rest));
            return (!rest.is_empty()).then_some(labels);
        }
        let (head, tail) = rest.split_once('/').unwrap_or((rest, ""));
        match segment {
            Segment::Literal(text) if *text == head => {}
            Segment::Label(name) if !head.is_empty() => labels.push((*name, head)),
            _ => return None,
        }
        rest = tail;
    }
    rest.is_empty().then_some(labels)
}
