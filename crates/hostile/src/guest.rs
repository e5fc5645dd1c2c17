//! What guests send to the servers of their network. A guest is a stranger with a wire into our process.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use host::MetadataSpec;
use host::metadata::{MetadataRequest, TokenKey, answer};

use crate::input::Input;

/// See [`crate::TARGETS`]. An input is a datagram.
pub(crate) fn dhcp(bytes: &[u8]) {
    host_linux::network::hostile::dhcp(bytes);
}

/// See [`crate::TARGETS`]. An input is a message.
pub(crate) fn dns(bytes: &[u8]) {
    host_linux::network::hostile::dns(bytes);
}

const SECRET: &[u8] = b"user data that nobody guesses";
const NOW: u64 = 1_795_248_000;

fn spec() -> &'static MetadataSpec {
    static SPEC: OnceLock<MetadataSpec> = OnceLock::new();
    SPEC.get_or_init(|| MetadataSpec {
        instance: "i-0123456789abcdef0".parse().unwrap_or_else(|_| panic!("that is an id")),
        leaves: BTreeMap::from([("meta-data/local-ipv4".to_owned(), "172.31.0.10".to_owned())]),
        user_data: Some(SECRET.to_vec()),
        token_required: true,
        hop_limit: 1,
        is_enabled: true,
    })
}

/// An input is flags in one byte, then method, path, token and life of the token asked for, each in a line.
pub(crate) fn metadata(bytes: &[u8]) {
    let mut input = Input(bytes);
    let flags = input.byte();
    let mut line = || std::str::from_utf8(input.line()).ok();
    let (Some(method), Some(path), Some(token), Some(ttl)) = (line(), line(), line(), line()) else { return };
    let key = TokenKey::new(&[7; 32]);
    let put = MetadataRequest { method: "PUT", path: "/latest/api/token", token_ttl: Some("60"), ..Default::default() };
    let issued = answer(&put, spec(), &key, NOW);
    assert_eq!((issued.status, issued.hop_limit), (200, Some(1)));
    let own = String::from_utf8_lossy(&issued.body).into_owned();
    let is_own = flags & 1 == 1;
    let request = MetadataRequest {
        method,
        path,
        token_ttl: (flags & 2 == 2).then_some(ttl),
        token: if is_own { Some(&own) } else { (flags & 4 == 4).then_some(token) },
        is_forwarded: flags & 8 == 8,
    };
    let reply = answer(&request, spec(), &key, NOW);
    assert!(matches!(reply.status, 200 | 400 | 401 | 403 | 404 | 405), "{}", reply.status);
    let is_token = method == "PUT" && reply.status == 200;
    assert!(!is_token || (reply.hop_limit == Some(1) && !request.is_forwarded), "a token leaves the machine");
    // The fuzzer cannot make the tag of a token: that is what the key is for.
    if reply.status == 200 && !is_token {
        assert!(is_own || token == own, "answered without a token");
    }
    if !is_own && token != own {
        assert!(!reply.body.windows(SECRET.len()).any(|part| part == SECRET), "user data given away");
    }
    let late = answer(&request, spec(), &key, NOW + 61);
    assert!(late.status != 200 || method == "PUT", "a token outlives itself");
}
