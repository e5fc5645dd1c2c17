//! What is measured of one server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blobs::Hashers;
use http::{HeaderMap, HeaderValue};
use tokio::task::JoinSet;

use super::client::{Client, Job, Until, block, run};
use crate::endpoint::{Endpoint, elements};
use crate::load::median;
use crate::table::Value;

/// The bucket of the objects that are put and got.
pub const BUCKET: &str = "bench";
/// Keys of small objects.
const KEYS: usize = 256;
/// Keys of a request to delete.
const DELETED: usize = 1000;
/// Objects that are made with requests signed at once.
const BATCH: usize = 20_000;
const FILLERS: usize = 50;

/// Small objects, whose number is limited by time alone.
#[derive(Clone, Copy)]
pub struct Small {
    /// How long to go on.
    pub time: Duration,
}

/// Objects of one size.
#[derive(Clone, Copy)]
pub struct Size {
    /// Their size.
    pub bytes: u64,
    /// None for large ones, of which each connection takes one.
    pub small: Option<Small>,
}

impl Size {
    /// Puts: calls a second of small ones, bytes a second of large ones.
    ///
    /// # Errors
    /// The first answer that is not right.
    pub async fn put(self, endpoint: &Endpoint, connections: usize) -> Result<Value> {
        let keys = if self.small.is_some() { KEYS } else { connections };
        let heads = heads(endpoint, "PUT", (0..keys).map(|number| self.path(number)), self.bytes)?;
        let job = Job { heads, length: self.bytes, expected: None };
        self.run(endpoint, &job, connections, 1).await
    }

    /// Gets of what was put, likewise.
    ///
    /// # Errors
    /// The first answer that is not right.
    pub async fn get(self, endpoint: &Endpoint, connections: usize) -> Result<Value> {
        let keys = if self.small.is_some() { KEYS } else { 1 };
        let put = Job {
            heads: heads(endpoint, "PUT", (0..keys).map(|number| self.path(number)), self.bytes)?,
            length: self.bytes,
            expected: None,
        };
        // Whatever was put before: all keys are there now.
        run(endpoint.address, &put, 1, Until::Asked(keys)).await?;
        let heads = heads(endpoint, "GET", (0..keys).map(|number| self.path(number)), 0)?;
        let job = Job { heads, length: 0, expected: Some(self.bytes) };
        self.run(endpoint, &job, connections, 4).await
    }

    async fn run(self, endpoint: &Endpoint, job: &Job, connections: usize, times: usize) -> Result<Value> {
        let until = match self.small {
            Some(Small { time }) => Until::Passed { warm_up: time / 5, time },
            None => Until::Asked(times),
        };
        let outcome = run(endpoint.address, job, connections, until).await?;
        Ok(match self.small {
            Some(_) => Value::Rate(outcome.rate()),
            None => Value::Flow(outcome.rate() * self.bytes as f64),
        })
    }

    fn path(self, number: usize) -> String {
        format!("/{BUCKET}/{}/{number}", self.bytes)
    }
}

fn heads(
    endpoint: &Endpoint,
    method: &str,
    paths: impl Iterator<Item = String>,
    length: u64,
) -> Result<Arc<[Vec<u8>]>> {
    let heads: Result<Vec<_>> =
        paths.map(|path| endpoint.s3_head(method, (&path, ""), HeaderMap::new(), length)).collect();
    Ok(heads?.into())
}

/// Heads of an object a second.
///
/// # Errors
/// The first answer that is not right.
pub async fn head(endpoint: &Endpoint, connections: usize, time: Duration) -> Result<Value> {
    let path = format!("/{BUCKET}/{}/0", 4 << 10);
    let job = Job { heads: heads(endpoint, "HEAD", [path].into_iter(), 0)?, length: 0, expected: Some(0) };
    let outcome = run(endpoint.address, &job, connections, Until::Passed { warm_up: time / 5, time }).await?;
    Ok(Value::Rate(outcome.rate()))
}

