//! Reads public keys that are imported, and fingerprints them as EC2 does.
//! Formats: a line of OpenSSH's `authorized_keys` without options, and RFC 4716. Not here yet: SubjectPublicKeyInfo.
//! Source: RFC 4253, section 6.6; RFC 8709; <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html>.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const RSA: &str = "ssh-rsa";
const ED25519: &str = "ssh-ed25519";
/// Longest text that is looked at: an RSA key of 16,384 bits with a long comment.
const MAX_TEXT: usize = 16 * 1024;
/// Sizes of RSA keys, in bits. AWS documents 1024, 2048 and 4096, and takes what `ssh-keygen` makes by default, 3072.
const RSA_BITS: std::ops::RangeInclusive<usize> = 1024..=16384;

/// A public key that is well formed.
#[derive(Debug)]
pub(super) struct PublicKey {
    numbers: Numbers,
    /// SSH's encoding of it.
    blob: Vec<u8>,
}

#[derive(Debug)]
enum Numbers {
    /// Exponent and modulus: big-endian, with a zero byte in front where the first bit is set.
    Rsa(Vec<u8>, Vec<u8>),
    Ed25519,
}

impl PublicKey {
    /// Reads a key.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= MAX_TEXT).ok_or("not a text of a key")?;
        let text = text.trim();
        let (kind, encoded) = if text.starts_with("---- BEGIN SSH2 PUBLIC KEY ----") {
            (None, rfc4716_body(text)?)
        } else {
            if text.contains('\n') {
                return Err("more than one line");
            }
            let mut words = text.split_ascii_whitespace();
            let kind = words.next().filter(|kind| [RSA, ED25519].contains(kind)).ok_or("unknown key type")?;
            (Some(kind), words.next().ok_or("no key after its type")?.to_owned())
        };
        let blob = STANDARD.decode(encoded).map_err(|_| "not Base64")?;
        let numbers = Numbers::parse(&blob)?;
        let key = Self { numbers, blob };
        if kind.is_some_and(|kind| kind != key.ssh_name()) {
            return Err("the key is not of the type in front of it");
        }
        Ok(key)
    }

    /// `rsa` or `ed25519`.
    pub(super) fn type_name(&self) -> &'static str {
        match self.numbers {
            Numbers::Rsa(..) => "rsa",
            Numbers::Ed25519 => "ed25519",
        }
    }

    /// The line of `authorized_keys`, without a comment.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.ssh_name(), STANDARD.encode(&self.blob))
    }

    /// As EC2 shows it for imported keys: the MD5 of an RSA key as DER SubjectPublicKeyInfo in hexadecimal pairs, the
    /// SHA-256 of an Ed25519 key's SSH encoding in padded Base64.
    pub(super) fn fingerprint(&self) -> String {
        match &self.numbers {
            Numbers::Rsa(exponent, modulus) => {
                let sum = md5::of(&subject_public_key_info(exponent, modulus));
                let pairs: Vec<String> = sum.iter().map(|byte| format!("{byte:02x}")).collect();
                pairs.join(":")
            }
            Numbers::Ed25519 => STANDARD.encode(digest(&SHA256, &self.blob)),
        }
    }

    fn ssh_name(&self) -> &'static str {
        match self.numbers {
            Numbers::Rsa(..) => RSA,
            Numbers::Ed25519 => ED25519,
        }
    }
}

impl Numbers {
    fn parse(blob: &[u8]) -> Result<Self, &'static str> {
        const CUT: &str = "the key is cut off";
        let (name, rest) = take_string(blob).ok_or(CUT)?;
        let (numbers, rest) = if name == RSA.as_bytes() {
            let (exponent, rest) = take_string(rest).ok_or(CUT)?;
            let (modulus, rest) = take_string(rest).ok_or(CUT)?;
            if !is_odd_positive(exponent) || !is_odd_positive(modulus) || bits(exponent) < 2 || bits(exponent) > 64 {
                return Err("not an RSA key");
            }
            if !RSA_BITS.contains(&bits(modulus)) {
                return Err("an RSA key must have 1024 to 16384 bits");
            }
            (Self::Rsa(exponent.to_vec(), modulus.to_vec()), rest)
        } else if name == ED25519.as_bytes() {
            let (point, rest) = take_string(rest).ok_or(CUT)?;
            if point.len() != 32 {
                return Err("an Ed25519 key has 32 bytes");
            }
            (Self::Ed25519, rest)
        } else {
            return Err("unknown key type");
        };
        if rest.is_empty() { Ok(numbers) } else { Err("there is something after the key") }
    }
}

/// Whether bytes are an odd positive number in the one form that RFC 4251 allows for it.
fn is_odd_positive(number: &[u8]) -> bool {
    let is_shortest = match number {
        [0, second, ..] => second & 0x80 != 0,
        [first, ..] => first & 0x80 == 0,
        [] => false,
    };
    is_shortest && number.last().is_some_and(|last| last & 1 == 1)
}

fn bits(number: &[u8]) -> usize {
    let digits = number.strip_prefix(&[0]).unwrap_or(number);
    digits.first().map_or(0, |first| digits.len() * 8 - first.leading_zeros() as usize)
}

