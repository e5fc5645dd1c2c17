//! Delivers access logs: writes what was collected as objects into the target buckets, as the service that bucket
//! policies know by the name of `logging.s3.amazonaws.com`.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use api::s3::{LoggingEnabled, PutObjectRequest, S3Api, TargetGrant};
use api::{Call, Caller, Principal, Session, Verdicts};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use service::{Effects, Pass, ReconcileError, Reconciler, Service};
use store::{Store, Watch};
use tokio::sync::watch;
use wire::{ByteStream, ServiceError};

use super::collect::AccessLogs;
use super::line::Access;
use super::record::Logging;
use crate::buckets::{BucketRecord, bucket_arn};
use crate::config::{BucketConfigRecord, config, configured};
use crate::owner::hex;
use crate::{S3, S3Error};

/// Who writes logs.
const WRITER: &str = "logging.s3.amazonaws.com";
/// How often logs are delivered.
const INTERVAL: Duration = Duration::from_secs(15);
/// Most lines of one object: some 8 MB.
const MAX_LINES: usize = 10_000;
/// Buckets read at once.
const PAGE: usize = 500;

/// Delivers access logs. One for each process: it knows of the requests of its own alone.
pub struct LogDelivery {
    s3: S3,
    store: Store,
    effects: Arc<dyn Effects>,
    logs: Arc<AccessLogs>,
    configurations: Watch,
}

/// What is to be written of one bucket.
struct Batch {
    source: BucketRecord,
    wanted: LoggingEnabled,
    lines: Vec<Access>,
}

impl LogDelivery {
    /// Delivers what is collected in `logs` through `s3`.
    pub fn new(s3: S3, effects: Arc<dyn Effects>, logs: Arc<AccessLogs>) -> Self {
        let store = s3.runner().store().clone();
        let configurations = store.watch::<BucketConfigRecord>();
        Self { s3, store, effects, logs, configurations }
    }

    /// Finds out which buckets are logged.
    async fn look(&self) -> Result<(), ReconcileError> {
        let store = self.store.clone();
        let logged = blocking(move || {
            let view = store.view()?;
            let (mut logged, mut after) = (HashSet::new(), None);
            loop {
                let page = configured::<Logging>(&view, after.as_deref(), PAGE)?;
                let is_last = page.len() < PAGE;
                after = page.last().map(|(bucket, _)| bucket.clone());
                logged.extend(page.into_iter().map(|(bucket, _)| bucket));
                if is_last {
                    return Ok(logged);
                }
            }
        });
        self.logs.set_logged(logged.await?);
        Ok(())
    }

    /// What was collected, with where it goes now; what is no longer logged goes nowhere.
    async fn batches(&self) -> Result<Vec<Batch>, ReconcileError> {
        let (store, collected) = (self.store.clone(), self.logs.take());
        blocking(move || {
            let view = store.view()?;
            let mut batches = Vec::new();
            for (bucket, lines) in collected {
                let (source, logging) = (view.get::<BucketRecord>(&bucket)?, config::<Logging>(&view, &bucket, "")?);
                if let (Some(source), Some(logging)) = (source, logging) {
                    batches.push(Batch { source, wanted: logging.0.0, lines });
                }
            }
            Ok(batches)
        })
        .await
    }

    /// Writes one object.
    async fn write(
        &self,
        source: &BucketRecord,
        wanted: &LoggingEnabled,
        day: Option<&str>,
        lines: &[Access],
    ) -> Result<(), ServiceError> {
        let region = &self.s3.runner().region().name;
        let text: String = lines.iter().map(|access| access.line(&source.owner, region) + "\n").collect();
        let mut unique = [0; 8];
        self.effects.fill(&mut unique);
        let now = self.effects.now();
        let input = PutObjectRequest {
            bucket: wanted.target_bucket.clone(),
            key: key_of(source, wanted, day, now, &hex(&unique).to_uppercase()),
            content_type: Some("text/plain".to_owned()),
            body: Some(ByteStream::from_bytes(Bytes::from(text))),
            grant_full_control: granted(wanted, "FULL_CONTROL"),
            grant_read: granted(wanted, "READ"),
            ..PutObjectRequest::default()
        };
        self.s3.put_object(self.call(source, now), input).await.map(drop)
    }

    /// The call of the writer, for a bucket: policies may ask which.
    fn call(&self, source: &BucketRecord, now: Timestamp) -> Call {
        let region = self.s3.runner().region().name.clone();
        let session = Session {
            issued: now,
            expires: now + SignedDuration::from_mins(15),
            context: vec![
                ("aws:SourceAccount".to_owned(), vec![source.owner.to_string()]),
                ("aws:SourceArn".to_owned(), vec![bucket_arn(&source.name).to_string()]),
            ],
            ..Session::default()
        };
        let session = Some(Arc::new(session));
        Call {
            caller: Caller { principal: Principal::Service(WRITER), session, ..Caller::ANONYMOUS },
            request_id: String::new(),
            source_ip: None,
            is_secure: true,
            user_agent: WRITER.to_owned(),
            manner: Arc::default(),
            region,
            verdicts: Verdicts::default(),
        }
    }
}

