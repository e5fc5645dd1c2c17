//! Keys that sort as their components do.
//!
//! A string becomes its own UTF-8 bytes, so that keys sort by those bytes as S3 lists them, each `00` as `00 ff`, and
//! then `00 01` to end it. No component's encoding is the beginning of another's, so that none bleeds into the next.
//! Numbers become big-endian bytes of fixed length.

/// Part of a key. Tuples of parts are parts: their components follow each other.
pub trait KeyPart {
    /// Appends this part to `key`.
    fn push_to(&self, key: &mut KeyBuf);
}

/// A whole primary key: any [`KeyPart`] that can be kept and handed between threads.
pub trait Key: KeyPart + Clone + Send + Sync + 'static {}

impl<T: KeyPart + Clone + Send + Sync + 'static> Key for T {}

/// An encoded key, or a sequence of leading components of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyBuf(Vec<u8>);

impl KeyBuf {
    /// No component.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more part at the end.
    pub fn push(mut self, part: impl KeyPart) -> Self {
        part.push_to(&mut self);
        self
    }

    /// The encoded bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes the encoded bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Appends components that are already encoded.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    fn push_escaped(&mut self, text: &[u8]) {
        for byte in text {
            self.0.push(*byte);
            if *byte == 0 {
                self.0.push(0xff);
            }
        }
    }

    fn push_terminated(&mut self, text: &[u8]) {
        self.push_escaped(text);
        self.0.extend_from_slice(&[0, 1]);
    }
}

impl<P: KeyPart> From<P> for KeyBuf {
    fn from(part: P) -> Self {
        Self::new().push(part)
    }
}

/// What the keys of a scan begin with: whole components, and perhaps the beginning of a string component after them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPrefix(KeyBuf);

impl KeyPrefix {
    /// The prefix of every key.
    pub fn all() -> Self {
        Self::default()
    }

    /// Keys whose first components are `parts`.
    pub fn of(parts: impl Into<KeyBuf>) -> Self {
        Self(parts.into())
    }

    /// Keys whose first components are `parts` and whose next component is a string that begins with `text`.
    pub fn of_text(parts: impl Into<KeyBuf>, text: &str) -> Self {
        let mut key = parts.into();
        key.push_escaped(text.as_bytes());
        Self(key)
    }

    /// Keys whose first component is a string that begins with `text`.
    pub fn text(text: &str) -> Self {
        Self::of_text(KeyBuf::new(), text)
    }

    /// The encoded bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// A place between two keys, from which a scan goes on in its direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The least key that lies above this place.
    pub(crate) above: Option<Vec<u8>>,
    /// The least key that doesn't lie below this place.
    pub(crate) below: Vec<u8>,
}

impl Position {
    /// After `key`, in whichever direction the scan goes. There need not be such a record.
    pub fn after(key: impl Into<KeyBuf>) -> Self {
        let below = key.into().into_bytes();
        Self { above: Some(crate::range::successor(&below)), below }
    }

    /// After all keys that begin with `prefix`: how a listing with a delimiter skips a common prefix.
    pub fn after_prefix(prefix: &KeyPrefix) -> Self {
        let below = prefix.as_bytes().to_vec();
        Self { above: crate::range::after_prefix(&below), below }
    }
}

impl<T: KeyPart + ?Sized> KeyPart for &T {
    fn push_to(&self, key: &mut KeyBuf) {
        (**self).push_to(key);
    }
}

impl KeyPart for str {
    fn push_to(&self, key: &mut KeyBuf) {
        key.push_terminated(self.as_bytes());
    }
}

impl KeyPart for String {
    fn push_to(&self, key: &mut KeyBuf) {
        key.push_terminated(self.as_bytes());
    }
}

impl KeyPart for u64 {
    fn push_to(&self, key: &mut KeyBuf) {
        key.0.extend_from_slice(&self.to_be_bytes());
    }
}

impl KeyPart for u32 {
    fn push_to(&self, key: &mut KeyBuf) {
        key.0.extend_from_slice(&self.to_be_bytes());
    }
}

impl KeyPart for () {
    fn push_to(&self, _: &mut KeyBuf) {}
}

impl<A: KeyPart> KeyPart for (A,) {
    fn push_to(&self, key: &mut KeyBuf) {
        self.0.push_to(key);
    }
}

impl<A: KeyPart, B: KeyPart> KeyPart for (A, B) {
    fn push_to(&self, key: &mut KeyBuf) {
        self.0.push_to(key);
        self.1.push_to(key);
    }
}

impl<A: KeyPart, B: KeyPart, C: KeyPart> KeyPart for (A, B, C) {
    fn push_to(&self, key: &mut KeyBuf) {
        self.0.push_to(key);
        self.1.push_to(key);
        self.2.push_to(key);
    }
}

impl<A: KeyPart, B: KeyPart, C: KeyPart, D: KeyPart> KeyPart for (A, B, C, D) {
    fn push_to(&self, key: &mut KeyBuf) {
        self.0.push_to(key);
        self.1.push_to(key);
        self.2.push_to(key);
        self.3.push_to(key);
    }
}

/// Makes types with `as_str` parts of keys. For types of `ids` it is used here; a crate uses it for its own types.
#[macro_export]
macro_rules! key_by_as_str {
    ($($name:path),+ $(,)?) => {
        $(impl $crate::KeyPart for $name {
            fn push_to(&self, key: &mut $crate::KeyBuf) {
                $crate::KeyPart::push_to(self.as_str(), key);
            }
        })+
    };
}

key_by_as_str!(
    ids::AccountId,
    ids::Arn,
    ids::ImageId,
    ids::InstanceId,
    ids::InternetGatewayId,
    ids::KeyPairId,
    ids::NetworkAclId,
    ids::NetworkInterfaceId,
    ids::ReservationId,
    ids::RouteTableId,
    ids::SecurityGroupId,
    ids::SecurityGroupRuleId,
    ids::SubnetId,
    ids::VolumeId,
    ids::VpcId,
);

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{KeyBuf, KeyPart, KeyPrefix};

    fn bytes(part: impl KeyPart) -> Vec<u8> {
        KeyBuf::from(part).into_bytes()
    }

    #[test]
    fn components_dont_bleed() {
        let texts = ["", "\0", "\0\u{1}", "\u{1}", "a", "a\0", "a\0b", "a\u{1}", "ab", "b", "é", "\u{10ffff}"];
        let mut pairs = Vec::new();
        for first in texts {
            for second in texts {
                pairs.push((first, second));
            }
        }
        pairs.sort_unstable();
        for pair in pairs.windows(2) {
            assert!(bytes(pair[0]) < bytes(pair[1]), "{:?} {:?}", pair[0], pair[1]);
        }
    }

    proptest! {
        #[test]
        fn order_is_the_order_of_the_components(
            left in any::<(String, u64, String)>(),
            right in any::<(String, u64, String)>(),
        ) {
            let (one, other) = (bytes(left.clone()), bytes(right.clone()));
            assert_eq!(one.cmp(&other), left.cmp(&right));
        }

        #[test]
        fn a_text_prefix_finds_the_texts_that_begin_so(first in any::<String>(), text in "[a\0\u{1}b]{0,4}",
            prefix in "[a\0\u{1}b]{0,3}") {
            let key = bytes((first.clone(), text.clone()));
            let found = key.starts_with(KeyPrefix::of_text(first, &prefix).as_bytes());
            assert_eq!(found, text.starts_with(&prefix));
        }
    }
}
