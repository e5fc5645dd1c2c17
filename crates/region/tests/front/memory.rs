//! What clients can make the server hold, and for how long.

use std::time::Duration;

use region::Limits;

use crate::client::{Connection, PATIENCE, Request};
use crate::fixture::{BUCKET, OBJECT, World};

const REGIONS: &str = "Action=DescribeRegions&Version=2016-11-15";

/// The announced request with the first bytes of its body.
fn begun(request: &Request, length: usize, sent: usize) -> Vec<u8> {
    format!("{}content-length: {length}\r\n\r\n{}", request.head(), "a".repeat(sent)).into_bytes()
}

#[tokio::test]
async fn bodies_of_all_connections_have_one_bound() {
    let limits = Limits { held_bytes: 128 * 1024, held_wait: Duration::from_millis(100), ..Limits::default() };
    let world = World::with_limits(limits).await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    // All come from one address, which has a half.
    let form = Request::form(REGIONS).signed(&world.owner, "ec2");
    let mut hoarder = Connection::open(world.address).await;
    hoarder.write(&begun(&form, 64 * 1024, 63 * 1024)).await;
    let ec2 = || Request::form(REGIONS).signed(&world.owner, "ec2");
    let is_full = async { while ec2().send(world.address).await.status == 200 {} };
    tokio::time::timeout(PATIENCE, is_full).await.expect("the memory fills");
    let sts = Request::form("Action=GetCallerIdentity&Version=2011-06-15").signed(&world.owner, "sts");
    let s3 = Request::new("POST", &format!("/{BUCKET}"), "delete", "<Delete/>").signed(&world.owner, "s3");
    for (request, expected) in [(ec2(), "Unavailable"), (sts, "ServiceUnavailable"), (s3, "SlowDown")] {
        let answer = request.send(world.address).await;
        assert_eq!((answer.status, answer.code().as_str()), (503, expected), "{}", answer.body);
    }
    let put = world.s3("PUT", &format!("/{BUCKET}/{OBJECT}"), &"a".repeat(1 << 20)).await;
    assert_eq!(put.status, 200, "what streams is not held: {}", put.body);
    drop(hoarder);
    let is_free = async { while ec2().send(world.address).await.status != 200 {} };
    tokio::time::timeout(PATIENCE, is_free).await.expect("what is dropped is free again");
}

/// Sends one byte after another, a few in each pace time, until there is an answer.
async fn drip(connection: &mut Connection) -> String {
    let dripping = async {
        loop {
            connection.write(b"a").await;
            if connection.has_more(Duration::from_millis(20)).await {
                return connection.answer("POST").await.expect("an answer").code();
            }
        }
    };
    tokio::time::timeout(PATIENCE, dripping).await.expect("it is given up")
}

#[tokio::test]
async fn a_body_that_drips_is_given_up() {
    let limits = Limits { pace_time: Duration::from_millis(300), min_rate: 10_000, ..Limits::default() };
    let world = World::with_limits(limits).await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    let put =
        Request::new("PUT", &format!("/{BUCKET}/{OBJECT}"), "", "").with("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    for request in [Request::form(REGIONS).signed(&world.owner, "ec2"), put.signed(&world.owner, "s3")] {
        let mut connection = Connection::open(world.address).await;
        connection.write(&begun(&request, 1 << 20, 1)).await;
        assert_eq!(drip(&mut connection).await, "RequestTimeout");
    }
    assert_eq!(world.blob_count().await, 0);
}

#[tokio::test]
async fn an_answer_that_is_sipped_is_given_up() {
    const SIZE: usize = 32 << 20;
    let limits = Limits { pace_time: Duration::from_millis(200), min_rate: 100 << 20, ..Limits::default() };
    let world = World::with_limits(limits).await;
    let path = format!("/{BUCKET}/{OBJECT}");
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    assert_eq!(world.s3("PUT", &path, &"a".repeat(SIZE)).await.status, 200);
    let mut connection = Connection::open(world.address).await;
    connection.write(&Request::new("GET", &path, "", "").signed(&world.owner, "s3").bytes()).await;
    let sipping = async {
        let (mut sips, mut taken) = (tokio::time::interval(Duration::from_millis(10)), 0);
        loop {
            sips.tick().await;
            match connection.sip().await {
                0 => return taken,
                more => taken += more,
            }
        }
    };
    let taken = tokio::time::timeout(PATIENCE, sipping).await.expect("it is given up");
    assert!(taken < SIZE, "all of it was taken");
}
