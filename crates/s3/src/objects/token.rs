//! Continuation tokens: where a listing goes on, bound to what is listed.

use service::Pages;

use crate::S3Error;

/// Writes and reads continuation tokens.
pub(crate) struct Token;

impl Token {
    /// The token with which a listing of `scope` (a bucket or an account) goes on after `last`.
    pub(crate) fn write(pages: Pages<'_>, scope: &str, last: &str) -> String {
        pages.seal(&["s3", scope], last)
    }

    /// What [`Token::write`] was given as `last`.
    ///
    /// # Errors
    /// `InvalidArgument` for a token that no listing of `scope` gave this account.
    pub(crate) fn read(pages: Pages<'_>, scope: &str, token: &str) -> Result<String, S3Error> {
        let refused = || S3Error::unread("continuation-token", "The continuation token provided is incorrect");
        pages.open(&["s3", scope], token).ok_or_else(refused)
    }
}

#[cfg(test)]
mod tests {
    use service::{PageTokens, Pages};

    use super::Token;

    #[test]
    fn tokens_are_bound_to_their_bucket() {
        let (tokens, account) = (PageTokens::new(b"key"), "111111111111".parse().unwrap());
        let pages = Pages::new(&tokens, &account);
        let token = Token::write(pages, "bucket", "a\nb/é");
        assert_eq!(Token::read(pages, "bucket", &token).unwrap(), "a\nb/é");
        assert!(Token::read(pages, "other", &token).is_err());
        assert!(Token::read(pages, "bucket", "nonsense").is_err());
        assert!(Token::read(pages, "bucket", &"a".repeat(5000)).is_err());
    }
}