/// The key of a log object.
fn key_of(source: &BucketRecord, wanted: &LoggingEnabled, day: Option<&str>, now: Timestamp, unique: &str) -> String {
    let format = wanted.target_object_key_format.as_ref();
    let prefix = &wanted.target_prefix;
    let Some(partitions) = format.and_then(|format| format.partitioned_prefix.as_ref()) else {
        return format!("{prefix}{}-{unique}", now.strftime("%Y-%m-%d-%H-%M-%S"));
    };
    let by_event = partitions.partition_date_source.as_deref() == Some("EventTime");
    let (date, time) = match day.filter(|_| by_event) {
        Some(day) => (day.to_owned(), "00-00-00".to_owned()),
        None => (now.strftime("%Y-%m-%d").to_string(), now.strftime("%H-%M-%S").to_string()),
    };
    let (owner, region, name) = (&source.owner, &source.region, &source.name);
    format!("{prefix}{owner}/{region}/{name}/{}/{date}-{time}-{unique}", date.replace('-', "/"))
}

/// The grants of a permission, as the header of a PUT has them.
fn granted(wanted: &LoggingEnabled, permission: &str) -> Option<String> {
    let grantee = |grant: &TargetGrant| {
        let grantee = grant.grantee.as_ref()?;
        let by_id = grantee.id.as_ref().map(|id| format!("id=\"{id}\""));
        by_id.or_else(|| grantee.uri.as_ref().map(|uri| format!("uri=\"{uri}\"")))
    };
    let of_permission = |grant: &&TargetGrant| grant.permission.as_deref() == Some(permission);
    let grants = wanted.target_grants.as_deref().unwrap_or_default();
    let all: Vec<String> = grants.iter().filter(of_permission).filter_map(grantee).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, S3Error> + Send + 'static,
) -> Result<T, ReconcileError> {
    tokio::task::spawn_blocking(read).await.map_err(ReconcileError::new)?.map_err(ReconcileError::new)
}

#[async_trait]
impl Reconciler for LogDelivery {
    fn name(&self) -> &'static str {
        "s3-access-logs"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    fn signals(&self) -> Vec<watch::Receiver<u64>> {
        vec![self.configurations.receiver()]
    }

    async fn activate(&self) -> Result<Pass, ReconcileError> {
        self.look().await?;
        let mut pass = Pass::default();
        for Batch { source, wanted, lines } in self.batches().await? {
            pass.examined += lines.len();
            let mut by_day: BTreeMap<String, Vec<Access>> = BTreeMap::new();
            for access in lines {
                by_day.entry(access.time.strftime("%Y-%m-%d").to_string()).or_default().push(access);
            }
            for (day, lines) in by_day {
                for lines in lines.chunks(MAX_LINES) {
                    match self.write(&source, &wanted, Some(&day), lines).await {
                        Ok(()) => pass.changed += lines.len(),
                        // What may not be written is nobody's; what cannot be written now is tried once more.
                        Err(refused) if refused.is_sender_fault => {
                            let (from, to, code) = (&source.name, &wanted.target_bucket, &refused.code);
                            pass.trouble = Some(format!("the log of {from} may not be written to {to}: {code}"));
                        }
                        Err(failed) => {
                            pass.waiting += lines.len();
                            pass.trouble = Some(failed.to_string());
                            lines.iter().cloned().for_each(|access| self.logs.note(access));
                        }
                    }
                }
            }
        }
        let lost = self.logs.take_lost();
        if lost > 0 {
            pass.trouble = Some(format!("{lost} requests came too fast to be logged"));
        }
        Ok(pass)
    }
}

#[cfg(test)]
mod tests {
    use api::s3::{LoggingEnabled, PartitionedPrefix, SimplePrefix, TargetObjectKeyFormat};

    use super::key_of;
    use crate::BucketRecord;

    #[test]
    fn keys_of_log_objects() {
        let now = "2026-02-06T01:02:03Z".parse().unwrap();
        let source = BucketRecord::new("b", "123456789012".parse().unwrap(), "eu-west-1", now);
        let simple = TargetObjectKeyFormat { simple_prefix: Some(SimplePrefix {}), partitioned_prefix: None };
        let by = |date_source: Option<&str>| TargetObjectKeyFormat {
            simple_prefix: None,
            partitioned_prefix: Some(PartitionedPrefix { partition_date_source: date_source.map(str::to_owned) }),
        };
        for (format, expected) in [
            (None, "log/2026-02-06-01-02-03-U"),
            (Some(simple), "log/2026-02-06-01-02-03-U"),
            (Some(by(None)), "log/123456789012/eu-west-1/b/2026/02/06/2026-02-06-01-02-03-U"),
            (Some(by(Some("DeliveryTime"))), "log/123456789012/eu-west-1/b/2026/02/06/2026-02-06-01-02-03-U"),
            (Some(by(Some("EventTime"))), "log/123456789012/eu-west-1/b/2026/02/05/2026-02-05-00-00-00-U"),
        ] {
            let wanted = LoggingEnabled {
                target_prefix: "log/".to_owned(),
                target_object_key_format: format,
                ..LoggingEnabled::default()
            };
            assert_eq!(key_of(&source, &wanted, Some("2026-02-05"), now, "U"), expected);
        }
    }
}
