//! One HTTP/1.1 connection, kept alive: as thin as can be, so that what is measured is the other side.
//! Not here: chunked answers, which none of the measured servers gives to these calls.

use std::io;
use std::net::SocketAddr;

use crate::stream::{Stream, Wait};

/// Longest answer.
const MAX_ANSWER: usize = 16 << 20;
/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// A connection that opens itself when it is first used, and again if the server closed it after an answer.
pub struct Connection {
    address: SocketAddr,
    wait: Wait,
    stream: Option<Stream>,
    buffer: Vec<u8>,
    /// How much of the buffer is filled.
    filled: usize,
}

/// An answer, until the next exchange.
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: &'a [u8],
}

/// What an answer's head says.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Where the body begins.
    start: usize,
    /// Where it ends.
    end: usize,
    closes: bool,
}

impl Connection {
    /// A connection to this address, not yet open.
    pub fn new(address: SocketAddr) -> Self {
        Self::waiting(address, Wait::Shared)
    }

    /// The same, waited for in this way.
    pub fn waiting(address: SocketAddr, wait: Wait) -> Self {
        Self { address, wait, stream: None, buffer: vec![0; PIECE], filled: 0 }
    }

    /// Sends a request and reads its answer. The caller bounds the time; a connection whose exchange was cut off must
    /// not be used again.
    ///
    /// # Errors
    /// The kernel's, or `InvalidData` for an answer that is not understood.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => Stream::connect(self.address, self.wait).await?,
        };
        stream.write_all(request).await?;
        self.filled = 0;
        let head = loop {
            self.read_more(&mut stream).await?;
            if let Some(head) = parse_head(&self.buffer[..self.filled])? {
                break head;
            }
        };
        while self.filled < head.end {
            self.read_more(&mut stream).await?;
        }
        if !head.closes {
            self.stream = Some(stream);
        }
        Ok(Answer { status: head.status, body: &self.buffer[head.start..head.end] })
    }

    async fn read_more(&mut self, stream: &mut Stream) -> io::Result<()> {
        if self.buffer.len() - self.filled < PIECE / 2 {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        match stream.read(&mut self.buffer[self.filled..]).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.filled += count;
                Ok(())
            }
        }
    }
}

/// The head at the start of `bytes`, once it is whole.
fn parse_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let Some(length) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if bytes.len() > MAX_ANSWER { Err(io::ErrorKind::InvalidData.into()) } else { Ok(None) };
    };
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let text = std::str::from_utf8(&bytes[..length]).map_err(|_| invalid("the answer's head is not text"))?;
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| invalid("the answer has no status"))?;
    let mut content_length = None;
    let mut closes = first.starts_with("HTTP/1.0");
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            content_length = value.trim().parse::<usize>().ok();
        } else if name.eq_ignore_ascii_case("connection") {
            closes = value.trim().eq_ignore_ascii_case("close");
        }
    }
    let content_length = content_length
        .filter(|length| *length <= MAX_ANSWER)
        .ok_or_else(|| invalid("the answer has no length, or is too long"))?;
    let start = length + 4;
    Ok(Some(Head { status, start, end: start + content_length, closes }))
}

#[cfg(test)]
mod tests {
    use super::{Head, parse_head};

    #[test]
    fn heads() {
        let whole = b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nServer: x\r\n\r\nabc";
        let start = whole.len() - 3;
        assert_eq!(parse_head(whole).unwrap(), Some(Head { status: 404, start, end: whole.len(), closes: false }));
        let closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert!(parse_head(closing).unwrap().unwrap().closes);
        let old = b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n";
        assert!(parse_head(old).unwrap().unwrap().closes);
        assert_eq!(parse_head(&whole[..start - 1]).unwrap(), None);
        for bad in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"HTTP/1.1\r\ncontent-length: 0\r\n\r\n"] {
            parse_head(bad).unwrap_err();
        }
    }
}
