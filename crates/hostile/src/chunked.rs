//! `aws-chunked` uploads.

use bytes::Bytes;
use wire::aws_chunked::{ChunkError, ChunkSigner, Decoder, Framing};
use wire::sigv4::{EMPTY_SHA256, Scope, SigningKey, sha256_hex};

use crate::input::Input;

const FRAMINGS: [Framing; 3] = [Framing::UnsignedTrailer, Framing::Signed, Framing::SignedTrailer];

/// The data and the trailers.
type Upload = (Vec<u8>, Vec<(String, String)>);

fn signer() -> ChunkSigner {
    let scope = Scope { date: "20261121".into(), region: "us-east-1".into(), service: "s3".into() };
    ChunkSigner {
        key: SigningKey::derive("secret", &scope),
        amz_date: "20261121T080000Z".into(),
        scope: scope.to_string(),
        seed: "0".repeat(64),
    }
}

fn decode(framing: Framing, body: &[u8], step: usize) -> Result<Upload, ChunkError> {
    let mut decoder = Decoder::new(framing, Some(signer()));
    let mut data = Vec::new();
    for piece in body.chunks(step) {
        for part in decoder.feed(Bytes::copy_from_slice(piece))? {
            assert!(!part.is_empty(), "a piece without bytes");
            data.extend_from_slice(&part);
        }
    }
    Ok((data, decoder.finish()?))
}

/// An input is a framing, a step, and a body.
pub(crate) fn decoding(bytes: &[u8]) {
    let mut input = Input(bytes);
    let framing = FRAMINGS[usize::from(input.byte()) % 3];
    let step = usize::from(input.byte()) + 1;
    let body = input.0;
    let whole = decode(framing, body, body.len().max(1));
    let cut = decode(framing, body, step);
    assert_eq!(whole.as_ref().ok(), cut.as_ref().ok(), "it matters how the body is cut: {whole:?}, {cut:?}");
    if let Ok((data, trailers)) = whole {
        let trailing: usize = trailers.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(data.len() + trailing <= body.len(), "more came out than went in");
    }
}

/// Frames and signs `pieces` as a client does.
fn framed(framing: Framing, pieces: &[&[u8]], trailer: &str) -> Vec<u8> {
    let mut signer = signer();
    let mut sign = |algorithm: &str, tail: String| {
        let text = format!("{algorithm}\n{}\n{}\n{}\n{tail}", signer.amz_date, signer.scope, signer.seed);
        signer.seed = signer.key.sign(&text).as_str().to_owned();
        signer.seed.clone()
    };
    let mut body = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()).chain([&&b""[..]]) {
        let signature = sign("AWS4-HMAC-SHA256-PAYLOAD", format!("{EMPTY_SHA256}\n{}", sha256_hex(piece)));
        body.extend(format!("{:x};chunk-signature={signature}\r\n", piece.len()).bytes());
        body.extend_from_slice(piece);
        if !piece.is_empty() {
            body.extend_from_slice(b"\r\n");
        }
    }
    if framing == Framing::SignedTrailer {
        let line = format!("x-amz-checksum-crc32:{trailer}");
        let signature = sign("AWS4-HMAC-SHA256-TRAILER", sha256_hex(format!("{line}\n").as_bytes()));
        body.extend(format!("{line}\r\nx-amz-trailer-signature:{signature}\r\n").bytes());
    }
    body.extend_from_slice(b"\r\n");
    body
}

/// An input is a framing, a step, a place, a change, the length of the first chunk, and the data.
pub(crate) fn signing(bytes: &[u8]) {
    let mut input = Input(bytes);
    let framing = FRAMINGS[1 + usize::from(input.byte()) % 2];
    let step = usize::from(input.byte()) + 1;
    let (place, change, first) = (input.below(1 << 16), input.byte(), input.below(1 << 16));
    let data = input.0;
    let (one, other) = data.split_at(first.min(data.len()));
    let mut body = framed(framing, &[one, other], "AAAAAA==");
    let sound = decode(framing, &body, step);
    let (decoded, trailers) = sound.unwrap_or_else(|error| panic!("{error} in a sound upload"));
    assert_eq!(decoded, data);

    let place = place % body.len();
    body[place] ^= change;
    if let Ok(upload) = decode(framing, &body, step) {
        assert_eq!(upload, (decoded, trailers), "byte {place} was changed and other data taken");
    }
    body[place] ^= change;
    body.truncate(place);
    assert!(decode(framing, &body, step).is_err(), "taken without its end");
}
