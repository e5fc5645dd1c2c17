//! JSON written straight into a line. By hand because it is on the path of every call: no tree, no allocation.

use std::fmt::Write as _;

/// Writes `text` as a JSON string.
pub(crate) fn string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            // Writing to a string can't fail.
            other => drop(write!(out, "\\u{other:04x}")),
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// A text as a JSON string, with its quotes.
pub fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    string(&mut out, text);
    out
}

/// Writes at most `limit` bytes of `text`, and an ellipsis if that is not all.
pub(crate) fn bounded(out: &mut String, text: &str, limit: usize) {
    if text.len() <= limit {
        return string(out, text);
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    string(out, &text[..end]);
    out.pop();
    out.push_str("…\"");
}

/// Writes a member whose value is a string, with a comma before it unless the object has just been opened.
pub(crate) fn member(out: &mut String, name: &str, text: &str) {
    key(out, name);
    string(out, text);
}

/// Writes the name of a member.
pub(crate) fn key(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    string(out, name);
    out.push(':');
}

#[cfg(test)]
mod tests {
    use super::{bounded, member, string};

    #[test]
    fn every_string_comes_back() {
        for text in ["", "plain", "a\"b\\c", "line\nfeed\r\t", "\u{1}\u{1f}", "žluť 🦀", "\"", "\\"] {
            let mut out = String::new();
            string(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let mut out = String::new();
        bounded(&mut out, "ääää", 3);
        assert_eq!(out, "\"ä…\"");
    }

    #[test]
    fn members_are_parted_by_commas() {
        let mut out = "{".to_owned();
        member(&mut out, "a", "1");
        member(&mut out, "b", "2");
        assert_eq!(out, r#"{"a":"1","b":"2""#);
    }
}
