//! Whether a password is good enough for an account, and whether it is still good.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html>.

use jiff::{SignedDuration, Timestamp};

use super::hash::is_hash_of;
use super::record::{LoginProfileRecord, PasswordPolicyRecord};
use crate::IamError;

/// How long passwords are at least where the account doesn't say.
const DEFAULT_LENGTH: u32 = 8;
/// How many of the four kinds of characters they have at least there.
const DEFAULT_KINDS: usize = 3;

/// Whether the account takes `password` for a new one.
///
/// # Errors
/// `PasswordPolicyViolation`, with what is wrong first.
pub(crate) fn check_new(policy: Option<&PasswordPolicyRecord>, password: &str) -> Result<(), IamError> {
    let has = |is: fn(&char) -> bool| password.chars().any(|character| is(&character));
    let upper = has(char::is_ascii_uppercase);
    let lower = has(char::is_ascii_lowercase);
    let number = has(char::is_ascii_digit);
    let symbol = has(|character| !character.is_alphanumeric() && !character.is_whitespace());
    let least = policy.map_or(DEFAULT_LENGTH, |policy| policy.min_length);
    if password.chars().count() < usize::try_from(least).unwrap_or(usize::MAX) {
        return Err(violation(format!("Password should have a minimum length of {least}")));
    }
    let Some(policy) = policy else {
        let kinds = [upper, lower, number, symbol].iter().filter(|has| **has).count();
        if kinds < DEFAULT_KINDS {
            return Err(violation("Password does not conform to the account password policy."));
        }
        return Ok(());
    };
    for (is_required, has, kind) in [
        (policy.uppercase, upper, "uppercase letter"),
        (policy.lowercase, lower, "lowercase letter"),
        (policy.symbols, symbol, "symbol"),
        (policy.numbers, number, "number"),
    ] {
        if is_required && !has {
            return Err(violation(format!("Password should have at least one {kind}")));
        }
    }
    Ok(())
}

/// Whether the account takes `password` in place of the one that `profile` has.
///
/// # Errors
/// As [`check_new`], and if it was used before.
pub(super) fn check_change(
    policy: Option<&PasswordPolicyRecord>,
    profile: &LoginProfileRecord,
    password: &str,
) -> Result<(), IamError> {
    check_new(policy, password)?;
    let last = policy.and_then(|policy| policy.reuse_prevention).unwrap_or(0);
    let last = usize::try_from(last).unwrap_or(usize::MAX);
    for hashed in [&profile.hash].into_iter().chain(&profile.previous).take(last) {
        if is_hash_of(hashed, password)? {
            let text = "Policy constraint violation with password reuse prevention during password change.";
            return Err(violation(text));
        }
    }
    Ok(())
}

/// Whether a password that was set then has expired.
pub(crate) fn is_expired(policy: Option<&PasswordPolicyRecord>, changed: Timestamp, now: Timestamp) -> bool {
    let expires = expires(policy, changed);
    expires.is_some_and(|expires| expires <= now)
}

/// When a password that was set then expires.
pub(crate) fn expires(policy: Option<&PasswordPolicyRecord>, changed: Timestamp) -> Option<Timestamp> {
    let days = policy?.max_age?;
    changed.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok()
}

fn violation(text: impl Into<std::borrow::Cow<'static, str>>) -> IamError {
    IamError::refused("PasswordPolicyViolation", 400, text)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{PasswordPolicyRecord, check_change, check_new, is_expired};
    use crate::LoginProfileRecord;
    use crate::passwords::hash;

    fn lax() -> PasswordPolicyRecord {
        PasswordPolicyRecord {
            account: "111111111111".parse().unwrap(),
            min_length: 6,
            symbols: false,
            numbers: false,
            uppercase: false,
            lowercase: false,
            users_may_change: false,
            max_age: None,
            reuse_prevention: None,
            hard_expiry: None,
        }
    }

    #[test]
    fn what_is_demanded_of_a_password() {
        let lax = lax();
        let strict = PasswordPolicyRecord {
            min_length: 10,
            symbols: true,
            numbers: true,
            uppercase: true,
            lowercase: true,
            ..lax.clone()
        };
        let short = "Password should have a minimum length of";
        let mixed = "Password does not conform to the account password policy.";
        for (policy, password, expected) in [
            (None, "Passw0rd", String::new()),
            (None, "passw0r!", String::new()),
            (None, "Passw0r", format!("{short} 8")),
            (None, "passw0rd", mixed.to_owned()),
            (Some(&lax), "aaaaaa", String::new()),
            (Some(&lax), "aaaaa", format!("{short} 6")),
            (Some(&strict), "Passw0rd!!", String::new()),
            (Some(&strict), "Passw0rd!", format!("{short} 10")),
            (Some(&strict), "passw0rd!!", "Password should have at least one uppercase letter".to_owned()),
            (Some(&strict), "PASSW0RD!!", "Password should have at least one lowercase letter".to_owned()),
            (Some(&strict), "Password!!", "Password should have at least one number".to_owned()),
            (Some(&strict), "Passw0rd00", "Password should have at least one symbol".to_owned()),
            (Some(&strict), "Passw0rd 0", "Password should have at least one symbol".to_owned()),
        ] {
            let text = check_new(policy, password).err().map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(text, expected, "{password}");
        }
    }

    #[test]
    fn the_last_ones_are_not_taken_again() {
        let now = Timestamp::constant(1000, 0);
        let mut profile = LoginProfileRecord {
            account: "111111111111".parse().unwrap(),
            user: "AIDA1".into(),
            hash: hash("first.A1", [1; 16]).unwrap(),
            previous: Vec::new(),
            created: now,
            changed: now,
            reset_required: true,
        };
        profile.change(hash("second.A1", [2; 16]).unwrap(), now);
        profile.change(hash("third.A1", [3; 16]).unwrap(), now);
        for (kept, first, second, third) in [
            (None, true, true, true),
            (Some(1), true, true, false),
            (Some(2), true, false, false),
            (Some(24), false, false, false),
        ] {
            let policy = PasswordPolicyRecord { reuse_prevention: kept, ..lax() };
            for (password, is_taken) in
                [("first.A1", first), ("second.A1", second), ("third.A1", third), ("other.A1", true)]
            {
                assert_eq!(check_change(Some(&policy), &profile, password).is_ok(), is_taken, "{kept:?} {password}");
            }
        }
        assert!(!profile.reset_required);
    }

    #[test]
    fn passwords_expire_by_the_day() {
        let changed = Timestamp::constant(1000, 0);
        let policy = PasswordPolicyRecord { max_age: Some(2), ..lax() };
        let after = |hours| changed + SignedDuration::from_hours(hours);
        assert!(!is_expired(Some(&policy), changed, after(47)));
        assert!(is_expired(Some(&policy), changed, after(48)));
        assert!(!is_expired(Some(&lax()), changed, after(1_000_000)) && !is_expired(None, changed, after(1_000_000)));
    }
}
