//! Bodies that are not what they promise: nothing of them is kept.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wire::sigv4::{EMPTY_SHA256, SigningKey, amz_date, sha256_hex};

use crate::client::{Answer, Key, Purpose, Request};
use crate::fixture::{BUCKET, World};

const PATH: &str = "/walk-bucket/upload";
/// The CRC-32 of `123456789`. Source: the catalogue of parametrised CRC algorithms.
const CRC32: &str = "y/Q5Jg==";
const WRONG_CRC32: &str = "y/Q5Jw==";

async fn world() -> World {
    let world = World::new().await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    world
}

/// Sends what must be refused, and looks for what it left.
async fn refused(world: &World, request: &Request, expected: (u16, &str), what: &str) {
    let (rows, blobs) = (world.rows(), world.blob_count().await);
    let answer = request.send(world.address).await;
    assert_eq!((answer.status, answer.code().as_str()), expected, "{what}: {}", answer.body);
    assert!(world.rows() == rows, "{what} changed the store");
    assert_eq!(world.blob_count().await, blobs, "{what} left bytes behind");
}

async fn accepted(world: &World, request: &Request, what: &str) -> Answer {
    let answer = request.send(world.address).await;
    assert_eq!(answer.status, 200, "{what}: {}", answer.body);
    answer
}

async fn stored(world: &World) -> String {
    world.s3("GET", PATH, "").await.body
}

/// How an `aws-chunked` upload is made, and where it goes wrong.
#[derive(Clone, Copy)]
struct Chunked {
    marker: &'static str,
    checksum: Option<&'static str>,
    decoded_length: &'static str,
    has_bad_chunk: bool,
    has_bad_trailer: bool,
    is_cut: bool,
}

