//! Signing in.

use ids::AccountId;
use jiff::Timestamp;
use store::{Changes, View};

use super::request::{LoginError, LoginRequest};
use super::tries::Try;
use crate::keys::is_in_use;
use crate::mfa::shows_device;
use crate::names::folded;
use crate::passwords::{
    LoginProfileRecord, PasswordUseRecord, changed, is_expired, is_hash_of, nobody, policy_of, profile_of,
};
use crate::sessions::{SESSION_BYTES, keep, new_session};
use crate::{AliasRecord, SessionHolder, SessionRecord, UserRecord};

/// Random bytes that a login takes: of the session, and the salt of a new password.
pub const LOGIN_BYTES: usize = SESSION_BYTES + 16;
/// How long a session lasts, in seconds; as those of `GetSessionToken`.
/// Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>.
const DEFAULT_SECONDS: u32 = 43_200;
const SECONDS: std::ops::RangeInclusive<u32> = 900..=129_600;

/// What becomes of a try: a session of a user, or why there is none; with the changes to commit before anybody learns of it.
pub type Entered = (Result<(UserRecord, SessionRecord), LoginError>, Changes);

/// A session for whoever brings the right password, and the right code if the user has a device. Computes a hash whatever is
/// wrong, so it takes its time, and blocks.
///
/// # Errors
/// Those of [`LoginError`] that say nothing of who it is; nothing is to be committed then.
pub fn enter(
    view: &View,
    begun: &Try,
    request: &LoginRequest,
    (now, random): (Timestamp, &[u8; LOGIN_BYTES]),
) -> Result<Entered, LoginError> {
    let seconds = request.seconds.unwrap_or(DEFAULT_SECONDS);
    if !SECONDS.contains(&seconds) {
        return Err(LoginError::Duration);
    }
    let user = user(view, request)?;
    let profile = user.as_ref().map(|user| profile_of(view, user)).transpose()?.flatten();
    let hash = profile.as_ref().map_or_else(nobody, |profile| profile.hash.clone());
    let is_right = is_hash_of(&hash, &request.password)?;
    let (Some(user), Some(profile), true) = (user, profile, is_right) else { return Err(LoginError::Wrong) };
    let mut changes = Changes::new();
    let is_proven = match shows_device(view, &mut changes, &user, request.code.as_deref(), now) {
        Ok(is_proven) => is_proven,
        Err(error) => return Ok((Err(error.into()), changes)),
    };
    let mut right = Changes::new();
    begun.right(view, &mut right, now)?;
    match session(view, (user, profile), request, (now, random, is_proven.then_some(now))) {
        Ok((entered, session_changes)) => {
            changes.merge(right);
            changes.merge(session_changes);
            Ok((Ok(entered), changes))
        }
        // The code may be shown again, with another password to set.
        Err(error) => Ok((Err(error), right)),
    }
}

/// The session of somebody who is who they say.
fn session(
    view: &View,
    (user, profile): (UserRecord, LoginProfileRecord),
    request: &LoginRequest,
    (now, random, mfa): (Timestamp, &[u8; LOGIN_BYTES], Option<Timestamp>),
) -> Result<((UserRecord, SessionRecord), Changes), LoginError> {
    let mut changes = Changes::new();
    let policy = policy_of(view, &user.account)?;
    let has_expired = is_expired(policy.as_ref(), profile.changed, now);
    if has_expired && policy.as_ref().is_some_and(|policy| policy.hard_expiry == Some(true)) {
        return Err(LoginError::Expired);
    }
    let (session, salt) = random.split_at(SESSION_BYTES);
    if has_expired || profile.reset_required {
        let password = request.new_password.as_deref().ok_or(LoginError::NewPasswordNeeded)?;
        let salt = salt.try_into().unwrap_or_default();
        if password == request.password {
            return Err(LoginError::NotTaken("The new password must be another one.".to_owned()));
        }
        changes.put(&changed(profile, policy.as_ref(), password, (salt, now))?)?;
    }
    let holder = SessionHolder::User { id: user.id.clone() };
    // The slice is as long as its type says; the split above made it so.
    let session: &[u8; SESSION_BYTES] = session.try_into().map_err(|_| LoginError::Wrong)?;
    let seconds = request.seconds.unwrap_or(DEFAULT_SECONDS);
    let mut session = new_session(session, user.account.clone(), holder, now, seconds);
    session.mfa = mfa;
    changes.merge(keep(view, &session)?);
    changes.put(&PasswordUseRecord { account: user.account.clone(), user: user.id.clone(), used: now })?;
    Ok(((user, session), changes))
}

/// The user that is named, in an account that may be used.
fn user(view: &View, request: &LoginRequest) -> Result<Option<UserRecord>, LoginError> {
    let Some(account) = account(view, &request.account)? else { return Ok(None) };
    if !is_in_use(view, &account)? {
        return Ok(None);
    }
    Ok(view.get::<UserRecord>(&(account, folded(&request.user)))?)
}

/// The account with this id or alias.
fn account(view: &View, text: &str) -> Result<Option<AccountId>, LoginError> {
    if let Ok(id) = text.parse() {
        return Ok(Some(id));
    }
    Ok(view.get::<AliasRecord>(&text.to_owned())?.map(|alias| alias.account))
}
