//! The end of a region that another program takes over: nobody meets the end of a connection that they were about to
//! use.

use std::time::Duration;

use region::Limits;
use tokio::net::TcpStream;

use crate::client::Connection;
use crate::fixture::World;
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