const SIGNED: Chunked = Chunked {
    marker: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    checksum: None,
    decoded_length: "9",
    has_bad_chunk: false,
    has_bad_trailer: false,
    is_cut: false,
};
const SIGNED_TRAILER: Chunked =
    Chunked { marker: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", checksum: Some(CRC32), ..SIGNED };
const UNSIGNED_TRAILER: Chunked =
    Chunked { marker: "STREAMING-UNSIGNED-PAYLOAD-TRAILER", checksum: Some(CRC32), ..SIGNED };

/// The chain of signatures of one upload.
struct Chain {
    key: SigningKey,
    prefix: String,
    last: String,
}

impl Chain {
    fn next(&mut self, kind: &str, text: &str) -> String {
        let signature = self.key.sign(&format!("{kind}\n{}\n{}\n{text}", self.prefix, self.last));
        self.last = signature.as_str().to_owned();
        self.last.clone()
    }
}

/// The upload of `123456789` in two chunks.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>.
fn upload(key: &Key, how: Chunked) -> Request {
    let purpose = Purpose::of("s3");
    let mut request = Request::new("PUT", PATH, "", "")
        .with("content-encoding", "aws-chunked")
        .with("x-amz-content-sha256", how.marker);
    if !how.decoded_length.is_empty() {
        request = request.with("x-amz-decoded-content-length", how.decoded_length);
    }
    if how.checksum.is_some() {
        request = request.with("x-amz-trailer", "x-amz-checksum-crc32");
    }
    let mut request = request.signed_for(key, &purpose);
    let (_, seed) = request.header("authorization").unwrap().rsplit_once('=').unwrap();
    let scope = purpose.scope();
    let mut chain = Chain {
        key: SigningKey::derive(&key.secret, &scope),
        prefix: format!("{}\n{scope}", amz_date(purpose.time)),
        last: seed.to_owned(),
    };
    let is_signed = how.marker.contains("HMAC");
    let mut body = String::new();
    for piece in ["12345", "6789", ""] {
        let mut extension = String::new();
        if is_signed {
            let text = format!("{EMPTY_SHA256}\n{}", sha256_hex(piece.as_bytes()));
            let signature = chain.next("AWS4-HMAC-SHA256-PAYLOAD", &text);
            let signature = if how.has_bad_chunk && piece == "6789" { "0".repeat(64) } else { signature };
            extension = format!(";chunk-signature={signature}");
        }
        let end = if piece.is_empty() && how.checksum.is_some() { "" } else { "\r\n" };
        body.push_str(&format!("{:x}{extension}\r\n{piece}{end}", piece.len()));
    }
    if let Some(checksum) = how.checksum {
        let trailer = format!("x-amz-checksum-crc32:{checksum}");
        body.push_str(&format!("{trailer}\r\n"));
        if is_signed {
            let signature = chain.next("AWS4-HMAC-SHA256-TRAILER", &sha256_hex(format!("{trailer}\n").as_bytes()));
            let signature = if how.has_bad_trailer { "0".repeat(64) } else { signature };
            body.push_str(&format!("x-amz-trailer-signature:{signature}\r\n"));
        }
        body.push_str("\r\n");
    }
    if how.is_cut {
        body.truncate(body.find("6789").unwrap());
    }
    request.body = body.into_bytes();
    request
}

#[tokio::test]
async fn framed_uploads_are_taken_off_their_frames() {
    let world = world().await;
    for how in [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER] {
        accepted(&world, &upload(&world.owner, how), how.marker).await;
        assert_eq!(stored(&world).await, "123456789", "{}", how.marker);
        assert_eq!(world.s3("DELETE", PATH, "").await.status, 204);
    }
}

#[tokio::test]
async fn framed_uploads_that_break_their_word_leave_nothing() {
    let world = world().await;
    let mismatch = (403, "SignatureDoesNotMatch");
    let incomplete = (400, "IncompleteBody");
    for (how, expected, what) in [
        (Chunked { has_bad_chunk: true, ..SIGNED }, mismatch, "a chunk's signature"),
        (Chunked { has_bad_chunk: true, ..SIGNED_TRAILER }, mismatch, "a chunk's signature before a trailer"),
        (Chunked { has_bad_trailer: true, ..SIGNED_TRAILER }, mismatch, "the trailer's signature"),
        (Chunked { checksum: Some(WRONG_CRC32), ..SIGNED_TRAILER }, (400, "BadDigest"), "the signed checksum"),
        (Chunked { checksum: Some(WRONG_CRC32), ..UNSIGNED_TRAILER }, (400, "BadDigest"), "the checksum"),
        (Chunked { checksum: Some("AAAA"), ..UNSIGNED_TRAILER }, (400, "InvalidRequest"), "no checksum at all"),
        (Chunked { is_cut: true, ..SIGNED }, incomplete, "a cut body"),
        (Chunked { is_cut: true, ..UNSIGNED_TRAILER }, incomplete, "a cut unsigned body"),
        (Chunked { decoded_length: "8", ..SIGNED }, incomplete, "too long"),
        (Chunked { decoded_length: "10", ..UNSIGNED_TRAILER }, incomplete, "too short"),
        (Chunked { decoded_length: "", ..SIGNED }, (411, "MissingContentLength"), "no length"),
        (Chunked { decoded_length: "-1", ..SIGNED }, (411, "MissingContentLength"), "no such length"),
    ] {
        refused(&world, &upload(&world.owner, how), expected, what).await;
    }
    let mut garbage = upload(&world.owner, UNSIGNED_TRAILER);
    garbage.body = b"zz\r\n123\r\n".to_vec();
    refused(&world, &garbage, (400, "InvalidRequest"), "no chunk").await;
    let nobody = Request { headers: Vec::new(), ..upload(&world.owner, UNSIGNED_TRAILER) }
        .with("host", "localhost")
        .with("x-amz-content-sha256", UNSIGNED_TRAILER.marker)
        .with("x-amz-decoded-content-length", "9");
    refused(&world, &nobody, (403, "AccessDenied"), "nobody's").await;
}

#[tokio::test]
async fn plain_uploads_must_match_their_digests() {
    let world = world().await;
    let put = || Request::new("PUT", PATH, "", "123456789");
    for (name, value, expected) in [
        ("content-md5", "JfnnlDI7RTiF9RgfG2JNCg==", (400, "BadDigest")),
        ("content-md5", "no", (400, "InvalidDigest")),
        ("x-amz-checksum-crc32", WRONG_CRC32, (400, "BadDigest")),
        ("x-amz-checksum-sha256", CRC32, (400, "InvalidRequest")),
    ] {
        refused(&world, &put().with(name, value).signed(&world.owner, "s3"), expected, name).await;
    }
    for (name, value) in [("content-md5", "JfnnlDI7RTiF9RgfG2JNCw=="), ("x-amz-checksum-crc32", CRC32)] {
        accepted(&world, &put().with(name, value).signed(&world.owner, "s3"), name).await;
    }
    let unsigned = put().with("x-amz-content-sha256", "UNSIGNED-PAYLOAD").signed(&world.owner, "s3");
    accepted(&world, &unsigned, "an unsigned payload").await;
    assert_eq!(stored(&world).await, "123456789");
}

#[tokio::test]
async fn deleting_many_objects_needs_a_digest_of_the_list() {
    let world = world().await;
    accepted(&world, &Request::new("PUT", PATH, "", "x").signed(&world.owner, "s3"), "put").await;
    let list = "<Delete><Object><Key>upload</Key></Object></Delete>";
    let delete = || Request::new("POST", &format!("/{BUCKET}"), "delete", list);
    refused(&world, &delete().signed(&world.owner, "s3"), (400, "InvalidRequest"), "no digest").await;
    for (name, value, expected) in [
        ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==", (400, "BadDigest")),
        ("content-md5", "no", (400, "InvalidDigest")),
        ("x-amz-checksum-crc32", CRC32, (400, "BadDigest")),
        ("x-amz-checksum-crc64nvme", "rosUhgp5mIg=", (400, "BadDigest")),
        ("x-amz-checksum-algorithm", "CRC32", (400, "InvalidRequest")),
    ] {
        refused(&world, &delete().with(name, value).signed(&world.owner, "s3"), expected, name).await;
    }
    let framed = delete()
        .with("x-amz-content-sha256", UNSIGNED_TRAILER.marker)
        .with("x-amz-decoded-content-length", &list.len().to_string())
        .with("x-amz-trailer", "x-amz-checksum-crc32");
    let framed = framed.signed(&world.owner, "s3");
    let body = format!("{:x}\r\n{list}\r\n0\r\nx-amz-checksum-crc32:{CRC32}\r\n\r\n", list.len());
    let framed = Request { body: body.into_bytes(), ..framed };
    refused(&world, &framed, (400, "BadDigest"), "a trailing digest").await;
    let hash = sha256_hex(list.as_bytes());
    let bytes: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&hash[2 * at..2 * at + 2], 16).unwrap()).collect();
    let right = delete().with("x-amz-checksum-sha256", &STANDARD.encode(bytes)).signed(&world.owner, "s3");
    accepted(&world, &right, "the right digest").await;
    assert_eq!(world.s3("HEAD", PATH, "").await.status, 404);
}

