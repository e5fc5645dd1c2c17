//! A small XML writer: elements, attributes and escaped text into a string.

/// Writes one document.
pub(crate) struct XmlWriter {
    text: String,
    has_plain_quotes: bool,
}

impl XmlWriter {
    /// A document with an XML declaration.
    pub fn new() -> Self {
        let mut text = String::with_capacity(8192);
        text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        Self { text, has_plain_quotes: false }
    }

    /// The same, with quotes in texts as they are: so S3 writes its errors. It has no attributes.
    pub fn with_plain_quotes() -> Self {
        Self { has_plain_quotes: true, ..Self::new() }
    }

    /// Opens an element.
    pub fn open(&mut self, name: &str) {
        self.open_with(name, []);
    }

    /// Opens an element with attributes.
    pub fn open_with<'a>(&mut self, name: &str, attributes: impl IntoIterator<Item = (&'a str, &'a str)>) {
        self.start(name, attributes);
        self.text.push('>');
    }

    fn start<'a>(&mut self, name: &str, attributes: impl IntoIterator<Item = (&'a str, &'a str)>) {
        self.text.push('<');
        self.text.push_str(name);
        for (attribute, value) in attributes {
            self.text.push(' ');
            self.text.push_str(attribute);
            self.text.push_str("=\"");
            self.escape(value);
            self.text.push('"');
        }
    }

    /// Closes an element.
    pub fn close(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str) {
        self.start(name, []);
        self.text.push_str("/>");
    }

    /// An element that holds only text.
    pub fn leaf(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            return self.empty(name);
        }
        self.open(name);
        self.text(text);
        self.close(name);
    }

    /// Text within the open element.
    pub fn text(&mut self, text: &str) {
        self.escape(text);
    }

    /// The document.
    pub fn finish(self) -> String {
        self.text
    }

    /// Control characters become references. XML 1.0 forbids most of them even so, but S3 writes keys that contain them
    /// in this way, and a lenient reader gets them back; a raw one would be lost or normalised.
    fn escape(&mut self, text: &str) {
        // Nearly every text is plain, and then it is one copy.
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"')) {
            return self.text.push_str(text);
        }
        for character in text.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' if !self.has_plain_quotes => self.text.push_str("&quot;"),
                '\n' => self.text.push('\n'),
                '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                    self.text.push_str(&format!("&#x{:x};", u32::from(character)));
                }
                other => self.text.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::XmlWriter;

    #[test]
    fn texts_are_escaped_whole() {
        let escaped = |text: &str| {
            let mut out = XmlWriter { text: String::new(), has_plain_quotes: false };
            out.text(text);
            out.finish()
        };
        for (text, expected) in [
            ("plain ~ text'", "plain ~ text'"),
            ("a&b<c>d\"e", "a&amp;b&lt;c&gt;d&quot;e"),
            ("\u{1f}\n\t\u{7f}", "&#x1f;\n&#x9;&#x7f;"),
            ("ä€\u{85}\u{ffff}", "ä€&#x85;&#xffff;"),
        ] {
            assert_eq!(escaped(text), expected, "{text:?}");
        }
    }
}
