//! The instance metadata service (IMDS) without its transport: a request and a specification in, a reply out.
//! Rule source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html>.
//! Not here: sockets, the clock, who asks. Both hosts serve the same answers through [`answer`].

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;

use crate::MetadataSpec;

/// The request header that says how long a session token shall live, and the reply header that says how long it does.
pub const TOKEN_TTL_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";
/// The request header that carries a session token.
pub const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";
/// Longest life of a session token in seconds: six hours.
pub const LONGEST_TOKEN: u64 = 21_600;

/// Versions that `/` lists; each names the same tree as `latest`.
const VERSIONS: [&str; 29] = [
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
    "2011-01-01",
    "2011-05-01",
    "2012-01-12",
    "2014-02-25",
    "2014-11-05",
    "2015-10-20",
    "2016-04-19",
    "2016-06-30",
    "2016-09-02",
    "2018-03-28",
    "2018-08-17",
    "2018-09-24",
    "2019-10-01",
    "2020-10-27",
    "2021-01-03",
    "2021-03-23",
    "2021-07-15",
    "2022-09-24",
    "2024-04-11",
    "latest",
];

/// Signs session tokens. Nothing is kept of a token: it is bound to its instance and its end by the signature, so it
/// outlives our process as long as the key does.
pub struct TokenKey(hmac::Key);

impl TokenKey {
    /// A key from 32 secret bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    fn token(&self, spec: &MetadataSpec, ends: u64) -> String {
        let tag = hmac::sign(&self.0, &signed(spec, ends));
        let mut bytes = ends.to_be_bytes().to_vec();
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE.encode(bytes)
    }

    /// Seconds that the token still lives; nothing if it is not a token of this instance, or over.
    fn remaining(&self, spec: &MetadataSpec, token: &str, now: u64) -> Option<u64> {
        let bytes = URL_SAFE.decode(token).ok()?;
        let (ends, tag) = bytes.split_first_chunk::<8>()?;
        let ends = u64::from_be_bytes(*ends);
        hmac::verify(&self.0, &signed(spec, ends), tag).ok()?;
        ends.checked_sub(now).filter(|left| (1..=LONGEST_TOKEN).contains(left))
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(secret)")
    }
}

fn signed(spec: &MetadataSpec, ends: u64) -> Vec<u8> {
    let mut bytes = b"imds-token-v1".to_vec();
    bytes.extend_from_slice(&ends.to_be_bytes());
    bytes.extend_from_slice(spec.instance.as_str().as_bytes());
    bytes
}

/// What of an HTTP request the answer depends on.
#[derive(Debug, Clone, Copy, Default)]
pub struct MetadataRequest<'a> {
    /// The method, such as `GET`.
    pub method: &'a str,
    /// The path as sent, without query.
    pub path: &'a str,
    /// [`TOKEN_TTL_HEADER`], if sent.
    pub token_ttl: Option<&'a str>,
    /// [`TOKEN_HEADER`], if sent.
    pub token: Option<&'a str>,
    /// True if the request has an `X-Forwarded-For` header.
    pub is_forwarded: bool,
}

/// What to send back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataReply {
    /// HTTP status code.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The bytes of the body.
    pub body: Vec<u8>,
    /// The value of [`TOKEN_TTL_HEADER`] in the reply: with a token, old or new.
    pub token_ttl: Option<u64>,
    /// The IP time-to-live that the reply must be sent with, if it carries a new token.
    pub hop_limit: Option<u8>,
}

impl MetadataReply {
    fn ok(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, content_type, body: body.into(), token_ttl: None, hop_limit: None }
    }

    /// An error page as EC2's: XHTML with the status as title.
    pub fn error(status: u16) -> Self {
        let title = match status {
            400 => "400 - Bad Request",
            401 => "401 - Unauthorized",
            403 => "403 - Forbidden",
            404 => "404 - Not Found",
            405 => "405 - Method Not Allowed",
            _ => "500 - Internal Server Error",
        };
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n\
             <!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\"\n\
             \t\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n\
             <html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n \
             <head>\n  <title>{title}</title>\n </head>\n \
             <body>\n  <h1>{title}</h1>\n </body>\n</html>\n"
        );
        Self { status, content_type: "text/html", body: body.into_bytes(), token_ttl: None, hop_limit: None }
    }
}

