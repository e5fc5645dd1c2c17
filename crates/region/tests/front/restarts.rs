//! The end of a region that another program takes over: nobody meets the end of a connection that they were about to
//! use.

use std::net::SocketAddr;
use std::time::Duration;

use region::Limits;
use tokio::net::TcpStream;

use crate::client::{Connection, Request};
use crate::fixture::{BUCKET, World};
use crate::http2::H2;

const HEALTH: &[u8] = b"GET /_welkin/health HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test]
async fn open_connections_are_answered_once_more() {
    // Long, so that only an answer can end a connection here.
    let world = World::with_limits(Limits { part_time: Duration::from_secs(10), ..Limits::default() }).await;
    let mut used = Connection::open(world.address).await;
    used.write(HEALTH).await;
    assert_eq!(used.answer("GET").await.expect("an answer").header("connection"), None);
    let mut fresh = Connection::open(world.address).await;
    let h2 = H2::open(world.address).await;
    // The last one that it accepts has been answered, so all before it are accepted.
    let mut last = Connection::open(world.address).await;
    last.write(HEALTH).await;
    assert_eq!(last.answer("GET").await.expect("an answer").status, 200);
    world.restart();
    h2.told_to_go().await;
    for connection in [&mut used, &mut fresh, &mut last] {
        connection.write(HEALTH).await;
        let answer = connection.answer("GET").await.expect("an answer");
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
        assert!(connection.is_closed().await);
    }
    world.stopped().await;
}

#[tokio::test]
async fn connections_that_nobody_uses_do_not_hold_it_up() {
    let part_time = Duration::from_millis(20);
    let world = World::with_limits(Limits { part_time, ..Limits::default() }).await;
    let mut used = Connection::open(world.address).await;
    used.write(HEALTH).await;
    assert_eq!(used.answer("GET").await.expect("an answer").status, 200);
    let mut fresh = Connection::open(world.address).await;
    let mut last = Connection::open(world.address).await;
    last.write(HEALTH).await;
    assert_eq!(last.answer("GET").await.expect("an answer").status, 200);
    world.restart();
    assert!(used.is_closed().await);
    assert!(fresh.is_closed().await);
    assert!(TcpStream::connect(world.address).await.is_err(), "whoever keeps no socket does not listen");
    world.stopped().await;
}

/// Whoever was taken out of the kernel's queue is not waited for by the next program: this one answers.
#[tokio::test]
async fn who_waits_for_a_place_is_answered_too() {
    let world = World::with_limits(Limits { connections: 1, ..Limits::default() }).await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    let put = Request::new("PUT", &format!("/{BUCKET}/slow"), "", "").with("expect", "100-continue");
    let put = put.with("x-amz-content-sha256", "UNSIGNED-PAYLOAD").signed(&world.owner, "s3");
    let mut busy = Connection::open(world.address).await;
    busy.write(format!("{}content-length: 10\r\n\r\n", put.head()).as_bytes()).await;
    assert_eq!(busy.answer("PUT").await.expect("an answer").status, 100);
    let mut waiting = Connection::open(world.address).await;
    waiting.write(HEALTH).await;
    while backlog(world.address) > 0 {
        tokio::task::yield_now().await;
    }
    world.restart();
    busy.write(b"0123456789").await;
    assert_eq!(busy.answer("PUT").await.expect("an answer").status, 200);
    let answer = waiting.answer("GET").await.expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    world.stopped().await;
}

/// How many connections the kernel holds that were not accepted yet. Source: proc_pid_net(5), `tcp`: the `rx_queue` of
/// a socket that listens.
fn backlog(address: SocketAddr) -> u32 {
    const LISTENS: &str = "0A";
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port = format!(":{:04X}", address.port());
    let of_ours = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_ours = fields.get(1)?.ends_with(&port) && fields.get(3)? == &LISTENS;
        is_ours.then(|| u32::from_str_radix(fields[4].split_once(':').unwrap().1, 16).unwrap())
    };
    sockets.lines().find_map(of_ours).expect("somebody listens")
}
