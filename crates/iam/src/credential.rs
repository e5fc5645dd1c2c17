//! What an access key proves, once its signature has been compared, and what it takes to compare it.
//! Not here: where a credential comes from. Permanent ones are records; temporary ones will be STS's.

use api::Caller;
use jiff::Timestamp;
use wire::sigv4::{KeyRing, Scope, SigningKey};

/// The secret of an access key and who its holder is. The keys derived from the secret are kept with it.
#[derive(Debug)]
pub struct Credential {
    secret: Secret,
    caller: Caller,
    session: Option<Session>,
    ring: KeyRing,
}

struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[derive(Debug)]
struct Session {
    token: Secret,
    expires: Timestamp,
}

/// Why a session token does not go with an access key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// The key is temporary, and came without a token.
    #[error("a temporary key without its token")]
    Missing,
    /// It is not this key's token, or the key has none.
    #[error("not the token of this key")]
    Wrong,
    /// The session is over.
    #[error("the session is over")]
    Expired,
}

impl Credential {
    /// What a permanent key (`AKIA…`) proves.
    pub fn permanent(secret: String, caller: Caller) -> Self {
        Self { secret: Secret(secret), caller, session: None, ring: KeyRing::default() }
    }

    /// What a temporary key (`ASIA…`) proves until `expires`, together with its session token.
    pub fn temporary(secret: String, caller: Caller, token: String, expires: Timestamp) -> Self {
        let session = Some(Session { token: Secret(token), expires });
        Self { session, ..Self::permanent(secret, caller) }
    }

    /// Who the caller is, once the signature matches.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What signatures of version 2 are made with.
    pub fn secret(&self) -> &str {
        &self.secret.0
    }

    /// What signatures of version 4 are made with in a scope; derived once.
    pub fn signing_key(&self, scope: &Scope) -> SigningKey {
        self.ring.key(&self.secret.0, scope)
    }

    /// Whether the session token that came with a request goes with this key. Takes the same time wherever it differs.
    ///
    /// # Errors
    /// See [`TokenFault`].
    pub fn check_token(&self, token: Option<&str>, now: Timestamp) -> Result<(), TokenFault> {
        match (&self.session, token) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(TokenFault::Wrong),
            (Some(_), None) => Err(TokenFault::Missing),
            (Some(session), Some(token)) if !wire::sigv4::is_same(&session.token.0, token) => Err(TokenFault::Wrong),
            (Some(session), Some(_)) if session.expires <= now => Err(TokenFault::Expired),
            (Some(_), Some(_)) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use api::{Caller, Principal};
    use jiff::Timestamp;

    use super::{Credential, TokenFault};

    #[test]
    fn tokens_go_with_their_keys_until_their_end() {
        let caller = || Caller {
            account: "123456789012".parse().ok(),
            principal: Principal::Root,
            access_key: None,
            session: None,
        };
        let (now, end) = (Timestamp::constant(1000, 0), Timestamp::constant(1001, 0));
        let permanent = Credential::permanent("s".into(), caller());
        let temporary = Credential::temporary("s".into(), caller(), "token".into(), end);
        for (credential, token, at, expected) in [
            (&permanent, None, now, Ok(())),
            (&permanent, Some("token"), now, Err(TokenFault::Wrong)),
            (&permanent, Some(""), now, Err(TokenFault::Wrong)),
            (&temporary, None, now, Err(TokenFault::Missing)),
            (&temporary, Some("token"), now, Ok(())),
            (&temporary, Some("tokem"), now, Err(TokenFault::Wrong)),
            (&temporary, Some("token"), end, Err(TokenFault::Expired)),
            (&temporary, Some("other"), end, Err(TokenFault::Wrong)),
        ] {
            assert_eq!(credential.check_token(token, at), expected, "{token:?}");
        }
        assert!(!format!("{temporary:?}").contains("token\""), "secrets are not for logs");
    }
}
