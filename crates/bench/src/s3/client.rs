//! A client of S3 that keeps nothing: bodies are sent out of one block, and what comes is counted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::task::JoinSet;

use crate::stream::{Stream, Wait};

/// Bytes that are sent, and read, at once.
const BLOCK: usize = 256 << 10;
/// Bytes of an answer that are kept, to be looked at.
const KEPT: usize = 4 << 20;
/// How much longer than planned a series may take before it counts as stuck.
const SLACK: Duration = Duration::from_secs(300);

/// What is asked, over and over.
#[derive(Clone)]
pub struct Job {
    /// Heads of requests, signed.
    pub heads: Arc<[Vec<u8>]>,
    /// How many bytes follow each.
    pub length: u64,
    /// How many bytes a right answer has; none if that is not known.
    pub expected: Option<u64>,
}

/// When it ends.
#[derive(Clone, Copy)]
pub enum Until {
    /// After so long, not counting what comes before.
    Passed {
        /// Time before what is counted.
        warm_up: Duration,
        /// Time that is counted.
        time: Duration,
    },
    /// When each connection has asked so often.
    Asked(usize),
}

/// What came out.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Right answers.
    pub calls: u64,
    /// In this time.
    pub time: Duration,
}

impl Outcome {
    /// Calls a second.
    pub fn rate(&self) -> f64 {
        self.calls as f64 / self.time.as_secs_f64()
    }
}

/// A connection, kept alive.
pub struct Client {
    address: SocketAddr,
    wait: Wait,
    stream: Option<Stream>,
    block: Arc<[u8]>,
    buffer: Vec<u8>,
}

/// An answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its entity tag.
    pub etag: Option<String>,
    /// How many bytes its body had.
    pub length: u64,
    /// The first of them.
    pub body: Vec<u8>,
}

/// A block of bytes that nothing compresses.
pub fn block() -> Arc<[u8]> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..BLOCK).map(|_| next()).collect()
}

impl Client {
    /// A connection that is opened when it is first used. `block` is what bodies are made of.
    pub fn new(address: SocketAddr, block: Arc<[u8]>) -> Self {
        Self { address, wait: Wait::Shared, stream: None, block, buffer: vec![0; BLOCK] }
    }

    /// The same, waited for in this way.
    pub fn waiting(self, wait: Wait) -> Self {
        Self { wait, ..self }
    }

    /// Sends a head and so many bytes, and reads the answer.
    ///
    /// # Errors
    /// The kernel's, or that the answer is not understood.
    pub async fn ask(&mut self, head: &[u8], length: u64) -> Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => Stream::connect(self.address, self.wait).await?,
        };
        if length > 0 && length <= self.block.len() as u64 {
            stream.write_all(&[head, &self.block[..length as usize]].concat()).await?;
        } else {
            stream.write_all(head).await?;
            let mut left = length;
            while left > 0 {
                let count = left.min(self.block.len() as u64) as usize;
                stream.write_all(&self.block[..count]).await?;
                left -= count as u64;
            }
        }
        let is_head = head.starts_with(b"HEAD ");
        let (answer, closes) = self.read(&mut stream, is_head).await?;
        if !closes {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    /// Sends a head and this body, and reads the answer, which must be a good one.
    ///
    /// # Errors
    /// As [`Client::ask`], or that the answer is not.
    pub async fn send(&mut self, head: &[u8], body: &[u8]) -> Result<Answer> {
        let answer = self.ask(&[head, body].concat(), 0).await?;
        if !matches!(answer.status, 200 | 204) {
            bail!("status {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(answer)
    }

    async fn read(&mut self, stream: &mut Stream, is_head: bool) -> Result<(Answer, bool)> {
        let mut filled = 0;
        let (start, head) = loop {
            ensure!(filled < self.buffer.len(), "the answer's head does not end");
            let count = stream.read(&mut self.buffer[filled..]).await?;
            ensure!(count > 0, "the connection ended before the answer");
            filled += count;
            if let Some(end) = self.buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") {
                break (end + 4, Head::read(&self.buffer[..end])?);
            }
        };
        let mut body = self.buffer[start..filled].to_vec();
        let mut length = body.len() as u64;
        let total = if is_head || matches!(head.status, 204 | 304) { Some(0) } else { head.length };
        loop {
            let is_whole = match total {
                Some(total) => length >= total,
                None => body.ends_with(b"0\r\n\r\n"),
            };
            if is_whole {
                break;
            }
            let count = stream.read(&mut self.buffer).await?;
            ensure!(count > 0, "the connection ended within the answer");
            length += count as u64;
            if body.len() < KEPT && (total.is_none_or(|total| total <= KEPT as u64)) {
                body.extend_from_slice(&self.buffer[..count]);
            }
        }
        Ok((Answer { status: head.status, etag: head.etag, length, body }, head.closes))
    }
}

struct Head {
    status: u16,
    /// None if it comes in chunks.
    length: Option<u64>,
    etag: Option<String>,
    closes: bool,
}

impl Head {
    fn read(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).context("the answer's head is not text")?;
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("the answer has no status: {first}"))?;
        let (mut length, mut etag, mut is_chunked, mut closes) = (None, None, false, first.starts_with("HTTP/1.0"));
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().ok(),
                "etag" => etag = Some(value.to_owned()),
                "transfer-encoding" => is_chunked = value.eq_ignore_ascii_case("chunked"),
                "connection" => closes = value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        Ok(Self { status, length: if is_chunked { None } else { Some(length.unwrap_or(0)) }, etag, closes })
    }
}