/// The reply to one request of the interface that `spec` belongs to, at `now` in seconds since 1970.
pub fn answer(request: &MetadataRequest<'_>, spec: &MetadataSpec, key: &TokenKey, now: u64) -> MetadataReply {
    if !spec.is_enabled {
        return MetadataReply::error(403);
    }
    let (version, rest) = split_version(request.path);
    let is_token_path = VERSIONS.contains(&version) && rest == Some("api/token");
    match (request.method, is_token_path) {
        ("PUT", true) => new_token(request, spec, key, now),
        ("GET" | "HEAD", false) => {
            let token_ttl = match request.token {
                None if spec.token_required => return MetadataReply::error(401),
                None => None,
                Some(token) => match key.remaining(spec, token, now) {
                    None => return MetadataReply::error(401),
                    some => some,
                },
            };
            let reply = if request.path == "/" || request.path.is_empty() {
                MetadataReply::ok("text/plain", VERSIONS.join("\n"))
            } else if VERSIONS.contains(&version) {
                below_version(spec, rest.unwrap_or(""))
            } else {
                MetadataReply::error(404)
            };
            MetadataReply { token_ttl, ..reply }
        }
        _ => MetadataReply::error(405),
    }
}

fn split_version(path: &str) -> (&str, Option<&str>) {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path.split_once('/') {
        Some((version, rest)) => (version, Some(rest)),
        None => (path, None),
    }
}

fn new_token(request: &MetadataRequest<'_>, spec: &MetadataSpec, key: &TokenKey, now: u64) -> MetadataReply {
    // A proxy that forwards for somebody else must not obtain a token.
    if request.is_forwarded {
        return MetadataReply::error(403);
    }
    let ttl = request.token_ttl.and_then(|text| text.parse().ok()).filter(|ttl| (1..=LONGEST_TOKEN).contains(ttl));
    let Some(ttl) = ttl else { return MetadataReply::error(400) };
    let reply = MetadataReply::ok("text/plain", key.token(spec, now.saturating_add(ttl)));
    MetadataReply { token_ttl: Some(ttl), hop_limit: Some(spec.hop_limit), ..reply }
}

fn below_version(spec: &MetadataSpec, path: &str) -> MetadataReply {
    if path.is_empty() {
        let mut names: BTreeSet<&str> =
            spec.leaves.keys().filter_map(|leaf| leaf.split_once('/').map(|(folder, _)| folder)).collect();
        if spec.user_data.is_some() {
            names.insert("user-data");
        }
        return MetadataReply::ok("text/plain", names.into_iter().collect::<Vec<_>>().join("\n"));
    }
    if path == "user-data" {
        return match &spec.user_data {
            Some(bytes) => MetadataReply::ok("application/octet-stream", bytes.clone()),
            None => MetadataReply::error(404),
        };
    }
    match spec.leaves.get(path).cloned().or_else(|| listing(spec, path)) {
        Some(text) => MetadataReply::ok("text/plain", text),
        None => MetadataReply::error(404),
    }
}

