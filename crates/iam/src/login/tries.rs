//! How often who may try to sign in: from one address, as one user from one address, and as one user at all.

use std::net::{IpAddr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};

use super::request::{LoginError, LoginRequest};
use crate::mfa::{Guesses, Pace};

/// Counts the tries of a region.
#[derive(Debug)]
pub struct LoginTries {
    addresses: Guesses,
    users_there: Guesses,
    users: Guesses,
}

impl Default for LoginTries {
    fn default() -> Self {
        Self {
            // Many people may share an address; what guesses for long is slowed to once a minute.
            addresses: Guesses::new(Pace { free: 50, first_wait: 1, doublings: 6 }),
            users_there: Guesses::new(Pace { free: 8, ..Pace::SLOW }),
            // Whoever guesses from many addresses could shut a user out with a longer wait.
            users: Guesses::new(Pace { free: 20, first_wait: 1, doublings: 5 }),
        }
    }
}

/// A try that counts as wrong until it is said to be right.
#[derive(Debug)]
pub(super) struct Try {
    address: String,
    user_there: String,
    user: String,
}

impl LoginTries {
    /// Lets a try begin. It counts as wrong from here on, so that many at once are no more than many in a row.
    pub(super) fn begin(
        &self,
        request: &LoginRequest,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Try, LoginError> {
        // Whoever has one address of IPv6 has a whole /64.
        let address = match source.map(|address| address.to_canonical()) {
            Some(IpAddr::V6(address)) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
            Some(IpAddr::V4(address)) => address.to_string(),
            None => String::new(),
        };
        // Only what may be a name is kept: names that cannot be anybody's are one.
        let short = |text: &str| if text.len() <= 64 { text.to_lowercase() } else { String::new() };
        let user = format!("{}/{}", short(&request.account), short(&request.user));
        let begun = Try { user_there: format!("{address} {user}"), address, user };
        let waits = [
            self.addresses.wait(&begun.address, now),
            self.users_there.wait(&begun.user_there, now),
            self.users.wait(&begun.user, now),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(LoginError::Slow(wait));
        }
        self.addresses.wrong(&begun.address, now);
        self.users_there.wrong(&begun.user_there, now);
        self.users.wrong(&begun.user, now);
        Ok(begun)
    }

    /// The try was right.
    pub(super) fn right(&self, begun: &Try, now: Timestamp) {
        // Only this one is taken back of the address: else whoever has a password could guess at those of others.
        self.addresses.take_back(&begun.address, now);
        self.users_there.right(&begun.user_there);
        self.users.right(&begun.user);
    }

    /// The longest that anybody waits.
    pub const LONGEST: SignedDuration = SignedDuration::from_secs(15 << 7);
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::{LoginError, LoginRequest};
    use super::LoginTries;

    fn request(user: &str) -> LoginRequest {
        LoginRequest {
            account: "111111111111".into(),
            user: user.into(),
            password: String::new(),
            code: None,
            new_password: None,
            seconds: None,
        }
    }

    #[test]
    fn tries_are_counted_by_address_by_user_and_by_both() {
        let now = Timestamp::constant(1000, 0);
        let here = Some("192.0.2.1".parse().unwrap());
        let check = |tries: &LoginTries, user: &str, source, is_let: bool| {
            let begun = tries.begin(&request(user), source, now);
            assert_eq!(begun.is_ok(), is_let, "{user} {source:?}");
            assert!(is_let || matches!(begun, Err(LoginError::Slow(wait)) if wait <= LoginTries::LONGEST));
        };
        let tries = LoginTries::default();
        for _ in 0..8 {
            check(&tries, "ann", here, true);
        }
        check(&tries, "Ann", here, false);
        check(&tries, "bob", here, true);
        check(&tries, "ann", Some("192.0.2.2".parse().unwrap()), true);

        let tries = LoginTries::default();
        for number in 0..50 {
            check(&tries, &format!("u{number}"), here, true);
        }
        check(&tries, "fresh", here, false);
        check(&tries, "fresh", Some("2001:db8::1".parse().unwrap()), true);

        let tries = LoginTries::default();
        for number in 0..20 {
            check(&tries, "ann", Some(std::net::Ipv4Addr::from_bits(number).into()), true);
        }
        check(&tries, "ann", here, false);
    }

    #[test]
    fn whoever_is_right_begins_anew_but_does_not_clear_the_address() {
        let now = Timestamp::constant(1000, 0);
        let here = Some("192.0.2.1".parse().unwrap());
        let tries = LoginTries::default();
        for _ in 0..1000 {
            let begun = tries.begin(&request("ann"), here, now).unwrap();
            tries.right(&begun, now);
        }
        for number in 0..50 {
            tries.begin(&request(&number.to_string()), here, now).unwrap();
            if number < 49 {
                tries.right(&tries.begin(&request("ann"), here, now).unwrap(), now);
            }
        }
        assert!(tries.begin(&request("ann"), here, now).is_err());
    }
}
