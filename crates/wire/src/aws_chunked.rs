//! S3's `aws-chunked` upload framing: chunks with optional signatures, and trailing headers.
//! A state machine over bytes; the caller feeds it what arrives and takes what is decoded.
//! Not here: the checksums that trailers carry (the service compares them with the bytes).
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html> and `sigv4-streaming-trailers.html`.

use aws_lc_rs::digest;
use bytes::{Buf, Bytes, BytesMut};

use crate::sigv4::{EMPTY_SHA256, SigningKey, hex, sha256_hex};

/// Longest chunk header or trailer line, in bytes.
const MAX_LINE: usize = 2048;
/// Most trailing headers.
const MAX_TRAILERS: usize = 16;
/// Largest single chunk that is taken: 5 GiB, as large as a whole PUT may be.
const MAX_CHUNK: u64 = 5 << 30;

/// How an upload is framed, by its `x-amz-content-sha256` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`: each chunk is signed.
    Signed,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`: chunks and trailers are signed.
    SignedTrailer,
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`: nothing is signed but the headers of the request.
    UnsignedTrailer,
}

impl Framing {
    /// The framing that a payload marker stands for, if it is one.
    pub fn from_marker(marker: &str) -> Option<Self> {
        match marker {
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Some(Self::Signed),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Some(Self::SignedTrailer),
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Some(Self::UnsignedTrailer),
            _ => None,
        }
    }

    fn is_signed(self) -> bool {
        !matches!(self, Self::UnsignedTrailer)
    }

    fn has_trailers(self) -> bool {
        !matches!(self, Self::Signed)
    }
}

/// What the chunks of a signed upload are verified with.
#[derive(Debug, Clone)]
pub struct ChunkSigner {
    /// The key of the request's scope.
    pub key: SigningKey,
    /// The request's time, `YYYYMMDDTHHMMSSZ`.
    pub amz_date: String,
    /// The request's scope, `date/region/service/aws4_request`.
    pub scope: String,
    /// The signature of the request's headers: the first link of the chain.
    pub seed: String,
}

/// Why a body is not a valid `aws-chunked` upload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// The framing is broken; the text says how.
    #[error("malformed aws-chunked body: {0}")]
    Malformed(&'static str),
    /// A chunk's or the trailer's signature is wrong.
    #[error("a chunk's signature does not match")]
    Signature,
    /// The body ended before its last chunk.
    #[error("the body ended before its last chunk")]
    Incomplete,
}

#[derive(Debug)]
enum State {
    Header,
    Data { left: u64 },
    DataEnd,
    Trailers,
    Done,
}

/// Decodes one upload.
#[derive(Debug)]
pub struct Decoder {
    framing: Framing,
    signer: Option<ChunkSigner>,
    is_checked: bool,
    state: State,
    buffer: BytesMut,
    expected: Option<String>,
    hash: ChunkHash,
    trailers: Vec<(String, String)>,
    trailer_text: String,
    /// An empty line stood behind the trailers, before their signature.
    is_trailer_parted: bool,
    /// The signature of the trailers has come.
    is_trailer_signed: bool,
}

struct ChunkHash(digest::Context);

impl std::fmt::Debug for ChunkHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChunkHash")
    }
}

impl Decoder {
    /// A decoder for one framing. Signed framings need a `signer`; without one every chunk fails its signature.
    pub fn new(framing: Framing, signer: Option<ChunkSigner>) -> Self {
        Self {
            framing,
            signer,
            is_checked: framing.is_signed(),
            state: State::Header,
            buffer: BytesMut::new(),
            expected: None,
            hash: ChunkHash(digest::Context::new(&digest::SHA256)),
            trailers: Vec::new(),
            trailer_text: String::new(),
            is_trailer_parted: false,
            is_trailer_signed: false,
        }
    }

    /// A decoder that asks for no signature, whatever the framing has.
    pub fn unchecked(framing: Framing) -> Self {
        Self { is_checked: false, ..Self::new(framing, None) }
    }

    /// Takes bytes as they arrived and gives what they decode to, in order. Bytes of a signed chunk are given before
    /// its signature has been compared: keep them unpublished until [`Decoder::finish`] succeeds.
    ///
    /// # Errors
    /// Any [`ChunkError`]; the decoder is of no use after one.
    pub fn feed(&mut self, input: Bytes) -> Result<Vec<Bytes>, ChunkError> {
        let mut decoded = Vec::new();
        let mut input = input;
        loop {
            match self.state {
                State::Data { left } => {
                    let take = usize::try_from(left.min(input.len() as u64)).unwrap_or(input.len());
                    if take == 0 {
                        return Ok(decoded);
                    }
                    let data = input.split_to(take);
                    if self.is_checked {
                        self.hash.0.update(&data);
                    }
                    decoded.push(data);
                    let left = left - take as u64;
                    self.state = if left == 0 { State::DataEnd } else { State::Data { left } };
                }
                State::Done => return self.take_rest(&input).map(|()| decoded),
                State::Header | State::DataEnd | State::Trailers => {
                    let Some(line) = self.take_line(&mut input)? else { return Ok(decoded) };
                    self.take_in(&line)?;
                }
            }
        }
    }

