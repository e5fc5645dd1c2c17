//! The words of identity providers, and certificates: tokens, assertions, metadata, PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::input::Input;

/// A certificate whose private key nobody has kept.
const CERTIFICATE: &str = "MIIBgDCCASWgAwIBAgIUAjdV/Z2/x2ED+vYII3tDhDRAgUwwCgYIKoZIzj0EAwIwFTETMBEGA1UEAwwKZWMuZXhhbXBsZTAeFw0yNjExMjIxMDIzNTZaFw0zNjExMTkxMDIzNTZaMBUxEzARBgNVBAMMCmVjLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATJG99XKsiQ76rDk+BLFwPgmYi/F8z03QPJ0uE+3ry5xu10wTINcc4vVq7rcbenNdnzyUlcgiOKkRSzUfZsnY73o1MwUTAdBgNVHQ4EFgQUhW9mTFoewL/jAwITb1CtgrEnVIIwHwYDVR0jBBgwFoAUhW9mTFoewL/jAwITb1CtgrEnVIIwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAjOR9+x7/A+KfROf1lWsc+72EuQvYWstnHzmc0FfM47sCIQD9ClItITx/nL4opWURNo00NhH5KkgTCJBRKN0fY9yaPA==";
const NOW: Timestamp = Timestamp::constant(1_795_248_000, 0);
/// Bytes of a token that are changed, one at a time.
const CHANGES: usize = 8;

/// See [`crate::TARGETS`]. An input is a line with a set of keys, and a token.
pub(crate) fn tokens(bytes: &[u8]) {
    let mut input = Input(bytes);
    let keys = input.line();
    let Ok(token) = std::str::from_utf8(input.0) else { return };
    if iam::hostile::token_is_signed(token, keys) != Some(true) {
        return;
    }
    assert_eq!(iam::hostile::token_is_signed(token, br#"{"keys":[]}"#), Some(false));
    let (signed, _) = token.rsplit_once('.').unwrap_or_default();
    let step = (signed.len() / CHANGES).max(1);
    for at in (0..signed.len()).step_by(step) {
        let mut other = token.as_bytes().to_vec();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).unwrap_or_default();
        assert_ne!(iam::hostile::token_is_signed(&other, keys), Some(true), "changed at {at}");
    }
}

/// See [`crate::TARGETS`]. An input is a line with the provider's entity id, and a document.
pub(crate) fn assertions(bytes: &[u8]) {
    let mut input = Input(bytes);
    let Ok(entity) = std::str::from_utf8(input.line()) else { return };
    let Ok(document) = std::str::from_utf8(input.0) else { return };
    assert_eq!(iam::hostile::assertion_subject(document, entity, CERTIFICATE, NOW), None);
    if let Some((entity, certificates)) = iam::hostile::metadata(document) {
        assert!(document.len() >= entity.len() + certificates, "nothing that is not there is read");
    }
}

/// See [`crate::TARGETS`].
pub(crate) fn certificates(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(der) = iam::hostile::certificate(text) else { return };
    let written = written(&der);
    assert_eq!(iam::hostile::certificate(&written), Some(der), "{written}");
    assert_eq!(iam::hostile::certificate(&format!("{written}{written}")), None);
}

fn written(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines = base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned() + "\n");
    format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{CERTIFICATE, STANDARD, written};
    use base64::Engine as _;

    #[test]
    fn the_certificate_can_be_used() {
        let der = STANDARD.decode(CERTIFICATE).unwrap();
        assert_eq!(iam::hostile::certificate(&written(&der)), Some(der));
        // A key that cannot be read would believe nobody.
        let document = "<a/>";
        assert_eq!(iam::hostile::assertion_subject(document, "e", CERTIFICATE, super::NOW), None);
    }
}
