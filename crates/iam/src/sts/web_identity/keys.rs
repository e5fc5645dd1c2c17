//! The keys that a provider publishes, as a JSON Web Key Set.
//! Sources: <https://www.rfc-editor.org/rfc/rfc7517>, <https://www.rfc-editor.org/rfc/rfc7518>.

use aws_lc_rs::signature::{
    self, EcdsaVerificationAlgorithm, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Keys of a set beyond this number are not looked at: AWS takes a hundred of each kind.
const MAX_KEYS: usize = 200;

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Es256,
    Es384,
    Es512,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        match self {
            Self::Rs256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Es256 | Self::Es384 | Self::Es512 => None,
        }
    }

    /// The algorithm, its curve and the bytes of a coordinate.
    fn ecdsa(self) -> Option<(&'static EcdsaVerificationAlgorithm, &'static str, usize)> {
        match self {
            Self::Es256 => Some((&signature::ECDSA_P256_SHA256_FIXED, "P-256", 32)),
            Self::Es384 => Some((&signature::ECDSA_P384_SHA384_FIXED, "P-384", 48)),
            Self::Es512 => Some((&signature::ECDSA_P521_SHA512_FIXED, "P-521", 66)),
            Self::Rs256 | Self::Rs384 | Self::Rs512 => None,
        }
    }
}

/// Keys of a provider.
#[derive(Debug, Default)]
pub(super) struct KeySet(Vec<Key>);

/// One of them.
#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    algorithm: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Point { curve: String, x: Vec<u8>, y: Vec<u8> },
}

impl KeySet {
    /// Reads a set; keys that are of no use here are left out. None if it is no set.
    pub(super) fn parse(document: &[u8]) -> Option<Self> {
        let document: Value = serde_json::from_slice(document).ok()?;
        let keys = document.get("keys")?.as_array()?;
        Some(Self(keys.iter().take(MAX_KEYS).filter_map(Key::parse).collect()))
    }

    /// Whether there is a key of this name, or any where no name is given.
    pub(super) fn knows(&self, id: Option<&str>) -> bool {
        self.0.iter().any(|key| id.is_none() || key.id.as_deref() == id)
    }

    /// The keys that a token with this key id and algorithm may be signed with.
    pub(super) fn fitting<'a>(&'a self, id: Option<&'a str>, algorithm: Algorithm) -> impl Iterator<Item = &'a Key> {
        self.0.iter().filter(move |key| {
            (id.is_none() || key.id.as_deref() == id)
                && key.algorithm.as_deref().is_none_or(|only| only == algorithm.name())
        })
    }
}

impl Key {
    fn parse(key: &Value) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).and_then(|text| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok());
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let material = match text("kty")? {
            "RSA" => Material::Rsa { modulus: bytes("n")?, exponent: bytes("e")? },
            "EC" => Material::Point { curve: text("crv")?.to_owned(), x: bytes("x")?, y: bytes("y")? },
            _ => return None,
        };
        Some(Self { id: text("kid").map(str::to_owned), algorithm: text("alg").map(str::to_owned), material })
    }

    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { modulus, exponent } => algorithm.rsa().is_some_and(|parameters| {
                // A number has no zeros in front; some providers put one there.
                let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
                let key = RsaPublicKeyComponents { n: &modulus[zeros..], e: exponent.as_slice() };
                key.verify(parameters, message, signature).is_ok()
            }),
            Material::Point { curve, x, y } => algorithm.ecdsa().is_some_and(|(verification, own, size)| {
                if curve != own || x.len() > size || y.len() > size {
                    return false;
                }
                let mut point = vec![4];
                for coordinate in [x, y] {
                    point.extend(std::iter::repeat_n(0, size - coordinate.len()));
                    point.extend(coordinate);
                }
                UnparsedPublicKey::new(verification, point).verify(message, signature).is_ok()
            }),
        }
    }
}