#[tokio::test]
async fn what_has_not_changed_says_what_it_is() {
    let world = world().await;
    let put = Request::new("PUT", PATH, "", "123456789").with("cache-control", "max-age=60");
    accepted(&world, &put.signed(&world.owner, "s3"), "put").await;
    let full = world.s3("GET", PATH, "").await;
    let etag = full.header("etag").unwrap().to_owned();
    let modified = full.header("last-modified").unwrap().to_owned();
    for method in ["GET", "HEAD"] {
        for (name, value) in [("if-none-match", &etag), ("if-modified-since", &modified)] {
            let read = Request::new(method, PATH, "", "").with(name, value).signed(&world.owner, "s3");
            let answer = read.send(world.address).await;
            assert_eq!(answer.status, 304, "{method} {name}");
            assert_eq!(answer.header("etag"), Some(etag.as_str()));
            assert_eq!(answer.header("last-modified"), Some(modified.as_str()));
            assert_eq!(answer.header("cache-control"), Some("max-age=60"));
            assert_eq!(answer.header("content-length").unwrap_or("9"), "9", "a length is that of the object or none");
        }
    }
}

/// Many uploads to one key at once, of which every second one lies: the last that told the truth is there, whole.
#[tokio::test]
async fn lies_and_truths_at_once() {
    let world = Arc::new(world().await);
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let checksum = if number % 2 == 0 { CRC32 } else { WRONG_CRC32 };
                let how = Chunked { checksum: Some(checksum), ..UNSIGNED_TRAILER };
                (number, upload(&world.owner, how).send(world.address).await)
            })
        })
        .collect();
    for task in tasks {
        let (number, answer) = task.await.unwrap();
        assert_eq!(answer.status, if number % 2 == 0 { 200 } else { 400 }, "{}", answer.body);
    }
    assert_eq!(stored(&world).await, "123456789");
}
