//! Signing out: the end of a session before its time.

use store::{Changes, View};

use super::request::{LoginError, LogoutRequest};
use crate::SessionRecord;

/// The change that ends a session, for whoever has its token. Sessions that nobody has have ended.
///
/// # Errors
/// [`LoginError::Wrong`] for another token, or the store's.
pub fn leave(view: &View, request: &LogoutRequest) -> Result<Changes, LoginError> {
    let mut changes = Changes::new();
    if let Some(session) = view.get::<SessionRecord>(&request.access_key)? {
        if !wire::sigv4::is_same(&session.token, &request.token) {
            return Err(LoginError::Wrong);
        }
        changes.delete::<SessionRecord>(&request.access_key);
    }
    Ok(changes)
}
