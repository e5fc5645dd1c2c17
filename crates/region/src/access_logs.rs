//! Access logs of buckets: the edge tells of requests, S3 delivers.

use std::sync::Arc;
use std::time::Duration;

use edge::{AccessLog, Accessed};
use s3::{Access, AccessLogs, LogDelivery};
use service::Reconciler;

use crate::runtime::Reconcilers;

/// Longest wait for the last delivery.
const END: Duration = Duration::from_secs(2);

/// What delivers the logs of this process, whichever one has the lease: each knows of its own requests alone.
pub(crate) struct LogKeeper {
    delivery: Arc<LogDelivery>,
    running: Reconcilers,
}

impl LogKeeper {
    /// Starts it.
    pub(crate) fn start(delivery: LogDelivery) -> Self {
        let delivery = Arc::new(delivery);
        let running = Reconcilers::start(vec![Arc::clone(&delivery) as _]);
        Self { delivery, running }
    }

    /// Delivers once more and ends it.
    pub(crate) async fn stop(self) {
        self.running.stop().await;
        // Logs are delivered as well as may be: a store that does not answer keeps nobody waiting.
        let _ = tokio::time::timeout(END, self.delivery.activate()).await;
    }
}

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
            tls: it.tls,
        });
    }
}
