//! Which operation an S3 request is for.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use api::s3::SERVICE;
use http::{HeaderMap, HeaderValue};
use wire::{RouteError, Segment};

fn found(method: &str, target: &str, copy_source: bool) -> Result<(&'static str, String), RouteError> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    if copy_source {
        headers.insert("x-amz-copy-source", HeaderValue::from_static("/a/b"));
    }
    let matched = wire::route(&SERVICE, &method.parse().unwrap(), path, &wire::parse_query(query).unwrap(), &headers)?;
    let labels: Vec<_> = matched.labels.iter().map(|(name, text)| format!("{name}={text}")).collect();
    Ok((matched.operation.name, labels.join(" ")))
}

#[test]
fn requests_find_their_operation_with_or_without_x_id() {
    let rows = [
        ("GET", "/", "ListBuckets", ""),
        ("GET", "/?x-id=ListBuckets", "ListBuckets", ""),
        ("GET", "/?x-id=ListDirectoryBuckets", "ListDirectoryBuckets", ""),
        ("PUT", "/b", "CreateBucket", "Bucket=b"),
        ("PUT", "/b/", "CreateBucket", "Bucket=b"),
        ("HEAD", "/b", "HeadBucket", "Bucket=b"),
        ("GET", "/b?unknown=1", "ListObjects", "Bucket=b"),
        ("GET", "/b?list-type=2&prefix=acl", "ListObjectsV2", "Bucket=b"),
        ("GET", "/b?list-type=1", "ListObjects", "Bucket=b"),
        ("GET", "/b?acl", "GetBucketAcl", "Bucket=b"),
        ("GET", "/b?acl=", "GetBucketAcl", "Bucket=b"),
        ("GET", "/b/?location", "GetBucketLocation", "Bucket=b"),
        ("GET", "/b?versions", "ListObjectVersions", "Bucket=b"),
        ("GET", "/b?lifecycle", "GetBucketLifecycleConfiguration", "Bucket=b"),
        ("GET", "/b?analytics", "ListBucketAnalyticsConfigurations", "Bucket=b"),
        ("GET", "/b?analytics&id=1", "GetBucketAnalyticsConfiguration", "Bucket=b"),
        ("DELETE", "/b?analytics", "DeleteBucketAnalyticsConfiguration", "Bucket=b"),
        ("POST", "/b?delete", "DeleteObjects", "Bucket=b"),
        ("GET", "/b/k", "GetObject", "Bucket=b Key=k"),
        ("GET", "/b/k?partNumber=1", "GetObject", "Bucket=b Key=k"),
        ("GET", "/b/k?uploadId=u", "ListParts", "Bucket=b Key=k"),
        ("PUT", "/b/a/b%2Fc+d%20e//", "PutObject", "Bucket=b Key=a/b/c+d e//"),
        ("PUT", "/b//k", "PutObject", "Bucket=b Key=/k"),
        ("PUT", "/b/../c", "PutObject", "Bucket=b Key=../c"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart", "Bucket=b Key=k"),
        ("PUT", "/b/k?uploadId=u", "UploadPart", "Bucket=b Key=k"),
        ("POST", "/b/k?uploads", "CreateMultipartUpload", "Bucket=b Key=k"),
        ("POST", "/b/k?uploadId=u", "CompleteMultipartUpload", "Bucket=b Key=k"),
        ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload", "Bucket=b Key=k"),
        ("DELETE", "/b/k?versionId=v", "DeleteObject", "Bucket=b Key=k"),
        ("POST", "/b/k?select&select-type=2", "SelectObjectContent", "Bucket=b Key=k"),
    ];
    for (method, target, operation, labels) in rows {
        assert_eq!(found(method, target, false), Ok((operation, labels.to_owned())), "{method} {target}");
    }
    assert_eq!(found("PUT", "/b/k", true).unwrap().0, "CopyObject");
    assert_eq!(found("PUT", "/b/k?partNumber=1&uploadId=u", true).unwrap().0, "UploadPartCopy");
}

#[test]
fn a_sub_resource_is_never_mistaken_for_the_whole() {
    assert_eq!(found("DELETE", "/b?acl", false), Err(RouteError::MethodNotAllowed));
    assert_eq!(found("DELETE", "/b/k?acl", false), Err(RouteError::MethodNotAllowed));
    assert_eq!(found("PUT", "/b/k?torrent", false), Err(RouteError::MethodNotAllowed));
    assert!(matches!(found("GET", "/b?acl&cors", false), Err(RouteError::Conflict(..))));
    assert_eq!(found("PATCH", "/b", false), Err(RouteError::MethodNotAllowed));
    assert_eq!(found("POST", "/b", false), Err(RouteError::MethodNotAllowed), "a form upload is the edge's");
    for bad in ["/%ff", "/b/%zz", "/b/a%2"] {
        assert!(matches!(found("PUT", bad, false), Err(RouteError::Path(_))), "{bad}");
    }
}

/// Every operation is found by a request that has just what its own route asks for.
#[test]
fn every_operation_is_reachable() {
    for entry in SERVICE.operations {
        let route = entry.route.as_ref().unwrap();
        let mut path = String::new();
        for segment in route.path {
            path.push('/');
            path.push_str(match segment {
                Segment::Literal(text) => text,
                Segment::Label(_) => "bucket",
                Segment::Rest(_) => "a/key",
            });
        }
        if path.is_empty() {
            path.push('/');
        }
        let mut query = vec![("x-id".to_owned(), Some(entry.name.to_owned()))];
        query.extend(route.query.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))));
        query.extend(route.required_query.iter().map(|name| ((*name).to_owned(), Some("1".to_owned()))));
        let mut headers = HeaderMap::new();
        for name in route.required_headers {
            headers.insert(*name, HeaderValue::from_static("x"));
        }
        let matched = wire::route(&SERVICE, &route.method.parse().unwrap(), &path, &query, &headers).unwrap();
        assert_eq!(matched.operation.name, entry.name);
    }
}
