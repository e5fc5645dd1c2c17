//! How often who may try to sign in: from one address, as one user from one address, and as one user at all.

use std::net::{IpAddr, Ipv6Addr};

use jiff::Timestamp;
use store::{Changes, StoreError, View};

use super::request::{LoginError, LoginRequest};
use crate::guesses::Pace;

/// Many people may share an address; what guesses for long is slowed to once a minute.
const ADDRESS: Pace = Pace { kind: "login-address", free: 50, first_wait: 1, doublings: 6 };
const USER_THERE: Pace = Pace { free: 8, ..Pace::slow("login-user-there") };
/// Whoever guesses from many addresses could shut a user out with a longer wait.
const USER: Pace = Pace { kind: "login-user", free: 20, first_wait: 1, doublings: 5 };

/// A try that counts as wrong until it is said to be right.
#[derive(Debug)]
pub struct Try {
    address: String,
    user_there: String,
    user: String,
}

/// Lets a try begin. It counts as wrong from here on, so that many at once are no more than many in a row: the changes are to
/// be committed before anything else is done.
///
/// # Errors
/// [`LoginError::Slow`], or the store's.
pub fn begin(
    view: &View,
    request: &LoginRequest,
    source: Option<IpAddr>,
    now: Timestamp,
) -> Result<(Try, Changes), LoginError> {
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
    let mut longest = None;
    for (pace, name) in begun.names() {
        longest = longest.max(pace.wait(view, name, now)?);
    }
    if let Some(wait) = longest {
        return Err(LoginError::Slow(wait));
    }
    let mut changes = Changes::new();
    for (pace, name) in begun.names() {
        pace.wrong(view, &mut changes, name, now)?;
    }
    Ok((begun, changes))
}

impl Try {
    fn names(&self) -> [(Pace, &str); 3] {
        [(ADDRESS, &self.address), (USER_THERE, &self.user_there), (USER, &self.user)]
    }

    /// The try was right.
    pub(super) fn right(&self, view: &View, changes: &mut Changes, now: Timestamp) -> Result<(), StoreError> {
        // Only this one is taken back of the address: else whoever has a password could guess at those of others.
        ADDRESS.take_back(view, changes, &self.address, now)?;
        USER_THERE.right(view, changes, &self.user_there)?;
        USER.right(view, changes, &self.user)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use jiff::{SignedDuration, Timestamp};
    use store::{Changes, Memory, Store};

    use super::super::{LoginError, LoginRequest};
    use super::{Try, begin};

    /// The longest that anybody waits.
    const LONGEST: SignedDuration = SignedDuration::from_secs(15 << 7);
    const NOW: Timestamp = Timestamp::constant(1000, 0);

    async fn attempt(store: &Store, user: &str, source: &str) -> Result<Try, LoginError> {
        let request = LoginRequest {
            account: "111111111111".into(),
            user: user.into(),
            password: String::new(),
            code: None,
            new_password: None,
            seconds: None,
        };
        let source: IpAddr = source.parse().unwrap();
        let view = store.view().unwrap();
        let (begun, changes) = begin(&view, &request, Some(source), NOW)?;
        store.commit(Some(&view), changes).await.unwrap();
        Ok(begun)
    }

    async fn right(store: &Store, begun: &Try) {
        let (view, mut changes) = (store.view().unwrap(), Changes::new());
        begun.right(&view, &mut changes, NOW).unwrap();
        store.commit(Some(&view), changes).await.unwrap();
    }

    async fn check(store: &Store, user: &str, source: &str, is_let: bool) {
        let begun = attempt(store, user, source).await;
        assert_eq!(begun.is_ok(), is_let, "{user} {source}");
        assert!(is_let || matches!(begun, Err(LoginError::Slow(wait)) if wait <= LONGEST));
    }

    #[tokio::test]
    async fn tries_are_counted_by_address_by_user_and_by_both() {
        let store = Store::new(Memory::new());
        for _ in 0..8 {
            check(&store, "ann", "192.0.2.1", true).await;
        }
        check(&store, "Ann", "192.0.2.1", false).await;
        check(&store, "bob", "192.0.2.1", true).await;
        check(&store, "ann", "192.0.2.2", true).await;

        let store = Store::new(Memory::new());
        for number in 0..50 {
            check(&store, &format!("u{number}"), "192.0.2.1", true).await;
        }
        check(&store, "fresh", "192.0.2.1", false).await;
        check(&store, "fresh", "2001:db8::1", true).await;

        let store = Store::new(Memory::new());
        for number in 0..20 {
            check(&store, "ann", &std::net::Ipv4Addr::from_bits(number).to_string(), true).await;
        }
        check(&store, "ann", "192.0.2.1", false).await;
        let version = store.view().unwrap().version().unwrap();
        check(&store, "ann", "192.0.2.1", false).await;
        assert_eq!(store.view().unwrap().version().unwrap(), version, "nothing is written for who waits");
    }

    #[tokio::test]
    async fn whoever_is_right_begins_anew_but_does_not_clear_the_address() {
        let store = Store::new(Memory::new());
        for _ in 0..100 {
            let begun = attempt(&store, "ann", "192.0.2.1").await.unwrap();
            right(&store, &begun).await;
        }
        for number in 0..50 {
            attempt(&store, &number.to_string(), "192.0.2.1").await.unwrap();
            if number < 49 {
                let begun = attempt(&store, "ann", "192.0.2.1").await.unwrap();
                right(&store, &begun).await;
            }
        }
        assert!(attempt(&store, "ann", "192.0.2.1").await.is_err());
    }
}
