//! Uploads from browsers: forms that are good, and forms that break their policy or none at all.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use wire::sigv2;
use wire::sigv4::{SigningKey, amz_date};

use crate::client::{Answer, Key, Purpose, Request};
use crate::fixture::{BUCKET, World};

/// Fields of a form, in order, and its file.
#[derive(Clone)]
struct Upload {
    fields: Vec<(String, String)>,
    conditions: Vec<String>,
    file: Vec<u8>,
    filename: String,
    tail: String,
    expires: Timestamp,
}

impl Upload {
    fn new(key: &str) -> Self {
        let upload = Self {
            fields: Vec::new(),
            conditions: vec![format!("{{\"bucket\":\"{BUCKET}\"}}")],
            file: b"its bytes".to_vec(),
            filename: "photo.jpg".to_owned(),
            tail: String::new(),
            expires: Timestamp::now() + SignedDuration::from_secs(60),
        };
        upload.field("key", key).condition(r#"["starts-with","$key",""]"#)
    }

    fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn condition(mut self, text: &str) -> Self {
        self.conditions.push(text.to_owned());
        self
    }

    /// A field that the policy allows with this very value.
    fn allowed(self, name: &str, value: &str) -> Self {
        self.field(name, value).condition(&format!("[\"eq\",\"${name}\",\"{value}\"]"))
    }

    fn policy(&self) -> String {
        STANDARD.encode(format!(
            "{{\"expiration\":\"{}\",\"conditions\":[{}]}}",
            self.expires,
            self.conditions.join(",")
        ))
    }

    fn signed(self, key: &Key) -> Self {
        let purpose = Purpose::of("s3");
        let scope = purpose.scope();
        let upload = self
            .allowed("x-amz-algorithm", "AWS4-HMAC-SHA256")
            .allowed("x-amz-credential", &format!("{}/{scope}", key.id))
            .allowed("x-amz-date", &amz_date(purpose.time));
        let policy = upload.policy();
        let signature = SigningKey::derive(&key.secret, &scope).sign(&policy).as_str().to_owned();
        upload.field("policy", &policy).field("x-amz-signature", &signature)
    }

    fn signed_v2(self, key: &Key) -> Self {
        let policy = self.policy();
        let signature = sigv2::sign(&key.secret, &policy);
        self.field("AWSAccessKeyId", &key.id).field("policy", &policy).field("signature", &signature)
    }

    fn request(&self) -> Request {
        let mut body = Vec::new();
        for (name, value) in &self.fields {
            body.extend(
                format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
            );
        }
        let head = format!("name=\"file\"; filename=\"{}\"\r\nContent-Type: image/jpeg", self.filename);
        body.extend(format!("--edge\r\nContent-Disposition: form-data; {head}\r\n\r\n").bytes());
        body.extend(&self.file);
        body.extend(format!("\r\n{}--edge--\r\n", self.tail).bytes());
        let request = Request::new("POST", &format!("/{BUCKET}"), "", body);
        request.with("content-type", "multipart/form-data; boundary=edge")
    }

    async fn send(&self, world: &World) -> Answer {
        self.request().send(world.address).await
    }
}

async fn world() -> World {
    let world = World::new().await;
    assert_eq!(world.s3("PUT", &format!("/{BUCKET}"), "").await.status, 200);
    world
}

fn check(answer: &Answer, expected: (u16, &str), what: &str) {
    assert_eq!((answer.status, answer.code().as_str()), expected, "{what}: {}", answer.body);
}

#[tokio::test]
async fn a_form_becomes_an_object() {
    let world = world().await;
    let upload = Upload::new("dir/${filename}")
        .allowed("Content-Type", "image/png")
        .allowed("x-amz-meta-a", "b")
        .field("x-ignore-this", "1");
    for (upload, name) in
        [(upload.clone().signed(&world.owner), "one.png"), (upload.signed_v2(&world.owner), "two.png")]
    {
        let answer = Upload { filename: format!("C:\\fakepath\\{name}"), ..upload }.send(&world).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{name}");
        assert!(answer.header("etag").is_some());
        let url = format!("http://localhost:4566/{BUCKET}/dir%2F{name}");
        assert_eq!(answer.header("location"), Some(url.as_str()));
        let read = world.s3("GET", &format!("/{BUCKET}/dir/{name}"), "").await;
        assert_eq!(read.body, "its bytes");
        assert_eq!((read.header("content-type"), read.header("x-amz-meta-a")), (Some("image/png"), Some("b")));
    }
}

#[tokio::test]
async fn a_file_without_a_name_leaves_the_key_as_it_is() {
    let world = world().await;
    let upload = Upload::new("dir/${filename}").signed(&world.owner);
    let nameless = |request: Request| {
        let body = String::from_utf8(request.body).unwrap().replace("; filename=\"photo.jpg\"", "");
        Request { body: body.into_bytes(), ..request }
    };
    let answer = nameless(upload.request()).send(world.address).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_eq!(world.s3("GET", &format!("/{BUCKET}/dir/%24%7Bfilename%7D"), "").await.body, "its bytes");
    let answer = Upload { filename: String::new(), ..upload }.send(&world).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_eq!(world.s3("GET", &format!("/{BUCKET}/dir/"), "").await.body, "its bytes");
}

#[tokio::test]
async fn checksums_are_checked_though_the_policy_says_nothing_of_them() {
    let world = world().await;
    let upload = |sum: &str| Upload::new("k").field("x-amz-checksum-crc32", sum).signed(&world.owner);
    let answer = upload("AAAAAA==").send(&world).await;
    check(&answer, (400, "BadDigest"), "wrong");
    let answer = upload("sailor").send(&world).await;
    check(&answer, (400, "InvalidRequest"), "no checksum");
    let answer = Upload { file: b"123456789".to_vec(), ..upload("y/Q5Jg==") }.send(&world).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

#[tokio::test]
async fn a_post_to_a_bucket_is_a_form() {
    let world = world().await;
    let request = Request::new("POST", &format!("/{BUCKET}"), "", "x").with("content-type", "text/html");
    let answer = request.send(world.address).await;
    check(&answer, (412, "PreconditionFailed"), "text/html");
    let expected = "Bucket POST must be of the enclosure-type multipart/form-data";
    assert_eq!(answer.element("Condition"), Some(expected));
    let mut unsigned = Upload::new("k").signed(&world.owner);
    unsigned.fields.retain(|(name, _)| name == "key" || name == "policy");
    check(&unsigned.send(&world).await, (403, "AccessDenied"), "a policy that nobody signed");
}

#[tokio::test]
async fn the_form_says_what_its_answer_is() {
    let world = world().await;
    for (name, value, status) in [
        ("success_action_status", "200", 200),
        ("success_action_status", "201", 201),
        ("success_action_status", "418", 204),
        ("success_action_redirect", "https://example.net/done", 303),
    ] {
        let answer = Upload::new("a key").allowed(name, value).signed(&world.owner).send(&world).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        if status == 201 {
            assert_eq!((answer.element("Bucket"), answer.element("Key")), (Some(BUCKET), Some("a key")));
            assert!(answer.element("Location").unwrap().ends_with("/a%20key"));
        }
        if status == 303 {
            let location = answer.header("location").unwrap();
            assert!(location.starts_with(&format!("https://example.net/done?bucket={BUCKET}&key=a+key&etag=%22")));
        }
    }
    let by_host = Upload::new("by-host").signed(&world.owner).request();
    let by_host = Request { path: "/".to_owned(), ..by_host }.with("host", &format!("{BUCKET}.localhost:4566"));
    let answer = by_host.send(world.address).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_eq!(answer.header("location"), Some(format!("http://{BUCKET}.localhost:4566/by-host").as_str()));
}

#[tokio::test]
async fn a_form_that_breaks_its_policy_leaves_nothing() {
    let world = world().await;
    let (rows, blobs) = (world.rows(), world.blob_count().await);
    let denied = (403, "AccessDenied");
    let good = || Upload::new("k");
    let range = |text: &str| good().condition(&format!("[\"content-length-range\",{text}]"));
    for (what, upload, expected, message) in [
        (
            "key",
            good().condition(r#"["eq","$key","other"]"#).signed(&world.owner),
            denied,
            "Policy Condition failed: [\"eq\", \"$key\", \"other\"]",
        ),
        ("extra", good().field("acl", "private").signed(&world.owner), denied, "Extra input fields: acl"),
        (
            "expired",
            Upload { expires: Timestamp::now() - SignedDuration::from_secs(1), ..good() }.signed(&world.owner),
            denied,
            "Policy expired.",
        ),
        ("large", range("1,8").signed(&world.owner), (400, "EntityTooLarge"), "exceeds the maximum"),
        ("small", range("10,20").signed(&world.owner), (400, "EntityTooSmall"), "smaller than the minimum"),
        ("stranger", good().signed(&world.stranger), denied, "Access Denied"),
        ("stranger, version 2", good().signed_v2(&world.stranger), denied, "Access Denied"),
        ("inactive", good().signed(&world.inactive), (403, "InvalidAccessKeyId"), "does not exist"),
        ("nobody's", good(), denied, "Access Denied"),
        ("token", good().allowed("x-amz-security-token", "t").signed(&world.owner), (400, "InvalidToken"), "token"),
        (
            "both versions",
            good().signed(&world.owner).signed_v2(&world.owner),
            (400, "InvalidArgument"),
            "POST requires at most one",
        ),
        (
            "no key",
            Upload { fields: Vec::new(), ..good() }.signed(&world.owner),
            (400, "InvalidArgument"),
            "named 'key'",
        ),
        ("two keys", good().field("Key", "k").signed(&world.owner), (400, "InvalidArgument"), "at most one"),
        (
            "not JSON",
            {
                let mut it = good();
                it.conditions = vec!["}".into()];
                it.signed(&world.owner)
            },
            (400, "InvalidPolicyDocument"),
            "Invalid JSON",
        ),
        (
            "an encryption that there is not",
            good().allowed("x-amz-server-side-encryption", "AES512").signed(&world.owner),
            (400, "InvalidArgument"),
            "encryption",
        ),
        (
            "a wrong checksum",
            good().allowed("x-amz-checksum-crc32", "AAAAAA==").signed(&world.owner),
            (400, "BadDigest"),
            "CRC32",
        ),
    ] {
        let answer = upload.send(&world).await;
        check(&answer, expected, what);
        assert!(
            answer.element("Message").unwrap().replace("&quot;", "\"").contains(message),
            "{what}: {}",
            answer.body
        );
        if what == "large" {
            assert_eq!((answer.element("ProposedSize"), answer.element("MaxSizeAllowed")), (Some("9"), Some("8")));
        }
    }
    let mut forged = good().signed(&world.owner);
    forged.fields.iter_mut().find(|(name, _)| name == "x-amz-signature").unwrap().1.replace_range(..2, "zz");
    let answer = forged.send(&world).await;
    check(&answer, (403, "SignatureDoesNotMatch"), "forged");
    assert_eq!(
        answer.element("StringToSign"),
        forged.fields.iter().find(|(name, _)| name == "policy").map(|it| it.1.as_str())
    );
    let mut widened = good().signed_v2(&world.owner);
    let policy = Upload { conditions: Vec::new(), ..good() }.policy();
    widened.fields.iter_mut().find(|(name, _)| name == "policy").unwrap().1 = policy;
    check(&widened.send(&world).await, (403, "SignatureDoesNotMatch"), "another policy");
    assert!(world.rows() == rows, "something was stored");
    assert_eq!(world.blob_count().await, blobs);
}

#[tokio::test]
async fn what_is_no_form_leaves_nothing() {
    let world = world().await;
    let (rows, blobs) = (world.rows(), world.blob_count().await);
    let good = Upload::new("k").signed(&world.owner);
    let malformed = (400, "MalformedPOSTRequest");
    let request = good.request();
    let cut = Request { body: request.body[..request.body.len() - 12].to_vec(), ..request.clone() };
    check(&cut.send(world.address).await, malformed, "without its end");
    let unbounded = request.clone().with("content-type", "multipart/form-data");
    check(&unbounded.send(world.address).await, malformed, "without a boundary");
    let other = request.clone().with("content-type", "multipart/form-data; boundary=other");
    check(&other.send(world.address).await, malformed, "with another boundary");
    let head = "--edge\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--edge--\r\n";
    let no_file = Request { body: head.as_bytes().to_vec(), ..request.clone() };
    check(&no_file.send(world.address).await, (400, "InvalidArgument"), "without a file");
    let heavy = Upload::new("k").field("x-ignore-me", &"x".repeat(20 * 1024)).signed(&world.owner).send(&world).await;
    check(&heavy, (400, "MaxPostPreDataLengthExceeded"), "heavy fields");
    assert!(world.rows() == rows, "something was stored");
    assert_eq!(world.blob_count().await, blobs);
    let tail = Upload { tail: format!("{}\r\n", "x".repeat(100 * 1024)), ..good.clone() }.send(&world).await;
    assert_eq!(tail.status, 204, "it is a part of the file: {}", tail.body);
    let fields = "--edge\r\nContent-Disposition: form-data; name=\"submit\"\r\n\r\n".to_owned();
    let after = Upload { tail: format!("{fields}Upload\r\n"), ..good.clone() }.send(&world).await;
    assert_eq!(after.status, 204, "fields behind the file mean nothing: {}", after.body);
    assert_eq!(world.s3("DELETE", &format!("/{BUCKET}/k"), "").await.status, 204);
    let long = Upload { tail: format!("{fields}{}\r\n", "x".repeat(100 * 1024)), ..good.clone() }.send(&world).await;
    check(&long, malformed, "too much behind the file");
    check(
        &good.request().signed(&world.owner, "s3").send(world.address).await,
        (400, "InvalidArgument"),
        "two signatures",
    );
    let elsewhere = Request { path: "/no-such-bucket".to_owned(), ..good.request() };
    check(&elsewhere.send(world.address).await, (403, "AccessDenied"), "another bucket than the policy's");
    assert_eq!(world.s3("GET", &format!("/{BUCKET}/k"), "").await.status, 404);
}

#[tokio::test]
async fn a_large_file_passes_through() {
    let world = world().await;
    let file: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let upload = Upload { file: file.clone(), ..Upload::new("large") }.signed(&world.owner);
    assert_eq!(upload.send(&world).await.status, 204);
    let head = world.s3("HEAD", &format!("/{BUCKET}/large"), "").await;
    assert_eq!(head.header("content-length"), Some(file.len().to_string().as_str()));
}
