//! Peers that speak HTTP/2 frame by frame to do harm: each is cut off within its bounds, and hurts no other.

use std::time::Duration;

use region::Limits;

use crate::client::{Connection, PATIENCE, Request};
use crate::fixture::{BUCKET, OBJECT, World};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A header in HPACK: literal, not indexed, not compressed.
fn header(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let mut bytes = Vec::new();
        match u8::try_from(text.len()) {
            Ok(length) if length < 127 => bytes.push(length),
            _ => {
                bytes.push(127);
                let mut rest = text.len() - 127;
                while rest >= 128 {
                    bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                    rest /= 128;
                }
                bytes.push(u8::try_from(rest).unwrap());
            }
        }
        bytes.extend(text.as_bytes());
        bytes
    };
    [vec![0], text(name), text(value)].concat()
}

fn head(request: &Request) -> Vec<u8> {
    let mut block = [
        header(":method", &request.method),
        header(":scheme", "http"),
        header(":path", &request.path),
        header(":authority", request.header("host").unwrap()),
    ]
    .concat();
    for (name, value) in request.headers.iter().filter(|(name, _)| name != "host") {
        block.extend(header(name, value));
    }
    block
}

fn health() -> Request {
    Request::new("GET", "/_welkin/health", "", "")
}

fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> = pairs
        .iter()
        .flat_map(|(key, value)| [key.to_be_bytes().to_vec(), value.to_be_bytes().to_vec()].concat())
        .collect();
    frame(SETTINGS, 0, 0, &payload)
}

/// A world with a single place, so that whoever is not cut off is noticed by the next.
async fn world() -> World {
    let idle_time = Duration::from_millis(500);
    World::with_limits(Limits { connections: 1, idle_time, header_time: idle_time, ..Limits::default() }).await
}

async fn is_well(world: &World) -> bool {
    let mut connection = Connection::open(world.address).await;
    connection.write(&health().bytes()).await;
    connection.answer("GET").await.is_some_and(|answer| answer.status == 200)
}

/// Sends bytes after the preface on a connection of their own, and gives the frames that come until the peer closes.
/// Pings are answered: it is alive.
async fn until_closed(world: &World, bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut connection = Connection::open(world.address).await;
    connection.write(&[PREFACE, &settings(&[]), bytes].concat()).await;
    let mut frames = Vec::new();
    while let Some(head) = connection.try_take(9).await {
        let length = usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).unwrap();
        let Some(payload) = connection.try_take(length).await else { break };
        if (head[3], head[4]) == (PING, 0) {
            connection.try_write(&frame(PING, ACK, 0, &payload)).await;
        }
        frames.push((head[3], payload));
    }
    frames
}

/// The error code in the last frame that says why the connection ends.
fn reason(frames: &[(u8, Vec<u8>)]) -> Option<u32> {
    let (_, payload) = frames.iter().rev().find(|(kind, _)| *kind == GOAWAY)?;
    Some(u32::from_be_bytes(payload.get(4..8)?.try_into().ok()?))
}

#[tokio::test]
async fn a_peer_that_takes_back_all_it_asks_is_cut_off() {
    let world = world().await;
    let block = head(&health());
    let mut bytes = Vec::new();
    for number in 0..20_000 {
        let stream = number * 2 + 1;
        bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, &block));
        bytes.extend(frame(RST_STREAM, 0, stream, &8u32.to_be_bytes()));
    }
    let frames = until_closed(&world, &bytes).await;
    let answers = frames.iter().filter(|(kind, _)| *kind == HEADERS).count();
    assert!(answers < 10_000, "{answers} of them were answered");
    assert!(is_well(&world).await);
}

#[tokio::test]
async fn pings_and_settings_by_the_thousand_cost_no_memory() {
    let world = world().await;
    for flood in [frame(PING, 0, 0, &[7; 8]), settings(&[(3, 100)])] {
        let mut connection = Connection::open(world.address).await;
        connection.write(&[PREFACE, &settings(&[])].concat()).await;
        // As much as the kernel takes off our hands when nobody reads at the other end: we do not read the answers.
        let flood = flood.repeat(4096);
        let sent = async { while connection.try_write(&flood).await {} };
        tokio::time::timeout(PATIENCE, sent).await.expect("the peer closes");
        assert!(is_well(&world).await, "the only place is free again");
    }
}

#[tokio::test]
async fn headers_without_an_end_are_cut_off() {
    let world = world().await;
    let piece = header("x-more", &"a".repeat(16_000));
    let mut bytes = frame(HEADERS, END_STREAM, 1, &head(&health()));
    for _ in 0..1000 {
        bytes.extend(frame(CONTINUATION, 0, 1, &piece));
    }
    let frames = until_closed(&world, &bytes).await;
    assert!(reason(&frames).is_some_and(|code| code != 0), "{frames:?}");
    let unfinished = until_closed(&world, &frame(HEADERS, END_STREAM, 1, &head(&health()))).await;
    assert!(!unfinished.iter().any(|(kind, _)| *kind == HEADERS), "it was never answered");
    assert!(is_well(&world).await);
}

#[tokio::test]
async fn a_peer_without_room_for_an_answer_is_cut_off() {
    let world = world().await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    let path = format!("/{BUCKET}/{OBJECT}");
    assert_eq!(world.s3("PUT", &path, &"a".repeat(1 << 20)).await.status, 200);
    let get = Request::new("GET", &path, "", "").signed(&world.owner, "s3");
    // A window of a single byte, which is never opened further.
    let bytes = [settings(&[(4, 1)]), frame(HEADERS, END_HEADERS | END_STREAM, 1, &head(&get))].concat();
    let frames = until_closed(&world, &bytes).await;
    assert!(frames.iter().filter(|(kind, _)| *kind == DATA).map(|(_, data)| data.len()).sum::<usize>() <= 1);
    assert!(is_well(&world).await, "the only place is free again");
}

#[tokio::test]
async fn a_peer_that_asks_nothing_is_let_go() {
    let world = world().await;
    let frames = until_closed(&world, &[]).await;
    assert_eq!(reason(&frames), Some(0), "in order");
    let frames = until_closed(&world, &frame(HEADERS, END_HEADERS | END_STREAM, 1, &head(&health()))).await;
    assert!(frames.iter().any(|(kind, data)| *kind == DATA && data.starts_with(b"{\"status\":\"ok\"")));
    assert!(is_well(&world).await, "the only place is free again");
}

#[tokio::test]
async fn streams_beyond_the_limit_are_refused() {
    let idle_time = Duration::from_millis(500);
    let world = World::with_limits(Limits {
        streams: 10,
        idle_time,
        header_time: idle_time,
        body_time: idle_time,
        ..Limits::default()
    })
    .await;
    let form = Request::form("Action=DescribeRegions&Version=2016-11-15").signed(&world.owner, "ec2");
    let block = head(&form);
    let mut bytes = Vec::new();
    for number in 0..20 {
        // Their bodies are still to come.
        bytes.extend(frame(HEADERS, END_HEADERS, number * 2 + 1, &block));
    }
    let frames = until_closed(&world, &bytes).await;
    let refused = frames.iter().filter(|(kind, payload)| *kind == RST_STREAM && payload[..] == 7u32.to_be_bytes());
    assert_eq!(refused.count(), 10);
    assert!(is_well(&world).await);
}
