//! A client of our own: it signs as SDKs do, and then does as it likes.

use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::sigv4::{CanonicalRequest, PathRule, Scope, Signer, SigningKey, amz_date, sha256_hex, sign_headers};

/// Longest that anything here waits.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// An access key.
#[derive(Debug, Clone)]
pub struct Key {
    pub id: String,
    pub secret: String,
}

/// A request, to be signed or not.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What a signature is made for.
#[derive(Debug, Clone)]
pub struct Purpose {
    pub service: String,
    pub region: String,
    pub time: Timestamp,
}

/// An answer, taken apart.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Purpose {
    pub fn of(service: &str) -> Self {
        Self { service: service.to_owned(), region: "us-east-1".to_owned(), time: Timestamp::now() }
    }

    pub fn scope(&self) -> Scope {
        let date = amz_date(self.time)[..8].to_owned();
        Scope { date, region: self.region.clone(), service: self.service.clone() }
    }
}

impl Request {
    pub fn new(method: &str, path: &str, query: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![("host".to_owned(), "localhost:4566".to_owned())],
            body: body.into(),
        }
    }

    /// A call of EC2 or STS.
    pub fn form(body: &str) -> Self {
        let form = ("content-type".to_owned(), "application/x-www-form-urlencoded; charset=utf-8".to_owned());
        let mut request = Self::new("POST", "/", "", body);
        request.headers.push(form);
        request
    }

    /// With this header in the place of any other of its name.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub fn signed(self, key: &Key, service: &str) -> Self {
        self.signed_for(key, &Purpose::of(service))
    }

    /// Signed with all headers that it has by now.
    pub fn signed_for(mut self, key: &Key, purpose: &Purpose) -> Self {
        let is_s3 = purpose.service == "s3";
        if self.header("x-amz-date").is_none() {
            self = self.with("x-amz-date", &amz_date(purpose.time));
        }
        if is_s3 && self.header("x-amz-content-sha256").is_none() {
            let hash = sha256_hex(&self.body);
            self = self.with("x-amz-content-sha256", &hash);
        }
        let payload = match self.header("x-amz-content-sha256") {
            Some(given) if is_s3 => given.to_owned(),
            _ => sha256_hex(&self.body),
        };
        let headers: HeaderMap = self
            .headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        let canonical = CanonicalRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            payload: &payload,
            path_rule: if is_s3 { PathRule::Once } else { PathRule::Twice },
        };
        let scope = purpose.scope();
        let signing_key = SigningKey::derive(&key.secret, &scope);
        let signer = Signer { access_key: &key.id, scope: &scope, key: &signing_key };
        let value = sign_headers(&canonical, &signer).unwrap();
        self.with("authorization", &value)
    }

    /// The head as it goes over the wire, without a length.
    pub fn head(&self) -> String {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        let lines: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{} {}{query} HTTP/1.1\r\n{lines}", self.method, self.path)
    }

    /// All of it, on a connection that goes on.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head().into_bytes();
        if !self.body.is_empty() || self.method == "POST" || self.method == "PUT" {
            bytes.extend_from_slice(format!("content-length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends it on a connection of its own.
    pub async fn send(&self, address: SocketAddr) -> Answer {
        let mut connection = Connection::open(address).await;
        connection.write(&self.bytes()).await;
        connection.answer(&self.method).await.expect("an answer")
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The text of the first element of this name.
    pub fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
    }

    /// The error's code, or else the status as a text.
    pub fn code(&self) -> String {
        let of_json = self.body.split_once("\"__type\":\"").and_then(|(_, rest)| rest.split('"').next());
        let of_json = of_json.map(|name| name.rsplit('#').next().unwrap_or(name));
        match self.element("Code").or(of_json) {
            Some(code) if self.status >= 300 => code.to_owned(),
            _ => self.status.to_string(),
        }
    }
}

/// A connection, and what came over it that nobody has asked for yet.
pub struct Connection {
    stream: TcpStream,
    ahead: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        let stream = tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await;
        Self { stream: stream.expect("in time").expect("a connection"), ahead: Vec::new() }
    }

    /// Writes what the peer will take: it may have refused and gone already.
    pub async fn write(&mut self, bytes: &[u8]) {
        let written = tokio::time::timeout(PATIENCE, self.stream.write_all(bytes)).await;
        let _ = written.expect("the peer reads or closes");
    }

    /// Whether the peer is still there to take this.
    pub async fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Says that nothing more will come.
    pub async fn end(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// The next line and all that follows up to an empty one; none if the peer has closed.
    pub async fn next_head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.ahead.drain(..end + 4).collect();
                return Some(String::from_utf8_lossy(&head).into_owned());
            }
            if !self.read_more().await {
                assert!(self.ahead.is_empty(), "the answer broke off: {:?}", String::from_utf8_lossy(&self.ahead));
                return None;
            }
        }
    }

    /// The next answer, which is to a request with this method; none if the peer has closed.
    pub async fn answer(&mut self, method: &str) -> Option<Answer> {
        let head = self.next_head().await?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: String::new() };
        if method == "HEAD" || status == 304 || status == 204 || status < 200 {
            return Some(answer);
        }
        let length = answer.header("content-length").map(|text| text.parse::<usize>().expect("a length"));
        let body = match length {
            Some(length) => self.take(length).await,
            None if answer.header("transfer-encoding") == Some("chunked") => self.chunks().await,
            None => self.rest().await,
        };
        answer.body = String::from_utf8_lossy(&body).into_owned();
        Some(answer)
    }

    /// Whether the peer says something within this time, or closes.
    pub async fn has_more(&mut self, within: Duration) -> bool {
        !self.ahead.is_empty() || tokio::time::timeout(within, self.read_more()).await.is_ok()
    }

    /// Whether the peer closes without a word more.
    pub async fn is_closed(&mut self) -> bool {
        self.ahead.is_empty() && !self.read_more().await
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            while !self.ahead.windows(2).any(|two| two == b"\r\n") {
                assert!(self.read_more().await, "the answer broke off in its chunks");
            }
            let end = self.ahead.windows(2).position(|two| two == b"\r\n").expect("found just now");
            let line: Vec<u8> = self.ahead.drain(..end + 2).collect();
            let size = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).expect("a chunk's size");
            body.extend(self.take(size).await);
            self.take(2).await;
            if size == 0 {
                return body;
            }
        }
    }

    async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.ahead.len() < length {
            assert!(self.read_more().await, "the answer broke off: {} of {length} bytes", self.ahead.len());
        }
        self.ahead.drain(..length).collect()
    }

    /// So many bytes; none if the peer closes before.
    pub async fn try_take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.ahead.len() < length {
            if !self.read_more().await {
                return None;
            }
        }
        Some(self.ahead.drain(..length).collect())
    }

    /// All that comes until the peer closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.read_more().await {}
        std::mem::take(&mut self.ahead)
    }

    /// Takes a little of what has come, and says how much that was: none at the end.
    pub async fn sip(&mut self) -> usize {
        self.ahead.clear();
        self.read_more().await;
        self.ahead.len()
    }

    async fn read_more(&mut self) -> bool {
        let mut piece = [0; 4096];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut piece)).await.expect("the peer says something");
        // A reset says what an end says: there is no more.
        let length = read.unwrap_or(0);
        self.ahead.extend_from_slice(&piece[..length]);
        length > 0
    }
}
