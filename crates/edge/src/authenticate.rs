//! Who sent a request: the claim of its headers, proven with the secret of the access key it names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::Caller;
use aws_lc_rs::digest;
use http::request::Parts;
use iam::Credential;
use jiff::Timestamp;
use wire::Protocol;
use wire::sigv4::{CanonicalRequest, Claim, MAX_SKEW_SECONDS, PathRule, Scope, SigningKey, hex, string_to_sign};

use crate::refuse::Refusal;
use crate::trace::SentUri;

/// Where access keys are looked up.
pub trait Credentials: Send + Sync {
    /// The credential of an access key, or none if nobody has it or it does not work.
    ///
    /// # Errors
    /// A text for the log.
    fn find(&self, access_key: &str) -> Result<Option<Arc<Credential>>, String>;
}

/// Derived signing keys by access key and scope. Bounded: when full it starts afresh, as keys change each day anyway.
#[derive(Default)]
pub struct SigningKeys {
    keys: Mutex<HashMap<(String, Scope), Derived>>,
}

/// A key, and the print of the secret it was derived from: a secret that changes makes the key void.
struct Derived {
    print: [u8; 32],
    key: SigningKey,
}

/// Most signing keys that are kept.
const MAX_KEYS: usize = 4096;

impl SigningKeys {
    fn of(&self, claim: &Claim, secret: &str) -> SigningKey {
        let mut print = [0; 32];
        print.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
        let name = (claim.access_key.clone(), claim.scope.clone());
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = keys.get(&name)
            && known.print == print
        {
            return known.key.clone();
        }
        if keys.len() >= MAX_KEYS {
            keys.clear();
        }
        let key = SigningKey::derive(secret, &claim.scope);
        keys.insert(name, Derived { print, key: key.clone() });
        key
    }
}

/// What a claim is compared with.
pub(crate) struct Expected<'a> {
    /// The protocol family, which decides the details.
    pub protocol: Protocol,
    /// The region we are.
    pub region: &'a str,
    /// Now.
    pub now: Timestamp,
    /// What stands for the body in the canonical request.
    pub payload: &'a str,
}

/// A caller whose signature matched, with what verifies the chunks of its body.
pub(crate) struct Proven {
    pub caller: Caller,
    pub key: SigningKey,
}

/// Compares a claim with what the holder of the secret would have signed.
pub(crate) fn prove(
    claim: &Claim,
    credential: &Credential,
    keys: &SigningKeys,
    parts: &Parts,
    expected: &Expected<'_>,
) -> Result<Proven, Refusal> {
    if claim.scope.region != expected.region {
        return Err(Refusal::Scope(match expected.protocol {
            Protocol::RestXml => {
                format!("the region '{}' is wrong; expecting '{}'", claim.scope.region, expected.region)
            }
            _ => "Credential should be scoped to a valid region.".to_owned(),
        }));
    }
    if claim.age_seconds(expected.now).abs() > MAX_SKEW_SECONDS {
        return Err(Refusal::Skewed { now: expected.now });
    }
    if claim.session_token.is_some() {
        return Err(Refusal::UnexpectedToken);
    }
    let is_signed = |name: &str| claim.signed_headers.iter().any(|signed| signed == name);
    if !is_signed("host") {
        return Err(Refusal::Unsigned("host"));
    }
    if parts.headers.keys().any(|name| name.as_str().starts_with("x-amz-") && !is_signed(name.as_str())) {
        return Err(Refusal::Unsigned("x-amz-*"));
    }
    let path_rule = match expected.protocol {
        Protocol::RestXml => PathRule::Once,
        _ => PathRule::Twice,
    };
    let sent = parts.extensions.get::<SentUri>().map_or(&parts.uri, |sent| &sent.0);
    let canonical = CanonicalRequest {
        method: parts.method.as_str(),
        path: sent.path(),
        query: sent.query().unwrap_or_default(),
        headers: &parts.headers,
        payload: expected.payload,
        path_rule,
    }
    .render(claim);
    let string_to_sign = string_to_sign(claim, &canonical);
    let key = keys.of(claim, &credential.secret);
    if !key.sign(&string_to_sign).matches(&claim.signature) {
        return Err(Refusal::Mismatch { canonical, string_to_sign });
    }
    Ok(Proven { caller: credential.caller.clone(), key })
}

/// The SHA-256 of a body, in hexadecimal.
pub(crate) fn body_hash(body: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, body).as_ref())
}
