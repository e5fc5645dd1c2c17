//! A new session: its key, its secret and its token.

use ids::AccountId;
use jiff::{SignedDuration, Timestamp};
use store::{Changes, StoreError, View};

use super::key_id::access_key_id;
use super::{SessionHolder, SessionRecord};
use crate::IamError;

/// Random bytes that a session is made of: five of its id, forty of its secret, the rest of its token.
pub const SESSION_BYTES: usize = 5 + 40 + TOKEN_BYTES;
/// So many characters follow [`TOKEN_HEAD`]. Tokens are about as long as AWS's, so that who has too little room for
/// those notices here.
const TOKEN_BYTES: usize = 340;
/// What tokens of AWS begin with.
const TOKEN_HEAD: &str = "IQoJb3JpZ2luX2Vj";
/// The longest token.
/// Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html> (`MinimumSessionTokenSize`).
pub(crate) const MAX_TOKEN: usize = 4096;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A session of `holder` from `issued` on, for so many seconds: without policies, tags or anything else, which whoever
/// makes it adds. The id tells the account.
pub fn new_session(
    random: &[u8; SESSION_BYTES],
    account: AccountId,
    holder: SessionHolder,
    issued: Timestamp,
    seconds: u32,
) -> SessionRecord {
    let (id, rest) = random.split_at(5);
    let (secret, token) = rest.split_at(40);
    let text =
        |bytes: &[u8]| -> String { bytes.iter().map(|byte| char::from(BASE64[usize::from(byte & 63)])).collect() };
    let id = access_key_id("ASIA", &account, id.try_into().unwrap_or_default());
    // Ends are told to the second.
    let end = Timestamp::from_second(issued.as_second()).unwrap_or(issued);
    SessionRecord {
        id,
        secret: text(secret),
        token: [TOKEN_HEAD, &text(token)].concat(),
        account,
        holder,
        issued,
        expires: end.saturating_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX),
        mfa: None,
        policies: None,
        tags: Vec::new(),
        transitive_tags: Vec::new(),
        source_identity: None,
        provider: None,
        context: Vec::new(),
        instance: None,
    }
}

/// The change that keeps a session, if nothing has its id yet: thirty-nine bits of it are random, so that happens once in
/// a long while, and the client tries again.
pub(crate) fn keep(view: &View, session: &SessionRecord) -> Result<Changes, IamError> {
    if view.contains::<SessionRecord>(&session.id)? {
        return Err(IamError::Store(StoreError::Busy));
    }
    let mut changes = Changes::new();
    changes.put(session)?;
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{SESSION_BYTES, new_session};
    use crate::SessionHolder;

    #[test]
    fn sessions_look_like_those_of_aws() {
        let issued = Timestamp::constant(1_795_248_000, 999_000_000);
        let account: ids::AccountId = "123456789012".parse().unwrap();
        let session = new_session(&[9; SESSION_BYTES], account, SessionHolder::Root, issued, 900);
        assert_eq!((session.id.len(), session.secret.len(), session.token.len()), (20, 40, 356));
        assert!(session.id.starts_with("ASIA"));
        assert_eq!(session.issued, issued);
        assert_eq!(session.expires, Timestamp::constant(1_795_248_900, 0));
    }
}
