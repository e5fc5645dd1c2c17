//! A process that was stopped for longer than it waits for its peers, as a debugger, a container's host or a machine
//! under a very heavy load does it, answers what they sent meanwhile. The test starts itself again as that process.
#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{Caller, Principal};
use edge::{Credentials, Edge, Limits, Mount, Phase, Server};
use iam::Credential;
use tokio::sync::watch;
use wire::{Encoded, Protocol, ServiceShape, Value};

mod thing;

const IS_SERVER: &str = "EDGE_TEST_IS_SERVER";
const TEST: &str = "what_was_sent_while_the_process_was_stopped_is_answered";
/// How long the server waits for anything.
const LIMIT: Duration = Duration::from_secs(2);
/// How long it is stopped.
const STOP: Duration = Duration::from_secs(5);

static STS: ServiceShape = thing::service("sts", &[Protocol::Query]);

struct Nobody;

impl Credentials for Nobody {
    fn find(&self, access_key: &str) -> Result<Option<Arc<Credential>>, String> {
        let caller = Caller {
            account: None,
            principal: Principal::Root,
            access_key: Some(access_key.to_owned()),
            session: None,
        };
        Ok(Some(Arc::new(Credential::permanent("secret".to_owned(), caller))))
    }
}

fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mount = Mount::new(&STS, |_, _, _| Box::pin(async { Ok(Encoded { value: Value::EMPTY, body: None }) }));
        let limits = Limits {
            header_time: LIMIT,
            body_time: LIMIT,
            pace_time: LIMIT,
            idle_time: LIMIT,
            handshake_time: LIMIT,
            ..Limits::default()
        };
        let edge = Edge::new(vec![mount], Arc::new(Nobody), "us-east-1", limits);
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        println!("listening {}", server.address());
        let (_phase, phases) = watch::channel(Phase::Serving);
        server.serve(Arc::new(edge), phases).await;
    });
}

/// Ends with the test.
struct Process(Child);

impl Process {
    fn start() -> (Self, SocketAddr) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([TEST, "--exact", "--nocapture"])
            .env(IS_SERVER, "yes")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let process = Self(child);
        let mut lines = output.lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.split_once("listening ").map(|(_, address)| address.parse().unwrap()));
        (process, address.unwrap())
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

const BODY: &str = "Action=GetThing&Version=2020-01-01";

fn head() -> String {
    let length = BODY.len();
    format!(
        "POST / HTTP/1.1\r\nhost: sts.us-east-1.localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// Reads one answer to the end of its body.
fn answer(stream: &mut TcpStream) -> String {
    let (mut text, mut piece) = (String::new(), [0; 4096]);
    loop {
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            body.len() >= length.unwrap_or(0)
        });
        if whole {
            return text;
        }
        let count = stream.read(&mut piece).unwrap_or_else(|error| panic!("no answer: {error} after {text:?}"));
        assert!(count > 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
}

#[test]
fn what_was_sent_while_the_process_was_stopped_is_answered() {
    if std::env::var_os(IS_SERVER).is_some() {
        return serve();
    }
    let (server, address) = Process::start();
    let whole = head() + BODY;
    let half = whole.len() - 10;
    // How far each had come before, and whether it had been served.
    let cases = [(0, false), (0, true), (20, false), (20, true), (half, false), (half, true)];
    let mut streams: Vec<_> = loop {
        let begun = Instant::now();
        let streams = cases.map(|(sent, is_served)| {
            let mut stream = connect(address);
            if is_served {
                stream.write_all(whole.as_bytes()).unwrap();
                answer(&mut stream);
            }
            stream.write_all(&whole.as_bytes()[..sent]).unwrap();
            stream
        });
        server.signal("-STOP");
        if begun.elapsed() < LIMIT / 2 {
            break streams.into();
        }
        // Too slow a machine, this time: some may have been waited for in vain before the stop.
        server.signal("-CONT");
    };
    for ((sent, _), stream) in cases.iter().zip(&mut streams) {
        stream.write_all(&whole.as_bytes()[*sent..]).unwrap();
    }
    let stopped = Instant::now();
    while stopped.elapsed() < STOP {
        std::thread::sleep(Duration::from_millis(20));
    }
    server.signal("-CONT");
    for (case, stream) in cases.iter().zip(&mut streams) {
        let answer = answer(stream);
        assert!(answer.starts_with("HTTP/1.1 ") && !answer.contains("Timeout"), "{case:?}: {answer}");
    }
    // Who sends nothing is still not waited for.
    let mut silent = connect(address);
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
}