/// The children of a folder, asked for with or without the slash behind its name.
fn listing(spec: &MetadataSpec, path: &str) -> Option<String> {
    let prefix = if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
    if let Some(written) = spec.leaves.get(&prefix) {
        return Some(written.clone());
    }
    let mut names = BTreeSet::new();
    for leaf in spec.leaves.range(prefix.clone()..).map(|(leaf, _)| leaf) {
        let Some(below) = leaf.strip_prefix(&prefix) else { break };
        names.insert(match below.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => below.to_owned(),
        });
    }
    if names.is_empty() { None } else { Some(names.into_iter().collect::<Vec<_>>().join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_TOKEN, MetadataReply, MetadataRequest, TokenKey, answer};
    use crate::MetadataSpec;

    fn spec() -> MetadataSpec {
        let leaves = [
            ("meta-data/ami-id", "ami-0123456789abcdef0"),
            ("meta-data/instance-id", "i-0123456789abcdef0"),
            ("meta-data/placement/availability-zone", "us-east-1a"),
            ("meta-data/public-keys/", "0=my-key"),
            ("meta-data/public-keys/0/openssh-key", "ssh-ed25519 AAAA"),
            ("dynamic/instance-identity/document", "{}"),
        ];
        MetadataSpec {
            instance: "i-0123456789abcdef0".parse().unwrap(),
            leaves: leaves.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect(),
            user_data: Some(vec![0x1f, 0x8b]),
            token_required: false,
            hop_limit: 2,
            is_enabled: true,
        }
    }

    fn key() -> TokenKey {
        TokenKey::new(&[7; 32])
    }

    fn get(path: &str, spec: &MetadataSpec) -> MetadataReply {
        answer(&MetadataRequest { method: "GET", path, ..Default::default() }, spec, &key(), 1000)
    }

    #[track_caller]
    fn check(path: &str, status: u16, body: &str) {
        let reply = get(path, &spec());
        assert_eq!(reply.status, status, "{path}");
        if status == 200 {
            assert_eq!(String::from_utf8_lossy(&reply.body), body, "{path}");
            assert_eq!(reply.content_type, "text/plain", "{path}");
        }
    }

    #[test]
    fn paths() {
        check("/latest/meta-data/instance-id", 200, "i-0123456789abcdef0");
        check("/2021-03-23/meta-data/instance-id", 200, "i-0123456789abcdef0");
        check("/1.0/meta-data/instance-id", 200, "i-0123456789abcdef0");
        check("/2020-02-30/meta-data/instance-id", 404, "");
        check("/latest/", 200, "dynamic\nmeta-data\nuser-data");
        check("/latest", 200, "dynamic\nmeta-data\nuser-data");
        check("/latest/meta-data/", 200, "ami-id\ninstance-id\nplacement/\npublic-keys/");
        check("/latest/meta-data", 200, "ami-id\ninstance-id\nplacement/\npublic-keys/");
        check("/latest/meta-data/placement/", 200, "availability-zone");
        check("/latest/meta-data/public-keys/", 200, "0=my-key");
        check("/latest/meta-data/public-keys/0/", 200, "openssh-key");
        check("/latest/meta-data/public-keys/0/openssh-key", 200, "ssh-ed25519 AAAA");
        check("/latest/dynamic/", 200, "instance-identity/");
        check("/latest/meta-data/inst", 404, "");
        check("/latest/meta-data/instance-id/", 404, "");
        check("/latest/nothing", 404, "");
        assert!(get("/", &spec()).body.starts_with(b"1.0\n2007-01-19\n"));
    }

    #[test]
    fn user_data_is_bytes_and_listed_only_if_present() {
        let mut spec = spec();
        assert_eq!(get("/latest/user-data", &spec).body, [0x1f, 0x8b]);
        assert_eq!(get("/latest/user-data", &spec).content_type, "application/octet-stream");
        spec.user_data = None;
        assert_eq!(get("/latest/user-data", &spec).status, 404);
        assert_eq!(get("/latest/", &spec).body, b"dynamic\nmeta-data");
    }

    #[test]
    fn errors_are_pages() {
        let reply = get("/latest/none", &spec());
        assert_eq!(reply.content_type, "text/html");
        assert!(String::from_utf8(reply.body).unwrap().contains("\n  <h1>404 - Not Found</h1>\n"));
    }

    fn put(ttl: Option<&str>, is_forwarded: bool) -> MetadataReply {
        let path = "/latest/api/token";
        answer(
            &MetadataRequest { method: "PUT", path, token_ttl: ttl, token: None, is_forwarded },
            &spec(),
            &key(),
            1000,
        )
    }

    #[test]
    fn token_requests() {
        for (ttl, is_forwarded, status) in [
            (Some("1"), false, 200),
            (Some("21600"), false, 200),
            (Some("0"), false, 400),
            (Some("21601"), false, 400),
            (Some("-1"), false, 400),
            (Some("x"), false, 400),
            (None, false, 400),
            (Some("60"), true, 403),
        ] {
            assert_eq!(put(ttl, is_forwarded).status, status, "{ttl:?} {is_forwarded}");
        }
        let reply = put(Some("60"), false);
        assert_eq!((reply.token_ttl, reply.hop_limit, reply.body.len()), (Some(60), Some(2), 56));
        for (method, path) in [("GET", "/latest/api/token"), ("PUT", "/latest/meta-data/"), ("POST", "/latest/")] {
            let request = MetadataRequest { method, path, ..Default::default() };
            assert_eq!(answer(&request, &spec(), &key(), 1000).status, 405, "{method} {path}");
        }
    }

    #[track_caller]
    fn with_token(token: Option<&str>, change: fn(&mut MetadataSpec), now: u64, status: u16) -> MetadataReply {
        let mut spec = spec();
        change(&mut spec);
        let request = MetadataRequest { method: "GET", path: "/latest/meta-data/ami-id", token, ..Default::default() };
        let reply = answer(&request, &spec, &key(), now);
        assert_eq!(reply.status, status);
        reply
    }

    #[test]
    fn tokens_open_for_their_instance_and_time_only() {
        let token = String::from_utf8(put(Some("60"), false).body).unwrap();
        let required: fn(&mut MetadataSpec) = |spec| spec.token_required = true;
        let optional: fn(&mut MetadataSpec) = |_| ();
        assert_eq!(with_token(Some(&token), required, 1000, 200).token_ttl, Some(60));
        assert_eq!(with_token(Some(&token), required, 1059, 200).token_ttl, Some(1));
        with_token(Some(&token), required, 1060, 401);
        with_token(Some(&token), optional, 1060, 401);
        with_token(None, required, 1000, 401);
        with_token(None, optional, 1000, 200);
        with_token(Some("forged"), optional, 1000, 401);
        with_token(Some(&token), |spec| spec.instance = "i-0ffffffffffffffff".parse().unwrap(), 1000, 401);
        with_token(Some(&token), |spec| spec.is_enabled = false, 1000, 403);
        let other = TokenKey::new(&[8; 32]).token(&spec(), 1000 + LONGEST_TOKEN);
        with_token(Some(&other), optional, 1000, 401);
    }
}