/// Bytes a second of an upload in so many parts of this size, from its beginning to its completion.
///
/// # Errors
/// The first answer that is not right.
pub async fn multipart(endpoint: &Endpoint, parts: usize, bytes: u64, connections: usize) -> Result<Value> {
    let path = format!("/{BUCKET}/multipart");
    let (mut client, begun) = (Client::new(endpoint.address, block()), Instant::now());
    let head = endpoint.s3_head("POST", (&path, "uploads="), HeaderMap::new(), 0)?;
    let answer = String::from_utf8(client.send(&head, b"").await?.body)?;
    let id = *elements(&answer, "UploadId").first().context("an upload has an id")?;
    let mut tasks = JoinSet::new();
    for connection in 0..connections {
        let (endpoint, path, id) = (endpoint.clone(), path.clone(), id.to_owned());
        tasks.spawn(async move {
            let mut client = Client::new(endpoint.address, block());
            let mut tags = Vec::new();
            for number in (1..=parts).skip(connection).step_by(connections) {
                let query = format!("partNumber={number}&uploadId={id}");
                let head = endpoint.s3_head("PUT", (&path, &query), HeaderMap::new(), bytes)?;
                let answer = client.ask(&head, bytes).await?;
                ensure!(answer.status == 200, "{}", String::from_utf8_lossy(&answer.body));
                tags.push((number, answer.etag.context("a part has a tag")?));
            }
            anyhow::Ok(tags)
        });
    }
    let mut tags = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        tags.append(&mut ended??);
    }
    tags.sort_unstable();
    let parts_xml: String = tags
        .into_iter()
        .map(|(number, tag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"))
        .collect();
    let body = format!("<CompleteMultipartUpload>{parts_xml}</CompleteMultipartUpload>");
    let query = format!("uploadId={id}");
    let head = endpoint.s3_head("POST", (&path, &query), HeaderMap::new(), body.len() as u64)?;
    let answer = client.send(&head, body.as_bytes()).await?;
    let text = String::from_utf8_lossy(&answer.body);
    ensure!(text.contains("<CompleteMultipartUploadRes"), "{text}");
    Ok(Value::Flow(parts as f64 * bytes as f64 / begun.elapsed().as_secs_f64()))
}

/// Makes a bucket with so many empty objects.
///
/// # Errors
/// The first answer that is not right.
pub async fn fill(endpoint: &Endpoint, bucket: &str, count: usize) -> Result<()> {
    endpoint.make_bucket(bucket).await?;
    let mut made = 0;
    while made < count {
        let end = count.min(made + BATCH);
        let paths = (made..end).map(|number| format!("/{bucket}/{number:08}"));
        let job = Job { heads: heads(endpoint, "PUT", paths, 0)?, length: 0, expected: None };
        // As many for each connection as there are heads from its place to the next one's.
        let each = (end - made).div_ceil(FILLERS);
        run(endpoint.address, &job, FILLERS, Until::Asked(each)).await?;
        made = end;
    }
    Ok(())
}

/// Pages of a thousand keys out of the middle of a bucket, a second.
///
/// # Errors
/// The first answer that is not right.
pub async fn list(endpoint: &Endpoint, bucket: &str, count: usize, time: Duration) -> Result<Value> {
    let query = format!("list-type=2&max-keys=1000&start-after={:08}", count / 2 - 1);
    let head = endpoint.s3_head("GET", (&format!("/{bucket}"), &query), HeaderMap::new(), 0)?;
    let answer = Client::new(endpoint.address, block()).send(&head, b"").await?;
    let listed = String::from_utf8_lossy(&answer.body).matches("<Key>").count();
    ensure!(listed == 1000, "{listed} keys instead of 1,000");
    let job = Job { heads: [head].into(), length: 0, expected: None };
    let outcome = run(endpoint.address, &job, 1, Until::Passed { warm_up: time / 5, time }).await?;
    Ok(Value::Rate(outcome.rate()))
}

/// The time of a call that deletes a thousand objects.
///
/// # Errors
/// The first answer that is not right.
pub async fn delete(endpoint: &Endpoint, times: usize) -> Result<Value> {
    let mut body = "<Delete>".to_owned();
    for number in 0..DELETED {
        body.push_str(&format!("<Object><Key>gone/{number}</Key></Object>"));
    }
    body.push_str("</Delete>");
    let mut hashers = Hashers::new(&[]);
    hashers.update(body.as_bytes());
    let md5 = HeaderValue::from_str(&STANDARD.encode(hashers.finish().0))?;
    let mut taken = Vec::new();
    for _ in 0..times {
        let paths = (0..DELETED).map(|number| format!("/{BUCKET}/gone/{number}"));
        let job = Job { heads: heads(endpoint, "PUT", paths, 4096)?, length: 4096, expected: None };
        run(endpoint.address, &job, FILLERS, Until::Asked(DELETED / FILLERS)).await?;
        let headers = HeaderMap::from_iter([(http::HeaderName::from_static("content-md5"), md5.clone())]);
        let head = endpoint.s3_head("POST", (&format!("/{BUCKET}"), "delete="), headers, body.len() as u64)?;
        let mut client = Client::new(endpoint.address, block());
        let begun = Instant::now();
        let answer = client.send(&head, body.as_bytes()).await?;
        taken.push(begun.elapsed());
        let deleted = String::from_utf8_lossy(&answer.body).matches("<Deleted>").count();
        ensure!(deleted == DELETED, "{deleted} deleted instead of {DELETED}");
    }
    Ok(Value::Time(median(&taken)))
}
