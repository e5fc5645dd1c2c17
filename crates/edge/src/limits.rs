//! Bounds on what clients can make us hold or wait for.

use std::time::Duration;

/// The bounds of one edge.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open connections. Beyond that the longest idle one is closed for each new one; if all are busy, new ones wait in
    /// the kernel's backlog.
    pub connections: usize,
    /// Open connections of one address (of one /64 for IPv6); never more than three quarters of all.
    pub connections_per_source: usize,
    /// Requests at a time on one HTTP/2 connection.
    pub streams: usize,
    /// Requests that are answered at a time over HTTP/2, on all connections together; more wait.
    pub requests: usize,
    /// Headers of one request.
    pub headers: usize,
    /// Bytes of all headers of one request, and of the read buffer.
    pub header_bytes: usize,
    /// Bytes of a body that is held in memory whole.
    pub body_bytes: usize,
    /// The same for a request that is not signed: nobody knows whose memory it is.
    pub unsigned_body_bytes: usize,
    /// The same where a token of an identity provider may be within, instead of a signature.
    pub token_body_bytes: usize,
    /// Bytes of all bodies that are held in memory at one time. One address can have half of it.
    pub held_bytes: usize,
    /// Longest wait of a body for its share of these; then its request is refused as too much.
    pub held_wait: Duration,
    /// Bytes of all headers of one S3 request.
    pub s3_header_bytes: usize,
    /// Time for a TLS handshake.
    pub handshake_time: Duration,
    /// Time for the headers of a request to arrive.
    pub header_time: Duration,
    /// Time for a held body to arrive.
    pub body_time: Duration,
    /// Bytes a second that a client must send of a body and take of an answer, on average over the pace time.
    pub min_rate: u64,
    /// Over how long the rate is measured; also the longest pause within a held body.
    pub pace_time: Duration,
    /// Longest pause within a streamed body, and longest time in which a client takes nothing of its answer.
    pub idle_time: Duration,
    /// Time that open connections have to send another request before they are drained, when a new process takes over:
    /// whoever uses a connection is told with an answer that it ends, and not by its end.
    pub part_time: Duration,
    /// Time that open requests have to end when the edge stops.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_source: 3072,
            streams: 100,
            requests: 4096,
            headers: 100,
            header_bytes: 32 * 1024,
            body_bytes: 2 * 1024 * 1024,
            unsigned_body_bytes: 16 * 1024,
            // An assertion of SAML has up to 100,000 characters of base 64; those that a form escapes take three.
            token_body_bytes: 160 * 1024,
            held_bytes: 64 * 1024 * 1024,
            held_wait: Duration::from_secs(3),
            // Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>: 8 KB.
            s3_header_bytes: 8 * 1024,
            handshake_time: Duration::from_secs(10),
            header_time: Duration::from_secs(30),
            body_time: Duration::from_secs(60),
            min_rate: 1024,
            pace_time: Duration::from_secs(20),
            idle_time: Duration::from_secs(60),
            part_time: Duration::from_millis(500),
            drain_time: Duration::from_secs(10),
        }
    }
}