fn take_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// The Base64 text between the marks, without headers (which go on in the next line after a `\`).
fn rfc4716_body(text: &str) -> Result<String, &'static str> {
    let mut lines = text.lines().map(str::trim_end).skip(1);
    let mut body = String::new();
    while let Some(line) = lines.next() {
        if line == "---- END SSH2 PUBLIC KEY ----" {
            return Ok(body);
        }
        if line.contains(':') {
            let mut header = line;
            while header.ends_with('\\') {
                header = lines.next().ok_or("a header has no end")?;
            }
        } else {
            body.push_str(line);
        }
    }
    Err("no end mark")
}

/// DER of the key. Source: RFC 3279, section 2.3.1.
fn subject_public_key_info(exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    // AlgorithmIdentifier: rsaEncryption (1.2.840.113549.1.1.1) without parameters.
    const ALGORITHM: &[u8] =
        &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let key = element(0x30, &[element(0x02, modulus), element(0x02, exponent)].concat());
    let bit_string = element(0x03, &[&[0][..], &key].concat());
    element(0x30, &[ALGORITHM, &bit_string].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits = &length[length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1)..];
    let mut bytes = vec![tag];
    match digits {
        [short] if *short < 0x80 => bytes.push(*short),
        _ => {
            // No more than eight digits, so the low bits have room.
            bytes.push(0x80 | digits.len() as u8);
            bytes.extend(digits);
        }
    }
    bytes.extend(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::PublicKey;

    // Made and fingerprinted by ssh-keygen and openssl.
    const RSA: &str = concat!(
        "AAAAB3NzaC1yc2EAAAADAQABAAABAQDHqoHmIn7FoaxLIF7bZVxMdLTd+ssMJj4IcVguSr4V3LunV8DNScBMuQcE7gFOdeRt",
        "I1YLjfyMD8bcF7o+6da5cyYCCoMvl7edHk/v31JYuRq2q5cKcpF6Gg+9uu2Zt5dJ0OKZ3UG0xDOp/I+Py5Ct1lWkd/38Yuqm",
        "EUwJRXZXC0dTkfPo0L5oDa4bkJd1t66mH6jFtuMS2iZ0CsywCHAJczYgtDtkqeiyG/KicRLK2NQ8m0vL0AB3OFc3b5QYBY8J",
        "oLxsrvY8iwcBAjj5oyp9c4LF+eEXGeOFvCfHHks/qhepDYHZUHoTeLQGTqjHGHMvxMdH0o1hOFvwniJPLj6T",
    );
    const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIEJ8GgslUqzrLUG0DXo/mnfnnCTgm/6wqcxnfGyycb/0";
    const ECDSA: &str = concat!(
        "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMKvksETqZOJ3y36EZTAom+JeoL18JBB/T40LyKqCSwg",
        "znR8iEHMuvzDq9D0lW4ZjzEZehHwDZUBxTITE8r7tCc=",
    );
    const RSA_FINGERPRINT: &str = "26:6b:3f:19:3f:53:1b:be:02:a7:68:3d:74:21:79:e8";
    const ED25519_FINGERPRINT: &str = "O9ajQiiq2N9nlf9B/so8Y+EHtxlSQbEa0tR2ERpUgTA=";

    fn check(text: &str, expected: Result<(&str, &str), &str>) {
        let key = PublicKey::parse(text.as_bytes());
        let outcome = key.map(|key| (key.type_name(), key.fingerprint()));
        assert_eq!(outcome, expected.map(|(kind, fingerprint)| (kind, fingerprint.to_owned())), "{text}");
    }

    #[test]
    fn good_keys() {
        check(&format!("ssh-rsa {RSA}"), Ok(("rsa", RSA_FINGERPRINT)));
        check(&format!("ssh-rsa {RSA} me@home with words\n"), Ok(("rsa", RSA_FINGERPRINT)));
        check(&format!("ssh-ed25519 {ED25519} me\n"), Ok(("ed25519", ED25519_FINGERPRINT)));
        let (first, second) = RSA.split_at(70);
        let text = format!(
            "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"one \\\ntwo\"\n{first}\n{second}\n---- END SSH2 PUBLIC KEY ----\n"
        );
        check(&text, Ok(("rsa", RSA_FINGERPRINT)));
        let key = PublicKey::parse(format!("ssh-rsa {RSA} me").as_bytes()).unwrap();
        assert_eq!(key.line(), format!("ssh-rsa {RSA}"));
    }

    #[test]
    fn bad_keys() {
        check("", Err("unknown key type"));
        check("ssh-rsa", Err("no key after its type"));
        check("ssh-rsa !", Err("not Base64"));
        check("ssh-rsa AAAA", Err("the key is cut off"));
        check(&format!("ssh-rsa {ED25519}"), Err("the key is not of the type in front of it"));
        check(&format!("ssh-ed25519 {ECDSA}"), Err("unknown key type"));
        check(&format!("command=\"x\" ssh-rsa {RSA}"), Err("unknown key type"));
        check(&format!("ssh-rsa {RSA}\nssh-rsa {RSA}"), Err("more than one line"));
        check(&format!("ssh-ed25519 {}", &ED25519[..64]), Err("the key is cut off"));
        check(&format!("---- BEGIN SSH2 PUBLIC KEY ----\n{RSA}"), Err("no end mark"));
        // 512 bits: e = 65537, n = 64 bytes of ff.
        let small = "AAAAB3NzaC1yc2EAAAADAQABAAAAQQD/////////////////////////////////////////////////////////////////////////////////////";
        check(&format!("ssh-rsa {small}"), Err("an RSA key must have 1024 to 16384 bits"));
    }
}
