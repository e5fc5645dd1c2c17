//! One message to and from bytes: lengths, headers, payload, and a checksum over the lengths and over all.

use bytes::{Buf, Bytes};
use crc_fast::{CrcAlgorithm, checksum};

/// The largest message, as AWS has it: 24 MB in all, of which 128 kB are headers.
const MAX_MESSAGE: usize = 24 * 1024 * 1024;
const MAX_HEADERS: usize = 128 * 1024;
/// Total length, length of the headers, checksum of both.
const PRELUDE: usize = 12;
/// The prelude and the final checksum.
const OVERHEAD: usize = PRELUDE + 4;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Its headers, in order.
    pub headers: Vec<(String, EventHeader)>,
    /// What it carries.
    pub payload: Bytes,
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventHeader {
    /// A boolean.
    Bool(bool),
    /// 8 bits, signed.
    Byte(i8),
    /// 16 bits, signed.
    Short(i16),
    /// 32 bits, signed.
    Integer(i32),
    /// 64 bits, signed.
    Long(i64),
    /// Bytes, less than 32 kB.
    Bytes(Bytes),
    /// Text, less than 32 kB.
    String(String),
    /// Milliseconds since 1970.
    Timestamp(i64),
    /// A UUID.
    Uuid([u8; 16]),
}

/// Bytes that are no message, or a message that fits no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// A checksum is another.
    #[error("a checksum does not match")]
    Checksum,
    /// A length is too small, too large or contradicts another.
    #[error("a length is impossible")]
    Length,
    /// A header is cut, of an unknown type, or no UTF-8.
    #[error("a header is malformed")]
    Header,
    /// The message does not fit the schema.
    #[error("the message does not fit its schema")]
    Schema,
}

impl Message {
    /// The text of the header called `name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).and_then(|(_, value)| match value {
            EventHeader::String(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The bytes of the message.
    ///
    /// # Errors
    /// [`EventError::Length`] past AWS's limits.
    pub fn encode(&self) -> Result<Bytes, EventError> {
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            encode_header(name, value, &mut headers)?;
        }
        let total = OVERHEAD + headers.len() + self.payload.len();
        if headers.len() > MAX_HEADERS || total > MAX_MESSAGE {
            return Err(EventError::Length);
        }
        let mut out = Vec::with_capacity(total);
        out.extend(length(total)?);
        out.extend(length(headers.len())?);
        out.extend(crc(&out));
        out.extend(headers);
        out.extend_from_slice(&self.payload);
        out.extend(crc(&out));
        Ok(out.into())
    }

    /// Takes the first message off `bytes`; none, and nothing taken, if more bytes must come first. No more than one
    /// message's bytes need ever be held, and an impossible length is refused before they are.
    ///
    /// # Errors
    /// See [`EventError`].
    pub fn decode(bytes: &mut Bytes) -> Result<Option<Self>, EventError> {
        let Some(prelude) = bytes.get(..PRELUDE) else { return Ok(None) };
        let (mut lengths, stated) = prelude.split_at(PRELUDE - 4);
        if crc(lengths) != stated {
            return Err(EventError::Checksum);
        }
        let (total, headers) = (lengths.get_u32() as usize, lengths.get_u32() as usize);
        if total > MAX_MESSAGE || headers > MAX_HEADERS || total < OVERHEAD + headers {
            return Err(EventError::Length);
        }
        if bytes.len() < total {
            return Ok(None);
        }
        let mut message = bytes.split_to(total);
        let stated = message.split_off(total - 4);
        if crc(&message)[..] != stated[..] {
            return Err(EventError::Checksum);
        }
        message.advance(PRELUDE);
        let payload = message.split_off(headers);
        let mut headers = Vec::new();
        while !message.is_empty() {
            headers.push(decode_header(&mut message)?);
        }
        Ok(Some(Self { headers, payload }))
    }
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    (checksum(CrcAlgorithm::Crc32IsoHdlc, bytes) as u32).to_be_bytes()
}

fn length(length: usize) -> Result<[u8; 4], EventError> {
    u32::try_from(length).map(u32::to_be_bytes).map_err(|_| EventError::Length)
}

fn encode_header(name: &str, value: &EventHeader, out: &mut Vec<u8>) -> Result<(), EventError> {
    let name_length = u8::try_from(name.len()).ok().filter(|length| *length > 0).ok_or(EventError::Length)?;
    out.push(name_length);
    out.extend(name.as_bytes());
    let mut sized = |kind: u8, bytes: &[u8]| {
        let length = i16::try_from(bytes.len()).map_err(|_| EventError::Length)?;
        out.push(kind);
        out.extend(length.to_be_bytes());
        out.extend(bytes);
        Ok(())
    };
    match value {
        EventHeader::Bytes(inner) => return sized(6, inner),
        EventHeader::String(inner) => return sized(7, inner.as_bytes()),
        EventHeader::Bool(inner) => out.push(u8::from(!inner)),
        EventHeader::Byte(inner) => out.extend([2, inner.to_be_bytes()[0]]),
        EventHeader::Short(inner) => push(out, 3, &inner.to_be_bytes()),
        EventHeader::Integer(inner) => push(out, 4, &inner.to_be_bytes()),
        EventHeader::Long(inner) => push(out, 5, &inner.to_be_bytes()),
        EventHeader::Timestamp(inner) => push(out, 8, &inner.to_be_bytes()),
        EventHeader::Uuid(inner) => push(out, 9, inner),
    }
    Ok(())
}

