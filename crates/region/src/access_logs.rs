//! Access logs of buckets: the edge tells of requests, S3 delivers.

use std::sync::Arc;

use edge::{AccessLog, Accessed};
use s3::{Access, AccessLogs};

/// What the edge tells, as S3 logs it.
pub(crate) struct BucketLogs(pub(crate) Arc<AccessLogs>);

impl AccessLog for BucketLogs {
    fn is_logged(&self, bucket: &str) -> bool {
        self.0.is_logged(bucket)
    }

    fn note(&self, it: Accessed) {
        self.0.note(Access {
            time: it.time,
            bucket: it.bucket,
            key: it.key,
            remote_ip: it.source_ip,
            caller: it.caller,
            request_id: it.request_id,
            host_id: it.host_id,
            operation: it.operation,
            method: it.method,
            uri: it.uri,
            protocol: it.protocol,
            status: it.status,
            error: it.error,
            sent: it.sent,
            size: it.size,
            total: it.total,
            turn_around: it.turn_around,
            referer: it.referer,
            user_agent: it.user_agent,
            version_id: it.version_id,
            signature: it.signature,
            authentication: it.authentication,
            host: it.host,
            is_secure: it.is_secure,
        });
    }
}
