//! JSON as policies are written in it: every object and list knows where it stands in the text, names must not repeat.
//! Not here: what a policy may say. `serde_json` tells neither places nor repeated names apart.

use std::collections::HashSet;

/// Deeper than any policy: the grammar ends at the eighth level.
const DEPTH: usize = 16;

/// Longer than any policy: IAM's API takes 131,072 characters, the longest that services keep is 20 KB.
const LENGTH: usize = 2 << 20;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Json,
    /// Byte of its first character.
    pub(crate) start: usize,
    /// Byte after its last character.
    pub(crate) end: usize,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    String(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// The text is no JSON, or one with repeated names, or too deep or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotJson;

/// Reads a whole text.
pub(crate) fn parse(text: &str) -> Result<Node, NotJson> {
    if text.len() > LENGTH {
        return Err(NotJson);
    }
    let mut reader = Reader { text, at: 0 };
    let node = reader.value(0)?;
    reader.space();
    if reader.at == text.len() { Ok(node) } else { Err(NotJson) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Result<(), NotJson> {
        if self.is_next(wanted) { Ok(()) } else { Err(NotJson) }
    }

    fn is_next(&mut self, wanted: u8) -> bool {
        let is_next = self.peek() == Some(wanted);
        self.at += usize::from(is_next);
        is_next
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, NotJson> {
        if depth > DEPTH {
            return Err(NotJson);
        }
        self.space();
        let start = self.at;
        let value = match self.peek().ok_or(NotJson)? {
            b'{' => Json::Object(self.object(depth)?),
            b'[' => Json::List(self.list(depth)?),
            b'"' => Json::String(self.string()?),
            b't' => self.word("true", Json::Bool(true))?,
            b'f' => self.word("false", Json::Bool(false))?,
            b'n' => self.word("null", Json::Null)?,
            _ => Json::Number(self.number()?),
        };
        Ok(Node { value, start, end: self.at })
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, NotJson> {
        let rest = self.text.get(self.at..).ok_or(NotJson)?;
        if !rest.starts_with(word) {
            return Err(NotJson);
        }
        self.at += word.len();
        Ok(value)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, NotJson> {
        self.take(b'[')?;
        let mut list = Vec::new();
        self.space();
        if self.is_next(b']') {
            return Ok(list);
        }
        loop {
            list.push(self.value(depth + 1)?);
            self.space();
            if self.is_next(b']') {
                return Ok(list);
            }
            self.take(b',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Vec<(String, Node)>, NotJson> {
        self.take(b'{')?;
        let mut members: Vec<(String, Node)> = Vec::new();
        self.space();
        if self.is_next(b'}') {
            return Ok(members);
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.take(b':')?;
            let value = self.value(depth + 1)?;
            members.push((name, value));
            self.space();
            if self.is_next(b'}') {
                break;
            }
            self.take(b',')?;
        }
        let names: HashSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        if names.len() == members.len() { Ok(members) } else { Err(NotJson) }
    }

    fn number(&mut self) -> Result<String, NotJson> {
        let start = self.at;
        self.is_next(b'-');
        if !self.is_next(b'0') {
            self.digits()?;
        }
        if self.is_next(b'.') {
            self.digits()?;
        }
        if self.is_next(b'e') || self.is_next(b'E') {
            let _has_sign = self.is_next(b'+') || self.is_next(b'-');
            self.digits()?;
        }
        Ok(self.text[start..self.at].to_owned())
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(NotJson) }
    }

    fn string(&mut self) -> Result<String, NotJson> {
        self.take(b'"')?;
        let mut string = String::new();
        loop {
            let start = self.at;
            while matches!(self.peek(), Some(byte) if byte >= 0x20 && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            // Cut at ASCII characters only, so both ends are between characters.
            string.push_str(&self.text[start..self.at]);
            match self.peek().ok_or(NotJson)? {
                b'"' => {
                    self.at += 1;
                    return Ok(string);
                }
                b'\\' => {
                    self.at += 1;
                    string.push(self.escape()?);
                }
                _ => return Err(NotJson),
            }
        }
    }

    fn escape(&mut self) -> Result<char, NotJson> {
        let letter = self.peek().ok_or(NotJson)?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(NotJson),
        })
    }

    fn unicode(&mut self) -> Result<char, NotJson> {
        let first = self.hex()?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first).ok_or(NotJson);
        }
        self.take(b'\\')?;
        self.take(b'u')?;
        let second = self.hex()?;
        if !(0xDC00..0xE000).contains(&second) {
            return Err(NotJson);
        }
        char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)).ok_or(NotJson)
    }

    fn hex(&mut self) -> Result<u32, NotJson> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(NotJson)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotJson);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| NotJson)
    }
}

/// Writes a string as JSON.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::{Json, Node, parse, quote};

    /// What `serde_json` makes of it; numbers as they are written.
    fn plain(node: &Node) -> serde_json::Value {
        match &node.value {
            Json::Null => serde_json::Value::Null,
            Json::Bool(value) => serde_json::Value::Bool(*value),
            Json::Number(text) => serde_json::from_str(text).unwrap(),
            Json::String(text) => serde_json::Value::String(text.clone()),
            Json::List(list) => list.iter().map(plain).collect(),
            Json::Object(members) => members.iter().map(|(name, node)| (name.clone(), plain(node))).collect(),
        }
    }

    #[test]
    fn what_is_json_reads_as_serde_json_reads_it() {
        for text in [
            "{}",
            " [1, -0.5e+10, 0, \"a\\u00e9\\ud83d\\ude00\\n\\/\", true, false, null, {\"a\":[{}]}] ",
            "\"é\"",
            "{\"a\":{\"a\":1},\"b\":2}",
        ] {
            assert_eq!(
                plain(&parse(text).unwrap()),
                serde_json::from_str::<serde_json::Value>(text).unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let deep = "[".repeat(40) + &"]".repeat(40);
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "01",
            "1.",
            "-",
            "1e",
            "\"\n\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "\"\\u12\"",
            "\"\\u+123\"",
            "tru",
            "nul",
            "{} {}",
            "{}x",
            "'a'",
            "{\"a\":1,\"a\":2}",
            &deep,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_know_where_they_stand() {
        let text = "{\"é\": [ {} , 12]}";
        let Json::Object(members) = parse(text).unwrap().value else { panic!() };
        let Json::List(list) = &members[0].1.value else { panic!() };
        assert_eq!(&text[list[0].start..list[0].end], "{}");
        assert_eq!(&text[list[1].start..list[1].end], "12");
    }

    #[test]
    fn quoted_strings_read_back() {
        let text = "a\"\\\n\r\t\u{1}é😀/";
        let mut quoted = String::new();
        quote(text, &mut quoted);
        assert_eq!(parse(&quoted).unwrap().value, Json::String(text.to_owned()));
    }
}