fn push(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    out.push(kind);
    out.extend(bytes);
}

fn decode_header(bytes: &mut Bytes) -> Result<(String, EventHeader), EventError> {
    let name_length = fixed::<1>(bytes)?[0];
    if name_length == 0 {
        return Err(EventError::Header);
    }
    let name = text(take(bytes, usize::from(name_length))?)?;
    let value = match fixed::<1>(bytes)?[0] {
        0 => EventHeader::Bool(true),
        1 => EventHeader::Bool(false),
        2 => EventHeader::Byte(i8::from_be_bytes(fixed(bytes)?)),
        3 => EventHeader::Short(i16::from_be_bytes(fixed(bytes)?)),
        4 => EventHeader::Integer(i32::from_be_bytes(fixed(bytes)?)),
        5 => EventHeader::Long(i64::from_be_bytes(fixed(bytes)?)),
        6 => EventHeader::Bytes(sized(bytes)?),
        7 => EventHeader::String(text(sized(bytes)?)?),
        8 => EventHeader::Timestamp(i64::from_be_bytes(fixed(bytes)?)),
        9 => EventHeader::Uuid(fixed(bytes)?),
        _ => return Err(EventError::Header),
    };
    Ok((name, value))
}

fn take(bytes: &mut Bytes, count: usize) -> Result<Bytes, EventError> {
    if bytes.len() < count { Err(EventError::Header) } else { Ok(bytes.split_to(count)) }
}

fn fixed<const N: usize>(bytes: &mut Bytes) -> Result<[u8; N], EventError> {
    let taken = take(bytes, N)?;
    <[u8; N]>::try_from(&*taken).map_err(|_| EventError::Header)
}

fn sized(bytes: &mut Bytes) -> Result<Bytes, EventError> {
    let length = usize::try_from(i16::from_be_bytes(fixed(bytes)?)).map_err(|_| EventError::Header)?;
    take(bytes, length)
}

fn text(bytes: Bytes) -> Result<String, EventError> {
    String::from_utf8(bytes.into()).map_err(|_| EventError::Header)
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use proptest::prelude::{any, prop, proptest};

    use super::{EventError, EventHeader, Message};

    fn example() -> Message {
        let headers = vec![
            (":event-type".to_owned(), EventHeader::String("Records".into())),
            ("flag".to_owned(), EventHeader::Bool(true)),
            ("off".to_owned(), EventHeader::Bool(false)),
            ("byte".to_owned(), EventHeader::Byte(-1)),
            ("short".to_owned(), EventHeader::Short(-2)),
            ("int".to_owned(), EventHeader::Integer(-3)),
            ("long".to_owned(), EventHeader::Long(-4)),
            ("bytes".to_owned(), EventHeader::Bytes(Bytes::from_static(b"\xff"))),
            ("time".to_owned(), EventHeader::Timestamp(1_795_248_550_500)),
            ("uuid".to_owned(), EventHeader::Uuid([7; 16])),
        ];
        Message { headers, payload: Bytes::from_static(b"a,b\n") }
    }

    /// The empty message of the specification's test vectors.
    #[test]
    fn the_empty_message_is_that_of_the_specification() {
        let bytes = Message::default().encode().unwrap();
        assert_eq!(&bytes[..], [0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff]);
    }

    #[test]
    fn messages_follow_each_other_and_may_come_in_pieces() {
        let one = example().encode().unwrap();
        let mut both: Bytes = [&one[..], &one[..]].concat().into();
        for _ in 0..2 {
            assert_eq!(Message::decode(&mut both).unwrap().unwrap(), example());
        }
        assert_eq!(Message::decode(&mut both), Ok(None));
        for end in 0..one.len() {
            assert_eq!(Message::decode(&mut one.slice(..end)), Ok(None), "{end}");
        }
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let good = example().encode().unwrap();
        for at in 0..good.len() {
            let mut bad = BytesMut::from(&good[..]);
            bad[at] ^= 1;
            assert!(Message::decode(&mut bad.freeze()).is_err(), "{at}");
        }
    }

    #[test]
    fn what_does_not_fit_is_not_written() {
        let header = |name: String, text: String| Message {
            headers: vec![(name, EventHeader::String(text))],
            payload: Bytes::new(),
        };
        for message in [
            header(String::new(), String::new()),
            header("x".repeat(256), String::new()),
            header("x".into(), "x".repeat(40_000)),
            Message { headers: Vec::new(), payload: vec![0; 25 << 20].into() },
        ] {
            assert_eq!(message.encode(), Err(EventError::Length));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_a_result(bytes in prop::collection::vec(any::<u8>(), 0..64), mend in any::<bool>()) {
            let mut bytes = bytes;
            if mend && bytes.len() > 12 {
                let length = bytes.len() as u32;
                bytes[..4].copy_from_slice(&length.to_be_bytes());
                bytes[4..8].copy_from_slice(&(length - 16.min(length)).to_be_bytes());
                let crc = super::crc(&bytes[..8]);
                bytes[8..12].copy_from_slice(&crc);
                let end = bytes.len() - 4;
                let crc = super::crc(&bytes[..end]);
                bytes[end..].copy_from_slice(&crc);
            }
            let _ = Message::decode(&mut bytes.into());
        }
    }
}