    /// Ends the upload and gives the trailing headers, names in lower case.
    ///
    /// # Errors
    /// [`ChunkError::Incomplete`] if the last chunk has not arrived.
    pub fn finish(self) -> Result<Vec<(String, String)>, ChunkError> {
        match self.state {
            State::Done => Ok(self.trailers),
            // Some clients leave out the empty line that closes an empty set of trailers.
            State::Trailers if self.buffer.is_empty() && !self.is_checked => Ok(self.trailers),
            State::Trailers if self.is_trailer_parted && !self.is_trailer_signed => Err(ChunkError::Signature),
            _ => Err(ChunkError::Incomplete),
        }
    }

    /// What follows the end: one more empty line, which minio-go writes behind unsigned trailers.
    fn take_rest(&mut self, input: &[u8]) -> Result<(), ChunkError> {
        self.buffer.extend_from_slice(input);
        if b"\r\n".starts_with(&self.buffer) { Ok(()) } else { Err(ChunkError::Malformed("bytes after the end")) }
    }

    /// One line without its end, or nothing if it has not wholly arrived.
    fn take_line(&mut self, input: &mut Bytes) -> Result<Option<String>, ChunkError> {
        match input.iter().position(|&byte| byte == b'\n') {
            None => {
                self.buffer.extend_from_slice(input);
                input.clear();
                if self.buffer.len() > MAX_LINE { Err(ChunkError::Malformed("line too long")) } else { Ok(None) }
            }
            Some(end) => {
                self.buffer.extend_from_slice(&input.split_to(end));
                input.advance(1);
                let line = self.buffer.split();
                let line = line.strip_suffix(b"\r").unwrap_or(&line);
                if line.len() > MAX_LINE {
                    return Err(ChunkError::Malformed("line too long"));
                }
                let line = std::str::from_utf8(line).map_err(|_| ChunkError::Malformed("line is not UTF-8"))?;
                Ok(Some(line.to_owned()))
            }
        }
    }

    fn take_in(&mut self, line: &str) -> Result<(), ChunkError> {
        match self.state {
            State::Header => self.take_header(line),
            State::DataEnd if line.is_empty() => self.end_chunk().map(|()| self.state = State::Header),
            State::DataEnd => Err(ChunkError::Malformed("chunk longer than its header says")),
            State::Trailers => self.take_trailer(line),
            State::Data { .. } | State::Done => Ok(()),
        }
    }

