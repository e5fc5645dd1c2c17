//! Continuation tokens: where a listing goes on, bound to what is listed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::S3Error;

/// Longest token that is looked at: a bucket's name and a key, in base64.
const MAX_TOKEN: usize = 2048;

/// Writes and reads continuation tokens.
pub(crate) struct Token;

impl Token {
    /// The token with which a listing of `scope` (a bucket or an account) goes on after `last`.
    pub(crate) fn write(scope: &str, last: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{scope}\n{last}"))
    }

    /// What [`Token::write`] was given as `last`.
    ///
    /// # Errors
    /// `InvalidArgument` for a token that no listing of `scope` gave.
    pub(crate) fn read(scope: &str, token: &str) -> Result<String, S3Error> {
        let bytes =
            Some(token).filter(|token| token.len() <= MAX_TOKEN).and_then(|token| URL_SAFE_NO_PAD.decode(token).ok());
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        match text.as_deref().and_then(|text| text.split_once('\n')) {
            Some((own, last)) if own == scope => Ok(last.to_owned()),
            _ => Err(S3Error::argument("continuation-token", token, "The continuation token provided is incorrect")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn tokens_are_bound_to_their_bucket() {
        let token = Token::write("bucket", "a\nb/é");
        assert_eq!(Token::read("bucket", &token).unwrap(), "a\nb/é");
        assert!(Token::read("other", &token).is_err());
        assert!(Token::read("bucket", "nonsense").is_err());
        assert!(Token::read("bucket", &"a".repeat(5000)).is_err());
    }
}
