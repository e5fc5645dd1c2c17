//! Tokens of OpenID Connect: taken apart, and compared with a provider's keys.
//! Sources: <https://www.rfc-editor.org/rfc/rfc7519>, <https://www.rfc-editor.org/rfc/rfc7515>. Taken are the algorithms
//! that AWS takes: RS256, RS384, RS512, ES256, ES384 and ES512. `none` and those with shared secrets are no algorithms here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::keys::{Algorithm, KeySet};

/// A token that was taken apart. Nothing in it is true before [`Token::is_signed_by`] says so.
#[derive(Debug)]
pub(super) struct Token {
    /// How it is said to be signed.
    pub(super) algorithm: Algorithm,
    /// The name of the key, if it names one.
    pub(super) key_id: Option<String>,
    /// What it claims.
    pub(super) claims: Map<String, Value>,
    signed: String,
    signature: Vec<u8>,
}

impl Token {
    /// Takes a token apart; none if it is not one, or signed in a way that is not taken.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header = object(header)?;
        // What must be understood and is not, by its own word.
        if header.contains_key("crit") {
            return None;
        }
        Some(Self {
            algorithm: Algorithm::named(header.get("alg")?.as_str()?)?,
            key_id: header.get("kid").and_then(Value::as_str).map(str::to_owned),
            claims: object(claims)?,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether one of the keys made the signature.
    pub(super) fn is_signed_by(&self, keys: &KeySet) -> bool {
        keys.fitting(self.key_id.as_deref(), self.algorithm)
            .any(|key| key.verifies(self.algorithm, self.signed.as_bytes(), &self.signature))
    }

    /// A claim that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// A claim that is one text or several.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        match self.claims.get(name) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// A claim that is a time in seconds.
    pub(super) fn seconds(&self, name: &str) -> Option<i64> {
        self.claims.get(name).and_then(Value::as_i64)
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    match serde_json::from_slice(&bytes).ok()? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::Token;

    fn token(header: &str, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(header), part(claims), part("signature"))
    }

    #[test]
    fn what_is_no_token_is_not_taken() {
        for (header, claims, is_taken) in [
            (r#"{"alg":"RS256","kid":"1"}"#, r#"{"sub":"a"}"#, true),
            (r#"{"alg":"none"}"#, r#"{"sub":"a"}"#, false),
            (r#"{"alg":"HS256"}"#, r#"{"sub":"a"}"#, false),
            (r#"{"alg":"RS256","crit":["x"]}"#, r#"{"sub":"a"}"#, false),
            (r#"{"alg":"RS256"}"#, r#"["sub"]"#, false),
            (r#"{"alg":"RS256"}"#, "", false),
            ("", "{}", false),
        ] {
            assert_eq!(Token::parse(&token(header, claims)).is_some(), is_taken, "{header} {claims}");
        }
        for text in ["", ".", "..", "a.b.c", "eyJhbGciOiJSUzI1NiJ9.e30", "ya29.opaque"] {
            assert!(Token::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn claims_are_read_by_their_kind() {
        let claims = r#"{"aud":["a","b",1],"sub":7,"exp":1.5,"iat":12,"iss":"i"}"#;
        let token = Token::parse(&token(r#"{"alg":"ES256"}"#, claims)).unwrap();
        assert_eq!((token.texts("aud"), token.texts("iss")), (vec!["a", "b"], vec!["i"]));
        assert_eq!((token.text("sub"), token.text("iss")), (None, Some("i")));
        assert_eq!((token.seconds("exp"), token.seconds("iat")), (None, Some(12)));
    }
}