    fn take_header(&mut self, line: &str) -> Result<(), ChunkError> {
        let (size, extension) = line.split_once(';').unwrap_or((line, ""));
        let size = size.trim();
        if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ChunkError::Malformed("chunk size is not hexadecimal"));
        }
        let size = u64::from_str_radix(size, 16)
            .ok()
            .filter(|size| *size <= MAX_CHUNK)
            .ok_or(ChunkError::Malformed("chunk too large"))?;
        self.expected = extension.trim().strip_prefix("chunk-signature=").map(str::to_owned);
        self.hash = ChunkHash(digest::Context::new(&digest::SHA256));
        if size > 0 {
            self.state = State::Data { left: size };
            return Ok(());
        }
        self.end_chunk()?;
        self.state = State::Trailers;
        Ok(())
    }

    /// Compares the signature of the chunk whose bytes have just ended.
    fn end_chunk(&mut self) -> Result<(), ChunkError> {
        if !self.is_checked {
            self.expected = None;
            return Ok(());
        }
        let fresh = ChunkHash(digest::Context::new(&digest::SHA256));
        let hash = hex(std::mem::replace(&mut self.hash, fresh).0.finish().as_ref());
        let expected = self.expected.take().ok_or(ChunkError::Signature)?;
        self.compare("AWS4-HMAC-SHA256-PAYLOAD", &format!("{EMPTY_SHA256}\n{hash}"), expected)
    }

    fn compare(&mut self, algorithm: &str, tail: &str, given: String) -> Result<(), ChunkError> {
        let signer = self.signer.as_mut().ok_or(ChunkError::Signature)?;
        let text = format!("{algorithm}\n{}\n{}\n{}\n{tail}", signer.amz_date, signer.scope, signer.seed);
        if !signer.key.sign(&text).matches(&given) {
            return Err(ChunkError::Signature);
        }
        signer.seed = given;
        Ok(())
    }

    fn take_trailer(&mut self, line: &str) -> Result<(), ChunkError> {
        if line.is_empty() {
            // The signature follows the trailers it covers; with an empty line between them, as AWS writes and minio-go
            // sends, or without.
            let signature_due = self.framing == Framing::SignedTrailer && !self.is_trailer_signed;
            return match (signature_due, self.trailers.is_empty() || self.is_trailer_parted) {
                (true, true) if self.is_checked => Err(ChunkError::Signature),
                (true, false) => {
                    self.is_trailer_parted = true;
                    Ok(())
                }
                _ => {
                    self.state = State::Done;
                    Ok(())
                }
            };
        }
        if !self.framing.has_trailers() {
            return Err(ChunkError::Malformed("unexpected trailer"));
        }
        let (name, value) = line.split_once(':').ok_or(ChunkError::Malformed("trailer without a colon"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == "x-amz-trailer-signature" {
            if self.is_checked {
                let hash = sha256_hex(self.trailer_text.as_bytes());
                self.compare("AWS4-HMAC-SHA256-TRAILER", &hash, value.to_owned())?;
            }
            self.is_trailer_signed = true;
            return Ok(());
        }
        if self.trailers.len() >= MAX_TRAILERS || self.is_trailer_signed || self.is_trailer_parted {
            return Err(ChunkError::Malformed("too many trailers"));
        }
        self.trailer_text.push_str(&format!("{name}:{value}\n"));
        self.trailers.push((name, value.to_owned()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::{any, proptest};

    use super::{ChunkError, ChunkSigner, Decoder, Framing};
    use crate::sigv4::{Scope, SigningKey};

    /// The data and the trailers.
    type Upload = (Vec<u8>, Vec<(String, String)>);

    fn decode(framing: Framing, signer: Option<ChunkSigner>, body: &[u8], step: usize) -> Result<Upload, ChunkError> {
        let mut decoder = Decoder::new(framing, signer);
        let mut data = Vec::new();
        for piece in body.chunks(step.max(1)) {
            for part in decoder.feed(Bytes::copy_from_slice(piece))? {
                data.extend_from_slice(&part);
            }
        }
        Ok((data, decoder.finish()?))
    }

    /// The upload of 66,560 bytes of `a` in AWS's documentation (its secret opens nothing).
    fn documented() -> (ChunkSigner, Vec<u8>) {
        let scope = Scope { date: "20130524".into(), region: "us-east-1".into(), service: "s3".into() };
        let signer = ChunkSigner {
            key: SigningKey::derive("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", &scope),
            amz_date: "20130524T000000Z".into(),
            scope: scope.to_string(),
            seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9".into(),
        };
        let mut body =
            b"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n".to_vec();
        body.extend(std::iter::repeat_n(b'a', 65_536));
        body.extend(b"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n");
        body.extend(std::iter::repeat_n(b'a', 1024));
        body.extend(b"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n");
        (signer, body)
    }

    #[test]
    fn documented_signed_upload() {
        for step in [1, 7, 1000, 100_000] {
            let (signer, body) = documented();
            let (data, trailers) = decode(Framing::Signed, Some(signer), &body, step).unwrap();
            assert_eq!((data.len(), trailers.len()), (66_560, 0));
        }
    }

    /// The same upload with a trailing checksum.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>
    fn documented_with_trailer() -> (ChunkSigner, Vec<u8>) {
        let (signer, _) = documented();
        let seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e".into();
        let mut body =
            b"10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n".to_vec();
        body.extend(std::iter::repeat_n(b'a', 65_536));
        body.extend(b"\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n");
        body.extend(std::iter::repeat_n(b'a', 1024));
        body.extend(b"\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n");
        body.extend(b"x-amz-checksum-crc32c:sOO8/Q==\r\n");
        body.extend(
            b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
        );
        (ChunkSigner { seed, ..signer }, body)
    }

    #[test]
    fn documented_signed_upload_with_trailer() {
        let trailer = ("x-amz-checksum-crc32c".to_owned(), "sOO8/Q==".to_owned());
        for step in [1, 1000, 100_000] {
            let (signer, body) = documented_with_trailer();
            let (data, trailers) = decode(Framing::SignedTrailer, Some(signer), &body, step).unwrap();
            assert_eq!((data.len(), trailers), (66_560, vec![trailer.clone()]));
        }
        let (signer, body) = documented_with_trailer();
        for (from, to) in [
            ("sOO8/Q==", "sOO8/R=="),
            ("x-amz-trailer-signature:d8", "x-amz-trailer-signature:d9"),
            ("x-amz-trailer-signature", "x-amz-other"),
        ] {
            let body = String::from_utf8(body.clone()).unwrap().replace(from, to);
            let refused = decode(Framing::SignedTrailer, Some(signer.clone()), body.as_bytes(), 1000).unwrap_err();
            assert_eq!(refused, ChunkError::Signature, "{to}");
        }
    }

    /// What the documentation's grammar says and minio-go sends: `\n\r\n` between the trailers and their signature.
    #[test]
    fn an_empty_line_may_part_the_trailers_from_their_signature() {
        let (signer, body) = documented_with_trailer();
        let parted = String::from_utf8(body).unwrap().replace("sOO8/Q==\r\n", "sOO8/Q==\n\r\n");
        for step in [1, 1000, 100_000] {
            let (data, trailers) =
                decode(Framing::SignedTrailer, Some(signer.clone()), parted.as_bytes(), step).unwrap();
            assert_eq!((data.len(), trailers.len()), (66_560, 1));
        }
        for (from, to) in
            [("sOO8/Q==\n\r\n", "sOO8/Q==\n\r\n\r\n"), ("\nx-amz-trailer", "\nx-amz-more:1\r\nx-amz-trailer")]
        {
            let body = parted.replace(from, to);
            assert!(decode(Framing::SignedTrailer, Some(signer.clone()), body.as_bytes(), 1000).is_err(), "{to:?}");
        }
    }

    #[test]
    fn an_empty_line_more_behind_unsigned_trailers_is_taken() {
        let body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n";
        for step in [1, 3, 100] {
            let (data, trailers) = decode(Framing::UnsignedTrailer, None, body, step).unwrap();
            assert_eq!((data.as_slice(), trailers.len()), (&b"hello"[..], 1));
        }
        for more in ["\r\n", "x", "\n"] {
            let body = [body.as_slice(), more.as_bytes()].concat();
            assert!(decode(Framing::UnsignedTrailer, None, &body, 64).is_err(), "{more:?}");
        }
    }

    #[test]
    fn who_is_believed_sends_signatures_that_nobody_reads() {
        for (framing, body, trailers) in
            [(Framing::Signed, documented().1, 0), (Framing::SignedTrailer, documented_with_trailer().1, 1)]
        {
            let mut decoder = Decoder::unchecked(framing);
            let parts = decoder.feed(Bytes::from(body)).unwrap();
            assert_eq!(parts.iter().map(Bytes::len).sum::<usize>(), 66_560);
            assert_eq!(decoder.finish().unwrap().len(), trailers);
        }
    }

    #[test]
    fn a_changed_byte_fails_its_chunk() {
        let (signer, mut body) = documented();
        body[200] = b'b';
        assert_eq!(decode(Framing::Signed, Some(signer), &body, 100).unwrap_err(), ChunkError::Signature);
    }

    #[test]
    fn unsigned_with_trailer() {
        let body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
        for step in [1, 3, 100] {
            let (data, trailers) = decode(Framing::UnsignedTrailer, None, body, step).unwrap();
            assert_eq!(data, b"hello");
            assert_eq!(trailers, [("x-amz-checksum-crc32".to_owned(), "NhCmhg==".to_owned())]);
        }
    }

    #[test]
    fn broken_framings_are_refused() {
        for body in [
            &b"5\r\nhel"[..],
            b"5\r\nhello\r\n",
            b"zz\r\n",
            b"\r\n",
            b"5\r\nhelloo\r\n0\r\n\r\n",
            b"-1\r\n",
            b"0\r\n\r\nx",
            b"fffffffffffffffff\r\n",
        ] {
            assert!(decode(Framing::UnsignedTrailer, None, body, 64).is_err(), "{:?}", String::from_utf8_lossy(body));
        }
        let unsigned = b"5\r\nhello\r\n0\r\n\r\n";
        assert_eq!(decode(Framing::Signed, None, unsigned, 64).unwrap_err(), ChunkError::Signature);
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_a_result(body in proptest::collection::vec(any::<u8>(), 0..400), step in 1usize..50) {
            for framing in [Framing::Signed, Framing::SignedTrailer, Framing::UnsignedTrailer] {
                let _ = decode(framing, None, &body, step);
            }
        }

        #[test]
        fn any_split_decodes_alike(data in proptest::collection::vec(any::<u8>(), 1..2000), step in 1usize..700) {
            let mut body = format!("{:x}\r\n", data.len()).into_bytes();
            body.extend(&data);
            body.extend(b"\r\n0\r\n\r\n");
            assert_eq!(decode(Framing::UnsignedTrailer, None, &body, step).unwrap().0, data);
        }
    }
}
