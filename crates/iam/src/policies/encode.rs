//! Documents as IAM gives them out: percent-encoded.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html> ("URL-encoded compliant with RFC
//! 3986").

use std::fmt::Write as _;

/// All but RFC 3986's unreserved characters as `%XX`.
pub(crate) fn encoded(document: &str) -> String {
    let mut text = String::with_capacity(document.len() * 2);
    for byte in document.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encoded("{\"a-._~Z9\": [\"*\n/ü\"]}"), "%7B%22a-._~Z9%22%3A%20%5B%22%2A%0A%2F%C3%BC%22%5D%7D");
    }
}
