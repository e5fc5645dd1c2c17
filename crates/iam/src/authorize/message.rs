//! The encoded authorization failure message: the whole decision, for whoever may decode it and for nobody else.
//!
//! It is deflated JSON of AWS's form, sealed with AES-256-GCM under a key that is in the store, so that every process of a
//! region reads the messages of the others. What is sealed with it is the account of whom it was said to: another
//! account's message is none.
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html>.

use std::io::{Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use policy::{Context, Decision, Effect, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::{Effects, Need};
use store::{Changes, CommitError, Record, Store, StoreError, View};

/// The longest decoded message that is believed. What we seal is smaller by far.
const MAX_DECODED: u64 = 1 << 20;

/// The key that messages are sealed with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageKeyRecord {
    /// 32 random bytes in base64.
    pub key: String,
}

impl Record for MessageKeyRecord {
    const TABLE: &'static str = "identity/message-key";
    const VERSION: u16 = 1;
    type Key = (String,);

    fn key(&self) -> Self::Key {
        ("current".to_owned(),)
    }
}

impl std::fmt::Debug for MessageKeyRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MessageKeyRecord(..)")
    }
}

/// Makes the key at a region's first start. Of two processes that start at once, the second takes what the first has
/// made.
///
/// # Errors
/// What the store gives.
pub async fn make_message_key(store: &Store, effects: &dyn Effects) -> Result<(), CommitError> {
    loop {
        let view = store.view()?;
        if view.contains::<MessageKeyRecord>(&("current".to_owned(),))? {
            return Ok(());
        }
        let mut bytes = [0; 32];
        effects.fill(&mut bytes);
        let mut changes = Changes::new();
        changes.put(&MessageKeyRecord { key: URL_SAFE_NO_PAD.encode(bytes) })?;
        match store.commit(Some(&view), changes).await {
            Ok(_) => return Ok(()),
            // Whoever was first has committed, so the next look ends this.
            Err(CommitError::Conflict) => {}
            Err(other) => return Err(other),
        }
    }
}

/// The message of a refusal, sealed; none in a store without a key, as those of most tests.
pub(super) fn seal(
    view: &View,
    effects: &dyn Effects,
    account: &str,
    message: &Value,
) -> Result<Option<String>, StoreError> {
    let Some(key) = key(view)? else { return Ok(None) };
    let mut nonce = [0; NONCE_LEN];
    effects.fill(&mut nonce);
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory can't fail.
    let _ = deflated.write_all(message.to_string().as_bytes());
    let mut bytes = deflated.finish().unwrap_or_default();
    let sealed = key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(account), &mut bytes);
    Ok(sealed.is_ok().then(|| URL_SAFE_NO_PAD.encode([&nonce[..], &bytes].concat())))
}

/// What was sealed for someone of this account; none if it was not sealed here, or for another one.
pub(super) fn open(view: &View, account: &str, encoded: &str) -> Result<Option<String>, StoreError> {
    let Some(key) = key(view)? else { return Ok(None) };
    Ok(opened(&key, account, encoded))
}

fn opened(key: &LessSafeKey, account: &str, encoded: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut sealed = sealed.to_vec();
    let deflated = key.open_in_place(nonce, Aad::from(account), &mut sealed).ok()?;
    let mut text = String::new();
    DeflateDecoder::new(&*deflated).take(MAX_DECODED).read_to_string(&mut text).ok()?;
    Some(text)
}

fn key(view: &View) -> Result<Option<LessSafeKey>, StoreError> {
    let Some(record) = view.get::<MessageKeyRecord>(&("current".to_owned(),))? else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(&record.key).ok();
    let key = bytes.and_then(|bytes| UnboundKey::new(&AES_256_GCM, &bytes).ok());
    let damaged = || StoreError::Corrupt("the key of authorization messages".to_owned());
    Ok(Some(LessSafeKey::new(key.ok_or_else(damaged)?)))
}

/// A decision as AWS's decoded message has it.
pub(super) fn message(decision: &Decision, need: &Need, who: (&str, &str), context: &Context) -> Value {
    let (id, arn) = who;
    let resource = need.resource_text();
    let statements = decision.matched.iter().map(|matched| {
        json!({
            "statementId": matched.sid.as_deref().unwrap_or_default(),
            "effect": if matched.effect == Effect::Deny { "DENY" } else { "ALLOW" },
            "principals": items([json!({"value": id})]),
            "principalGroups": items([]),
            "actions": items([json!({"value": need.action})]),
            "resources": items([json!({"value": resource})]),
            "conditions": items([]),
        })
    });
    let conditions = context.iter().map(|(key, values)| {
        let values = values.iter().map(|value| json!({"value": value}));
        json!({"key": key, "values": items(values)})
    });
    json!({
        "allowed": decision.is_allowed(),
        "explicitDeny": decision.outcome == Outcome::ExplicitDeny,
        "matchedStatements": items(statements),
        "failures": items([]),
        "context": {
            "principal": {"id": id, "arn": arn},
            "action": need.action,
            "resource": resource,
            "conditions": items(conditions),
        },
    })
}

fn items(items: impl IntoIterator<Item = Value>) -> Value {
    json!({"items": items.into_iter().collect::<Vec<_>>()})
}
