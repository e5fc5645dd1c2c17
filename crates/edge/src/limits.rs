//! Bounds on what clients can make us hold or wait for.

use std::time::Duration;

/// The bounds of one edge.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open connections; more wait in the kernel's backlog.
    pub connections: usize,
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
    /// Time for a TLS handshake.
    pub handshake_time: Duration,
    /// Time for the headers of a request to arrive.
    pub header_time: Duration,
    /// Time for a held body to arrive.
    pub body_time: Duration,
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
            streams: 100,
            requests: 4096,
            headers: 100,
            header_bytes: 64 * 1024,
            body_bytes: 2 * 1024 * 1024,
            unsigned_body_bytes: 16 * 1024,
            handshake_time: Duration::from_secs(10),
            header_time: Duration::from_secs(30),
            body_time: Duration::from_secs(60),
            idle_time: Duration::from_secs(60),
            part_time: Duration::from_millis(500),
            drain_time: Duration::from_secs(10),
        }
    }
}
