//! Good requests with a few bytes wrong, by the thousand: each is answered or closed, none is a fault of ours, and the
//! server is as well as before. The numbers repeat: what fails once fails again.

use std::sync::Arc;
use std::time::Duration;

use region::Limits;

use crate::client::{Connection, Request};
use crate::fixture::{BUCKET, OBJECT, World};

const CASES: u64 = 300;

/// Numbers without end (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

const PIECES: [&[u8]; 16] = [
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b"%",
    b"%00",
    b"%ff",
    b":",
    b"&",
    b"=",
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
    b"99999999999999999999",
    b"\xff\xfe",
    b"transfer-encoding: chunked\r\n",
];

fn mutate(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(bytes.len());
        let end = (at + 1 + numbers.below(16)).min(bytes.len());
        match numbers.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => bytes.truncate(at),
            _ => drop(bytes.splice(at..at, PIECES[numbers.below(PIECES.len())].iter().copied())),
        }
    }
}

fn seeds(world: &World) -> Vec<Vec<u8>> {
    let path = format!("/{BUCKET}/{OBJECT}");
    let xml = "<Delete><Object><Key>a</Key></Object></Delete>";
    let run =
        "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1&ImageId=ami-1&TagSpecification.1.Tag.1.Key=a";
    let json = Request::new("POST", "/", "", "{\"a\":[1,{\"b\":null}]}").with("x-amz-target", "Nobody.Does");
    let cbor = Request::new("POST", "/service/Nobody/operation/Does", "", *b"\xa1\x61a\x01");
    vec![
        Request::form(run).signed(&world.owner, "ec2").bytes(),
        Request::form("Action=GetCallerIdentity&Version=2011-06-15").bytes(),
        Request::new("GET", &path, "", "").signed(&world.owner, "s3").bytes(),
        Request::new("PUT", &path, "", "its bytes").signed(&world.owner, "s3").bytes(),
        Request::new("POST", &format!("/{BUCKET}"), "delete", xml).signed(&world.owner, "s3").bytes(),
        Request::new("GET", &format!("/{BUCKET}"), "list-type=2&prefix=a%2Fb", "").signed(&world.owner, "s3").bytes(),
        json.bytes(),
        cbor.with("smithy-protocol", "rpc-v2-cbor").bytes(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_with_wrong_bytes_are_nobodys_fault() {
    let short = Duration::from_millis(500);
    let limits =
        Limits { header_time: short, body_time: short, pace_time: short, held_wait: short, ..Limits::default() };
    let world = Arc::new(World::with_limits(limits).await);
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}/{OBJECT}"), "its bytes").await.status, 200);
    let tasks: Vec<_> = (1_u64..)
        .zip(seeds(&world))
        .map(|(number, seed)| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let mut numbers = Numbers(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                for _ in 0..CASES {
                    let mut bytes = seed.clone();
                    mutate(&mut bytes, &mut numbers);
                    let mut connection = Connection::open(world.address).await;
                    connection.write(&bytes).await;
                    connection.end().await;
                    let answer = String::from_utf8_lossy(&connection.rest().await).into_owned();
                    assert!(answer.is_empty() || answer.starts_with("HTTP/1."), "{answer}");
                    let is_ours =
                        ["HTTP/1.1 500", "HTTP/1.0 500", "InternalError"].iter().any(|mark| answer.contains(mark));
                    assert!(!is_ours, "{}\n{answer}", bytes.escape_ascii());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let read = world.s3("GET", &format!("/{BUCKET}/{OBJECT}"), "").await;
    assert_eq!(read.status, 200, "the server is well: {}", read.body);
}