/// Runs a job on so many connections.
///
/// # Errors
/// The first answer that is not right.
pub async fn run(address: SocketAddr, job: &Job, connections: usize, until: Until) -> Result<Outcome> {
    let block = block();
    let begun = Instant::now();
    let (counted_from, ends) = match until {
        Until::Passed { warm_up, time } => (begun + warm_up, Some(begun + warm_up + time)),
        Until::Asked(_) => (begun, None),
    };
    let mut tasks = JoinSet::new();
    for number in 0..connections {
        let wait = Wait::of(connections);
        let (job, mut client) = (job.clone(), Client::new(address, Arc::clone(&block)).waiting(wait));
        tasks.spawn(wait.run(async move {
            let offset = number * job.heads.len() / connections;
            let most = if let Until::Asked(count) = until { count } else { usize::MAX };
            let (mut calls, mut last) = (0, counted_from);
            for head in job.heads.iter().cycle().skip(offset).take(most) {
                let answer = client.ask(head, job.length).await?;
                if !matches!(answer.status, 200 | 204) {
                    bail!("status {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
                }
                if let Some(expected) = job.expected {
                    ensure!(answer.length == expected, "{} bytes instead of {expected}", answer.length);
                }
                let now = Instant::now();
                let is_over = ends.is_some_and(|ends| now >= ends);
                // One call at least is counted, however long it took.
                if now >= counted_from && (!is_over || calls == 0) {
                    (calls, last) = (calls + 1, now);
                }
                if is_over {
                    break;
                }
            }
            anyhow::Ok((calls, last))
        }));
    }
    let all = async {
        let (mut calls, mut last) = (0, counted_from);
        while let Some(ended) = tasks.join_next().await {
            let (counted, ended) = ended??;
            (calls, last) = (calls + counted, last.max(ended));
        }
        anyhow::Ok((calls, last))
    };
    let limit = ends.map_or(SLACK, |ends| ends - begun + SLACK);
    let (calls, last) = tokio::time::timeout(limit, all).await.context("it hangs")??;
    let counted = last - counted_from;
    let time = if let Until::Passed { time, .. } = until { time.max(counted) } else { counted };
    ensure!(calls > 0, "not one call ended");
    Ok(Outcome { calls, time })
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn heads() {
        let head = Head::read(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close").unwrap();
        assert_eq!((head.status, head.length, head.closes), (200, Some(12), true));
        let head = Head::read(b"HTTP/1.1 204 No Content\r\nDate: x").unwrap();
        assert_eq!((head.status, head.length, head.closes), (204, Some(0), false));
        assert_eq!(Head::read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked").unwrap().length, None);
        assert!(Head::read(b"HTTP/1.1").is_err());
    }
}
