//! Framings: messages of event streams, and the forms that browsers upload.

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};
use wire::eventstream::{Message, decode_event};
use wire::multipart::{Event, Parser};
use wire::{JsonVersion, Protocol};

use crate::input::Input;
use crate::schema;

/// See [`crate::TARGETS`]. An input is a flag, the length of the headers in a byte, headers and payload, to which lengths
/// and checksums are added; or, by the flag, any bytes.
pub(crate) fn messages(bytes: &[u8]) {
    let mut input = Input(bytes);
    let whole = if input.byte() % 8 == 0 { Bytes::copy_from_slice(input.0) } else { framed(&mut input) };
    let mut left = whole.clone();
    let message = match Message::decode(&mut left) {
        Ok(Some(message)) => message,
        Ok(None) => {
            assert_eq!(left, whole, "nothing was given, and something taken");
            return;
        }
        Err(_) => return,
    };
    let taken = whole.slice(..whole.len() - left.len());
    let written = message.encode().unwrap_or_else(|error| panic!("{error}"));
    let again = Message::decode(&mut written.clone()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(again.as_ref(), Some(&message), "{taken:?} became {written:?}");
    for end in 0..taken.len() {
        let cut = Message::decode(&mut taken.slice(..end));
        assert!(matches!(cut, Ok(None)), "a message of {} bytes ends after {end}", taken.len());
    }
    for protocol in [Protocol::Json { version: JsonVersion::V1_1 }, Protocol::RestXml, Protocol::Cbor] {
        let _ = decode_event(protocol, schema::events(), &message);
    }
}

fn framed(input: &mut Input<'_>) -> Bytes {
    let length = usize::from(input.byte()).min(input.0.len());
    let crc = |bytes: &[u8]| (checksum(CrcAlgorithm::Crc32IsoHdlc, bytes) as u32).to_be_bytes();
    let mut bytes = (input.0.len() as u32 + 16).to_be_bytes().to_vec();
    bytes.extend((length as u32).to_be_bytes());
    bytes.extend(crc(&bytes));
    bytes.extend_from_slice(input.0);
    bytes.extend(crc(&bytes));
    bytes.into()
}

/// Name, file name and bytes of each part, and whether the form has ended.
type Form = (Vec<(String, Option<String>, Vec<u8>)>, bool);

fn parse(content_type: &str, body: &[u8], step: usize) -> Option<Form> {
    let mut parser = Parser::for_content_type(content_type)?;
    let mut parts = Vec::new();
    for piece in body.chunks(step) {
        for event in parser.feed(piece).ok()? {
            match (event, parts.last_mut()) {
                (Event::Part { name, filename }, _) => parts.push((name, filename, Vec::new())),
                (Event::Data(data), Some((_, _, all))) => all.extend_from_slice(&data),
                (Event::Data(_), None) => panic!("bytes of no part"),
                (Event::End, last) => assert!(last.is_some(), "the end of no part"),
            }
        }
    }
    Some((parts, parser.is_done()))
}

/// See [`crate::TARGETS`]. An input is a step, a content type in a line, and a body.
pub(crate) fn forms(bytes: &[u8]) {
    let mut input = Input(bytes);
    let step = usize::from(input.byte()) + 1;
    let Ok(content_type) = std::str::from_utf8(input.line()) else { return };
    let body = input.0;
    let whole = parse(content_type, body, body.len().max(1));
    assert_eq!(whole, parse(content_type, body, step), "it matters how the body is cut");
    if let Some((parts, _)) = whole {
        let length: usize = parts.iter().map(|(_, _, data)| data.len()).sum();
        assert!(length <= body.len() && parts.len() <= body.len(), "more came out than went in");
    }
}
